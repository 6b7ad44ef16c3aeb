"""The schedule on which history is kept in order (`capacity.history.Keeper`)."""

import logging
from datetime import timedelta

from capacity.history import History, HistoryUnavailableError, Keeper
from capacity.instants import Clock, format_instant
from capacity.periodic import Periodic
from capacity.settings import Settings
from capacity.units import Catalogue

log = logging.getLogger(__name__)

EVERY = timedelta(hours=6)
FIRST_AFTER = timedelta(minutes=2)
"""After the start: rollups come first."""
LONGEST = timedelta(hours=1)
"""How long one run may delete, and how long it may thin; what is left waits for the next."""


class HistoryUpkeep:
    """The schedule of one process."""

    def __init__(
        self, history: History, catalogue: Catalogue, clock: Clock, settings: Settings
    ) -> None:
        self._keeper = Keeper(history, catalogue.served_clusters())
        self._clock = clock
        self._keep = settings.history_days
        self._thin = settings.history_thin_days
        self._failing = False
        self._job = Periodic("upkeep of history", self.run, every=EVERY, first_after=FIRST_AFTER)

    def start(self) -> None:
        """Begin."""
        self._job.start()

    async def stop(self) -> None:
        """Stop, also in the middle of a run."""
        await self._job.stop()

    async def run(self) -> None:
        """Do what is due; a database that is away is waited for by the next run."""
        try:
            await self._run()
        except HistoryUnavailableError as error:
            if not self._failing:
                log.warning("the upkeep of history waits: %s", error)
            self._failing = True
            return
        if self._failing:
            log.warning("the upkeep of history goes on")
        self._failing = False

    async def _run(self) -> None:
        now, within = self._clock(), LONGEST.total_seconds()
        made = await self._keeper.make_room(now)
        if made:
            log.info("made room in history: %s", ", ".join(made))
        if self._keep:
            gone = await self._keeper.let_go(now, self._keep, within)
            if gone.months or gone.changes:
                log.info(
                    "history let go of %d changes and %d whole months (%s)%s",
                    gone.changes,
                    len(gone.months),
                    ", ".join(f"{each} before {format_instant(at)}" for each, at in gone.limits),
                    "" if gone.finished else "; the rest later",
                )
        if self._thin:
            gone = await self._keeper.thin(now, self._thin, within)
            if gone.thinned:
                rest = "" if gone.finished else "; the rest later"
                log.info("history let go of %d confirmations%s", gone.thinned, rest)
