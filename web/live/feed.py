"""One cluster's board as this process knows it, and what each connection has been told of it.

Pure bookkeeping without I/O: changes go in, messages come out.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import takewhile
from operator import itemgetter

from capacity.board import Change, Cursor, Snapshot
from web.live.frames import heartbeat_message, rows_message, snapshot_message, surge_part


class OutOfStepError(Exception):
    """A change does not follow the last one: something was lost, take a snapshot."""


class ClusterFeed:
    """The rows of one cluster, the cursor they stand for, and the stream position behind it."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.cursor = Cursor("none", 0)
        self.stream_id = "0-0"
        self._rows: dict[str, bytes] = {}
        self._written: dict[str, int] = {}  # in the order of its numbers
        self._joined: bytes | None = None
        self._surge = b""

    @property
    def rows(self) -> Mapping[str, bytes]:
        """The present row of each unit, as JSON; to be read at once, not kept."""
        return self._rows

    def set_surge(self, surge: bytes) -> None:
        """From now on every message ends with this surge level, which is JSON already."""
        self._surge = surge_part(surge)

    def load(self, snapshot: Snapshot) -> None:
        """Start over from a snapshot of the store."""
        self.cursor = snapshot.cursor
        self.stream_id = snapshot.stream_id
        self._rows = {stored.unit: stored.row for stored in snapshot.rows}
        # Rows written in an earlier epoch carry that epoch's numbers. Whoever has any cursor of
        # this epoch has those rows, so it does not matter whether they are sent once more.
        at = {row.unit: min(row.seq, snapshot.cursor.seq) for row in snapshot.rows}
        self._written = dict(sorted(at.items(), key=itemgetter(1)))
        self._joined = None

    def take(self, *changes: Change) -> None:
        """Apply the next changes; `OutOfStepError` at one of another epoch or after a gap.

        The feed then stands in between, and must be loaded anew.
        """
        rows, written = self._rows, self._written
        epoch, seq = self.cursor.epoch, self.cursor.seq
        self._joined = None
        for change in changes:
            if change.epoch != epoch or change.seq != seq + 1:
                at = f"{self.cluster}: at {Cursor(epoch, seq)}"
                raise OutOfStepError(f"{at}, got {change.epoch}-{change.seq}")
            seq = change.seq
            rows[change.unit] = change.row
            written.pop(change.unit, None)
            written[change.unit] = seq
        if changes:
            self.cursor = Cursor(epoch, seq)
            self.stream_id = changes[-1].stream_id

    def snapshot(self, now: datetime) -> bytes:
        """The whole board; the rows are joined once per change, not once per board."""
        if self._joined is None:
            self._joined = b",".join(self._rows[unit] for unit in sorted(self._rows))
        rows = (self._joined,) if self._joined else ()
        return snapshot_message(self.cursor, now, rows, self._surge)

    def since(self, seq: int, now: datetime) -> bytes:
        """The rows that changed after `seq` of the present epoch, oldest change first."""
        rows = [self._rows[unit] for unit in self._written_after(seq)]
        return rows_message(self.cursor, now, reversed(rows), self._surge)

    def changed_since(self, cursor: Cursor | None) -> Iterable[str] | None:
        """Units with another row than at `cursor`, to be read at once; ``None`` for all of them."""
        if cursor is None or cursor.epoch != self.cursor.epoch or cursor.seq > self.cursor.seq:
            return None
        return self._written_after(cursor.seq)

    def _written_after(self, seq: int) -> Iterable[str]:
        """The latest first."""
        return takewhile(lambda unit: self._written[unit] > seq, reversed(self._written))

    def resume(self, cursor: Cursor | None, now: datetime) -> bytes:
        """What a board needs that last saw `cursor`: the rows since, or a snapshot.

        A cursor of another epoch or beyond the end means that the board saw what the store has
        lost, so it starts over.
        """
        if cursor is None or self.changed_since(cursor) is None:
            return self.snapshot(now)
        return self.since(cursor.seq, now)

    def heartbeat(self, now: datetime, *, live: bool) -> bytes:
        """A sign of life at the present cursor."""
        return heartbeat_message(self.cursor, now, live=live, surge=self._surge)
