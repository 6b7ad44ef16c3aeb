"""The audit trail's way in: entries are noted in the store before the thing is done.

Noting is one append to one stream, as durable as a reading on the board. `capacity.people` copies
entries to SQL, chained by hash, and they leave the stream when they are safe there. So the trail
neither waits for SQL nor depends on it, and a thing that cannot be noted is not done. An entry
that may or may not be there (`UnconfirmedError`) is noted again by whoever tries again.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from capacity.board.connection import Command, Store
from capacity.board.keys import PREFIX
from capacity.board.store import asking
from capacity.instants import from_epoch_millis

STREAM = f"{PREFIX}:audit"
LONGEST = 500
"""Characters of a single text in an entry; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One entry: who (account and role, never a name), what, to what, from where, when.

    `stream_id` is its place in the stream, `entry` its own random name. `at` is the store's time.
    """

    stream_id: str
    entry: str
    at: datetime
    account: str
    role: str
    action: str
    subject: str
    address: str
    detail: str


class AuditTrail:
    """Notes entries and hands them over; `BoardUnavailableError` when the store is away."""

    def __init__(self, url: str) -> None:
        self._store = Store(url)

    async def note(
        self,
        action: str,
        subject: str,
        *,
        account: str,
        role: str,
        address: str,
        detail: dict[str, object] | None = None,
    ) -> None:
        """Append one entry. The caller does the thing only when this returned."""
        fields: dict[str, str | bytes] = {
            "n": secrets.token_hex(12),
            "a": account[:LONGEST],
            "r": role[:LONGEST],
            "w": action[:LONGEST],
            "s": subject[:LONGEST],
            "f": address[:LONGEST],
            "d": orjson.dumps(detail or {}, option=orjson.OPT_SORT_KEYS),
        }
        async with asking():
            await self._store.write(STREAM, _append(fields))

    async def waiting(self, count: int = 500) -> list[Noted]:
        """The oldest entries that are not yet known to be safe in SQL."""
        async with asking():
            entries: Any = await self._store.at(STREAM).xrange(STREAM, count=count)
        return [_noted(stream_id, fields) for stream_id, fields in entries]

    async def forget(self, stream_ids: Sequence[str]) -> None:
        """Drop entries that are safe in SQL."""
        if stream_ids:
            async with asking():
                await self._store.at(STREAM).xdel(STREAM, *stream_ids)

    async def stop(self) -> None:
        """Close the connection."""
        await self._store.aclose()


def _append(fields: Mapping[str, str | bytes]) -> Command:
    return ("XADD", STREAM, "*", *(each for field in fields.items() for each in field))


def _noted(stream_id: bytes, fields: dict[bytes, bytes]) -> Noted:
    return Noted(
        stream_id=stream_id.decode(),
        entry=fields[b"n"].decode(),
        at=from_epoch_millis(int(stream_id.partition(b"-")[0])),
        account=fields[b"a"].decode(),
        role=fields[b"r"].decode(),
        action=fields[b"w"].decode(),
        subject=fields[b"s"].decode(),
        address=fields[b"f"].decode(),
        detail=fields[b"d"].decode(),
    )
