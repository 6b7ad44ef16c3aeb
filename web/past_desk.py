"""The past of one cluster, as pages and answers ask for it: a moment, and the ways on from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import orjson

from capacity.agreements import midnight
from capacity.history import Catalogues, History, InForce, looking_back, past
from capacity.replay import (
    PastChange,
    PastSurge,
    PastUse,
    Step,
    StepKind,
    agreements_then,
    catalogue_then,
    steps,
)
from capacity.replay.pressure import Level
from capacity.replay.then import Standing
from capacity.row import Row, read_row
from capacity.units import Catalogue, danish_day

PAGE = 300
"""Changes that are read together; some milliseconds of the history's one worker."""
MOST_PAGES = 12
"""Pages of mere confirmations that are looked through for the next change of a figure; a cluster
that ticks each minute says as much in some hours. Then the search stops where it is."""
_INSTANT = timedelta(milliseconds=1)
"""Instants are whole milliseconds."""


@dataclass(frozen=True, slots=True)
class PastMoment:
    """A cluster at an instant: `rows` as the board showed them, and what was in force.

    `catalogue` has the units of the rows, as they tell them; `master` is the one of then itself.
    """

    at: datetime
    rows: Sequence[Row]
    catalogue: Catalogue
    level: Level | None
    used: Mapping[str, int]
    agreements: Sequence[Standing]
    master: InForce


@dataclass(frozen=True, slots=True)
class Ways:
    """The nearest moments at which something else stood on the board; ``None``: there is none."""

    before: datetime | None
    after: datetime | None


@dataclass(frozen=True, slots=True)
class StepPage:
    """Steps in order, and from where the next page goes on (``None``: this is the last)."""

    steps: Sequence[Step]
    more_from: datetime | None


class PastDesk:
    """One cluster's past. Every question raises `HistoryUnavailableError` while it is away."""

    def __init__(self, history: History, catalogues: Catalogues, cluster: str) -> None:
        self._history = history
        self._catalogues = catalogues
        self._cluster = cluster

    async def moment(self, at: datetime) -> PastMoment:
        """Everything as of `at`."""
        since, cluster = start_of_quotas(at), self._cluster
        board = await self._history.board_at(cluster, at)
        told = await self._history.read(lambda c: looking_back.surge_told(c, cluster, at, at))
        holds = await self._history.read(lambda c: looking_back.holds_told(c, cluster, since, at))
        level, used = PastSurge(told).at(at), PastUse(holds).at(at)
        rows = [read_row(row) for row in board.rows]
        master = await self._catalogues.at(cluster, at)
        catalogue = catalogue_then(master.catalogue, cluster, rows)
        number = None if level is None else level.level
        agreements = agreements_then(catalogue, cluster, at, number, used)
        return PastMoment(at, rows, catalogue, level, used, agreements, master)

    async def ways(self, at: datetime, now: datetime) -> Ways:
        """Where the steps back and forth from `at` lead; also to another catalogue."""
        before, after = await self._catalogues.changes_beside(at)
        steps_back = [each for each in (await self._before(at), before) if each is not None]
        steps_on = [
            each for each in (await self._after(at, now), after) if each is not None and each <= now
        ]
        return Ways(max(steps_back, default=None), min(steps_on, default=None))

    async def changes(self, since: datetime, until: datetime, limit: int) -> StepPage:
        """All steps after `since`, up to and with `until`; about `limit` changes on one page."""
        cluster = self._cluster
        found = await self._history.read(
            lambda c: looking_back.changes_after(c, cluster, since, until, limit)
        )
        full = len(found) >= limit
        end = found[-1].at if full else until
        return StepPage(await self._steps(found, since, end), end if full and end < until else None)

    async def begins(self) -> datetime | None:
        """The earliest recorded change."""
        return await self._history.read(lambda c: looking_back.first_change(c, self._cluster))

    async def _after(self, at: datetime, now: datetime) -> datetime | None:
        since = at
        for _ in range(MOST_PAGES):
            page = await self.changes(since, now, PAGE)
            seen = next((step.at for step in page.steps if _is_seen(step)), None)
            if seen is not None:
                return seen
            if page.more_from is None:
                return None
            since = page.more_from
        return since

    async def _before(self, at: datetime) -> datetime | None:
        cluster, until = self._cluster, at
        for _ in range(MOST_PAGES):
            found = await self._history.read(
                partial(looking_back.changes_before, cluster=cluster, before=until, limit=PAGE)
            )
            if not found:
                return None
            since = found[0].at - _INSTANT
            walked = await self._steps(found, since, until - _INSTANT)
            seen = [step.at for step in walked if _is_seen(step)]
            if seen:
                return seen[-1]
            until = found[0].at
        return until

    async def _steps(
        self, found: Sequence[PastChange], since: datetime, until: datetime
    ) -> Sequence[Step]:
        board = await self._history.board_at(self._cluster, since)
        rows = [orjson.loads(row) for row in board.rows]
        return list(steps(rows, found, since, until))


def start_of_quotas(at: datetime) -> datetime:
    """The beginning of the earliest period of any quota that counts at `at`."""
    day = danish_day(at)
    first = min(day.replace(day=1), day - timedelta(days=day.weekday()))
    return midnight(first)


def _is_seen(step: Step) -> bool:
    return step.kind is not StepKind.CONFIRMED


async def raw_boards(
    history: History, cluster: str, instants: Sequence[datetime]
) -> list[list[bytes]]:
    """The rows of many moments at once, in one piece of the history's work."""
    return await history.read(
        lambda connection: [past.board_at(connection, cluster, at).rows for at in instants]
    )
