"""Rolls up the indicators' amounts on a schedule, beside everything else and never in its way."""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from capacity.history import (
    Catalogues,
    History,
    HistoryUnavailableError,
    RolledElsewhereError,
    Roller,
)
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.day import Scope
from capacity.indicators.definitions import Definitions
from capacity.instants import Clock, format_instant
from capacity.periodic import Periodic
from capacity.units import Catalogue

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=15)
"""Charts are of days; what is rolled up of the day at hand may be this old."""
LONGEST = timedelta(minutes=10)
"""How long one run may take: a long past is made bit by bit."""
DAYS_IN_TURN = 7
"""Days of a cluster before it is the next one's turn."""
REST = 5.0
"""Seconds, at most, that are left to others between such turns."""
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
        catalogues: Catalogues | None = None,
    ) -> None:
        self.definitions = definitions or builtin_definitions(catalogue)
        needs = tuple(self.definitions.needs.values())
        self._scopes = [Scope(each, catalogue, needs) for each in catalogue.served_clusters()]
        self._roller = Roller(history, catalogues)
        self._clock = clock
        self._begun = clock()
        self._failing = False
        self._job = Periodic("rollups", self.run, every=EVERY, first_after=FIRST_AFTER)
        self.through: dict[str, datetime] = {}
        """Until when each cluster is rolled up, as far as this process knows."""

    def start(self) -> None:
        """Begin. A run that was missed is made up for by the next, since each goes on from where
        the last one ended.
        """
        self._job.start()

    async def stop(self) -> None:
        """Stop, also in the middle of a run: the next one goes on from there.

        What was being written is there when this returns, or is not and never will be.
        """
        await self._job.stop()
        await self._roller.settled()

    async def run(self) -> None:
        """Roll up every cluster, a week of each in turn, up to now or for `LONGEST`.

        A database that is away is waited for by the next run, and so is what is left of a past
        too long for this one.
        """
        begun = time.monotonic()
        waiting = list(self._scopes)
        while waiting and time.monotonic() - begun < LONGEST.total_seconds():
            left = []
            for scope in waiting:
                more = await self._roll_up(scope)
                if more is None:
                    return
                if more:
                    left.append(scope)
            waiting = left

    async def positions(self) -> Mapping[str, datetime]:
        """Until when each cluster is rolled up, by whichever process; one that never was counts
        from when this process began. Raises `HistoryUnavailableError`.
        """
        found = await self._roller.positions()
        return {scope.cluster: found.get(scope.cluster, self._begun) for scope in self._scopes}

    async def _roll_up(self, scope: Scope) -> bool | None:
        """Some days of a cluster; whether there are more, ``None`` while the database is away."""
        begun = time.monotonic()
        try:
            rolled = await self._roller.roll_up(scope, self._clock(), DAYS_IN_TURN)
        except RolledElsewhereError:
            log.debug("the rollups of %s are made by another process", scope.cluster)
            return False
        except HistoryUnavailableError as error:
            if not self._failing:
                log.warning("rollups wait: %s", error)
            self._failing = True
            return None
        if self._failing:
            log.warning("rollups are made again")
        self._failing = False
        if rolled.through is not None:
            self.through[scope.cluster] = rolled.through
        if rolled.left:
            log.info(
                "%s is rolled up until %s, %d days are left",
                scope.cluster,
                format_instant(rolled.through),
                rolled.left,
            )
            await asyncio.sleep(min(REST, time.monotonic() - begun))
        elif len(rolled.days) > 1:
            log.info("%d days of %s were rolled up", len(rolled.days), scope.cluster)
        return rolled.left > 0
