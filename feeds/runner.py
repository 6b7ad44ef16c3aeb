"""Runs what happens on a schedule: polls, folder scans, and the board's upkeep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, timedelta
from pathlib import Path

import httpx
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from capacity.board import Board, BoardUnavailableError
from capacity.board.upkeep import put_catalogue, reopen_due
from capacity.instants import Clock
from capacity.units import Catalogue
from feeds.intake import Intake
from feeds.sources import Source, Transport
from feeds.transports.folder import FolderWatch
from feeds.transports.mllp import MllpServer
from feeds.transports.poll import Poll
from feeds.transports.retry import TICK, Fetching, Paced

log = logging.getLogger(__name__)

SCAN_EVERY = timedelta(seconds=1)
REOPEN_EVERY = timedelta(seconds=5)
LISTEN_EVERY = timedelta(seconds=5)
"""How often a port that could not be had is tried again."""
CATALOGUE_EVERY = timedelta(seconds=30)
STOP_SECONDS = 5.0


class FeedRunner:
    """Polls, watches and listens to all sources that do not push, and keeps the board in order."""

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
    ) -> None:
        self._board = board
        self._catalogue = catalogue
        self._sources = sources
        self._intake = intake
        self._inbox = inbox
        self._clock = clock
        self._max_bytes = max_bytes
        self._client = httpx.AsyncClient(follow_redirects=False)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._noticed, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
        self._running: set[asyncio.Task[object]] = set()
        self._servers: list[MllpServer] = []

    def start(self) -> None:
        """Begin; the first poll and scan of every source happen at once."""
        for source in self._sources.values():
            if source.transport is Transport.POLL:
                poll = Poll(source, self._client, self._intake, self._clock, self._max_bytes)
                self._at_pace(poll, source.every, f"poll {source.id}")
            elif source.transport is Transport.FOLDER:
                watch = FolderWatch(source, self._inbox, self._intake, self._clock, self._max_bytes)
                watch.prepare()
                self._at_pace(watch, SCAN_EVERY, f"folder {source.id}")
            elif source.transport is Transport.SFTP:
                self._at_pace(self._sftp_folder(source), source.every, f"sftp {source.id}")
            elif source.transport is Transport.MLLP:
                server = MllpServer(source, self._intake, self._clock, self._max_bytes)
                self._servers.append(server)
                self._every(LISTEN_EVERY, server.start, f"mllp {source.id}")
        self._every(REOPEN_EVERY, self._reopen, "reopen closed units")
        self._every(CATALOGUE_EVERY, self._refresh, "catalogue")
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop the schedule, and let what is under way finish for a few seconds."""
        self._scheduler.shutdown(wait=False)
        await asyncio.gather(*(server.stop() for server in self._servers))
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_SECONDS)
        await self._client.aclose()

    def _at_pace(self, transport: Fetching, every: timedelta, name: str) -> None:
        """Run a transport at its pace, and out of turn once a store that was away may be back."""
        paced = Paced(transport, every, self._clock)
        self._every(min(every, TICK), paced.tick, name)

    def _sftp_folder(self, source: Source) -> Fetching:
        # Loading its library takes a third of a second, which only those who use it should pay.
        from feeds.transports.sftp import SftpFolder

        return SftpFolder(source, self._inbox, self._intake, self._clock, self._max_bytes)

    def _every(self, interval: timedelta, work: Callable[[], Awaitable[object]], name: str) -> None:
        """Schedule work at an interval, one instance at a time.

        The scheduler drops a run that is a second late unless told otherwise, so the grace is
        the interval itself; several missed runs are made up by one.
        """

        async def tracked() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                await work()
            finally:
                self._running.discard(task)

        self._scheduler.add_job(
            tracked,
            "interval",
            seconds=interval.total_seconds(),
            name=name,
            next_run_time=self._clock(),
            misfire_grace_time=max(1, int(interval.total_seconds())),
            coalesce=True,
            max_instances=1,
        )

    async def _reopen(self) -> None:
        for cluster in self._catalogue.served_clusters():
            try:
                await reopen_due(self._board, cluster, self._clock())
            except BoardUnavailableError as error:
                log.debug("closures wait: the store is away (%s)", error)
                return

    async def _refresh(self) -> None:
        try:
            changed = await put_catalogue(self._board, self._catalogue, self._clock())
        except BoardUnavailableError as error:
            log.warning("the catalogue waits: the store is away (%s)", error)
        else:
            if changed:
                log.info("the catalogue changed %d rows", changed)

    def _noticed(self, event: JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_MISSED:
            log.warning("%s was missed at %s", event.job_id, event.scheduled_run_time)
        else:
            log.error("%s failed", event.job_id, exc_info=event.exception)
