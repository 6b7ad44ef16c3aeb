"""Rollups go by the catalogue of each moment, also where it changed in the middle of an hour."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from capacity.history import Catalogues, History, Roller
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.day import Scope
from capacity.indicators.days import Window, begin, end, split
from capacity.indicators.measures import WHOLE_DAY, Family, Measure, Tally, family_of
from capacity.opening import Opening
from capacity.units import Catalogue
from tests.support.raw_days import CLUSTER, MINUTE
from tests.support.raw_worlds import CATALOGUE, UNITS, random_world

pytest_plugins = ["tests.support.database_fixtures"]

DAY = date(2026, 11, 10)
CHANGED = begin(DAY) + 14 * timedelta(hours=1) + 23 * MINUTE
GONE = UNITS[1]


def changed() -> Catalogue:
    """One unit is shut on that day, all roads are long, another unit is there no more."""
    other_days = frozenset(range(7)) - {DAY.weekday()}
    hours = tuple(Opening(frozenset({day}), time(10), time(12)) for day in other_days)
    units = {id_: unit for id_, unit in CATALOGUE.units.items() if id_ != GONE}
    units[UNITS[0]] = replace(units[UNITS[0]], opening=hours)
    far = {
        code: {unit: replace(each, minutes=500) for unit, each in roads.items()}
        for code, roads in CATALOGUE.distances.items()
    }
    return replace(CATALOGUE, units=units, distances=far)


NEEDS = tuple(builtin_definitions(CATALOGUE).needs.values())
OLD, NEW = Scope(CLUSTER, CATALOGUE, NEEDS), Scope(CLUSTER, changed(), NEEDS)


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    world = random_world(3, DAY, 1)
    for minutes in (-90, -1, 1):
        world.supersede(GONE, CHANGED + minutes * MINUTE)
    await world.record(history)
    yield history
    await history.stop()


async def recorded(history: History, *versions: tuple[datetime, Catalogue]) -> Catalogues:
    for since, catalogue in versions:
        catalogues = Catalogues(history, catalogue)
        catalogues.begin(since)
        await catalogues.record()
    return catalogues


def less(whole: Tally, part: Tally) -> Tally:
    return Counter({key: whole[key] - part[key] for key in whole | part})


async def test_each_part_of_a_day_is_counted_by_the_catalogue_of_then(history: History) -> None:
    plain, last = Roller(history), end(DAY)
    old, new = await plain.tally(OLD, DAY, last), await plain.tally(NEW, DAY, last)
    until = await plain.tally(OLD, DAY, CHANGED)
    wanted = until + less(new, await plain.tally(NEW, DAY, CHANGED))
    catalogues = await recorded(history, (begin(DAY), OLD.catalogue), (CHANGED, NEW.catalogue))
    found = await Roller(history, catalogues).tally(NEW, DAY, last)
    assert +found == +wanted
    for family in (Family.NEED, Family.UNIT):
        of_family = [
            {key: n for key, n in each.items() if n and family_of(key.measure) is family}
            for each in (found, old, new)
        ]
        assert of_family[0] not in of_family[1:], family


async def test_what_is_rolled_up_is_the_same_and_stays_so_when_it_is_counted_anew(
    history: History,
) -> None:
    await recorded(history, (begin(DAY), OLD.catalogue), (CHANGED, NEW.catalogue))
    roller = Roller(history, Catalogues(history, NEW.catalogue))
    await roller.roll_up(NEW, end(DAY) + MINUTE)
    found = Counter(
        {
            each.measure: each.amount
            for each in await roller.amounts(CLUSTER, tuple(Measure), DAY, DAY, by=())
        }
    )
    wanted: Counter[Measure] = Counter()
    for key, n in (await roller.tally(NEW, DAY, end(DAY))).items():
        if key.hour == WHOLE_DAY:
            wanted[key.measure] += n
    assert +found == +wanted


async def test_a_change_that_matters_to_no_figure_changes_none(history: History) -> None:
    unit = CATALOGUE.units[UNITS[0]]
    units = {**CATALOGUE.units, unit.id: replace(unit, phone="+45 00 00 00 99")}
    rung = replace(CATALOGUE, units=units)
    versions = [(begin(DAY) + n * 97 * MINUTE, (CATALOGUE, rung)[n % 2]) for n in range(12)]
    catalogues = await recorded(history, *versions)
    found = await Roller(history, catalogues).tally(OLD, DAY, end(DAY))
    assert found == await Roller(history).tally(OLD, DAY, end(DAY))


def test_a_window_is_split_where_something_changed_within_it() -> None:
    ten = datetime(2026, 11, 10, 10, tzinfo=UTC)
    window = Window(ten, ten + 60 * MINUTE, 11)
    at = [ten - MINUTE, ten, ten + MINUTE, ten + 59 * MINUTE, ten + 60 * MINUTE]
    parts = list(split(window, at))
    assert [(p.since, p.until) for p in parts] == [
        (ten, at[2]), (at[2], at[3]), (at[3], window.until)
    ]  # fmt: skip
    assert {p.hour for p in parts} == {11}
    assert list(split(window, [])) == [window]
