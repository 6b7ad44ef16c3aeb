"""Rolls up: makes amounts of days from raw records, of those days that new records touch.

It may be stopped anywhere and run by several programs: a day is written in one transaction, and
how far the rollups are is moved only once everything before that is made.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from capacity.history import journal, raw
from capacity.history.history import History
from capacity.history.rollups import (
    Amount,
    Heads,
    Rolled,
    Touched,
    amounts,
    first_day,
    heads,
    move,
    read_rolled,
    touched,
    write_day,
)
from capacity.indicators.calls import hold_counts, outcome_counts, unit_counts
from capacity.indicators.day import Scope, window_tally
from capacity.indicators.days import Window, begin, day_of, days_between, end, windows
from capacity.indicators.measures import Measure, Tally, with_whole_day
from capacity.indicators.needs import Memory
from capacity.indicators.pressure import levels
from capacity.indicators.shown import Standing, shown_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What one run did: the days that it made, and until when the rollups now are.

    `through` is ``None`` where there is nothing to be rolled up.
    """

    days: tuple[date, ...]
    through: datetime | None


class Roller:
    """Rolls up one cluster after another into the database that the records are in."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def roll_up(self, scope: Scope, now: datetime) -> RolledUp:
        """Make every day that is new or touched, up to `now`, oldest first.

        The day at hand is made as far as it goes. Raises `HistoryUnavailableError`, and
        `RolledElsewhereError` when another program was at it; both leave what is whole.
        """
        cluster = scope.cluster
        rolled, upto, found = await self._history.read(
            lambda connection: _look(connection, cluster)
        )
        standing = rolled.through if rolled else None
        firsts = [at for at in (standing, found.since) if at is not None]
        if not firsts:
            return RolledUp((), None)
        since = begin(day_of(min(firsts)))
        made = []
        if rolled is None:
            rolled = await self._move(cluster, None, Rolled(0, since, 0, 0, 0))
        for day in sorted(day for day in found.days if begin(day) < since):
            rolled = await self._make(scope, day, end(day), rolled)
            made.append(day)
        rolled = await self._move(cluster, rolled, _at(rolled, since, upto))
        for day in days_between(day_of(since), day_of(now)):
            until = min(end(day), now)
            if begin(day) >= until:
                break
            rolled = await self._make(scope, day, until, rolled)
            rolled = await self._move(cluster, rolled, replace(rolled, through=until))
            made.append(day)
        return RolledUp(tuple(made), rolled.through)

    async def amounts(
        self,
        cluster: str,
        measures: Collection[Measure],
        first: date,
        last: date,
        by: Sequence[str] = ("day",),
        kinds: Iterable[str] = (),
    ) -> list[Amount]:
        """Sums of what is rolled up; see `capacity.history.rollups.amounts`."""
        return await self._read(
            lambda connection: amounts(connection, cluster, measures, first, last, by, kinds)
        )

    async def whole_days(self, cluster: str) -> tuple[date, date] | None:
        """The first and the last whole day that is rolled up; ``None`` when there is none.

        The day on which history begins is not whole, nor is the one at hand.
        """
        begun, rolled = await self._read(
            lambda connection: (first_day(connection, cluster), read_rolled(connection, cluster))
        )
        if begun is None or rolled is None:
            return None
        first, last = begun + timedelta(days=1), day_of(rolled.through) - timedelta(days=1)
        return (first, last) if first <= last else None

    async def tally(self, scope: Scope, day: date, until: datetime) -> Tally:
        """The amounts of one day up to `until`, from the raw records alone; writes nothing."""
        until = min(until, end(day))
        stretches = await self._read(
            lambda connection: levels(
                raw.surge_entries(connection, scope.cluster, begin(day), until), begin(day), until
            )
        )
        found = await self._read(lambda connection: _events(connection, scope, day, until))
        standing = await self._standing(scope, begin(day))
        memory: Memory = {}
        for window in windows(day, until):
            changes = await self._changes(scope, window)

            def count(
                window: Window = window,
                changes: list[raw.RawChange] = changes,
                standing: Standing = standing,
            ) -> tuple[Tally, Standing]:
                shown = [shown_of(*each) for each in changes]
                return window_tally(scope, day, window, standing, shown, stretches, memory)

            # Read in the database's thread, which the historian needs too; count in another.
            of_hour, standing = await asyncio.to_thread(count)
            found.update(of_hour)
        return with_whole_day(found)

    async def _make(self, scope: Scope, day: date, until: datetime, rolled: Rolled) -> Rolled:
        tally = await self.tally(scope, day, until)
        return await self._history.write(
            lambda connection: write_day(connection, scope.cluster, rolled, day, tally)
        )

    async def _standing(self, scope: Scope, at: datetime) -> Standing:
        found = await self._read(
            lambda connection: raw.standing_before(connection, scope.cluster, at)
        )
        return {unit: shown_of(order, unit, at, row) for order, unit, at, row in found}

    async def _changes(self, scope: Scope, window: Window) -> list[raw.RawChange]:
        return await self._read(
            lambda connection: raw.changes_between(
                connection, scope.cluster, window.since, window.until
            )
        )

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._history.read(work)

    async def _move(self, cluster: str, expected: Rolled | None, to: Rolled) -> Rolled:
        return await self._history.write(lambda connection: move(connection, cluster, expected, to))


def _look(connection: Connection, cluster: str) -> tuple[Rolled | None, Heads, Touched]:
    rolled = read_rolled(connection, cluster)
    upto = heads(connection, cluster)
    return rolled, upto, touched(connection, cluster, rolled, upto)


def _at(rolled: Rolled, through: datetime, upto: Heads) -> Rolled:
    return Rolled(rolled.version, through, upto.change_id, upto.journal_id, upto.late_id)


def _events(connection: Connection, scope: Scope, day: date, until: datetime) -> Tally:
    """The amounts of what is counted and not timed."""
    cluster, catalogue, since = scope.cluster, scope.catalogue, begin(day)
    found: Tally = Counter()
    found.update(hold_counts(raw.holds_asked(connection, cluster, since, until), catalogue))
    found.update(outcome_counts(journal.outcomes(connection, cluster, since, until)))
    late = raw.late_between(connection, cluster, since, until)
    found.update(unit_counts(Measure.LATE, late, catalogue))
    reminded = raw.reminders_between(connection, cluster, since, until)
    found.update(unit_counts(Measure.REMINDERS, reminded, catalogue))
    return found
