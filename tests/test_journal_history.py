"""The journal in SQL: once, in order, its gaps told, and quick to look things up in."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import NullPool, create_engine, event

from capacity.board import Board, EmbeddedServer
from capacity.board.journal import JournalEntry, JournalRead
from capacity.board.outcomes import Outcomes
from capacity.history import Historian, History, OvertakenError, migrate
from capacity.history import journal as past_journal
from capacity.history.database import normal_url
from capacity.history.position import NOWHERE
from capacity.holds import By
from capacity.instants import from_epoch_millis
from capacity.outcomes import Logged, OutcomeCode, OutcomeValue
from tests.support.board_model import until
from tests.support.databases import PostgresServer, dump, sqlite_url
from tests.support.streams import MORNING, MemoryStreams

pytest_plugins = ["tests.support.database_fixtures"]

START_AT = from_epoch_millis(MORNING)
EVER = datetime(2100, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BY = By("visitator", None, "a1")
OTHER = OutcomeValue(OutcomeCode.OTHER)
CALLED_BACK = OutcomeValue(OutcomeCode.OTHER, reason="called_back")


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url, patience=0.2)
    await history.start()
    yield history
    await history.stop()


@pytest.fixture
async def outcomes(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Outcomes]:
    outcomes = Outcomes(valkey_server.url)
    yield outcomes
    await outcomes.stop()


def historian_of(history: History, streams: MemoryStreams) -> Historian:
    return Historian(history, streams, ["c"], batch=7)


def recorded(url: str) -> list[tuple[object, ...]]:
    return dump(url, "journal", "stream_id", "kind", "data")


def entries_of(streams: MemoryStreams) -> list[tuple[object, ...]]:
    return [(e.stream_id, e.kind, e.data.decode()) for e in streams.ever_done]


def do_some(streams: MemoryStreams, number: int) -> None:
    for n in range(number):
        streams.now += n % 3
        streams.do("hold", orjson.dumps({"id": f"h{n % 4}", "n": len(streams.ever_done)}))


async def test_the_journal_is_recorded_with_the_changes(
    history: History, database_url: str
) -> None:
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    do_some(streams, 20)
    streams.apply("a", b"{}")
    await historian.catch_up()
    do_some(streams, 3)
    await historian.catch_up()
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)
    assert (historian.journal_recorded, historian.changes_recorded) == (23, 1)
    position = await history.position("c")
    assert position is not None
    assert position.journal_stream_id == streams.journal[-1].stream_id
    assert position.journal_number == 23
    assert dump(database_url, "journal", "at", "subject")[0] == (MORNING, "h0")


async def test_what_left_the_journal_unread_is_told(
    history: History, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    streams = MemoryStreams()
    do_some(streams, 5)
    await historian_of(history, streams).catch_up()
    after = streams.journal[-1].stream_id
    do_some(streams, 10)
    streams.trim_journal(keep=4)
    historian = historian_of(history, streams)
    await historian.catch_up()
    assert historian.gaps_found == 1
    assert dump(database_url, "journal_gap", "cluster", "after_id", "before_id", "entries") == [
        ("c", after, streams.journal[0].stream_id, 6)
    ]
    assert "6 entries of the journal of c" in caplog.text
    assert len(recorded(database_url)) == 9
    do_some(streams, 2)
    streams.trim_journal(keep=2)
    await historian.catch_up()
    assert historian.gaps_found == 1, "what was read may leave"
    assert len(recorded(database_url)) == 11


async def test_a_journal_that_was_trimmed_before_the_first_look_is_told(
    history: History, database_url: str
) -> None:
    streams = MemoryStreams()
    do_some(streams, 9)
    streams.trim_journal(keep=6)
    await historian_of(history, streams).catch_up()
    assert dump(database_url, "journal_gap", "after_id", "entries") == [("0-0", 3)]


@pytest.mark.parametrize(
    ("keep", "back", "more"),
    [(0, 0, 0), (0, 0, 5), (0, 60_000, 5), (0, 60_000, 20), (4, 0, 0), (4, 0, 2), (4, 0, 9)],
)
async def test_a_store_that_lost_its_journal_costs_nothing_that_was_recorded(
    history: History, database_url: str, keep: int, back: int, more: int
) -> None:
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    do_some(streams, 9)
    await historian.catch_up()
    streams.lose_journal(keep=keep, back=back)
    do_some(streams, more)
    await historian.catch_up()
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)
    assert dump(database_url, "journal_gap", "id") == []
    do_some(streams, 3)
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)


async def test_a_trimmed_journal_that_lost_its_end_has_no_gap(
    history: History, database_url: str
) -> None:
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    do_some(streams, 9)
    await historian.catch_up()
    streams.trim_journal(keep=6)
    streams.lose_journal(keep=4)
    do_some(streams, 1)
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)
    assert dump(database_url, "journal_gap", "id") == []


async def test_two_historians_write_each_entry_once(database_url: str) -> None:
    streams = MemoryStreams()
    do_some(streams, 60)
    one, two = History(database_url), History(database_url)
    await one.start()
    await two.start()
    historians = [historian_of(one, streams), historian_of(two, streams)]
    for _ in range(3):
        await asyncio.gather(*(historian.catch_up() for historian in historians))
        do_some(streams, 20)
        streams.apply("a", b"{}")
    await asyncio.gather(*(historian.catch_up() for historian in historians))
    assert recorded(database_url) == entries_of(streams)
    assert sum(historian.journal_recorded for historian in historians) == 120
    await one.stop()
    await two.stop()


async def test_two_that_find_a_lost_journal_at_once_do_not_duplicate(database_url: str) -> None:
    streams = MemoryStreams()
    do_some(streams, 9)
    one, two = History(database_url), History(database_url)
    historians = [historian_of(one, streams), historian_of(two, streams)]
    await asyncio.gather(*(historian.catch_up() for historian in historians))
    streams.lose_journal(keep=2, back=0)
    do_some(streams, 5)
    await asyncio.gather(*(historian.catch_up() for historian in historians))
    assert recorded(database_url) == entries_of(streams)
    await one.stop()
    await two.stop()


async def test_a_position_that_has_moved_writes_no_journal(
    history: History, database_url: str
) -> None:
    entry = JournalEntry("5-0", "hold", START_AT, b"{}")
    read = JournalRead((entry,), 1, False)
    first = (await history.record("c", [], [], None, read)).position
    later = JournalRead((JournalEntry("6-0", "hold", START_AT, b"{}"),), 1, True)
    with pytest.raises(OvertakenError):
        await history.record("c", [], [], None, later)
    with pytest.raises(OvertakenError):
        await history.rewind_journal("c", NOWHERE, 1)
    rewound = await history.rewind_journal("c", first, first_number=1)
    assert (rewound.journal_stream_id, rewound.journal_number) == ("0-0", 0)
    assert [row[0] for row in recorded(database_url)] == ["5-0"]


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
