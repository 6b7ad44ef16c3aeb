"""Rolls up the indicators' amounts on a schedule, beside everything else and never in its way."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from capacity.history import History, HistoryUnavailableError, RolledElsewhereError, Roller
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.day import Scope
from capacity.indicators.definitions import Definitions
from capacity.instants import Clock
from capacity.units import Catalogue

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=15)
"""Charts are of days; what is rolled up of the day at hand may be this old."""
FIRST_AFTER = timedelta(seconds=20)
"""After the start, when boards have better things to wait for."""


class RollUps:
    """The schedule of one process; several processes give way to each other."""

    def __init__(
        self,
        history: History,
        catalogue: Catalogue,
        clock: Clock,
        definitions: Definitions | None = None,
    ) -> None:
        self.definitions = definitions or builtin_definitions(catalogue)
        needs = tuple(self.definitions.needs.values())
        self._scopes = [Scope(each, catalogue, needs) for each in catalogue.served_clusters()]
        self._roller = Roller(history)
        self._clock = clock
        self._failing = False
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._noticed, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
        self._running: asyncio.Task[object] | None = None
        self.through: dict[str, datetime] = {}
        """Until when each cluster is rolled up, as far as this process knows."""

    def start(self) -> None:
        """Begin. A run that was missed is made up for by the next, since each goes on from where
        the last one ended.
        """
        self._scheduler.add_job(
            self._tracked,
            "interval",
            seconds=EVERY.total_seconds(),
            name="rollups",
            next_run_time=datetime.now(UTC) + FIRST_AFTER,
            misfire_grace_time=int(EVERY.total_seconds()),
            coalesce=True,
            max_instances=1,
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop, also in the middle of a run: the next one goes on from the last whole day."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def run(self) -> None:
        """Roll up every cluster once; a database that is away is waited for by the next run."""
        for scope in self._scopes:
            try:
                rolled = await self._roller.roll_up(scope, self._clock())
            except RolledElsewhereError:
                log.debug("the rollups of %s are made by another process", scope.cluster)
                continue
            except HistoryUnavailableError as error:
                if not self._failing:
                    log.warning("rollups wait: %s", error)
                self._failing = True
                return
            if self._failing:
                log.warning("rollups are made again")
            self._failing = False
            if rolled.through is not None:
                self.through[scope.cluster] = rolled.through
            if len(rolled.days) > 1:
                log.info("%d days of %s were rolled up", len(rolled.days), scope.cluster)

    async def _tracked(self) -> None:
        self._running = asyncio.current_task()
        try:
            await self.run()
        finally:
            self._running = None

    def _noticed(self, event: JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_MISSED:
            log.warning("rollups were missed at %s", event.scheduled_run_time)
        else:
            log.error("rollups failed", exc_info=event.exception)
