"""Work that comes again and again beside everything else, on APScheduler."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)


LATE_SECONDS = 10
"""By which a short interval's job may be late on a busy machine and still be done, once."""


class Periodic:
    """One job: never twice at a time, and a run that was missed is named and made up for."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        every: timedelta,
        first_after: timedelta,
    ) -> None:
        """`work` goes on where its last run ended, so that one run may stand for several."""
        self._name = name
        self._work = work
        self._every = every
        self._first_after = first_after
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._noticed, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
        self._running: asyncio.Task[object] | None = None

    def start(self) -> None:
        """Begin."""
        self._scheduler.add_job(
            self._tracked,
            "interval",
            seconds=self._every.total_seconds(),
            name=self._name,
            next_run_time=datetime.now(UTC) + self._first_after,
            misfire_grace_time=max(LATE_SECONDS, int(self._every.total_seconds())),
            coalesce=True,
            max_instances=1,
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop, also in the middle of a run."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _tracked(self) -> None:
        self._running = asyncio.current_task()
        try:
            await self._work()
        finally:
            self._running = None

    def _noticed(self, event: JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_MISSED:
            log.warning("%s were missed at %s", self._name, event.scheduled_run_time)
        else:
            log.error("%s failed", self._name, exc_info=event.exception)
