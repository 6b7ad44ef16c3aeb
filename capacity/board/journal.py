"""Reading the journal: the stream of everything that people and rules did in one cluster.

Holds, outcomes, surge levels and reminders are written to it by the very call that makes the
change, so an entry is as durable as what it tells of. Entries have no number of their own; the
store counts how many it ever added, which tells whether any left before they were read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from capacity.board.keys import ClusterKeys
from capacity.instants import from_epoch_millis

JOURNAL_LENGTH = 100_000
"""Entries kept per cluster: about a year of the busiest one, for a history that was away."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that was done: what `kind`, when by the store's clock, and its JSON object."""

    stream_id: str
    kind: str
    at: datetime
    data: bytes

    @property
    def subject(self) -> str | None:
        """The id of the hold or outcome that it is about; ``None`` when it is about neither."""
        try:
            value = orjson.loads(self.data).get("id")
        except (ValueError, AttributeError):
            return None
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class JournalRead:
    """Entries that follow a place in the journal, oldest first.

    `first_number` is the number of the first entry that the stream still holds, counting every
    entry ever added from 1 (one past the last when it holds none). `found_place` tells whether
    the entry that one asked to read on from is still there; there is none at the beginning.
    """

    entries: tuple[JournalEntry, ...]
    first_number: int
    found_place: bool


async def read_journal(client: Redis, cluster: str, stream_id: str, count: int) -> JournalRead:
    """Up to `count` entries after `stream_id`, with what tells whether some are missing.

    Raises what the client raises; the caller bounds the time.
    """
    key = ClusterKeys(cluster).journal
    async with client.pipeline(transaction=True) as pipe:
        pipe.xinfo_stream(key)
        pipe.xrange(key, min=stream_id, count=count + 1)
        result: Any = await pipe.execute(raise_on_error=False)
    about, found = result
    if isinstance(found, Exception):
        raise found
    if isinstance(about, Exception):
        if not (isinstance(about, ResponseError) and "no such key" in str(about)):
            raise about
        about = {"entries-added": 0, "length": 0}
    entries = [_entry(entry_id, fields) for entry_id, fields in found]
    here = bool(entries) and entries[0].stream_id == stream_id
    return JournalRead(
        entries=tuple(entries[1:] if here else entries[:count]),
        first_number=int(about["entries-added"]) - int(about["length"]) + 1,
        found_place=here,
    )


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> JournalEntry:
    stream_id = entry_id.decode()
    millis = fields.get(b"t") or stream_id.partition("-")[0]
    return JournalEntry(
        stream_id=stream_id,
        kind=fields[b"k"].decode(),
        at=from_epoch_millis(int(millis)),
        data=fields[b"d"],
    )
