"""The feeds of one health cluster while this process runs them: polls, scans, ports and upkeep.

Made when the process takes the cluster's lease and thrown away when it loses it (`runner`).
Everything in here writes through a board that refuses once the lease has ended, so that whatever
is still under way then comes to nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from capacity.board import Board, Cursor, FencedError
from capacity.instants import Clock
from capacity.periodic import LATE_SECONDS
from capacity.units import Catalogue
from feeds.board_upkeep import BoardUpkeep
from feeds.intake import Intake
from feeds.sources import Source, Transport
from feeds.transports.folder import FolderWatch
from feeds.transports.mllp import MllpServer
from feeds.transports.retry import TICK, Fetching, Paced

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

SCAN_EVERY = timedelta(seconds=1)
LISTEN_EVERY = timedelta(seconds=5)
"""How often a port that could not be had is tried again."""
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the feeds of every cluster share in one process."""

    catalogue: Catalogue
    intake: Intake
    inbox: Path
    clock: Clock
    max_bytes: int
    client: "httpx.AsyncClient | None"
    """What polls ask with; ``None`` where nothing is polled."""


class ClusterFeeds:
    """Runs the sources of one cluster that do not push, and keeps its board in order.

    `board` is written under the lease. `may_run` tells at any moment whether the lease lasts as
    far as this process knows; nothing is begun while it does not. `fenced` is told of the first
    write that was refused.
    """

    def __init__(
        self,
        cluster: str,
        sources: Sequence[Source],
        board: Board,
        around: Surroundings,
        may_run: Callable[[], bool],
        fenced: Callable[[FencedError], None],
    ) -> None:
        self.cluster = cluster
        self._sources = sources
        self._board = board
        self._around = around
        self._intake = around.intake.onto(board)
        self._upkeep = BoardUpkeep(board, cluster, around.catalogue, around.clock)
        self._may_run = may_run
        self._fenced = fenced
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._noticed, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
        self._running: set[asyncio.Task[object]] = set()
        self._ports: dict[str, MllpServer] = {}
        self._ended = False

    def start(self) -> None:
        """Begin; the first poll and scan of every source happen at once.

        Raises `OSError` where a watched folder cannot be made.
        """
        for source in self._sources:
            if source.transport is Transport.FOLDER:
                self._folder(source).prepare()
        for source in self._sources:
            self._schedule(source)
        self._scheduler.start()

    async def keep(self, stands: Cursor | None = None) -> None:
        """See `board_upkeep.BoardUpkeep.keep`; for as long as the lease lasts."""
        await self._tracked(lambda: self._upkeep.keep(stands))

    async def stop(self) -> None:
        """Stop the schedule, and let what is under way finish for a few seconds."""
        self._scheduler.pause()  # shutting it down would cancel what runs
        await asyncio.gather(*(port.stop() for port in self._ports.values()))
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_SECONDS)
        self._scheduler.shutdown(wait=False)
        await self._cancel()

    async def abandon(self) -> None:
        """Stop at once: somebody else runs these feeds now."""
        self._scheduler.shutdown(wait=False)
        await self.close_ports()
        await self._cancel()

    async def close_ports(self) -> None:
        """Listen no more until the lease is ours again, so that senders find whoever has it."""
        ports, self._ports = self._ports, {}
        await asyncio.gather(*(port.abort() for port in ports.values()))

    async def _cancel(self) -> None:
        self._ended = True
        under_way = tuple(self._running)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _schedule(self, source: Source) -> None:
        if source.transport is Transport.POLL:
            self._at_pace(self._poll(source), source.every, f"poll {source.id}")
        elif source.transport is Transport.FOLDER:
            self._at_pace(self._folder(source), SCAN_EVERY, f"folder {source.id}")
        elif source.transport is Transport.SFTP:
            self._at_pace(self._sftp_folder(source), source.every, f"sftp {source.id}")
        elif source.transport is Transport.MLLP:
            self._every(LISTEN_EVERY, lambda: self._listen(source), f"mllp {source.id}")

    def _folder(self, source: Source) -> FolderWatch:
        around = self._around
        return FolderWatch(source, around.inbox, self._intake, around.clock, around.max_bytes)

    def _poll(self, source: Source) -> Fetching:
        from feeds.transports.poll import Poll  # slow to load, as below

        around = self._around
        assert around.client is not None, "made where anything is polled"
        return Poll(source, around.client, self._intake, around.clock, around.max_bytes)

    def _sftp_folder(self, source: Source) -> Fetching:
        # Loading its library takes a third of a second, which only those who use it should pay.
        from feeds.transports.sftp import SftpFolder

        around = self._around
        return SftpFolder(source, around.inbox, self._intake, around.clock, around.max_bytes)

    async def _listen(self, source: Source) -> None:
        around = self._around
        port = self._ports.get(source.id)
        if port is None:
            port = self._ports[source.id] = MllpServer(
                source, self._intake, around.clock, around.max_bytes, fenced=self._fenced
            )
        await port.start()

    def _at_pace(self, transport: Fetching, every: timedelta, name: str) -> None:
        """Run a transport at its pace, and out of turn once a store that was away may be back."""
        paced = Paced(transport, every, self._around.clock)
        self._every(min(every, TICK), paced.tick, name)

    def _every(self, interval: timedelta, work: Callable[[], Awaitable[object]], name: str) -> None:
        """Schedule work at an interval, one instance at a time.

        The scheduler drops a run that is a second late unless told otherwise, so the grace is
        the interval itself; several missed runs are made up by one.
        """

        self._scheduler.add_job(
            self._tracked,
            "interval",
            args=[work],
            seconds=interval.total_seconds(),
            id=name,
            next_run_time=self._around.clock(),
            misfire_grace_time=max(LATE_SECONDS, int(interval.total_seconds())),
            coalesce=True,
            max_instances=1,
        )

    async def _tracked(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do `work` if the lease lasts, and see to it that stopping finds it."""
        if not self._may_run():
            return
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await work()
        except FencedError as error:
            self._fenced(error)
        except asyncio.CancelledError:
            if not self._ended:
                raise  # else it was meant, and nobody need be told of it
        finally:
            self._running.discard(task)

    def _noticed(self, event: JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_MISSED:
            log.warning("%s was missed at %s", event.job_id, event.scheduled_run_time)
        else:
            log.error("%s failed", event.job_id, exc_info=event.exception)
