"""Rollups equal a count minute by minute, on both databases, and over both changes of the clock."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.history import History, RolledElsewhereError, Roller
from capacity.history.rollups import read_rolled, write_amounts
from capacity.indicators.day import Scope
from capacity.indicators.days import begin, day_of, days_between, end, windows
from capacity.indicators.measures import Family, Key, Measure, Tally, family_of
from capacity.indicators.shown import Shown, in_force, shown_of, slices
from capacity.indicators.time_use import time_use
from capacity.instants import epoch_millis
from tests.support.raw_days import CLUSTER, MINUTE, World, by_the_minute
from tests.support.raw_worlds import UNITS, random_world

pytest_plugins = ["tests.support.database_fixtures"]

CATALOGUE = builtin_catalogue()
SCOPE = Scope(CLUSTER, CATALOGUE)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
TIMED = {
    Measure.FREE_MS, Measure.FULL_MS, Measure.CLOSED_MS, Measure.STALE_MS, Measure.UNKNOWN_MS,
    Measure.PLACE_MS, Measure.OCCUPIED_MS, Measure.FREE_PLACE_MS, Measure.HELD_MS,
}  # fmt: skip
FIVE = (
    Measure.FREE_MS, Measure.FULL_MS, Measure.CLOSED_MS, Measure.STALE_MS, Measure.UNKNOWN_MS,
)  # fmt: skip


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


async def kept(history: History, day: date) -> Tally:
    """What is stored of a day, hour by hour and as a whole."""
    found: Tally = Counter()
    roller, every = Roller(history), tuple(Measure)
    by = ("hour", "subject", "kind", "municipality")
    for each in await roller.amounts(CLUSTER, every, day, day, by):
        hour, subject, kind, municipality = each.by
        found[Key(each.measure, str(subject), str(kind), str(municipality), int(hour))] = (
            each.amount
        )
    for each in await roller.amounts(CLUSTER, every, day, day, by[1:]):
        subject, kind, municipality = each.by
        found[Key(each.measure, str(subject), str(kind), str(municipality), -1)] = each.amount
    return found


def timed(tally: Tally, hours: bool = True) -> Tally:
    return Counter(
        {key: n for key, n in tally.items() if key.measure in TIMED and (key.hour >= 0) is hours}
    )


@pytest.mark.parametrize(("first", "seed"), [(date(2026, 3, 28), 1), (date(2026, 10, 24), 2)])
async def test_a_rollup_equals_a_count_by_the_minute(
    history: History, first: date, seed: int
) -> None:
    """Three days around a change of the clock; recorded and rolled up bit by bit."""
    days = [first + timedelta(days=n) for n in range(3)]
    whole = random_world(seed, first, 3)
    world = World(CATALOGUE)
    roller = Roller(history)
    size = len(whole.changes) // 4 + 1
    for start in range(0, len(whole.changes), size):
        world.changes += whole.changes[start : start + size]
        world.late = [each for each in whole.late if each.stream_id <= world.changes[-1].stream_id]
        await world.record(history)
        now = max(change.applied_at for change in world.changes) + 7 * MINUTE
        rolled = await roller.roll_up(SCOPE, now)
        assert rolled.through == now
    now = end(days[-1])
    await roller.roll_up(SCOPE, now)
    for day in days:
        stored = await kept(history, day)
        assert stored == await roller.tally(SCOPE, day, now)
        assert timed(stored) == by_the_minute(world, day, now)
        hours: Tally = Counter()
        for key, amount in stored.items():
            if key.hour >= 0:
                hours[key._replace(hour=-1)] += amount
        assert hours == {key: amount for key, amount in stored.items() if key.hour < 0}


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from([SPRING, AUTUMN]))
def test_every_moment_on_the_board_is_one_of_five(seed: int, day: date) -> None:
    """By the oracle and its rules: never more than the day has, nothing counted twice."""
    world = random_world(seed, day, 1)
    numbered = [
        shown_of(order, change.unit, change.applied_at, change.row.decode())
        for order, change in enumerate(world.changes)
    ]
    found: Tally = Counter()
    standing: dict[str, Shown] = {}
    since = min(change.at for change in numbered)
    for each in days_between(day_of(since), day):
        for window in windows(each):
            changes = [c for c in numbered if window.since <= c.at < window.until]
            lines = in_force(standing, changes)
            for line in lines.values():
                if each == day:
                    found.update(time_use(slices(standing, line, window), window.hour))
            standing = {unit: line[-1] for unit, line in lines.items()}
    assert timed(found) == by_the_minute(world, day, end(day))
    length = epoch_millis(end(day)) - epoch_millis(begin(day))
    for unit in UNITS:
        spent = sum(n for key, n in found.items() if key.subject == unit and key.measure in FIVE)
        assert spent <= length


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 6, 1), 24)])
def test_days_have_the_hours_that_clocks_show(day: date, hours: int) -> None:
    found = list(windows(day))
    assert len(found) == hours
    assert [a.until for a in found[:-1]] == [b.since for b in found[1:]]
    shown = Counter(window.hour for window in found)
    assert shown[2] == hours - 23
    assert all(shown[hour] == 1 for hour in range(24) if hour != 2)


NOON = datetime(2026, 11, 16, 11, tzinfo=UTC)


def days_ago(n: int) -> datetime:
    return NOON - timedelta(days=n)


async def test_only_days_that_are_touched_are_made_again(history: History) -> None:
    world, roller = World(CATALOGUE), Roller(history)
    world.report(UNITS[0], days_ago(5), total=2, occupied=1)
    world.outcome("o1", days_ago(4), {"outcome": "admitted_none_free"})
    world.hold("h1", UNITS[0], [("asked", days_ago(3))])
    await world.record(history)
    first = await roller.roll_up(SCOPE, NOON)
    assert first.days == tuple(days_between(day_of(days_ago(5)), day_of(NOON)))
    again = await roller.roll_up(SCOPE, NOON + MINUTE)
    assert again.days == (day_of(NOON),)

    world.correct("o1", NOON, {"outcome": "alternative", "unit": UNITS[0]})
    world.hold("h1", UNITS[0], [("asked", days_ago(3)), ("accepted", NOON)])
    world.supersede(UNITS[1], days_ago(2))
    await world.record(history)
    touched = await roller.roll_up(SCOPE, NOON + 2 * MINUTE)
    assert touched.days == tuple(day_of(days_ago(n)) for n in (4, 3, 2, 0))
    of_outcome = await kept(history, day_of(days_ago(4)))
    assert Key(Measure.OUTCOME_ALTERNATIVE, UNITS[0], "", "", -1) in of_outcome
    assert not [key for key in of_outcome if key.measure is Measure.OUTCOME_NONE_FREE]
    of_hold = await kept(history, day_of(days_ago(3)))
    assert of_hold[Key(Measure.ACCEPTED, UNITS[0], "acute_place", "0730", 12)] == 1
    assert of_hold[Key(Measure.ANSWER_MS, UNITS[0], "acute_place", "0730", -1)] == 3 * 86_400_000

    # A change that history got late counts from when it was applied until today.
    world.report(UNITS[2], days_ago(1), total=1, occupied=0)
    await world.record(history)
    late = await roller.roll_up(SCOPE, NOON + 3 * MINUTE)
    assert late.days == (day_of(days_ago(1)), day_of(NOON))
    for day in days_between(day_of(days_ago(5)), day_of(NOON)):
        assert await kept(history, day) == await roller.tally(SCOPE, day, NOON + 3 * MINUTE)


async def test_of_two_programs_one_gives_way_and_nothing_is_lost(history: History) -> None:
    world, roller = World(CATALOGUE), Roller(history)
    assert (await roller.roll_up(SCOPE, NOON)).through is None
    world.report(UNITS[0], days_ago(1), total=2, occupied=1)
    await world.record(history)
    await roller.roll_up(SCOPE, NOON)
    stood = await kept(history, day_of(NOON))
    old = await history.read(lambda connection: read_rolled(connection, CLUSTER))
    assert old is not None
    await roller.roll_up(SCOPE, NOON)
    with pytest.raises(RolledElsewhereError):
        await history.write(
            lambda connection: write_amounts(connection, CLUSTER, old, day_of(NOON), Counter())
        )
    assert await kept(history, day_of(NOON)) == stood


async def test_a_run_that_was_cut_off_is_made_up_for(history: History) -> None:
    """Stopped after any number of writes, the next run ends where an undisturbed one would."""
    world = World(CATALOGUE)
    world.report(UNITS[0], days_ago(3), total=2, occupied=1)
    await world.record(history)
    await Roller(history).roll_up(SCOPE, days_ago(1))
    world.report(UNITS[0], days_ago(2), total=2, occupied=2)
    world.supersede(UNITS[0], days_ago(3))
    await world.record(history)
    cuts = 0
    for writes in range(12):
        try:
            await Roller(_Cut(history, writes)).roll_up(SCOPE, NOON)  # type: ignore[arg-type]
            break
        except _CutOffError:
            cuts += 1
    assert cuts >= 4
    for day in days_between(day_of(days_ago(3)), day_of(NOON)):
        assert await kept(history, day) == await Roller(history).tally(SCOPE, day, NOON)


class _CutOffError(Exception):
    pass


class _Cut:
    """A history whose connection is cut after some writes."""

    def __init__(self, history: History, writes: int) -> None:
        self.read_long = history.read_long
        self._write = history.write
        self._left = writes

    async def write(self, work):
        if not self._left:
            raise _CutOffError
        self._left -= 1
        return await self._write(work)


def test_every_measure_belongs_to_something() -> None:
    assert {family_of(measure) for measure in Measure} == set(Family)
    assert family_of(Measure.FILLED) is Family.UNIT
    assert family_of(Measure.CALL_SECONDS) is Family.CALL
