"""Reports from before the board: each once, wherever they belong, through kill -9 and any order."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.history import History, Roller, backfill
from capacity.history.backfill import EPOCH, BroughtInElsewhereError, Done, Moment
from capacity.indicators.day import Scope
from capacity.indicators.days import day_of, days_between
from capacity.indicators.measures import Measure
from capacity.model import PlaceReport
from capacity.row import encode_row, row_of
from tests.support.databases import dump
from tests.support.raw_days import CLUSTER, MINUTE, World

pytest_plugins = ["tests.support.database_fixtures"]

CATALOGUE = builtin_catalogue()
UNITS = ("randers-akutplads-1", "favrskov-akutplads", "norddjurs-akutplads")
START = datetime(2026, 3, 28, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


def moment(unit: str, at: datetime, occupied: int) -> Moment:
    report = PlaceReport(unit=unit, observed_at=at, total=3, occupied=occupied, free=3 - occupied)
    row = row_of(CATALOGUE.units[unit], report, received_at=at, source="old")
    return Moment(CLUSTER, unit, at, encode_row(row))


async def bring_in(history: History, moments: Sequence[Moment], name: str) -> Done:
    """One file of moments, in one part."""
    done = await history.write(lambda sql: backfill.begin(sql, name, NOW))
    done, _ = await history.write(
        lambda sql: backfill.put(
            sql, name, done, moments, lines=len(moments), size=len(moments), rejected=0
        )
    )
    return done


async def shown(history: History, at: datetime) -> dict[str, int]:
    """What each unit had occupied."""
    rows = [orjson.loads(row) for row in (await history.board_at(CLUSTER, at)).rows]
    return {row["unit"]: row["occupied"] for row in rows}


# What is found is what was told, in whatever order it came

_NAMES = count()
_TOLD = st.lists(
    st.tuples(st.sampled_from(UNITS), st.integers(0, 20), st.integers(0, 3)),
    min_size=1, max_size=30, unique_by=lambda each: each[:2],
)  # fmt: skip


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_TOLD, st.randoms(use_true_random=False))
async def test_files_in_any_order_make_the_same_past(
    history: History, told: list[tuple[str, int, int]], random: Random
) -> None:
    offset = timedelta(days=next(_NAMES))  # every example in days of its own
    moments = [moment(unit, START + offset + n * MINUTE, k) for unit, n, k in told]
    random.shuffle(moments)
    size = random.randint(1, len(moments))
    recorded = 0
    for start in range(0, len(moments), size):
        part = moments[start : start + size]
        recorded += (await bring_in(history, part, f"file {next(_NAMES)}")).recorded
        again = await bring_in(history, part, f"file {next(_NAMES)}")
        assert (again.recorded, again.revised, again.known) == (0, 0, len(part))
    assert recorded == len(moments)
    for n in range(21):
        at = START + offset + n * MINUTE
        wanted: dict[str, int] = {}
        for unit, minute, occupied in sorted(told, key=lambda each: each[1]):
            if minute <= n:
                wanted[unit] = occupied
        found = await shown(history, at)
        assert {unit: found[unit] for unit in wanted} == wanted


async def test_a_revision_is_found_and_what_it_revised_is_kept(
    history: History, database_url: str
) -> None:
    first = [moment(UNITS[0], START + n * MINUTE, 1) for n in range(3)]
    await bring_in(history, first, "first")
    revised = await bring_in(history, [moment(UNITS[0], START + MINUTE, 2), *first[2:]], "second")
    assert (revised.recorded, revised.revised, revised.known) == (0, 1, 1)
    assert await shown(history, START) == {UNITS[0]: 1}
    assert await shown(history, START + MINUTE) == {UNITS[0]: 2}
    assert await shown(history, START + 2 * MINUTE) == {UNITS[0]: 1}
    rows = dump(database_url, "change", "epoch", "cluster")
    assert rows.count((EPOCH, CLUSTER)) == 4


async def test_the_boards_own_record_is_never_overwritten(
    history: History, database_url: str
) -> None:
    world = World(CATALOGUE)
    world.report(UNITS[0], START + 10 * MINUTE, total=3, occupied=3)
    await world.record(history)
    done = await history.write(lambda sql: backfill.begin(sql, "file", NOW))
    wanted = [moment(UNITS[0], START + n * MINUTE, 1) for n in (8, 9, 10, 11)]
    wanted.append(moment(UNITS[1], START + 11 * MINUTE, 2))
    done, refused = await history.write(
        lambda sql: backfill.put(sql, "file", done, wanted, lines=5, size=9, rejected=0)
    )
    assert refused == [2, 3]
    assert (done.recorded, done.rejected) == (3, 2)
    assert await shown(history, START + 9 * MINUTE) == {UNITS[0]: 1}
    later = {UNITS[0]: 3, UNITS[1]: 2}
    assert await shown(history, START + 12 * MINUTE) == later
    # What the board records after that is found too, on a database that numbers by itself.
    world.report(UNITS[1], START + 20 * MINUTE, total=3, occupied=0)
    await world.record(history)
    assert await shown(history, START + 21 * MINUTE) == later | {UNITS[1]: 0}
    ids = dump(database_url, "change", "id", "epoch", "cluster")
    assert all((number < 0) is (epoch == EPOCH) for number, epoch, of in ids if of)


async def test_rollups_are_made_anew_from_where_something_was_brought_in(
    history: History,
) -> None:
    """Over the night in March that has an hour less."""
    random, scope, roller = Random(5), Scope(CLUSTER, CATALOGUE), Roller(history)
    old = [
        moment(random.choice(UNITS), START + n * 37 * MINUTE, random.randint(0, 3))
        for n in range(60)
    ]
    since = START + timedelta(days=2)
    world = World(CATALOGUE)
    for n in range(10):
        world.report(random.choice(UNITS), since + n * 41 * MINUTE, total=3, occupied=n % 4)
    await world.record(history)
    now = since + timedelta(days=1)
    assert min((await roller.roll_up(scope, now)).days) == day_of(since)
    await bring_in(history, old, "old")
    again = await roller.roll_up(scope, now)
    assert again.days == tuple(days_between(day_of(START), day_of(now)))
    for day in again.days:
        amounts = await roller.amounts(CLUSTER, tuple(Measure), day, day, ("subject",))
        stored = {(each.measure, each.by[0]): each.amount for each in amounts}
        tally = await roller.tally(scope, day, now)
        assert stored == {(k.measure, k.subject): n for k, n in tally.items() if k.hour < 0}
        assert stored, day
    assert (await roller.roll_up(scope, now)).days == (day_of(now),)


async def test_two_programs_do_not_bring_in_one_file_at_once(history: History) -> None:
    done = await history.write(lambda sql: backfill.begin(sql, "file", NOW))
    wanted = [moment(UNITS[0], START, 1)]

    async def put() -> Done:
        after, _ = await history.write(
            lambda sql: backfill.put(sql, "file", done, wanted, lines=1, size=1, rejected=0)
        )
        return after

    await put()
    with pytest.raises(BroughtInElsewhereError):
        await put()
    with pytest.raises(BroughtInElsewhereError):
        await history.write(lambda sql: backfill.finish(sql, "file", done, NOW))


async def test_units_whose_names_come_out_alike_are_kept_apart(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_IDS_A_MILLISECOND", 1025)  # so that all come out the same
    wanted = [moment(unit, START + n * MINUTE, n % 4) for n in range(4) for unit in UNITS]
    done = await bring_in(history, wanted[:5], "one")
    done = await bring_in(history, wanted, "two")
    assert (done.recorded, done.known) == (7, 5)
    assert await shown(history, START + 2 * MINUTE) == dict.fromkeys(UNITS, 2)
