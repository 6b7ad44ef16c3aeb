"""Quarantine: what could not be used, and where it may be kept, the document it stood in.

It lies in the store on which acceptance depends, so that every process sees the same. An *entry*
is one reject of one document; the same reject of the same document is the same entry, however
often it comes. Raw text is kept only where it cannot hold a person's data, and only as long as an
entry that came from it is open. All is bounded: the oldest goes first, what a person has closed
before what is open, and what was dropped while open is counted.
"""

import hashlib
import html
import logging
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.resources import files
from typing import Any

import orjson

from capacity.board.connection import Script, Store
from capacity.board.keys import PREFIX
from capacity.board.store import asking
from capacity.instants import epoch_millis, from_epoch_millis
from capacity.model import Reject
from capacity.privacy import CPR_REASON, holds_cpr

log = logging.getLogger(__name__)

ENTRIES_PER_SOURCE = 1000
RAW_BYTES = 64 * 1024 * 1024
"""Compressed raw texts of all sources together."""
DOCUMENT_BYTES = 256 * 1024
"""A larger document is not kept, only told of."""
ENTRIES_PER_DOCUMENT = 200
"""Rejects kept of one document; the first ones tell what is wrong with it."""

_SCRIPT = files("capacity.board").joinpath("quarantine.lua").read_text(encoding="utf-8")
_TAG = f"{PREFIX}:{{quarantine}}"
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_NINE_DIGITS = re.compile(r"(?<!\d)(?=\d{9}(?!\d))")
"""Before a number that may have lost its leading zero."""


class Kept(StrEnum):
    """Whether the raw text may be kept, or why not."""

    YES = "yes"
    PATIENTS = "patients"
    """Its format can carry patients."""
    CPR = "cpr"
    """It holds what looks like a person number."""
    BINARY = "binary"
    """It is no text, so nobody can see what it holds."""
    LARGE = "large"


class State(StrEnum):
    """What became of an entry."""

    OPEN = "open"
    DISMISSED = "dismissed"
    REPLAYED = "replayed"
    """Its document was read again and this fault no longer occurred."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document that had rejects: its identity, and its text where that may be kept."""

    id: str
    kept: Kept
    raw: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One reject: where it stood, how often it came, and what became of it."""

    id: str
    source: str
    where: str
    field: str
    reason: str
    document: str
    kept: Kept
    at: datetime
    last_seen: datetime
    count: int
    state: State
    by: str | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How full one source's part is; `dropped` and `let_go` count since the store began."""

    open: int
    closed: int
    dropped: int
    """Entries that were dropped while open, because there were too many."""
    let_go: int
    """Raw texts that were let go while an entry needed them."""


class Quarantine:
    """The quarantine of all sources in one Redis/Valkey server.

    Every call may raise `capacity.board.BoardUnavailableError`; repeating it is safe.
    """

    def __init__(
        self,
        url: str,
        *,
        entries_per_source: int = ENTRIES_PER_SOURCE,
        raw_bytes: int = RAW_BYTES,
    ) -> None:
        self._store = Store(url)
        self._client = self._store.at(_TAG)
        self._write = Script(self._store, _SCRIPT)
        self._entries_per_source = entries_per_source
        self._raw_bytes = raw_bytes
        self._dropping: set[str] = set()

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()

    async def put(
        self, source: str, rejects: Sequence[Reject], document: Document, now: datetime
    ) -> None:
        """Keep the rejects of one document, and the document if it may be kept."""
        if not rejects:
            return
        kept = entries_of(source, rejects, document)
        left_out = len(set(rejects)) - len(kept)
        raw = zlib.compress(document.raw, 6) if document.kept is Kept.YES else b""
        millis = epoch_millis(now)
        times = {"at": millis, "last_seen": millis, "count": 1, "state": State.OPEN}
        arguments: list[str | bytes | int] = [
            "put", millis, source, self._entries_per_source, self._raw_bytes, left_out,
            document.id, raw,
        ]  # fmt: skip
        for entry_id, reject in kept.items():
            told = {"source": source, "document": document.id, "kept": document.kept}
            arguments += [entry_id, orjson.dumps(told | reject.as_json() | times)]
        async with asking():
            dropped, let_go = await self._write(_keys(source), arguments)
            await self._client.sadd(f"{_TAG}:sources", source)
        self._tell(source, dropped, let_go)

    async def close(
        self, source: str, ids: Iterable[str], state: State, by: str, now: datetime
    ) -> list[str]:
        """Close those entries of a source that are open; answers which this call has closed."""
        arguments: list[str | int] = ["close", epoch_millis(now), state, by, *ids]
        async with asking():
            done: Any = await self._write(_keys(source), arguments)
        return [entry_id.decode() for entry_id in done]

    async def entry(self, entry_id: str) -> Entry | None:
        """One entry, or ``None`` when there is none of that id (any more)."""
        async with asking():
            found: Any = await self._client.hget(_key("entries", source_of(entry_id)), entry_id)
        return None if found is None else _entry(entry_id, found)

    async def entries(self, source: str, *, closed: bool = False) -> list[Entry]:
        """The open entries of one source, or the closed ones; the latest first."""
        async with asking():
            found: Any = await self._client.hgetall(_key("entries", source))
        every = (_entry(entry_id.decode(), text) for entry_id, text in found.items())
        chosen = [entry for entry in every if (entry.state is not State.OPEN) is closed]
        return sorted(chosen, key=lambda entry: (entry.last_seen, entry.id), reverse=True)

    async def raw(self, document_id: str) -> bytes | None:
        """The raw text of a document, or ``None`` when it is not kept (any more)."""
        async with asking():
            found: Any = await self._client.hget(f"{_TAG}:documents", document_id)
        return None if found is None else zlib.decompress(found)

    async def forget(self, document_id: str) -> None:
        """Let a raw text go."""
        async with asking():
            await self._write(_keys(source_of(document_id)), ["forget", document_id])

    async def tallies(self) -> dict[str, Tally]:
        """How full it is, for every source that ever had an entry, by source id."""
        async with asking():
            members: Any = await self._client.smembers(f"{_TAG}:sources")
            sources = sorted(source.decode() for source in members)
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hgetall(f"{_TAG}:totals")
                for source in sources:
                    pipe.zcard(_key("open", source))
                    pipe.zcard(_key("closed", source))
                totals, *cards = await pipe.execute()
        return {
            source: Tally(
                open=cards[2 * index],
                closed=cards[2 * index + 1],
                dropped=int(totals.get(f"dropped:{source}".encode(), 0)),
                let_go=int(totals.get(f"let_go:{source}".encode(), 0)),
            )
            for index, source in enumerate(sources)
        }

    async def bytes_kept(self) -> int:
        """Bytes of all raw texts, compressed."""
        async with asking():
            found: Any = await self._client.hget(f"{_TAG}:totals", "bytes")
        return int(found or 0)

    def _tell(self, source: str, dropped: int, let_go: int) -> None:
        """One line when dropping begins, not one for each document."""
        if not dropped and not let_go:
            self._dropping.discard(source)
        elif source not in self._dropping:
            self._dropping.add(source)
            log.warning(
                "quarantine is full at source %s: %d entries dropped, %d raw documents let go; "
                "further drops are counted, not logged",
                source,
                dropped,
                let_go,
            )


def document_of(
    source: str, raw: bytes | None, rejects: Sequence[Reject], *, carries_patients: bool
) -> Document:
    """What to keep of a document with rejects; `raw` is ``None`` when it was never loaded.

    A document whose text must not be kept is known by its rejects, not by a digest of its text:
    a digest of a short text gives the text away to whoever tries all person numbers.
    """
    kept = Kept.LARGE if raw is None else _kept(raw, rejects, carries_patients)
    if raw is not None and kept in (Kept.YES, Kept.LARGE):
        identity = raw
    else:
        identity = orjson.dumps([reject.as_json() for reject in rejects])
    digest = hashlib.blake2b(identity, digest_size=8, person=kept.value.encode()).hexdigest()
    return Document(f"{source}.{digest}", kept, raw if raw and kept is Kept.YES else b"")


def entries_of(source: str, rejects: Iterable[Reject], document: Document) -> dict[str, Reject]:
    """The first rejects of a document by the ids that their entries have."""
    found: dict[str, Reject] = {}
    for reject in rejects:
        safe = _without_persons(reject)
        identity = orjson.dumps([document.id, safe.where, safe.field, safe.reason])
        digest = hashlib.blake2b(identity, digest_size=6).hexdigest()
        found.setdefault(f"{source}.{digest}", safe)
        if len(found) == ENTRIES_PER_DOCUMENT:
            break
    return found


def source_of(some_id: str) -> str:
    """The source that the id of an entry or a document begins with."""
    return some_id.rpartition(".")[0]


def _kept(raw: bytes, rejects: Sequence[Reject], carries_patients: bool) -> Kept:
    if carries_patients:
        return Kept.PATIENTS
    if any(reject.reason == CPR_REASON for reject in rejects):
        return Kept.CPR
    if len(raw) > DOCUMENT_BYTES:
        return Kept.LARGE
    if b"\0" in raw or raw.startswith(b"PK\x03\x04"):
        return Kept.BINARY
    return Kept.CPR if _may_name_a_person(raw) else Kept.YES


def _may_name_a_person(raw: bytes) -> bool:
    """Whether a text holds a person number, also one written by escapes or without its zero."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    plain = html.unescape(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text))
    return holds_cpr(text) or holds_cpr(_NINE_DIGITS.sub("0", plain))


def _without_persons(reject: Reject) -> Reject:
    """Rejects never repeat content; should one do so all the same, it stops here."""
    texts = (reject.where, reject.field, reject.reason)
    return Reject(*("(withheld)" if holds_cpr(text) else text for text in texts))


def _key(what: str, source: str) -> str:
    return f"{_TAG}:{what}:{source}"


def _keys(source: str) -> list[str]:
    """All keys, in the order that quarantine.lua documents."""
    own = [_key(what, source) for what in ("entries", "open", "closed")]
    return own + [f"{_TAG}:{what}" for what in ("documents", "ages", "uses", "totals")]


def _entry(entry_id: str, text: bytes) -> Entry:
    values: Mapping[str, Any] = orjson.loads(text)
    times = {
        name: from_epoch_millis(int(values[name]))
        for name in ("at", "last_seen", "closed_at")
        if name in values
    }
    kept, state = Kept(values["kept"]), State(values["state"])
    return Entry(**{**values, **times, "id": entry_id, "kept": kept, "state": state})
