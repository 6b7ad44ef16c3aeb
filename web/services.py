"""Everything one process runs, made from its settings and started and stopped in order."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from capacity.board import Board, BoardUnavailableError, Leases
from capacity.board.agreed import Agreed
from capacity.board.feed_figures import FeedFigures
from capacity.board.outcomes import Outcomes
from capacity.board.quarantine import Quarantine
from capacity.board.surge import SurgeStore
from capacity.board.sweeper import Sweeper
from capacity.board.upkeep import put_catalogue, put_units
from capacity.catalogue import builtin_catalogue
from capacity.catalogue_prepared import keep, prepared_catalogue
from capacity.history import Catalogues, Historian, History, HistoryUnavailableError
from capacity.indicator_catalogue import definitions_in
from capacity.instants import Clock, utc_now
from capacity.restoring import restore_if_empty
from capacity.settings import Settings
from capacity.units import Catalogue
from feeds.health import SharedHealth
from feeds.intake import Intake
from feeds.runner import FeedRunner
from feeds.sources import Source, load_sources
from web.access import Access
from web.alternatives_desk import AlternativesDesk
from web.auth.claims import check_rules
from web.auth.door import Door, build_door
from web.history_upkeep import HistoryUpkeep
from web.keys import KeyRing
from web.live.hub import Hub
from web.notify.notifier import Notifier
from web.rollups import RollUps
from web.secret import Comparing, digest_of, installation_secret
from web.surge_watch import SurgeWatch
from web.tables import Makers

log = logging.getLogger(__name__)

HISTORY_GATHER = 0.5
"""Seconds for which changes are gathered into one transaction of the history."""

KEPT_CATALOGUE, KEEP_AFTER = "catalogue.kept", 6.0
"""File of the data folder for the next start (`catalogue_prepared`); seconds until it is made."""

REFRESH_AFTER = 1.0
"""Seconds after the start until rows are held against the catalogue: boards are let in first."""

BOARD_PAUSES = (0.5, 15.0)
"""Seconds between tries to make a store ready that was away at the start, doubling in between."""


@dataclass(slots=True)
class Services:
    """The parts of one process; see docs/architecture.md for how they hang together."""

    settings: Settings
    clock: Clock
    catalogue: Catalogue
    sources: dict[str, Source]
    access: Access
    door: Door
    board: Board
    sweeper: Sweeper
    outcomes: Outcomes
    hub: Hub
    surge: SurgeWatch
    alternatives: AlternativesDesk
    intake: Intake
    quarantine: Quarantine
    feed_health: SharedHealth
    history: History
    catalogues: Catalogues
    historian: Historian
    leases: Leases
    runner: FeedRunner | None
    notifier: Notifier
    comparing: Comparing
    rollups: RollUps
    upkeep: HistoryUpkeep
    demo: bool
    unkept_catalogue: str | None = None
    """The digest to keep the catalogue under, if it is not kept yet."""
    tables: Makers = field(default_factory=Makers)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Start; a store or database that is away is waited for, not given up on.

        Raises `NewerDatabaseError` when the database was made by a newer program.
        """
        await self._open_history()
        self.catalogues.begin(self.clock())
        is_begun = await self._start_board()
        await self.door.start()
        self.hub.listen(self.notifier.seen)
        self.notifier.start()
        await self.hub.start()
        await self.surge.look_if_possible()
        watched = self.runner.watched if self.runner is not None else dict
        watching = self.feed_health.run(watched)
        self._tasks = [
            asyncio.create_task(self.historian.run(), name="historian"),
            asyncio.create_task(self.catalogues.keep(), name="catalogue in force"),
            asyncio.create_task(watching, name="feed health"),
            asyncio.create_task(self.sweeper.run(), name="hold sweeper"),
            asyncio.create_task(self.surge.run(), name="surge levels"),
            asyncio.create_task(self.comparing.run(), name="settings alike"),
            asyncio.create_task(self._refresh_rows(), name="rows of this catalogue"),
        ]
        if self.unkept_catalogue is not None:
            keeping = self._keep_catalogue(self.unkept_catalogue)
            self._tasks.append(asyncio.create_task(keeping, name="catalogue for the next start"))
        if not is_begun:
            later = self._start_board_later()
            self._tasks.append(asyncio.create_task(later, name="start of the board"))
        if self.runner is not None:
            self.runner.start()
            self.rollups.start()
            self.upkeep.start()

    async def stop(self) -> None:
        """Stop in the opposite order; what was accepted is durable already."""
        if self.runner is not None:
            await self.runner.stop()
        await self.upkeep.stop()
        await self.rollups.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hub.stop()
        await self.notifier.stop()
        await self.surge.stop()
        await self.door.stop()
        await self.history.stop()
        await self.feed_health.stop()
        await self.quarantine.stop()
        await self.outcomes.stop()
        await self.leases.stop()
        await self.comparing.stop()
        await self.board.stop()

    async def _start_board(self, *, again: bool = False) -> bool:
        """Make the store ready for boards; tells whether it was there for all of it."""
        try:
            durability = await self.board.start()
            await self._restore()
            await put_units(self.board, self.catalogue, self.clock())
        except BoardUnavailableError as error:
            tell = log.debug if again else log.error
            tell("the store is away, or not as it should be; it is waited for (%s)", error)
            return False
        if durability != "always":
            log.warning(
                "the store fsyncs '%s', not 'always': what it acknowledges can be lost when "
                "its machine stops (docs/operations.md, 'Durability')",
                durability,
            )
        return True

    async def _start_board_later(self) -> None:
        """Try again until it is done: whoever runs the feeds may not be there to do it."""
        pause, longest = BOARD_PAUSES
        while True:
            await asyncio.sleep(pause)
            if await self._start_board(again=True):
                log.warning("the store is there, and as it should be")
                return
            pause = min(longest, pause * 2)

    async def _refresh_rows(self) -> None:
        """Let rows say what this catalogue says; no board waits for it, and no lease is needed."""
        pause, longest = REFRESH_AFTER, BOARD_PAUSES[1]
        while True:
            await asyncio.sleep(pause)
            try:
                await put_catalogue(self.board, self.catalogue, self.clock())
            except BoardUnavailableError as error:
                log.debug("rows say what they said: the store is away (%s)", error)
                pause = min(longest, pause * 2)
            except Exception as error:
                log.error("rows were not held against the catalogue", exc_info=error)
                return
            else:
                return

    async def _keep_catalogue(self, digest: str) -> None:
        await asyncio.sleep(KEEP_AFTER)
        kept = self.settings.data / KEPT_CATALOGUE
        await asyncio.to_thread(keep, self.catalogue, digest, kept)

    async def _restore(self) -> None:
        """Fill an empty store from history, if history can be asked."""
        try:
            await restore_if_empty(
                self.board,
                self.outcomes,
                self.history,
                self.catalogue.served_clusters(),
                self.clock(),
            )
        except HistoryUnavailableError as error:
            log.error("history could not be asked whether the store has lost anything: %s", error)

    async def _open_history(self) -> None:
        try:
            await self.history.start()
        except HistoryUnavailableError as error:
            log.error("history waits for its database; boards do not: %s", error)


def build_services(
    settings: Settings,
    *,
    demo: bool = False,
    clock: Clock = utc_now,
    paces: Mapping[str, float] | None = None,
) -> Services:
    """Make all parts; refuses a wrong catalogue or sources file with `ConfigError`.

    `paces` are the hub's, in seconds, where they are to differ.
    """
    assert settings.store_url is not None, "the caller starts an embedded server first"
    catalogue, unkept = (
        prepared_catalogue(settings.catalogue, settings.data / KEPT_CATALOGUE)
        if settings.catalogue
        else (builtin_catalogue(), None)
    )
    definitions = definitions_in(settings.indicators, catalogue)
    sources = load_sources(_source_files(settings, demo), catalogue)
    board = Board(settings.store_url)
    clusters = catalogue.served_clusters()
    hub = Hub(board, clusters, clock, **(paces or {}))
    surge = SurgeWatch(SurgeStore(settings.store_url), catalogue, hub, clock)
    quarantine = Quarantine(settings.store_url)
    intake = Intake(board, catalogue, clock, quarantine)
    expected = {source.id: source.expected_every for source in sources.values()}
    figures = FeedFigures(settings.store_url)
    history = History(settings.history_url, clock=clock)
    catalogues = Catalogues(history, catalogue)
    feed_health = SharedHealth(intake.health, figures, expected, clock)
    leases = Leases(settings.store_url)
    runner = FeedRunner(
        board,
        catalogue,
        sources,
        intake,
        settings.inbox,
        clock,
        max_bytes=settings.max_document_bytes,
        leases=leases,
        taken=feed_health.wake,
    )
    access = Access(
        KeyRing(settings.keys_file, clock),
        open_boards=demo,
        csrf_secret=installation_secret(settings.secret, settings.data),
        hospitals={cluster.id: cluster.hospital for cluster in catalogue.clusters.values()},
    )
    door = build_door(settings, access, history, clock)
    access.key_seen = door.key_use.seen
    if door.provider is not None:
        check_rules(door.provider.rules, catalogue)
    notifier = Notifier(settings, board, catalogue, clock, demo=demo)
    alike = {"AKUTOVERBLIK_SECRET": digest_of(access.csrf_secret)}
    if notifier.pushes is not None:
        alike["AKUTOVERBLIK_PUSH_KEY"] = notifier.pushes.pusher.key.public
    return Services(
        settings=settings,
        clock=clock,
        catalogue=catalogue,
        sources=sources,
        access=access,
        door=door,
        board=board,
        sweeper=Sweeper(board, clusters),
        outcomes=Outcomes(settings.store_url),
        hub=hub,
        surge=surge,
        alternatives=AlternativesDesk(catalogue, hub, surge, clock, board.quotas),
        intake=intake,
        quarantine=quarantine,
        feed_health=feed_health,
        history=history,
        catalogues=catalogues,
        historian=Historian(history, hub.tail, clusters, clock=clock, gather=HISTORY_GATHER),
        leases=leases,
        runner=runner if settings.run_feeds else None,
        notifier=notifier,
        comparing=Comparing(Agreed(settings.store_url), alike),
        rollups=RollUps(history, catalogue, clock, definitions, catalogues),
        upkeep=HistoryUpkeep(history, catalogue, clock, settings),
        demo=demo,
        unkept_catalogue=unkept,
    )


DEMO_SIMULATORS = "simulators.url"
"""File of the demo's data folder that holds where its simulators answer."""


def demo_source_files() -> Sequence[Path]:
    """The sources that the simulators play."""
    return [Path(str(files("feeds").joinpath("data", "demo-sources.toml")))]


def _source_files(settings: Settings, demo: bool) -> Sequence[Path]:
    return demo_source_files() if demo and not settings.sources else settings.sources
