"""Versions of the catalogue in history: one text for one content, each change written once."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.catalogue import builtin_catalogue, load_catalogue, shipped_names
from capacity.catalogue_text import CatalogueTextError, catalogue_of, digest_of, text_of
from capacity.history import Catalogues, History, HistoryUnavailableError, migrate
from capacity.history.catalogues import content, is_recorded, versions, write
from capacity.reminders import Channel, Reminding
from capacity.units import Catalogue
from tests.support.board_model import until
from tests.support.databases import PostgresServer, dump
from tests.support.service import running, settings_for

pytest_plugins = ["tests.support.database_fixtures"]

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
OLD = builtin_catalogue()
UNIT = next(iter(OLD.units.values()))
NEW = replace(OLD, units={**OLD.units, UNIT.id: replace(UNIT, name="Et andet navn")})


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url, patience=0.5)
    await history.start()
    yield history
    await history.stop()


def begun(history: History, catalogue: Catalogue, minutes: float) -> Catalogues:
    catalogues = Catalogues(history, catalogue)
    catalogues.begin(at(minutes))
    return catalogues


async def recorded(history: History) -> list[tuple[datetime, str]]:
    """Since when each version is in force, and what the first unit is called in it."""

    def work(connection: object) -> list[tuple[datetime, str]]:
        told = [(v.since, catalogue_of(content(connection, v))) for v in versions(connection)]  # type: ignore[arg-type]
        return [(since, each.units[UNIT.id].name) for since, each in told]

    return await history.read(work)


# The text


@pytest.mark.parametrize("name", sorted(shipped_names()))
def test_a_catalogue_is_the_same_after_it_was_a_text(name: str) -> None:
    catalogue = builtin_catalogue([name])
    again = catalogue_of(text_of(catalogue))
    for each in fields(Catalogue):
        told, kept = getattr(catalogue, each.name), getattr(again, each.name)
        assert kept == told
        assert list(kept) == list(told) or isinstance(told, frozenset)
    assert text_of(again) == text_of(catalogue)


def test_the_text_is_the_same_in_any_process() -> None:
    """Sets have another order in each: words are hashed by a seed of the process."""
    code = (
        "from capacity.catalogue import builtin_catalogue as b;"
        "from capacity.catalogue_text import *; print(digest_of(text_of(b())))"
    )
    command = [sys.executable, "-c", code]
    found = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, timeout=60
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {f"{digest_of(text_of(OLD))}\n".encode()}


def test_where_reminders_are_sent_is_not_in_it() -> None:
    remind = Reminding((Channel.WEBHOOK,), timedelta(minutes=5), 4, None, None, "https://x/secret")
    reminded = replace(OLD, units={**OLD.units, UNIT.id: replace(UNIT, remind=remind)})
    assert text_of(reminded) == text_of(OLD)
    assert "secret" not in text_of(reminded)


def test_a_field_of_a_newer_program_is_passed_over_and_what_is_damaged_refused() -> None:
    told = orjson.loads(text_of(OLD)) | {"of_a_newer_program": 1}
    assert catalogue_of(orjson.dumps(told).decode()).units == OLD.units
    told["units"][UNIT.id]["kind"] = "of_a_newer_program"
    for damaged in (orjson.dumps(told).decode(), "{", "[]"):
        with pytest.raises(CatalogueTextError):
            catalogue_of(damaged)


# Writing it down


async def test_a_start_without_a_change_adds_nothing(history: History) -> None:
    await begun(history, OLD, 0).record()
    await begun(history, builtin_catalogue(), 5).record()
    await begun(history, NEW, 10).record()
    await begun(history, NEW, 15).record()
    await begun(history, OLD, 20).record()
    told = [(at(0), UNIT.name), (at(10), "Et andet navn"), (at(20), UNIT.name)]
    assert await recorded(history) == told


async def test_several_that_start_at_once_write_it_once(database_url: str) -> None:
    """Each with a connection of its own, as processes have; the first start counts."""
    migrate(database_url)
    starters = [History(database_url) for _ in range(6)]
    try:
        for catalogue, first in ((OLD, 0), (NEW, 10)):
            tasks = [
                begun(each, catalogue, first + n).record() for n, each in enumerate(starters[::-1])
            ]
            await asyncio.gather(*tasks)
        assert await recorded(starters[0]) == [(at(0), UNIT.name), (at(10), "Et andet navn")]
    finally:
        for each in starters:
            await each.stop()


async def test_who_started_first_may_write_last(history: History) -> None:
    """As when the database was away at both starts."""
    await begun(history, NEW, 10).record()
    await begun(history, OLD, 0).record()
    assert await recorded(history) == [(at(0), UNIT.name), (at(10), "Et andet navn")]
    await begun(history, NEW, 5).record()
    assert await recorded(history) == [(at(0), UNIT.name), (at(5), "Et andet navn")]


async def test_what_another_has_written_meanwhile_is_not_written_again(history: History) -> None:
    """The look before the writing found nothing, and another was quicker."""
    told = text_of(OLD)
    since, digest = at(0), digest_of(told)
    assert await history.write(lambda c: write(c, since, digest, told))
    assert not await history.write(lambda c: write(c, since, digest, told))
    assert is_recorded(await history.read(versions), since, digest)


# Reading it


async def test_each_moment_has_the_catalogue_of_then_and_before_all_the_first(
    history: History,
) -> None:
    await begun(history, OLD, 0).record()
    reader = begun(history, NEW, 10)
    for minutes, catalogue, since, is_earlier in (
        (-1, OLD, 0, True), (0, OLD, 0, False), (9.999, OLD, 0, False),
        (10, NEW, 10, False), (99, NEW, 10, False),
    ):  # fmt: skip
        found = await reader.at("randers", at(minutes))
        assert found.catalogue.units == catalogue.units
        assert (found.since, found.is_earlier) == (at(since), is_earlier)
    stretch = await reader.during("randers", at(-5), at(10))
    assert stretch.changes == [at(10)]
    assert [stretch.at(at(m)).since for m in (-5, 10)] == [at(0), at(10)]
    beside = [await reader.changes_beside(at(m)) for m in (5, 10, 11)]
    assert beside == [(None, at(10)), (None, None), (at(10), None)]


async def test_it_is_read_once_and_ones_own_not_at_all(history: History) -> None:
    await begun(history, OLD, 0).record()
    reader = begun(history, NEW, 10)
    first, again = [(await reader.at("randers", at(m))).catalogue for m in (1, 2)]
    assert first is again
    assert (await reader.at("randers", at(11))).catalogue is NEW


async def test_a_cluster_that_came_later_has_the_first_catalogue_with_it(history: History) -> None:
    nothing = replace(OLD, clusters={}, units={}, agreements={}, distances={})
    await begun(history, nothing, 0).record()
    found = await begun(history, OLD, 10).at("randers", at(5))
    assert (found.since, found.is_earlier) == (at(10), True)


async def test_where_nothing_is_recorded_or_readable_ones_own_stands_in(history: History) -> None:
    found = await Catalogues(history, OLD).at("randers", at(0))
    assert (found.catalogue, found.since) == (OLD, None)
    await history.write(lambda c: write(c, at(0), "x", '{"units": 5}'))
    reader = begun(history, NEW, 10)
    found = await reader.at("randers", at(5))
    assert (found.catalogue, found.since) == (NEW, None)
    assert (await reader.at("randers", at(10))).since == at(10)


# In a service


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is being started that would have to come first."""
    monkeypatch.setattr("capacity.history.catalogues.FIRST_AFTER", 0.0)


@contextlib.contextmanager
def without(postgres: PostgresServer) -> Iterator[None]:
    """For a while it is away."""
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


@pytest.mark.postgres
@pytest.mark.usefixtures("at_once")
async def test_a_history_that_is_away_at_the_start_is_written_to_when_it_is_there(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    migrate(url)
    sources = tmp_path / "sources.toml"
    sources.touch()
    settings = settings_for(tmp_path, valkey_server.url, sources, sql_url=url, run_feeds=False)
    began = datetime.now(UTC)
    async with contextlib.AsyncExitStack() as stack:
        with without(postgres):
            service = await stack.enter_async_context(running(settings))
            ready = datetime.now(UTC)
            assert (await service.client.get("/api/v1/board/randers")).status_code == 200
            with pytest.raises(HistoryUnavailableError):
                await service.services.catalogues.record()

        async def is_written() -> bool:
            try:
                return bool(await service.services.history.read(versions))
            except HistoryUnavailableError:
                return False

        await until(is_written, within=60)
    [(since,)] = dump(url, "catalogue_version", "since")
    assert began.timestamp() * 1000 - 1 <= since <= ready.timestamp() * 1000


@pytest.mark.usefixtures("at_once")
async def test_a_service_writes_its_catalogue_by_itself(
    board: Board, valkey_server: EmbeddedServer, database_url: str, tmp_path: Path
) -> None:
    sources = tmp_path / "sources.toml"
    sources.touch()
    settings = settings_for(
        tmp_path, valkey_server.url, sources, sql_url=database_url, run_feeds=False
    )
    async with running(settings) as service:
        history = service.services.history

        async def is_written() -> bool:
            return bool(await history.read(versions))

        await until(is_written, within=30)
    [(digest,)] = dump(database_url, "catalogue_version", "digest")
    assert digest == digest_of(text_of(load_catalogue([Path("capacity/data/randers.toml")])))
