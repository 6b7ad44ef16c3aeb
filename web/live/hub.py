"""The hub: follows the board's streams once per process and keeps every open board current.

Clusters whose part of the store is away are frozen, and say so; all others go on (`lanes`). Boards
are told what changed by the `broadcaster`.

Everything here runs on one event loop; between an ``await`` and the next nothing else happens,
which is what makes joining and broadcasting free of races.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence

from capacity.board import Board, BoardUnavailableError, Change, Cursor
from capacity.instants import Clock
from web.live.broadcaster import PATIENCE, WINDOW, Broadcaster
from web.live.connections import Connection
from web.live.feed import ClusterFeed, OutOfStepError
from web.live.lanes import Channel, Lane, Member
from web.live.tail import Tail

__all__ = ["Hub", "Listener", "Member"]

log = logging.getLogger(__name__)

HEARTBEAT = 5.0
"""Seconds between signs of life; a page calls the link lost after three of them went missing."""
WAIT = 2.0
AUDIT = 2.0
"""Seconds between comparisons of our place with the store's, in clusters where nothing happens."""
BACKOFF = (0.1, 3.0)


Listener = Callable[[str, Sequence[bytes]], None]
"""Told a cluster and rows of it as they stand now: what changed, or all of them after a snapshot.
It is called between two frames, so it must neither wait nor raise."""


class Hub:
    """All clusters' channels in this process. Paces are in seconds; see the constants above."""

    def __init__(
        self,
        board: Board,
        clusters: Sequence[str],
        clock: Clock,
        *,
        window: float = WINDOW,
        heartbeat: float = HEARTBEAT,
        patience: float = PATIENCE,
    ) -> None:
        self._board = board
        self._clock = clock
        self._heartbeat = heartbeat
        self._lanes = [Lane(together) for together in board.followed_together(clusters)]
        self._channels = {
            c: channel for lane in self._lanes for c, channel in lane.channels.items()
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[Listener] = []
        self.tail = Tail(board)
        self.broadcaster = Broadcaster(clock, window=window, patience=patience)

    async def start(self) -> None:
        """Load every cluster and begin to follow; a store that is away is waited for."""
        await asyncio.gather(*(self._load(lane) for lane in self._lanes))
        self._tasks = [
            *(asyncio.create_task(self._follow(lane), name="hub-follow") for lane in self._lanes),
            asyncio.create_task(self._beat(), name="hub-heartbeat"),
        ]

    async def stop(self) -> None:
        """Stop following; open boards are closed by the server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for channel in self._channels.values():
            if channel.catching_up is not None:
                channel.catching_up.cancel()

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every row from now on; to be called before `start`."""
        self._listeners.append(listener)

    @property
    def live(self) -> bool:
        """Whether every cluster is followed."""
        return all(lane.live for lane in self._lanes)

    def healthy(self) -> bool:
        """Whether the hub follows the store, or what is there of it, and none of its tasks ended.

        With only a part there (see `live`) the process is still needed for the boards of the rest.
        """
        runs = bool(self._tasks) and not any(task.done() for task in self._tasks)
        return runs and any(lane.live for lane in self._lanes)

    @property
    def boards(self) -> int:
        """How many boards are open."""
        return sum(len(channel.members) for channel in self._channels.values())

    def knows(self, cluster: str) -> bool:
        """Whether there is such a board at all."""
        return cluster in self._channels

    def can_serve(self, cluster: str) -> bool:
        """Whether boards of the cluster may be opened: it is known, was read, and is followed.

        A board drawn before anything was read would show "nothing there", and one opened while
        the store is away would show old figures as if they had just come.
        """
        channel = self._channels.get(cluster)
        return channel is not None and channel.live and channel.loaded

    def feed(self, cluster: str) -> ClusterFeed:
        """The cluster's board as this process knows it; raises `KeyError` for an unknown one."""
        return self._channels[cluster].feed

    def tell_surge(self, cluster: str, surge: bytes, *, at_once: bool) -> None:
        """Let every message of the cluster carry this surge level, JSON already.

        `at_once` sends a heartbeat now instead of waiting for the next message.
        """
        channel = self._channels[cluster]
        channel.feed.set_surge(surge)
        if at_once:
            self.broadcaster.heartbeat(channel)

    def join(self, cluster: str, connection: Connection, since: Cursor | None) -> Member:
        """Add a board and send it what it lacks; raises `KeyError` for an unknown cluster."""
        return self.broadcaster.join(self._channels[cluster], connection, since)

    def leave(self, cluster: str, member: Member) -> None:
        """Forget a board."""
        self.broadcaster.leave(self._channels[cluster], member)

    async def _load(self, lane: Lane) -> None:
        try:
            for channel in lane.channels.values():
                await self._reload(channel)
        except BoardUnavailableError as error:
            which = self._named(lane)
            log.error("no boards%s yet: the store cannot be read (%s)", which, error)
        else:
            lane.put(live=True)

    def _named(self, lane: Lane) -> str:
        return "" if len(self._lanes) == 1 else f" of {', '.join(lane.channels)}"

    async def _follow(self, lane: Lane) -> None:
        delay = BACKOFF[0]
        while True:
            try:
                if not lane.live:
                    await self._recover(lane)
                await self._follow_on(lane)
                delay = BACKOFF[0]
            except Exception as error:  # noqa: BLE001 - a follower that ends freezes every board
                self._lose(lane, error)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))
                delay = min(BACKOFF[1], delay * 2)

    async def _follow_on(self, lane: Lane) -> None:
        found = await self._board.wait_for_changes(lane.positions, WAIT)
        for cluster, changes in found.items():
            await self._take(self._channels[cluster], changes)
        now = asyncio.get_running_loop().time()
        if now >= lane.audit_at:
            lane.audit_at = now + AUDIT
            await self._audit([lane.channels[c] for c in lane.channels.keys() - found.keys()])

    async def _audit(self, channels: Sequence[Channel]) -> None:
        """Start over where the store stands elsewhere although its stream told us nothing.

        A store that was emptied or put back may count on below our place in its stream; waiting
        for what comes after that place would be waiting for ever.
        """
        cursors = await self._board.cursors([channel.feed.cluster for channel in channels])
        for channel in channels:
            if cursors[channel.feed.cluster] != channel.feed.cursor:
                await self._reload(channel)

    def _lose(self, lane: Lane, error: Exception) -> None:
        if lane.live:
            log.error(
                "boards%s are frozen: the store cannot be followed (%s)",
                self._named(lane),
                error,
                exc_info=None if isinstance(error, BoardUnavailableError) else error,
            )
            lane.put(live=False)
            self._heartbeats(lane.channels.values())

    async def _recover(self, lane: Lane) -> None:
        for channel in lane.channels.values():
            await self._reload(channel)
        lane.put(live=True)
        log.warning("boards%s are live again: the store can be followed", self._named(lane))
        self._heartbeats(lane.channels.values())

    async def _take(self, channel: Channel, changes: Sequence[Change]) -> None:
        before = channel.feed.stream_id
        channel.gathered += len(changes)
        if channel.oldest is None and changes:
            channel.oldest = changes[0].stream_id
        try:
            channel.feed.take(*changes)
            channel.moved()
        except OutOfStepError as step:
            log.warning("starting over from a snapshot (%s)", step)
            await self._reload(channel)
        else:
            self.tail.took(channel.feed.cluster, before, changes)
            self._tell(channel, [change.row for change in changes])
            self.broadcaster.schedule(channel)

    async def _reload(self, channel: Channel) -> None:
        snapshot = await self._board.snapshot(channel.feed.cluster)
        channel.feed.load(snapshot)
        channel.moved()
        self.tail.jumped(channel.feed.cluster, snapshot.stream_id)
        channel.loaded = True
        self._tell(channel, [stored.row for stored in snapshot.rows])
        self.broadcaster.schedule(channel)

    def _tell(self, channel: Channel, rows: Sequence[bytes]) -> None:
        for listener in self._listeners:
            listener(channel.feed.cluster, rows)

    async def _beat(self) -> None:
        """Signs of life; while the store is not followed each of them says so."""
        while True:
            await asyncio.sleep(self._heartbeat)
            self._heartbeats(self._channels.values())

    def _heartbeats(self, channels: Iterable[Channel]) -> None:
        for channel in channels:
            self.broadcaster.heartbeat(channel)
