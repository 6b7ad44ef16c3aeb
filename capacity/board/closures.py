"""Units that reopen by themselves: which there are, and when they are due.

Looked at every few seconds, over boards of thousands of units of which hardly any are closed. So
the rows are read once; from then on only what changed since is, from the cluster's stream.
"""

from collections.abc import Iterable
from datetime import datetime

from capacity.board.changes import Change, Cursor
from capacity.board.store import Board
from capacity.board.upkeep import reopen_due
from capacity.instants import parse_instant
from capacity.row import read_row

AT_ONCE = 1000
"""Changes read in one question; when more have come, the rows are read anew."""
_MAY_REOPEN = b'"reopens_itself":true'
"""Stands in the row of every unit that does; no other row has to be taken apart."""


class Closures:
    """The closures of one cluster that run out."""

    def __init__(self, board: Board, cluster: str) -> None:
        self._board = board
        self._cluster = cluster
        self._cursor: Cursor | None = None
        self._stream_id = ""
        self._ends: dict[str, datetime] = {}

    async def reopen_due(self, now: datetime, stands: Cursor | None = None) -> int:
        """Reopen what is due; how many units were. Raises `BoardUnavailableError`.

        `stands` is where the board stands, if that is known already.
        """
        await self._read_on(stands or await self._board.cursor(self._cluster))
        if all(now < end for end in self._ends.values()):
            return 0
        return await reopen_due(self._board, self._cluster, now)

    async def _read_on(self, stands: Cursor) -> None:
        if stands == self._cursor:
            return
        changes: list[Change] = []
        if self._cursor is not None and self._cursor.epoch == stands.epoch:
            changes = await self._board.changes_after(self._cluster, self._stream_id, AT_ONCE)
        if self._cursor is None or not _leads_on(self._cursor, changes, stands):
            await self._read_all()
            return
        for change in changes:
            self._note(change.unit, change.row)
        self._cursor = Cursor(changes[-1].epoch, changes[-1].seq)
        self._stream_id = changes[-1].stream_id

    async def _read_all(self) -> None:
        snapshot = await self._board.snapshot(self._cluster)
        self._ends = {}
        for stored in snapshot.rows:
            self._note(stored.unit, stored.row)
        self._cursor, self._stream_id = snapshot.cursor, snapshot.stream_id

    def _note(self, unit: str, encoded: bytes) -> None:
        self._ends.pop(unit, None)
        if _MAY_REOPEN in encoded:
            row = read_row(encoded)
            if row["reopens_itself"] and row["reopens_at"]:
                self._ends[unit] = parse_instant(row["reopens_at"])


def _leads_on(before: Cursor, changes: Iterable[Change], stands: Cursor) -> bool:
    """Whether the changes follow one another without a gap, up to where the board stands."""
    epoch, seq = before.epoch, before.seq
    for change in changes:
        seq += 1
        if (change.epoch, change.seq) != (epoch, seq):
            return False
    return stands.epoch == epoch and stands.seq <= seq != before.seq
