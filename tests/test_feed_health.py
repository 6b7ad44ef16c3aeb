"""Feed health: what all processes together know of each source, and when it is an alarm."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, BoardUnavailableError, EmbeddedServer
from capacity.board.feed_figures import FeedFigures, Figures
from capacity.instants import epoch_millis
from capacity.model import UnreadableError
from feeds.health import Alarm, FeedHealth, SharedHealth, alarm_of
from feeds.sources import Source
from tests.support.board_model import until
from tests.support.feeding import HandClock, intake_over, one_source, report

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVERY = timedelta(minutes=5)
LONG = NOW - timedelta(days=1)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (Figures(), None),
        (Figures(since=ago(5)), None),
        (Figures(since=ago(5.1)), Alarm.SILENT),
        (Figures(since=ago(1), good=ago(100)), None),
        (Figures(since=LONG, good=ago(5), arrival=ago(5), advanced=ago(5)), None),
        (Figures(since=LONG, good=ago(6), arrival=ago(6), advanced=ago(6)), Alarm.SILENT),
        (Figures(since=LONG, good=ago(1), arrival=ago(1), advanced=ago(6)), Alarm.REPEATING),
        (Figures(since=LONG, good=ago(6), arrival=ago(1), advanced=ago(6)), Alarm.REPEATING),
        (Figures(since=LONG, good=ago(9), arrival=ago(9), advanced=ago(60)), Alarm.SILENT),
        (Figures(since=LONG, good=ago(6), arrival=ago(1), advanced=ago(1)), Alarm.SILENT),
        (Figures(since=ago(4), good=ago(1), arrival=ago(1), advanced=ago(60)), None),
        (Figures(since=LONG, attempt=ago(0), success=ago(0)), Alarm.SILENT),
    ],
)
def test_an_alarm_follows_from_the_figures_and_the_clock(
    figures: Figures, expected: Alarm | None
) -> None:
    assert alarm_of(figures, EVERY, NOW) is expected
    assert alarm_of(figures, None, NOW) is None


@contextlib.asynccontextmanager
async def process(
    url: str, clock: HandClock, *sources: str, every: timedelta | None = EVERY
) -> AsyncIterator[tuple[FeedHealth, SharedHealth]]:
    """One process of the service: what it saw itself, and what it knows of all."""
    health = FeedHealth()
    shared = SharedHealth(health, FeedFigures(url), dict.fromkeys(sources or "s", every), clock)
    try:
        yield health, shared
    finally:
        await shared.stop()


async def test_two_processes_know_together_what_each_saw(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    clock, url = HandClock(), valkey_server.url
    began = clock.now
    async with process(url, clock) as (one, shared_one), process(url, clock) as (two, shared_two):
        await shared_one.begin()
        one.of("s").succeeded(clock())
        one.of("s").counts.update(accepted=2, superseded=1)
        one.of("s").arrived(clock(), epoch_millis(clock()) - 3000, good=True)
        await shared_one.share()
        clock.move(minutes=1)
        two.of("s").failed(clock(), "answered 500")
        two.of("s").counts.update(accepted=3)
        for shared in (shared_two, shared_one):
            figures, alarm = (await shared.read())["s"]
            assert alarm is None
            assert figures.hour == {"accepted": 5, "superseded": 1, "failed": 1}
            assert (figures.failing, figures.error) == (clock.now, "answered 500")
            assert (figures.good, figures.success, figures.since) == (began, began, began)
            assert figures.lag == timedelta(seconds=3)
            assert figures.observed == began - timedelta(seconds=3)
        clock.move(minutes=1)
        one.of("s").succeeded(clock())
        figures, _ = (await shared_one.read())["s"]
        assert (figures.failing, figures.error, figures.success) == (None, "", clock.now)


async def test_an_older_observation_and_a_slow_process_take_nothing_back(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    clock, url = HandClock(), valkey_server.url
    began = clock.now
    async with process(url, clock) as (slow, shared_slow), process(url, clock) as (one, shared):
        slow.of("s").failed(clock(), "no answer")
        slow.of("s").arrived(clock(), epoch_millis(began) - 60_000, good=True)
        clock.move(minutes=3)
        one.of("s").succeeded(clock())
        one.of("s").arrived(clock(), epoch_millis(began), good=False)
        await shared.share()
        await shared_slow.share()
        figures, _ = (await shared.read())["s"]
        assert (figures.failing, figures.success, figures.arrival) == (None, clock.now, clock.now)
        assert (figures.observed, figures.advanced) == (began, clock.now)
        assert figures.good == began


async def test_counts_are_of_the_last_hour_and_shared_once(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    clock = HandClock()
    async with process(valkey_server.url, clock) as (health, shared):
        for _ in range(3):
            health.of("s").counts["accepted"] += 1
            await asyncio.gather(*(shared.share() for _ in range(5)))
            clock.move(minutes=20)
        figures, _ = (await shared.read())["s"]
        assert figures.hour == {"accepted": 3}
        clock.move(minutes=30)
        figures, _ = (await shared.read())["s"]
        assert figures.hour == {"accepted": 1}
        assert health.of("s").counts["accepted"] == 3


async def test_what_is_not_modified_is_heard_but_repeats_itself_in_the_end(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    clock = HandClock()
    async with process(valkey_server.url, clock) as (health, shared):
        await shared.begin()
        health.of("s").succeeded(clock())
        health.of("s").arrived(clock(), epoch_millis(clock()), good=True)
        seen = []
        for _ in range(8):
            clock.move(minutes=1)
            health.of("s").succeeded(clock())
            health.of("s").counts["not_modified"] += 1
            seen.append((await shared.read())["s"][1])
    assert seen == [None] * 5 + [Alarm.REPEATING] * 3


async def test_each_alarm_is_logged_once_when_it_begins_and_once_when_it_ends(
    board: Board, valkey_server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    async with process(valkey_server.url, clock) as (health, shared):
        await shared.begin()
        for minute in range(20):
            clock.move(minutes=1)
            health.of("s").succeeded(clock())
            if minute < 10 and minute != 7:  # reachable all the time, heard of until minute 10
                good = epoch_millis(clock()) if minute < 2 or minute == 9 else 0
                health.of("s").arrived(clock(), good, good=True)
            await shared.check()
    told = [record.message for record in caplog.records if record.name == "feeds.health"]
    assert [message.partition(":")[0] for message in told] == [
        "source s repeats an old timestamp",
        "source s is heard again",
        "source s is silent",
    ]
    assert "12:02" in told[0]
    assert "12:10" in told[2]


async def test_only_what_is_usable_counts_as_heard(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    clock = HandClock()
    source: Source = one_source(tmp_path)
    intake = intake_over(board, clock)
    shared = SharedHealth(intake.health, FeedFigures(valkey_server.url), {"s": EVERY}, clock)
    try:
        await shared.begin()
        await intake.take(source, orjson.dumps([report()]))
        good = clock.now
        clock.move(minutes=6)
        await intake.take(source, orjson.dumps([report("nowhere")]))
        with pytest.raises(UnreadableError):
            await intake.take(source, b"<html>")
        figures, alarm = (await shared.read())["s"]
        assert alarm is Alarm.SILENT
        assert (figures.good, figures.arrival, figures.lag) == (good, good, timedelta(0))
        assert figures.failing == clock.now
        assert figures.hour == {"accepted": 1, "rejected": 1, "failed": 1}
        # Superseded alone is no sign of life either: the past is being rewritten.
        old = "2026-11-22T11:00:00Z"
        await intake.take(source, orjson.dumps([report(observed_at=old)]))
        figures, alarm = (await shared.read())["s"]
        assert alarm is Alarm.REPEATING
        assert (figures.good, figures.arrival) == (good, clock.now)
        assert figures.hour["superseded"] == 1
    finally:
        await shared.stop()


async def test_silence_while_nobody_listened_is_no_alarm(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    clock, url = HandClock(), valkey_server.url
    async with process(url, clock) as (health, shared):
        await shared.begin()
        health.of("s").succeeded(clock())
        health.of("s").arrived(clock(), epoch_millis(clock()), good=True)
    clock.move(hours=9)
    async with process(url, clock) as (_, shared):  # the service was down over night
        assert (await shared.read())["s"][1] is Alarm.SILENT
        await shared.begin()
        assert (await shared.read())["s"][1] is None
        clock.move(minutes=6)
        assert (await shared.read())["s"][1] is Alarm.SILENT


async def test_figures_wait_while_the_store_is_away_and_are_shared_afterwards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    clock = HandClock()
    try:
        async with process(store.url, clock) as (health, shared):
            await asyncio.to_thread(store.stop)
            health.of("s").succeeded(clock())
            health.of("s").counts["accepted"] += 4
            with pytest.raises(BoardUnavailableError):
                await shared.share()
            caplog.set_level(logging.DEBUG, "feeds.health")
            running = asyncio.create_task(shared.run(lambda: {"s": True}))
            await until(lambda: "figures wait" in caplog.text)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await asyncio.to_thread(store.start)
            figures, _ = (await shared.read())["s"]
            assert figures.hour == {"accepted": 4}
            assert figures.success == clock.now
            await asyncio.to_thread(store.stop)
    finally:
        await asyncio.to_thread(store.stop)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
