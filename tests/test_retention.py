"""What history lets go of, on both databases: figures stay as they were, and so does every moment
that is kept.
"""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from capacity.history import Catalogues, History, Keeper, Roller, looking_back, parts
from capacity.history.kept import kept_since, read_kept
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.day import Scope, window_tally
from capacity.indicators.days import begin, days_between, windows
from capacity.indicators.measures import Key, Measure, Tally
from capacity.indicators.shown import Shown, Standing, in_force, shown_of
from capacity.indicators.thinning import TIMES, superfluous
from capacity.row import read_row
from tests.support.raw_days import CLUSTER, MINUTE, World
from tests.support.raw_worlds import CATALOGUE, UNITS, ticking_world

pytest_plugins = ["tests.support.database_fixtures"]

SCOPE = Scope(CLUSTER, CATALOGUE)
WITH_NEEDS = Scope(CLUSTER, CATALOGUE, tuple(builtin_definitions(CATALOGUE).needs.values()))
DAY = timedelta(days=1)
FIRST = date(2026, 10, 31)
DAYS = list(days_between(FIRST, FIRST + 2 * DAY))
NOW = begin(FIRST + 3 * DAY) + 2 * MINUTE
LIMIT = begin(FIRST + 2 * DAY)
"""In November, so that in PostgreSQL a month is over."""
HABITS = {Measure.UPDATES, Measure.GAPS, Measure.GAP_MS}
"""What is told of confirmations themselves."""


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


@pytest.fixture
async def world(history: History) -> World:
    """Three days of ticking units, recorded and rolled up; one more spoke the day before only."""
    world = World(CATALOGUE)
    world.report("syddjurs-akutplads", begin(FIRST) - DAY, total=5, occupied=2)
    ticking = ticking_world(7, FIRST, 3)
    world.changes += ticking.changes
    world.outcome("o1", begin(FIRST) + DAY, {"outcome": "admitted_none_free"})
    await world.record(history)
    await Roller(history).roll_up(SCOPE, NOW)
    return world


async def stored(history: History, day: date) -> Tally:
    """The amounts of a day as charts are told them, by the hour."""
    found: Tally = Counter()
    by = ("hour", "subject", "kind", "municipality")
    for each in await Roller(history).amounts(CLUSTER, tuple(Measure), day, day, by):
        hour, subject, kind, place = each.by
        key = Key(each.measure, str(subject), str(kind), str(place), int(hour))
        found[key] = each.amount
    return found


async def boards(history: History, since: datetime) -> list[list[bytes]]:
    return [
        (await history.board_at(CLUSTER, since + n * 37 * MINUTE)).rows
        for n in range(1 + (NOW - since) // (37 * MINUTE))
    ]


async def count(history: History) -> int:
    query = text("SELECT count(*) FROM change")
    return int(await history.read(lambda connection: connection.scalar(query)) or 0)


def without(tally: Tally, measures: set[Measure]) -> Tally:
    return Counter({key: n for key, n in tally.items() if key.measure not in measures})


async def test_figures_stay_when_changes_go_and_so_does_every_moment_that_is_kept(
    history: History, world: World
) -> None:
    keeper = Keeper(history, [CLUSTER])
    figures = [await stored(history, day) for day in DAYS]
    shown, before = await boards(history, LIMIT), await count(history)
    gone = await keeper.let_go(NOW, 1, within=60)
    assert gone.finished
    assert gone.limits == ((CLUSTER, LIMIT),)
    after = await count(history)
    assert after < before * 0.7
    assert gone.changes == before - after or gone.months == ("change_2026_10",)
    assert await boards(history, LIMIT) == shown
    assert all(len(rows) == 4 for rows in shown)
    assert [await stored(history, day) for day in DAYS] == figures
    again = await keeper.let_go(NOW, 1, within=60)
    assert (again.changes, again.months) == (0, ())
    assert await count(history) == after


async def test_what_people_do_about_a_day_whose_changes_are_gone_is_counted(
    history: History, world: World
) -> None:
    figures = [await stored(history, day) for day in DAYS]
    await Keeper(history, [CLUSTER]).let_go(NOW, 1, within=60)
    world.correct("o1", NOW, {"outcome": "alternative", "unit": UNITS[0]})
    await world.record(history)
    rolled = await Roller(history).roll_up(SCOPE, NOW + MINUTE)
    assert DAYS[1] in rolled.days
    now = [await stored(history, day) for day in DAYS]
    assert Measure.OUTCOME_ALTERNATIVE in {key.measure for key in now[1]}
    calls = {Measure.OUTCOMES, Measure.OUTCOME_ALTERNATIVE, Measure.OUTCOME_NONE_FREE}
    assert without(now[1], calls) == without(figures[1], calls)
    assert now[2:] == figures[2:]


async def test_before_what_is_kept_the_past_is_empty_and_steps_begin_there(
    history: History, world: World
) -> None:
    catalogues = Catalogues(history, CATALOGUE)
    catalogues.begin(begin(FIRST))
    await catalogues.record()
    await Keeper(history, [CLUSTER]).let_go(NOW, 1, within=60)
    in_force = await catalogues.at(CLUSTER, begin(FIRST))
    assert in_force.since == begin(FIRST)  # journal and outcomes, which stay, are read by it
    since = await history.read(lambda connection: kept_since(connection, CLUSTER))
    assert since is not None
    assert since <= LIMIT
    early = await history.board_at(CLUSTER, since - MINUTE)
    assert early.rows == []
    assert len((await history.board_at(CLUSTER, since)).rows) == 4
    first = await history.read(lambda c: looking_back.first_change(c, CLUSTER))
    assert first == since
    steps = await history.read(
        lambda c: looking_back.changes_after(c, CLUSTER, begin(FIRST), NOW, 10)
    )
    assert len(steps) >= 10
    assert min(step.at for step in steps) >= since


async def test_nothing_goes_that_is_not_rolled_up(history: History) -> None:
    world = ticking_world(3, FIRST, 2)
    await world.record(history)
    before = await count(history)
    keeper = Keeper(history, [CLUSTER])
    assert (await keeper.let_go(NOW + 400 * DAY, 1, within=60)).limits == ()
    assert (await keeper.thin(NOW + 400 * DAY, 1, within=60)).thinned == 0
    await Roller(history).roll_up(SCOPE, begin(FIRST) + DAY + 90 * MINUTE)
    gone = await keeper.let_go(NOW + 400 * DAY, 1, within=60)
    assert gone.limits == ((CLUSTER, begin(FIRST + DAY)),)
    assert await count(history) <= before


async def test_what_is_let_go_of_does_not_come_back_from_the_stream(
    history: History, world: World
) -> None:
    """A historian that reads its stream from the beginning again brings no old run to life."""
    await Keeper(history, [CLUSTER]).let_go(NOW, 1, within=60)
    before, shown = await count(history), await boards(history, LIMIT)
    position = await history.position(CLUSTER)
    assert position is not None
    position = await history.rewind(CLUSTER, position)
    recorded = await history.record(CLUSTER, world.changes, [], position)
    assert await count(history) == before
    assert recorded.position.seq == world.changes[-1].seq
    assert await boards(history, LIMIT) == shown


async def test_a_run_without_time_leaves_the_rest_to_the_next(
    history: History, world: World
) -> None:
    keeper = Keeper(history, [CLUSTER])
    assert not (await keeper.thin(NOW, 1, within=0)).finished
    assert (await keeper.thin(NOW, 1, within=60)).thinned > 0


async def test_a_thinned_past_shows_the_same_figures_as_fresh_as_they_were(
    history: History, world: World
) -> None:
    """And its amounts, counted anew of what is left, are the same but for those of confirmations;
    those that are kept are the same altogether.
    """
    roller, since = Roller(history), begin(FIRST)
    figures = [await stored(history, day) for day in DAYS]
    counted = [await roller.tally(SCOPE, day, NOW) for day in DAYS]
    shown, before = await boards(history, since), await count(history)
    gone = await Keeper(history, [CLUSTER]).thin(NOW, 1, within=60)
    assert gone.finished
    assert await count(history) == before - gone.thinned
    assert gone.thinned > before / 8
    for place, (old, new) in enumerate(zip(shown, await boards(history, since), strict=True)):
        at = since + place * 37 * MINUTE
        assert [_told(row, at) for row in new] == [_told(row, at) for row in old]
    for day, was in zip(DAYS, counted, strict=True):
        assert without(await roller.tally(SCOPE, day, NOW), HABITS) == without(was, HABITS)
    world.correct("o1", NOW, {"outcome": "admitted_none_free"})
    await world.record(history)
    await roller.roll_up(SCOPE, NOW)
    assert [await stored(history, day) for day in DAYS] == figures
    kept = await history.read(lambda connection: read_kept(connection, CLUSTER))
    assert kept.thinned_until == begin(FIRST + 2 * DAY)
    assert (await Keeper(history, [CLUSTER]).thin(NOW, 1, within=60)).thinned == 0


def _told(stored_row: bytes, at: datetime) -> tuple[object, ...]:
    """What a row says, and how fresh it is."""
    row = read_row(stored_row)
    words = [value for name, value in row.items() if name not in TIMES]
    ends = (row["ageing_at"], row["stale_at"])
    return *words, *(end is not None and at < datetime.fromisoformat(end) for end in ends)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 100_000), st.sampled_from([date(2026, 3, 29), date(2026, 10, 25)]))
def test_thinning_changes_no_amount_but_those_of_confirmations(seed: int, day: date) -> None:
    """The rule itself, over both changes of the clock, in any world."""
    world = ticking_world(seed, day, 1)
    numbered = [
        shown_of(order, each.unit, each.applied_at, each.row.decode())
        for order, each in enumerate(world.changes)
    ]
    epochs = {order: each.epoch for order, each in enumerate(world.changes)}
    gone = set()
    for line in in_force({}, numbered).values():
        for epoch in dict.fromkeys(epochs[each.order] for each in line):
            part = [each for each in line if epochs[each.order] == epoch]
            gone |= {each.order for each in superfluous(part)}
    left = [each for each in numbered if each.order not in gone]
    assert _amounts(day, left) == _amounts(day, numbered)


def _amounts(day: date, changes: list[Shown]) -> Tally:
    found: Tally = Counter()
    first = begin(day)
    standing: Standing = {
        unit: line[-1]
        for unit, line in in_force({}, [each for each in changes if each.at < first]).items()
    }
    for window in windows(day):
        within = [each for each in changes if window.since <= each.at < window.until]
        amounts, standing = window_tally(WITH_NEEDS, day, window, standing, within, ())
        found.update(amounts)
    return without(found, HABITS)


@pytest.mark.postgres
async def test_room_is_made_for_the_months_that_come(database_url: str) -> None:
    history = History(database_url)
    await history.start()
    now = datetime(2026, 11, 30, 23, tzinfo=UTC)
    keeper = Keeper(history, [CLUSTER])
    made = await keeper.make_room(now)
    if database_url.startswith("postgresql"):
        assert made == ["change_2026_11", "change_2026_12", "change_2027_01", "change_2027_02"]
        assert [p.name for p in await history.read(parts.read)][1:] == made
    assert await keeper.make_room(now) == []
    await history.stop()
