"""What the hub has read of the streams already, for whoever else in this process follows them.

The historian copies every change that the hub tells its boards of. Reading them from the store
once more would cost the process as much as taking them in did, so it is given the hub's; only what
lies before those, or has not come by way of the hub, is read from the store. An empty answer always
comes from the store: nothing is taken to be over because the hub heard nothing.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice

from capacity.board import Board, Change
from capacity.board.changes import Ends, LateReading, place
from capacity.board.journal import JournalRead

KEPT = 20_000
"""Changes of one cluster that wait here, about 20 MB, and only while they are still to be read; a
reader that is further behind asks the store."""

LOOK_EVERY = 2.0
"""Seconds after which a reader looks at the store itself, although the hub has told of nothing."""


class Tail:
    """A `capacity.history.historian.ChangeSource` over the board and the hub's own reading."""

    def __init__(self, board: Board, *, kept: int = KEPT) -> None:
        self._board = board
        self._most = kept
        self._tails: dict[str, _Kept] = {}
        self._news = asyncio.Event()

    def took(self, cluster: str, after: str, changes: Sequence[Change]) -> None:
        """The hub read `changes` of a cluster, which follow one another from the id `after` on."""
        if not changes:
            return
        tail = self._tails.get(cluster)
        if tail is None or tail.end != after:
            tail = self._tails[cluster] = _Kept(after)
        tail.extend(changes, self._most)
        self._news.set()

    def jumped(self, cluster: str, to: str) -> None:
        """The hub went on from a snapshot at the id `to`: what led there it has not read."""
        self._tails[cluster] = _Kept(to)
        self._news.set()

    async def ends(self, clusters: Sequence[str]) -> dict[str, Ends]:
        """See `Board.ends`."""
        return await self._board.ends(clusters)

    async def changes_after(self, cluster: str, stream_id: str, count: int) -> list[Change]:
        """Changes after a stream position, oldest first. What lies before is let go of."""
        tail = self._tails.get(cluster)
        found = tail.after(stream_id, count) if tail is not None else []
        return found or await self._board.changes_after(cluster, stream_id, count)

    async def late_after(self, cluster: str, stream_id: str, count: int) -> list[LateReading]:
        """See `Board.late_after`."""
        return await self._board.late_after(cluster, stream_id, count)

    async def journal_after(self, cluster: str, stream_id: str, count: int) -> JournalRead:
        """See `Board.journal_after`."""
        return await self._board.journal_after(cluster, stream_id, count)

    async def wait_for_changes(self, positions: Mapping[str, str], within: float) -> None:
        """Return when the hub has changes beyond a position, at the latest after `within` s."""
        self._news.clear()
        if any(self._is_beyond(cluster, at) for cluster, at in positions.items()):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(within, LOOK_EVERY)):
                await self._news.wait()

    def _is_beyond(self, cluster: str, stream_id: str) -> bool:
        tail = self._tails.get(cluster)
        return tail is not None and place(tail.end) > place(stream_id)


class _Kept:
    """Changes without a gap: all that follow the id `begin`, up to and with `end`."""

    def __init__(self, begin: str) -> None:
        self._begin = begin
        self._changes: deque[Change] = deque()

    @property
    def end(self) -> str:
        return self._changes[-1].stream_id if self._changes else self._begin

    def extend(self, changes: Sequence[Change], most: int) -> None:
        self._changes.extend(changes)
        for _ in range(len(self._changes) - most):
            self._begin = self._changes.popleft().stream_id

    def after(self, stream_id: str, count: int) -> list[Change]:
        """Nothing where that is not known here."""
        begin = place(stream_id)
        if begin < place(self._begin):
            return []
        while self._changes and place(self._changes[0].stream_id) <= begin:
            self._begin = self._changes.popleft().stream_id
        return list(islice(self._changes, count))
