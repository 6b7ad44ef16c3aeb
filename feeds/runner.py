"""Runs the feeds of the clusters whose lease this process holds, and stands by for the others.

Any number of processes may do so: `capacity.board.lease` sees to it that each cluster's feeds are
run by one of them. A holder renews four times in the length of a lease; when it is lost another
takes over once the lease has ended, and at once when it stops in order. While the store is away
nobody can renew: the holder pauses once its lease must have ended, keeping the documents that it
could not hand over, and goes on if nobody took the lease meanwhile.

Taking over starts afresh, by the way every start goes: polls ask without validators, folders and
SFTP take in what lies there, senders of MLLP send again what was not answered. So nothing is
skipped; and what comes twice is recognised by its content, and changes nothing.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from capacity.board import (
    Board,
    BoardUnavailableError,
    Cursor,
    FencedBoard,
    FencedError,
    Leases,
)
from capacity.board.lease import Hold
from capacity.instants import Clock
from capacity.units import Catalogue
from feeds.board_upkeep import UpkeepRounds
from feeds.cluster_feeds import ClusterFeeds, Surroundings
from feeds.intake import Intake
from feeds.sources import Source, Transport
from feeds.transports.folder import make_folders

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

RENEWALS = 4
"""In the length of a lease: three may fail before it ends."""
TRIES = 8
"""In the length of a lease, by those who stand by."""
UNWATCHED = timedelta(minutes=1)
"""Sources that nobody watched for longer than this begin anew: their silence says nothing yet."""


class FeedRunner:
    """All clusters of one process."""

    def __init__(
        self,
        board: Board,
        catalogue: Catalogue,
        sources: Mapping[str, Source],
        intake: Intake,
        inbox: Path,
        clock: Clock,
        *,
        max_bytes: int,
        leases: Leases,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        """`taken` is told whenever this process has begun to run a cluster's feeds."""
        self._client = _client_for(sources.values())
        self._leases = leases
        self._inbox = inbox
        self._watched = [s for s in sources.values() if s.transport is Transport.FOLDER]
        around = Surroundings(catalogue, intake, inbox, clock, max_bytes, self._client)
        clusters = {source.cluster for source in sources.values()}
        self._duties = [
            Duty(
                cluster,
                [source for source in sources.values() if source.cluster == cluster],
                board,
                leases,
                around,
                taken,
            )
            for cluster in sorted(clusters | set(catalogue.served_clusters()))
        ]
        self._upkeep = UpkeepRounds(board, self._ours)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def clusters(self) -> list[str]:
        """The clusters whose feeds this process runs, as far as it knows."""
        return [duty.cluster for duty in self._ours()]

    @property
    def refused(self) -> int:
        """How many times feeds of this process were stopped by the fence."""
        return sum(duty.refused for duty in self._duties)

    def watched(self) -> dict[str, bool]:
        """The sources of those clusters, and whether each had been unwatched before."""
        return {source.id: duty.anew for duty in self._ours() for source in duty.sources}

    def start(self) -> None:
        """Make the watched folders, and begin to try for every cluster's lease."""
        for source in self._watched:
            # where it cannot be made, whoever runs these feeds says so
            with contextlib.suppress(OSError):
                make_folders(self._inbox / source.folder)
        self._tasks = [
            asyncio.create_task(duty.run(), name=f"feeds of {duty.cluster}")
            for duty in self._duties
        ]
        for task in self._tasks:
            task.add_done_callback(_tell)
        self._upkeep.start()

    async def stop(self) -> None:
        """Stop, let what is under way finish for a few seconds, and give the leases up."""
        await self._upkeep.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(duty.leave() for duty in self._duties))
        if self._client is not None:
            await self._client.aclose()

    def _ours(self) -> "list[Duty]":
        return [duty for duty in self._duties if duty.is_ours()]


class Duty:
    """One cluster: whether its feeds are this process's to run, and then running them."""

    def __init__(
        self,
        cluster: str,
        sources: list[Source],
        board: Board,
        leases: Leases,
        around: Surroundings,
        taken: Callable[[], None],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cluster = cluster
        self.sources = sources
        self.anew = False
        """Whether nobody had run these feeds for a while when this process took them."""
        self.refused = 0
        self._board = board
        self._leases = leases
        self._around = around
        self._taken = taken
        self._elapsed = elapsed
        self._feeds: ClusterFeeds | None = None
        self._fence = 0
        self._ends_at = 0.0
        self._paused = False
        self._told = False
        self._stands_by = ""
        self._sooner = asyncio.Event()

    def is_ours(self) -> bool:
        """Whether the lease lasts, as far as this process knows. The store knows better."""
        return self._feeds is not None and self._elapsed() < self._ends_at

    async def keep(self, stands: Cursor | None) -> None:
        """Keep the cluster's board in order, if its feeds are run here; see `board_upkeep`."""
        if self._feeds is not None:
            await self._feeds.keep(stands)

    async def run(self) -> None:
        """Take, renew, pause and lose the lease until cancelled."""
        while True:
            asked_at = self._elapsed()
            try:
                hold = await self._leases.hold(self.cluster)
            except BoardUnavailableError as error:
                log.debug("the lease of %s waits: the store is away (%s)", self.cluster, error)
                await self._pause_if_over()
            else:
                self._ends_at = asked_at + self._leases.length.total_seconds()
                await self._follow(hold)
            await self._wait(self._leases.length / (RENEWALS if self.is_ours() else TRIES))

    async def leave(self) -> None:
        """Stop in order, after `run` was cancelled; the next process may begin at once."""
        feeds, self._feeds = self._feeds, None
        if feeds is None:
            return
        await feeds.stop()
        try:
            await self._leases.release(self.cluster)
        except BoardUnavailableError as error:
            log.info("the lease of %s runs out by itself: %s", self.cluster, error)

    async def _follow(self, hold: Hold) -> None:
        """Do what the store's answer asks for."""
        if self._feeds is not None and hold.fence != self._fence:
            await self._lose(hold.holder)
        if hold.fence is None:
            if hold.holder != self._stands_by:
                log.info("stands by: the feeds of %s are run by %s", self.cluster, hold.holder)
            self._stands_by = hold.holder
            return
        self._stands_by = ""
        if self._feeds is None:
            await self._begin(hold)
        elif self._paused:
            log.warning("the feeds of %s go on: nobody else had taken them", self.cluster)
        self._paused = False

    async def _begin(self, hold: Hold) -> None:
        assert hold.fence is not None
        board = FencedBoard(self._board, self.cluster, self._leases.token, hold.fence)
        feeds = ClusterFeeds(
            self.cluster, self.sources, board, self._around, self.is_ours, self._was_fenced
        )
        try:
            feeds.start()
        except OSError as error:
            if not self._told:
                log.error("the feeds of %s cannot be run here: %s", self.cluster, error)
            self._told = True
            await self._give_back()
            return
        self._feeds, self._fence, self._told = feeds, hold.fence, False
        self.anew = hold.vacant is not None and hold.vacant > UNWATCHED
        log.info("runs the feeds of %s (fence %d)", self.cluster, hold.fence)
        self._taken()

    async def _give_back(self) -> None:
        try:
            await self._leases.release(self.cluster)
        except BoardUnavailableError as error:
            log.debug("the lease of %s runs out by itself: %s", self.cluster, error)

    async def _lose(self, holder: str) -> None:
        feeds, self._feeds = self._feeds, None
        assert feeds is not None
        log.warning(
            "the feeds of %s were taken over by %s: this process was not heard of in time, and "
            "applies nothing of them any more",
            self.cluster,
            holder,
        )
        await feeds.abandon()
        for source in self.sources:
            self._around.intake.health.hand_over(source.id)

    async def _pause_if_over(self) -> None:
        if self._feeds is None or self.is_ours() or self._paused:
            return
        self._paused = True
        log.error("the feeds of %s pause: the store is away, and the lease with it", self.cluster)
        await self._feeds.close_ports()

    def _was_fenced(self, error: FencedError) -> None:
        """A write was refused: find out at once whose the feeds are; told once."""
        self.refused += 1
        if not self._told:
            log.error("a write was refused by the fence, nothing of it is applied: %s", error)
        self._told = True
        self._sooner.set()

    async def _wait(self, step: timedelta) -> None:
        """Until the next beat of the clock, so that all of a process's leases are one question."""
        self._sooner.clear()
        try:
            async with asyncio.timeout(to_next_beat(self._elapsed(), step.total_seconds())):
                await self._sooner.wait()
        except TimeoutError:
            return


def to_next_beat(now: float, step: float) -> float:
    """Seconds until a multiple of `step`; one that is almost there is left out.

    Between two beats that are waited for lie a step and a quarter at most.
    """
    left = step - now % step
    return left if left >= step / 4 else left + step


def _client_for(sources: Iterable[Source]) -> "httpx.AsyncClient | None":
    """What polls ask with; its library, which is slow to load, is for those who poll."""
    if all(source.transport is not Transport.POLL for source in sources):
        return None
    from feeds.transports.poll import polling_client

    return polling_client()


def _tell(task: asyncio.Task[None]) -> None:
    """An error that nobody foresaw ends one cluster's feeds; it must not do so in silence."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("%s ended in this process: restart it", task.get_name(), exc_info=error)
