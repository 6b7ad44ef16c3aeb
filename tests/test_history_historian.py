"""The historian against real databases: nothing lost, nothing twice, whatever goes away or dies."""

import asyncio
import logging
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capacity.board import Board, Reading
from capacity.board.changes import Change
from capacity.history import Historian, History, Position
from capacity.history.historian import BUSY, BUSY_TIMES, id_before
from tests.support.databases import PostgresServer, dump
from tests.support.streams import MORNING, MemoryStreams

pytest_plugins = ["tests.support.database_fixtures"]

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
EVER = datetime(2100, 1, 1, tzinfo=UTC)


class Nap:
    """The historian's sleep, from which the test wakes it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._asleep = asyncio.Event()
        self._alarm = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._asleep.set()
        await self._alarm.wait()
        self._alarm.clear()

    async def fallen_asleep(self) -> None:
        async with asyncio.timeout(30):
            await self._asleep.wait()

    async def wake(self, again: bool = False) -> None:
        """Let it try once more; `again`: wait until it has failed once more."""
        self._asleep.clear()
        self._alarm.set()
        if again:
            await self.fallen_asleep()


def historian_of(history: History, streams: MemoryStreams, nap: Nap | None = None) -> Historian:
    return Historian(
        history,
        streams,
        ["c"],
        clock=lambda: NOW,
        sleep=nap or Nap(),
        jitter=lambda: 1.0,
        batch=7,
    )


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[History]:
    history = History(url, patience=0.2)
    await history.start()
    try:
        yield history
    finally:
        await history.stop()


@asynccontextmanager
async def running(historian: Historian) -> AsyncIterator[None]:
    task = asyncio.create_task(historian.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@contextmanager
def sqlite_locked(url: str) -> Iterator[None]:
    """Another program holds the file's write lock and does not let go."""
    with_file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    with_file.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        with_file.execute("ROLLBACK")
        with_file.close()


@contextmanager
def postgres_stopped(server: PostgresServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.fixture
def outage(
    database_url: str, request: pytest.FixtureRequest
) -> Callable[[], AbstractContextManager[None]]:
    """A context in which the database of `database_url` cannot be written."""
    if database_url.startswith("sqlite"):
        return lambda: sqlite_locked(database_url)
    server = request.getfixturevalue("postgres")
    return lambda: postgres_stopped(server)


def assert_all_recorded(url: str, streams: MemoryStreams) -> None:
    """Every change there ever was, once, in order."""
    expected = [(c.epoch, c.seq, c.unit, c.row.decode()) for c in streams.ever]
    assert dump(url, "change", "epoch", "seq", "unit", "row") == expected


def fill(streams: MemoryStreams, number: int) -> None:
    for n in range(number):
        streams.now += n % 3
        streams.apply("abc"[n % 3], b'{"n":%d}' % len(streams.ever))


async def test_it_follows_the_streams(database_url: str) -> None:
    streams = MemoryStreams()
    fill(streams, 20)
    streams.supersede("a", b"{}")
    async with opened(database_url) as history:
        historian = historian_of(history, streams)
        async with running(historian):
            await streams.idle()
            fill(streams, 3)
            await streams.idle()
        assert historian.changes_recorded == 23
        assert historian.late_recorded == 1
        assert historian.last_recorded_at == NOW
        assert historian.failing_since is None
        last = streams.ever[-1]
        assert await history.position("c") == Position(
            last.epoch, last.seq, last.stream_id, streams.late[-1].stream_id
        )
    assert_all_recorded(database_url, streams)


async def test_a_database_that_goes_away_is_waited_for(
    database_url: str,
    outage: Callable[[], AbstractContextManager[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    streams, nap = MemoryStreams(), Nap()
    fill(streams, 10)
    async with opened(database_url) as history:
        historian = historian_of(history, streams, nap)
        async with running(historian):
            await streams.idle()
            with outage():
                fill(streams, 30)
                await nap.fallen_asleep()
                await nap.wake(again=True)
                await nap.wake(again=True)
                assert historian.failing_since == NOW
                assert nap.seconds == [1.0, 2.0, 4.0]
                fill(streams, 30)
            await nap.wake()
            await streams.idle()
            streams.wake()
            await streams.idle()
            assert historian.failing_since is None
            assert await history.healthy()
    assert_all_recorded(database_url, streams)
    assert dump(database_url, "gap", "id") == []
    assert [record.levelname for record in caplog.records if "history" in record.message] == [
        "ERROR",
        "WARNING",
    ]


@pytest.mark.postgres
async def test_a_database_that_is_away_at_the_start_is_migrated_when_it_comes(
    postgres: PostgresServer,
) -> None:
    url = postgres.new_database()
    streams, nap = MemoryStreams(), Nap()
    fill(streams, 3)
    history = History(url, patience=0.2)
    async with running(historian_of(history, streams, nap)):
        with postgres_stopped(postgres):
            await nap.fallen_asleep()
            assert not await history.healthy()
        await nap.wake()
        await streams.idle()
    await history.stop()
    assert_all_recorded(url, streams)


@pytest.mark.postgres
async def test_a_server_that_crashes_in_the_middle_costs_nothing(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    streams, nap = MemoryStreams(), Nap()
    fill(streams, 400)
    async with opened(url) as history:
        historian = historian_of(history, streams, nap)
        async with running(historian):
            while historian.changes_recorded < 50:
                await streams.read_on()
            await asyncio.to_thread(postgres.kill)
            await nap.fallen_asleep()
            postgres.start()
            await nap.wake()
            await streams.idle()
    assert_all_recorded(url, streams)


async def test_a_store_that_goes_away_is_waited_for(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    streams, nap = MemoryStreams(), Nap()
    streams.away = True
    async with opened(database_url) as history:
        historian = historian_of(history, streams, nap)
        async with running(historian):
            await nap.fallen_asleep()
            assert historian.failing_since == NOW
            for _ in range(7):
                await nap.wake(again=True)
            assert nap.seconds == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
            streams.away = False
            fill(streams, 5)
            await nap.wake()
            await streams.idle()
    assert_all_recorded(database_url, streams)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [error.exc_info for error in errors] == [None]


async def test_two_historians_write_each_change_once(database_url: str) -> None:
    streams = MemoryStreams()
    fill(streams, 100)
    async with opened(database_url) as one, opened(database_url) as two:
        first, second = historian_of(one, streams), historian_of(two, streams)
        async with running(first), running(second):
            while first.changes_recorded + second.changes_recorded < 100:
                await streams.read_on()
            fill(streams, 50)
            while first.changes_recorded + second.changes_recorded < 150:
                await streams.read_on()
    assert_all_recorded(database_url, streams)


async def test_stopped_anywhere_it_goes_on_where_it_was(database_url: str) -> None:
    streams = MemoryStreams()
    steps = random.Random(7)
    async with opened(database_url) as history:
        for _ in range(40):
            fill(streams, steps.randrange(12))
            task = asyncio.create_task(historian_of(history, streams).run())
            for _ in range(steps.randrange(60)):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with running(historian_of(history, streams)):
            await streams.idle()
    assert_all_recorded(database_url, streams)


_RECORDER = """
import asyncio, sys
from datetime import UTC, datetime
from capacity.board.changes import START, Change, Ends
from capacity.board.journal import JournalEntry, JournalRead
from capacity.history import Historian, History

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)

class Source:
    async def ends(self, clusters):
        last = f"{MORNING}-{sys.argv[2]}"
        return dict.fromkeys(clusters, Ends("e1", last, START, last))
    async def changes_after(self, cluster, stream_id, count):
        n = int(stream_id.partition("-")[2])
        end = min(n + 3, int(sys.argv[2]))
        print(n, flush=True)
        numbers = range(n + 1, end + 1)
        return [Change(f"{MORNING}-{i}", "e1", i, f"u{i % 5}", b"{}") for i in numbers]
    async def late_after(self, cluster, stream_id, count):
        return []
    async def journal_after(self, cluster, stream_id, count):
        n = int(stream_id.partition("-")[2])
        numbers = range(n + 1, min(n + 5, int(sys.argv[2])) + 1)
        done = [JournalEntry(f"{MORNING}-{i}", "hold", NOW, b'{"id":"%d"}' % i) for i in numbers]
        return JournalRead(tuple(done), first_number=1, found_place=n > 0)
    async def wait_for_changes(self, positions, within):
        sys.exit(0)

asyncio.run(Historian(History(sys.argv[1]), Source(), ["c"]).run())
""".replace("{MORNING}", str(MORNING))


def test_killed_anywhere_while_another_runs_it_loses_nothing(database_url: str) -> None:
    """Two processes record the same stream; one of them is killed with -9 again and again."""
    total = 1500
    command = [sys.executable, "-c", _RECORDER, database_url, str(total)]
    root = Path(__file__).parents[1]
    steady = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    steps = random.Random(11)
    try:
        for _ in range(3):
            victim = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
            assert victim.stdout is not None
            for _ in range(steps.randrange(1, 60)):
                victim.stdout.readline()
            victim.send_signal(signal.SIGKILL)
            victim.wait(timeout=30)
            victim.stdout.close()
        assert steady.wait(timeout=60) == 0
    finally:
        steady.kill()
        steady.wait()
    assert dump(database_url, "change", "seq") == [(n,) for n in range(1, total + 1)]
    everything = [(str(n),) for n in range(1, total + 1)]
    assert dump(database_url, "journal", "subject") == everything
    assert dump(database_url, "journal_gap", "id") == []


async def test_a_trimmed_stream_leaves_a_gap_that_is_told(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    streams = MemoryStreams()
    fill(streams, 5)
    async with opened(database_url) as history:
        async with running(historian_of(history, streams)):
            await streams.idle()
        fill(streams, 10)
        streams.trim(keep=4)
        historian = historian_of(history, streams)
        async with running(historian):
            await streams.idle()
        assert historian.gaps_found == 1
    assert dump(database_url, "gap", "cluster", "epoch", "from_seq", "to_seq") == [
        ("c", "e1", 6, 11)
    ]
    assert "changes 6 to 11 of c" in caplog.text


@pytest.mark.parametrize(
    ("keep", "back", "more"),
    [(0, 60_000, 5), (4, 0, 2), (4, 0, 5), (4, 0, 9)],
    ids=["all before", "end lost", "reaching to our place", "reaching past it"],
)
async def test_a_store_that_lost_data_and_time_does_not_stall_history(
    database_url: str, keep: int, back: int, more: int
) -> None:
    streams = MemoryStreams()
    fill(streams, 9)
    streams.supersede("a", b'{"late":1}')
    async with opened(database_url) as history, running(historian_of(history, streams)):
        await streams.idle()
        streams.lose(keep=keep, back=60_000 if not keep else 0)
        fill(streams, 5)
        streams.supersede("a", b'{"late":2}')
        streams.wake()
        await streams.idle()
    assert_all_recorded(database_url, streams)
    assert len(dump(database_url, "late_reading", "id")) == 2
    assert dump(database_url, "gap", "id") == []


async def test_one_cluster_that_fails_does_not_hold_up_the_others(database_url: str) -> None:
    class Lame(MemoryStreams):
        async def changes_after(self, cluster: str, stream_id: str, count: int) -> list[Change]:
            if cluster == "lame":
                raise OSError("no such shard")
            return await super().changes_after(cluster, stream_id, count)

    streams = Lame()
    fill(streams, 3)
    async with opened(database_url) as history:
        historian = Historian(history, streams, ["lame", "c"])
        with pytest.raises(OSError, match="no such shard"):
            await historian.catch_up()
    assert_all_recorded(database_url, streams)


async def test_with_the_real_board(database_url: str, board: Board) -> None:
    async def apply(unit: str, at: int, row: bytes) -> None:
        await board.apply("c", [Reading(unit, at, f"{unit}{at}", row)])

    async with opened(database_url) as history:
        historian = Historian(history, board, ["c"])
        for n in range(10):
            await apply("ab"[n % 2], 1000 + n, b'{"n":%d}' % n)
        await apply("a", 5, b'{"late":true}')
        await historian.catch_up()
        await board.remove("c", ["b"])
        await apply("a", 5000, b'{"n":"last"}')
        await historian.catch_up()
        snapshot = await board.snapshot("c")
        past = await history.board_at("c", EVER)
        assert past.rows == [stored.row for stored in snapshot.rows] == [b'{"n":"last"}']
        assert past.cursor == snapshot.cursor
        assert (historian.changes_recorded, historian.late_recorded) == (12, 1)


def test_the_id_before() -> None:
    assert id_before("5-3") == "5-2"
    assert id_before("5-0") == "4-18446744073709551615"


async def test_changes_are_gathered_for_longer_while_many_come(database_url: str) -> None:
    streams, nap = MemoryStreams(), Nap()
    async with opened(database_url) as history:
        historian = Historian(
            history, streams, ["c"], clock=lambda: NOW, sleep=nap, idle=1.0, gather=0.5
        )
        async with running(historian):
            for number in (1, BUSY, 1, 1):
                await streams.idle()
                fill(streams, number)
                await nap.fallen_asleep()
                await nap.wake()
            await streams.idle()
    assert nap.seconds == [0.5, 0.5, 0.5 * BUSY_TIMES, 0.5]
    assert_all_recorded(database_url, streams)
