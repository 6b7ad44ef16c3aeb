"""Rolls up: makes amounts of days from raw records, of those days that new records touch.

It may be stopped anywhere and run by several programs: how far the rollups are is moved only once
everything before that is made. Of a day only what differs is written, in short transactions, and
all that is told by the day in one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Connection

from capacity.history import journal, raw
from capacity.history.catalogues import Catalogues, InForce, Stretch
from capacity.history.history import History
from capacity.history.kept import countable_since
from capacity.history.rollups import (
    Amount,
    Heads,
    Rolled,
    Touched,
    amounts,
    day_amounts,
    differences,
    first_day,
    heads,
    move,
    positions,
    read_rolled,
    touched,
    write_amounts,
)
from capacity.indicators.calls import CatalogueAt, hold_counts, outcome_counts, unit_counts
from capacity.indicators.day import Scope, window_tally
from capacity.indicators.days import (
    Window,
    begin,
    day_of,
    days_between,
    end,
    first_window,
    split,
    windows,
)
from capacity.indicators.measures import (
    WHOLE_DAY,
    Family,
    Key,
    Measure,
    Tally,
    family_of,
    with_whole_day,
)
from capacity.indicators.needs import Memory
from capacity.indicators.pressure import levels
from capacity.indicators.shown import Standing, shown_of
from capacity.units import Catalogue

T = TypeVar("T")

EVENTS: Final = frozenset(
    (
        *(Measure.ASKED, Measure.ACCEPTED, Measure.DECLINED, Measure.UNANSWERED, Measure.FILLED),
        *(Measure.ANSWERED, Measure.ANSWER_MS, Measure.LATE, Measure.REMINDERS),
        *(each for each in Measure if family_of(each) in (Family.AGREEMENT, Family.CALL)),
    )
)
"""What is counted of journal and late readings; all other amounts are of changes and time."""


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What one run did: the days that it made, and until when the rollups now are.

    `through` is ``None`` where there is nothing to be rolled up. `left` is how many days remain
    because no more were asked for.
    """

    days: tuple[date, ...]
    through: datetime | None
    left: int = 0


class Roller:
    """Rolls up one cluster after another into the database that the records are in."""

    def __init__(self, history: History, catalogues: Catalogues | None = None) -> None:
        """`catalogues` tell which was in force when; without them a scope's own always was."""
        self._history = history
        self._catalogues = catalogues

    async def roll_up(self, scope: Scope, now: datetime, most: int | None = None) -> RolledUp:
        """Make what is new or touched, up to `now`, oldest first; at most `most` days of it.

        The day at hand is made as far as it goes, from the first hour that is touched.
        Raises `HistoryUnavailableError`, and `RolledElsewhereError` when another program was at
        it; both leave what is right as far as it is there.
        """
        cluster = scope.cluster
        rolled, upto, found = await self._read(lambda connection: _look(connection, cluster))
        standing = rolled.through if rolled else None
        firsts = [at for at in (standing, found.since) if at is not None]
        if not firsts:
            return RolledUp((), None)
        since = first_window(min(firsts))
        made = []
        if rolled is None:
            since = begin(day_of(since))
            rolled = await self._move(cluster, None, Rolled(0, since, 0, 0, 0))
        for day in sorted(day for day in found.days if day < day_of(since)):
            rolled = await self._make(scope, day, end(day), end(day), rolled)
            made.append(day)
        rolled = await self._move(cluster, rolled, _at(rolled, since, upto))
        days = [day for day in days_between(day_of(since), day_of(now)) if begin(day) < now]
        for day in days[:most]:
            until = min(end(day), now)
            rolled = await self._make(scope, day, max(since, begin(day)), until, rolled)
            rolled = await self._move(cluster, rolled, replace(rolled, through=until))
            made.append(day)
        left = 0 if most is None else max(0, len(days) - most)
        return RolledUp(tuple(made), rolled.through, left)

    async def settled(self) -> None:
        """Return once nothing is being written any more of a `roll_up` that was cancelled."""
        await self._history.settled()

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

    async def positions(self) -> dict[str, datetime]:
        """Until when each cluster is rolled up."""
        return await self._read(positions)

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
        found = await self._events(scope, day, until)
        found.update(await self._timed(scope, day, begin(day), until))
        return with_whole_day(found)

    async def _make(
        self, scope: Scope, day: date, since: datetime, until: datetime, rolled: Rolled
    ) -> Rolled:
        """Bring a day's amounts up to date: all that people did, and time from `since` on, or all
        of it where nothing is kept of the day yet.

        `since` begins an hour that no clock shows twice before it (`first_window`). Of a day whose
        changes history does not have any more nothing is counted of time: what is kept stands.
        """
        cluster = scope.cluster
        before, there = await self._read(
            lambda connection: (
                day_amounts(connection, cluster, day), countable_since(connection, cluster)
            )
        )  # fmt: skip
        if not before:
            since = begin(day)
        if there is not None and begin(day) < there:
            since = end(day)
        again = {window.hour for window in windows(day, until) if window.since >= since}
        found: Tally = Counter(
            {
                key: amount
                for key, amount in before.items()
                if key.measure not in EVENTS and key.hour not in (*again, WHOLE_DAY)
            }
        )
        found.update(await self._events(scope, day, until))
        if again:
            found.update(await self._timed(scope, day, since, until))
        parts = await asyncio.to_thread(differences, before, with_whole_day(found))
        for values in parts:
            rolled = await self._write_amounts(cluster, rolled, day, values)
        return rolled

    async def _write_amounts(
        self, cluster: str, rolled: Rolled, day: date, values: Mapping[Key, int]
    ) -> Rolled:
        return await self._history.write(
            lambda connection: write_amounts(connection, cluster, rolled, day, values)
        )

    async def _events(self, scope: Scope, day: date, until: datetime) -> Tally:
        """The amounts of what is counted and not timed."""
        masters = await self._masters(scope, begin(day), until)

        def catalogue_at(instant: datetime) -> Catalogue:
            return masters.at(instant).catalogue

        return await self._read(lambda c: _events(c, scope.cluster, day, until, catalogue_at))

    async def _masters(self, scope: Scope, since: datetime, until: datetime) -> Stretch:
        if self._catalogues is None:
            return Stretch([(since, InForce(scope.catalogue, None))])
        return await self._catalogues.during(scope.cluster, since, until)

    async def _timed(self, scope: Scope, day: date, since: datetime, until: datetime) -> Tally:
        """The amounts of changes and of time in the hours from `since` on."""
        stretches = await self._read(
            lambda connection: levels(
                raw.surge_entries(connection, scope.cluster, begin(day), until), begin(day), until
            )
        )
        masters = await self._masters(scope, since, until)
        found: Tally = Counter()
        standing = await self._standing(scope, since)
        memory: Memory = {}
        whole = [window for window in windows(day, until) if window.since >= since]
        for window in (part for each in whole for part in split(each, masters.changes)):
            if window.since in masters.changes:
                memory = {}
            scope = replace(scope, catalogue=masters.at(window.since).catalogue)
            changes = await self._changes(scope, window)

            def count(
                window: Window = window,
                changes: list[raw.RawChange] = changes,
                standing: Standing = standing,
                scope: Scope = scope,
                memory: Memory = memory,
            ) -> tuple[Tally, Standing]:
                shown = [shown_of(*each) for each in changes]
                return window_tally(scope, day, window, standing, shown, stretches, memory)

            # Read in the database's thread, which charts need too; count in another.
            of_hour, standing = await asyncio.to_thread(count)
            found.update(of_hour)
        return found

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
        return await self._history.read_long(work)

    async def _move(self, cluster: str, expected: Rolled | None, to: Rolled) -> Rolled:
        return await self._history.write(lambda connection: move(connection, cluster, expected, to))


def _look(connection: Connection, cluster: str) -> tuple[Rolled | None, Heads, Touched]:
    rolled = read_rolled(connection, cluster)
    upto = heads(connection, cluster)
    return rolled, upto, touched(connection, cluster, rolled, upto)


def _at(rolled: Rolled, through: datetime, upto: Heads) -> Rolled:
    return Rolled(rolled.version, through, upto.change_id, upto.journal_id, upto.late_id)


def _events(
    connection: Connection, cluster: str, day: date, until: datetime, catalogue_at: CatalogueAt
) -> Tally:
    since = begin(day)
    found: Tally = Counter()
    found.update(hold_counts(raw.holds_asked(connection, cluster, since, until), catalogue_at))
    found.update(outcome_counts(journal.outcomes(connection, cluster, since, until)))
    late = raw.late_between(connection, cluster, since, until)
    found.update(unit_counts(Measure.LATE, late, catalogue_at))
    reminded = raw.reminders_between(connection, cluster, since, until)
    found.update(unit_counts(Measure.REMINDERS, reminded, catalogue_at))
    return found
