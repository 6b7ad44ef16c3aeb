"""The schedule of rollups: made in a running service, waited for, and stopped in the middle."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from capacity.catalogue import builtin_catalogue
from capacity.history import History, Roller
from capacity.indicators.days import day_of
from capacity.indicators.measures import Measure
from tests.support.databases import PostgresServer
from tests.support.raw_days import CLUSTER, World
from web.rollups import EVERY, RollUps

pytest_plugins = ["tests.support.database_fixtures"]

CATALOGUE = builtin_catalogue()
NOW = datetime(2026, 11, 16, 11, tzinfo=UTC)
UNIT = "randers-akutplads-1"


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url, patience=0.5)
    await history.start()
    yield history
    await history.stop()


def reported(days: int) -> World:
    world = World(CATALOGUE)
    for n in range(days, 0, -1):
        world.report(UNIT, NOW - timedelta(days=n), total=2, occupied=1, reserved=0, closed=0)
    return world


async def test_a_run_makes_amounts_of_time_needs_and_pressure(history: History) -> None:
    await reported(2).record(history)
    rollups = RollUps(history, CATALOGUE, lambda: NOW)
    await rollups.run()
    assert rollups.through == {CLUSTER: NOW}
    found = await Roller(history).amounts(
        CLUSTER, tuple(Measure), day_of(NOW), day_of(NOW), ("municipality",), ()
    )
    measures = {each.measure for each in found}
    assert {Measure.FREE_MS, Measure.STALE_MS, Measure.LEVEL_UNKNOWN_MS} & measures
    needs = {each.by[0] for each in found if each.measure.startswith("need_")}
    assert needs == {"0730", "0710", "0707", "0706"}
    await rollups.stop()


@pytest.mark.postgres
async def test_a_database_that_is_away_is_waited_for_and_said_once(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(postgres.new_database(), patience=0.5)
    await history.start()
    await reported(1).record(history)
    rollups = RollUps(history, CATALOGUE, lambda: NOW)
    postgres.stop()
    try:
        with caplog.at_level(logging.WARNING, logger="web.rollups"):
            await rollups.run()
            await rollups.run()
    finally:
        postgres.start()
    assert [record.message.partition(":")[0] for record in caplog.records] == ["rollups wait"]
    await rollups.run()
    assert rollups.through == {CLUSTER: NOW}
    assert caplog.records[-1].message == "rollups are made again"
    await history.stop()


async def test_a_stop_in_the_middle_leaves_whole_days(history: History) -> None:
    """However far it was, the next run ends where an undisturbed one would have."""
    await reported(12).record(history)
    rollups = RollUps(history, CATALOGUE, lambda: NOW)
    rollups.start()
    running = asyncio.create_task(rollups.run())
    while await _days(history) < 3:
        assert not running.done()
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await rollups.stop()
    again = RollUps(history, CATALOGUE, lambda: NOW + EVERY)
    await again.run()
    assert again.through == {CLUSTER: NOW + EVERY}
    assert await _days(history) == 13


async def _days(history: History) -> int:
    found = await Roller(history).amounts(
        CLUSTER, [Measure.LEVEL_UNKNOWN_MS], day_of(NOW) - timedelta(days=60), day_of(NOW)
    )
    return len(found)
