"""History's upkeep in a service, and that what takes long keeps nobody waiting."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from capacity.history import History, Roller, parts
from capacity.indicators.day import Scope
from capacity.periodic import Periodic
from capacity.settings import Settings
from tests.support.databases import PostgresServer
from tests.support.raw_days import CLUSTER, World
from tests.support.raw_worlds import CATALOGUE, UNITS
from web.history_upkeep import HistoryUpkeep

pytest_plugins = ["tests.support.database_fixtures"]

NOW = datetime(2026, 11, 16, 11, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url, patience=0.5)
    await history.start()
    yield history
    await history.stop()


def settings(folder: Path, **values: int) -> Settings:
    return Settings(data=folder, **values)  # type: ignore[arg-type]


async def rolled_up(history: History, days: int) -> None:
    """A unit that said the same four times a day, until now."""
    world = World(CATALOGUE)
    for n in range(4 * days, 0, -1):
        world.report(UNITS[0], NOW - n * DAY / 4, stale_after=2000, total=2, occupied=1)
    await world.record(history)
    await Roller(history).roll_up(Scope(CLUSTER, CATALOGUE), NOW)


async def changes(history: History) -> int:
    query = text("SELECT count(*) FROM change")
    return int(await history.read(lambda connection: connection.scalar(query)) or 0)


async def test_a_long_look_keeps_neither_writers_nor_the_recorder_waiting(
    history: History,
) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def look(connection: Connection) -> int:
        connection.execute(text("SELECT count(*) FROM change")).scalar_one()
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(60), "the writers waited for the reader"
        return int(connection.execute(text("SELECT count(*) FROM change")).scalar_one())

    looking = asyncio.create_task(history.read_long(look))
    try:
        await begun.wait()
        world = World(CATALOGUE)
        world.report(UNITS[0], NOW, total=2, occupied=1)
        await world.record(history)
        await history.write(lambda c: c.execute(text("UPDATE position SET seq = seq")))
        assert await changes(history) == 1
        assert await history.healthy()
    finally:
        go_on.set()
    assert await looking in (0, 1)


async def test_nothing_is_let_go_unless_it_is_asked_for(history: History, tmp_path: Path) -> None:
    await rolled_up(history, 3)
    before = await changes(history)
    await HistoryUpkeep(history, CATALOGUE, lambda: NOW, settings(tmp_path)).run()
    assert await changes(history) == before


async def test_a_run_makes_room_and_lets_go_of_what_is_past_its_time(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await rolled_up(history, 5)
    before = await changes(history)
    wanted = settings(tmp_path, history_days=3, history_thin_days=1)
    with caplog.at_level(logging.INFO, logger="web.history_upkeep"):
        await HistoryUpkeep(history, CATALOGUE, lambda: NOW, wanted).run()
        after = await changes(history)
        await HistoryUpkeep(history, CATALOGUE, lambda: NOW, wanted).run()
    assert after < before
    assert await changes(history) == after
    said = " ".join(record.message for record in caplog.records)
    assert said.count("confirmations") == 1
    postgres = await history.read(parts.are_kept)
    assert ("change_2027_02" in said) is postgres
    assert ("let go of" in said.partition("confirmations")[0]) is True
    assert len((await history.board_at(CLUSTER, NOW)).rows) == 1


@pytest.mark.postgres
async def test_a_database_that_is_away_is_said_once(
    postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(postgres.new_database(), patience=0.5)
    await history.start()
    upkeep = HistoryUpkeep(history, CATALOGUE, lambda: NOW, settings(tmp_path))
    postgres.stop()
    try:
        with caplog.at_level(logging.WARNING, logger="web.history_upkeep"):
            await upkeep.run()
            await upkeep.run()
    finally:
        postgres.start()
    assert len(caplog.records) == 1
    assert "waits" in caplog.records[0].message
    await upkeep.run()
    assert "goes on" in caplog.records[-1].message
    await history.stop()


async def test_a_job_comes_again_and_one_that_fails_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    twice = asyncio.Event()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            twice.set()
        raise ValueError("no")

    job = Periodic("tests", work, every=timedelta(seconds=1), first_after=timedelta(0))
    with caplog.at_level(logging.ERROR, logger="capacity.periodic"):
        job.start()
        async with asyncio.timeout(60):
            await twice.wait()
        await job.stop()
    ours = {record.message for record in caplog.records if record.name == "capacity.periodic"}
    assert ours == {"tests failed"}
