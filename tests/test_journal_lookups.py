"""The journal in SQL: looked up by kind, period and hold, whole after an outage, by index."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import NullPool, create_engine, event

from capacity.board import Board, EmbeddedServer
from capacity.board.journal import JournalEntry, JournalRead
from capacity.board.outcomes import Outcomes
from capacity.history import Historian, History, migrate
from capacity.history import journal as past_journal
from capacity.history.database import normal_url
from capacity.instants import from_epoch_millis
from capacity.outcomes import Logged, OutcomeCode, OutcomeValue
from tests.support.board_model import until
from tests.support.databases import PostgresServer, sqlite_url
from tests.support.journals import BY, EVER, LONG_AGO, START_AT, historian_of
from tests.support.streams import MORNING, MemoryStreams

pytest_plugins = ["tests.support.database_fixtures", "tests.support.journal_fixtures"]

OTHER = OutcomeValue(OutcomeCode.OTHER)
CALLED_BACK = OutcomeValue(OutcomeCode.OTHER, reason="called_back")


@pytest.fixture
async def outcomes(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Outcomes]:
    outcomes = Outcomes(valkey_server.url)
    yield outcomes
    await outcomes.stop()


# --- looking back -----------------------------------------------------------------------------


async def record(history: History, done: Iterable[tuple[str, int, dict[str, object]]]) -> None:
    """Record entries (kind, milliseconds after the start, data), as a historian would."""
    entries = tuple(
        JournalEntry(
            f"{MORNING + n}-0", kind, START_AT + timedelta(milliseconds=at), orjson.dumps(data)
        )
        for n, (kind, at, data) in enumerate(done)
    )
    await history.record("c", [], [], None, JournalRead(entries, 1, False))


def hold(hold_id: str, state: str) -> dict[str, object]:
    return {"id": hold_id, "state": state}


async def test_entries_are_found_by_kind_and_period_in_pages(history: History) -> None:
    kinds = itertools.cycle(["hold", "surge", "reminder"])
    await record(history, ((next(kinds), n // 4, {"id": f"x{n}"}) for n in range(30)))
    whole = await history.journal("c", ["hold", "surge"], LONG_AGO, EVER)
    assert [item.value["id"] for item in whole] == [f"x{n}" for n in range(30) if n % 3 != 2]
    assert {item.kind for item in whole} == {"hold", "surge"}
    paged = []
    page = await history.journal("c", ["hold", "surge"], LONG_AGO, EVER, limit=3)
    while page:
        paged += page
        page = await history.journal(
            "c", ["hold", "surge"], LONG_AGO, EVER, after=page[-1], limit=3
        )
    assert paged == whole
    ms = timedelta(milliseconds=1)
    part = await history.journal("c", ["hold"], START_AT + 2 * ms, START_AT + 4 * ms)
    assert [item.subject for item in part] == ["x9", "x12", "x15"]
    assert await history.journal("c", [], LONG_AGO, EVER) == []
    assert await history.journal("d", ["hold"], LONG_AGO, EVER) == []


async def test_of_each_hold_the_last_record_of_a_period(history: History) -> None:
    await record(
        history,
        [
            ("hold", 0, hold("h1", "asked")),
            ("hold", 1, hold("h2", "asked")),
            ("hold", 2, hold("h1", "accepted")),
            ("outcome_correction", 3, hold("h1", "no hold")),
            ("hold", 4, hold("h2", "declined")),
            ("hold", 5, hold("h3", "asked")),
        ],
    )
    everything = await history.holds("c", LONG_AGO, EVER)
    assert [(each["id"], each["state"]) for each in everything] == [
        ("h1", "accepted"),
        ("h2", "declined"),
        ("h3", "asked"),
    ]
    early = await history.holds("c", START_AT, START_AT + timedelta(milliseconds=4))
    assert [(each["id"], each["state"]) for each in early] == [
        ("h2", "asked"),
        ("h1", "accepted"),
    ]
    assert await history.holds("d", LONG_AGO, EVER) == []


async def test_the_last_sign_of_the_store_is_the_newest_of_both_streams(history: History) -> None:
    assert await history.last_seen("c") is None
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    streams.apply("a", b"{}")
    await historian.catch_up()
    assert await history.last_seen("c") == START_AT
    streams.now += 5
    streams.do("hold", b"{}")
    await historian.catch_up()
    assert await history.last_seen("c") == from_epoch_millis(MORNING + 5)
    streams.now += 5
    streams.apply("a", b"{}")
    await historian.catch_up()
    assert await history.last_seen("c") == from_epoch_millis(MORNING + 10)
    assert await history.last_seen("d") is None


async def test_outcomes_come_with_all_their_corrections(
    history: History, board: Board, outcomes: Outcomes
) -> None:
    first = await outcomes.log("c", OTHER, BY, "r1")
    await outcomes.correct("c", first.id, CALLED_BACK, BY, "k1")
    second = await outcomes.log("c", OTHER, BY, "r2")
    await outcomes.correct("c", first.id, OTHER, BY, "k2")
    standing = await outcomes.recent("c")
    historian = Historian(history, board, ["c"])
    await historian.catch_up()
    assert in_order(await history.outcomes("c", LONG_AGO, EVER)) == in_order(standing)
    assert [len(each.corrections) for each in standing] == [2, 0]
    ms = timedelta(milliseconds=1)
    of_first = await history.outcomes("c", first.at, first.at + ms)
    assert first.id in {each.id for each in of_first}
    assert all(len(each.corrections) == 2 for each in of_first if each.id == first.id)
    assert await history.outcomes("c", LONG_AGO, first.at) == []
    assert await history.outcomes("d", LONG_AGO, EVER) == []
    assert second.id in {each.id for each in standing}


def in_order(found: list[Logged]) -> list[Logged]:
    """By moment and id; several in one millisecond have no other order."""
    return sorted(found, key=lambda each: (each.at, each.id))


@pytest.fixture
def outage(
    database_url: str, request: pytest.FixtureRequest
) -> Callable[[], AbstractContextManager[None]]:
    """A context in which the database of `database_url` cannot be written."""
    if database_url.startswith("sqlite"):
        return lambda: sqlite_locked(database_url)
    server: PostgresServer = request.getfixturevalue("postgres")
    return lambda: postgres_stopped(server)


@contextmanager
def sqlite_locked(url: str) -> Iterator[None]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def postgres_stopped(server: PostgresServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


async def test_what_is_logged_while_sql_is_away_is_there_when_it_is_back(
    history: History,
    board: Board,
    outcomes: Outcomes,
    outage: Callable[[], AbstractContextManager[None]],
) -> None:
    historian = Historian(history, board, ["c"], batch=7, idle=0.05)
    task = asyncio.create_task(historian.run())
    await outcomes.log("c", OTHER, BY, "before")
    await until(lambda: historian.journal_recorded == 1)
    with outage():
        for n in range(25):
            logged = await outcomes.log("c", OTHER, BY, f"r{n}")
            await outcomes.correct("c", logged.id, CALLED_BACK, BY, f"k{n}")
        await until(lambda: historian.failing_since is not None)
    await until(lambda: historian.journal_recorded == 51, within=60)
    await until(lambda: historian.failing_since is None)
    there = await history.outcomes("c", LONG_AGO, EVER)
    assert in_order(there) == in_order(await outcomes.recent("c"))
    assert historian.gaps_found == 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_outcome_that_a_lost_store_took_twice_is_one(
    history: History, board: Board, outcomes: Outcomes, valkey_server: EmbeddedServer
) -> None:
    """Without history at hand a store cannot know a repeat of what it lost; history can."""
    historian = Historian(history, board, ["c"])
    first = await outcomes.log("c", OTHER, BY, "r1")
    await historian.catch_up()
    client = Redis.from_url(valkey_server.url)
    await client.flushall()
    await client.aclose()
    again = await outcomes.log("c", OTHER, BY, "r1")
    assert again.id == first.id
    await historian.catch_up()
    (found,) = await history.outcomes("c", LONG_AGO, EVER)
    assert found == first


def test_a_period_is_looked_up_by_index_however_long_history_is(tmp_path: Path) -> None:
    """SQLite tells how it would find things; a scan would read all there ever was."""
    url = sqlite_url(tmp_path)
    migrate(url)
    engine = create_engine(normal_url(url), poolclass=NullPool)
    asked: list[tuple[str, Any]] = []
    period = ("c", LONG_AGO, EVER)
    with engine.connect() as connection:
        event.listen(
            engine,
            "before_cursor_execute",
            lambda c, cursor, statement, values, context, many: asked.append((statement, values)),
        )
        past_journal.outcomes(connection, *period)
        past_journal.holds(connection, *period)
        past_journal.entries(connection, "c", ["hold", "surge"], LONG_AGO, EVER, None, 10)
        queries, asked = asked, []
        plans = [
            [
                str(step[-1])
                for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
            ]
            for query, values in queries
        ]
    assert len(plans) == 4
    for plan in plans:
        assert not [step for step in plan if step.startswith("SCAN journal")], plan
        assert any("ix_journal_cluster_kind_at_id" in step for step in plan), plan
