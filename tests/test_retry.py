"""Trying again: the schedule, and what it is for: after an outage nothing is lost or invented.

The same documents go over each transport twice: without a fault, and with a real store that is
stopped and started in the middle. The boards must end the same. (Hazard: figures that were
reported while the store was away never reach the board, or old ones come back afterwards.)
"""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.board import Board, EmbeddedServer
from capacity.instants import format_instant, utc_now
from feeds.sources import Transport
from feeds.transports.retry import FIRST, MOST, TICK, Backoff, Paced
from tests.support.board_model import until
from tests.support.conformance import (
    LINES,
    FetchedLine,
    Line,
    PushLine,
    http_origin,
    line_over,
    rows_of,
)
from tests.support.feeding import START, HandClock, report
from tests.support.service import running, settings_for
from tests.support.sftp_server import sftp_host

SECOND = timedelta(seconds=1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_waits_double_up_to_the_most_and_are_cut_by_up_to_half(chances: list[float]) -> None:
    each = iter(chances)
    backoff = Backoff(chance=lambda: next(each))
    for failures in range(len(chances)):
        whole = min(MOST, FIRST * 2 ** min(failures, 20))
        assert whole / 2 <= backoff.after_failure() <= whole
    backoff.reset()
    assert Backoff(chance=lambda: 1.0).after_failure() == FIRST


def test_sources_that_fail_together_do_not_come_back_together() -> None:
    seeded = random.Random(1)
    backoffs = [Backoff(chance=seeded.random) for _ in range(20)]
    for _ in range(5):
        waits = [backoff.after_failure() for backoff in backoffs]
    assert len(set(waits)) == len(waits)


class Counted:
    """A transport that counts its runs, and waits for the store when told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.waits_for_store = False
        self.fault: Exception | None = None

    async def once(self) -> None:
        self.runs += 1
        if self.fault is not None:
            raise self.fault


async def ticks(paced: Paced, clock: HandClock, seconds: int) -> list[int]:
    """The seconds at which it ran."""
    ran = []
    for second in range(seconds):
        if await paced.tick():
            ran.append(second)
        clock.now += TICK
    return ran


async def test_a_healthy_transport_keeps_its_own_pace() -> None:
    clock, transport = HandClock(), Counted()
    paced = Paced(transport, 10 * SECOND, clock)
    assert await ticks(paced, clock, 35) == [0, 10, 20, 30]


async def test_a_tick_that_is_a_little_early_counts() -> None:
    clock, transport = HandClock(), Counted()
    paced = Paced(transport, 10 * SECOND, clock)
    clock.move(milliseconds=80)
    assert await paced.tick()
    clock.now = START + 10 * SECOND
    assert await paced.tick()


async def test_while_the_store_is_away_it_comes_back_ever_later_and_then_as_before() -> None:
    clock, transport = HandClock(), Counted()
    paced = Paced(transport, 60 * SECOND, clock, Backoff(chance=lambda: 1.0))
    transport.waits_for_store = True
    assert await ticks(paced, clock, 60) == [0, 1, 3, 7, 15, 30, 45]
    transport.waits_for_store = False
    assert await ticks(paced, clock, 70) == [0, 60]
    transport.waits_for_store = True
    assert await ticks(paced, clock, 55) == [50, 51, 53]


async def test_a_fast_transport_is_slowed_down_by_an_outage() -> None:
    clock, transport = HandClock(), Counted()
    transport.waits_for_store = True
    assert len(await ticks(Paced(transport, SECOND, clock), clock, 60)) < 12


async def test_a_fault_of_ours_costs_one_run_and_not_the_pace() -> None:
    clock, transport = HandClock(), Counted()
    paced = Paced(transport, 10 * SECOND, clock)
    transport.fault = ValueError("a slip")
    with pytest.raises(ValueError, match="slip"):
        await paced.tick()
    assert await ticks(paced, clock, 5) == []


async def test_a_clock_that_is_put_back_stops_nothing() -> None:
    clock, transport = HandClock(), Counted()
    paced = Paced(transport, 10 * SECOND, clock)
    assert await paced.tick()
    clock.now -= timedelta(hours=1)
    assert await paced.tick()
    assert not await paced.tick()


SOURCE = """\
[[source]]
id = "s"
cluster = "randers"
format = "json"
attribution = "test"
units = ["favrskov-akutplads", "norddjurs-akutplads"]
"""
DOCUMENTS = 24
STOPPED, STARTED = 8, 16


def replay() -> list[bytes]:
    """Whole states of two units; some stand still, some come late, one part of some is wrong."""
    documents = []
    for second in range(DOCUMENTS):
        shown = second - 3 if second % 7 == 5 else second
        at = format_instant(START + timedelta(seconds=shown))
        bad = {"total": -1} if second % 6 == 4 else {}
        documents.append(
            orjson.dumps(
                [
                    report("favrskov-akutplads", second % 3, observed_at=at),
                    report("norddjurs-akutplads", second % 2, observed_at=at, **bad),
                ]
            )
        )
    return documents


async def played(
    line: Line, clock: HandClock, at: dict[int, Callable[[], None]] | None = None
) -> int:
    """Send every document, a second apart; returns how often it was tried in the outage."""
    tried = 0
    if isinstance(line, FetchedLine):
        line.pace = Paced(line.fetching, SECOND, clock)
    for index, document in enumerate(replay()):
        if at and index in at:
            await asyncio.to_thread(at[index])
        clock.now = START + timedelta(seconds=index)
        before = line.runs
        await line.send(document)
        tried += (line.runs - before) if STOPPED <= index < STARTED else 0
    for _ in range(int(2 * MOST.total_seconds())):
        clock.now += SECOND
        await line.tick()
    return tried


def without_times_of_receipt(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A document that had to wait was received later; nothing else may differ."""
    return {
        unit: {key: value for key, value in row.items() if key != "received_at"}
        for unit, row in rows.items()
    }


@contextlib.asynccontextmanager
async def own_store(folder: Path) -> AsyncIterator[EmbeddedServer]:
    store = EmbeddedServer(folder)
    await asyncio.to_thread(store.start)
    try:
        yield store
    finally:
        await asyncio.to_thread(store.stop)


@pytest.mark.parametrize("transport", LINES)
async def test_after_an_outage_the_board_is_as_without_one(
    transport: Transport, board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    clock = HandClock()
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    async with line_over(transport, SOURCE, tmp_path / "whole", valkey_server.url, clock) as line:
        assert await played(line, clock) == STARTED - STOPPED
        wanted = await rows_of(board)
    clock.now = START
    async with own_store(tmp_path / "store") as store:
        async with line_over(transport, SOURCE, tmp_path / "cut", store.url, clock) as line:
            tried = await played(line, clock, {STOPPED: store.stop, STARTED: store.start})
            assert line.health.failing_since is None
            if isinstance(line, PushLine):
                assert line.refused == tried
                assert not line.unsent
            else:
                assert 2 <= tried < STARTED - STOPPED, "tried again, and not at every tick"
        other = Board(store.url)
        found = await rows_of(other)
        await other.stop()
    assert wanted["favrskov-akutplads"]["observed_at"] == "2026-11-22T12:00:23Z"
    assert wanted["norddjurs-akutplads"]["occupied"] == 1
    assert without_times_of_receipt(found) == without_times_of_receipt(wanted)


ALL_FOUR = """\
[[source]]
id = "pushed"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]

[[source]]
id = "dropped"
cluster = "randers"
format = "json"
transport = "folder"
attribution = "test"
units = ["norddjurs-akutplads"]

[[source]]
id = "polled"
cluster = "randers"
format = "json"
transport = "poll"
attribution = "test"
every = "4 s"
timeout = "3 s"
url = "URL"
units = ["randers-akutplads-1"]

[[source]]
id = "fetched"
cluster = "randers"
format = "json"
attribution = "test"
every = "1 s"
units = ["randers-akutplads-2"]
"""
UNITS = ("favrskov-akutplads", "norddjurs-akutplads", "randers-akutplads-1", "randers-akutplads-2")
"""Of push, folder, poll and SFTP, in this order."""


async def test_the_whole_service_recovers_from_store_and_history_away_at_once(
    tmp_path: Path,
) -> None:
    """All four transports by the service's own schedule, with the real clock."""
    async with (
        own_store(tmp_path / "store") as store,
        sftp_host(tmp_path / "remote") as host,
        http_origin() as (origin, url),
    ):
        keys = "".join(f"{key} = {value}\n" for key, value in host.block(tmp_path).items())
        path = tmp_path / "sources.toml"
        path.write_text(ALL_FOUR.replace("URL", url) + keys)
        settings = settings_for(tmp_path / "data", store.url, path)
        origin.body = _state(2, 0)
        async with running(settings) as service:
            key = service.key_for("pushed")

            async def tell(occupied: int) -> int:
                written = settings.inbox / "dropped" / f"{occupied}.tmp"
                written.write_bytes(_state(1, occupied))
                written.rename(written.with_suffix(".json"))
                (host.root / "out" / f"{occupied}.json").write_bytes(_state(3, occupied))
                origin.body, origin.version = _state(2, occupied), origin.version + 1
                return (await service.push("pushed", _state(0, occupied), key=key)).status_code

            async def all_show(occupied: int) -> bool:
                rows = await service.rows("randers")
                return all(rows[unit]["occupied"] == occupied for unit in UNITS)

            async def history_shows_nothing_occupied() -> bool:
                rows = await service.rows("randers", at=format_instant(utc_now()))
                return all(rows[unit]["occupied"] == 0 for unit in UNITS)

            assert await tell(1) == 200
            await until(lambda: all_show(1))
            with _locked(tmp_path / "data" / "history.sqlite"):
                assert await tell(2) == 200, "history is not on the way to the board"
                await until(lambda: all_show(2))
                await asyncio.to_thread(store.stop)
                assert await tell(0) == 503
                health = service.services.intake.health
                waiting = [health.of(source) for source in ("dropped", "polled", "fetched")]
                await until(lambda: all(each.failing_since for each in waiting))
            await asyncio.to_thread(store.start)
            answer = await service.push("pushed", _state(0, 0), key=key)
            assert answer.status_code == 200
            await until(lambda: all_show(0))
            await until(lambda: not any(each.failing_since for each in waiting))
            await until(history_shows_nothing_occupied)


@contextlib.contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Hold SQLite's only write lock, as a forgotten maintenance tool does."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def _state(unit: int, occupied: int) -> bytes:
    """A report of just now."""
    return orjson.dumps([report(UNITS[unit], occupied, observed_at=format_instant(utc_now()))])
