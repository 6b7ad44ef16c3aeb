"""Counting requests against a limit a minute: one by one, and many that come at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, BoardUnavailableError
from capacity.board.rates import Rates
from capacity.instants import utc_now
from tests.support.stores import StoreServer


@pytest.fixture
async def rates(board: Board) -> AsyncIterator[Rates]:
    """On the store of `board`, which is empty."""
    rates = Rates(board._url, utc_now)
    yield rates
    await rates.stop()


async def allowed(rates: Rates, visitors: int, limit: int, who: str = "somebody") -> int:
    verdicts = await asyncio.gather(*(rates.hit("x", who, limit) for _ in range(visitors)))
    assert all(1 <= verdict.retry_after <= 60 for verdict in verdicts if not verdict.allowed)
    return sum(verdict.allowed for verdict in verdicts)


async def test_who_comes_alone_is_counted_until_the_limit(rates: Rates) -> None:
    verdicts = [await rates.hit("x", "somebody", 3) for _ in range(5)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert 1 <= verdicts[-1].retry_after <= 60
    assert (await rates.hit("x", "somebody else", 3)).allowed
    assert (await rates.hit("y", "somebody", 3)).allowed


async def test_of_those_who_come_at_once_as_many_are_let_in_as_there_is_room_for(
    rates: Rates,
) -> None:
    assert await allowed(rates, 70, limit=100) == 70
    assert await allowed(rates, 70, limit=100) == 30
    assert await allowed(rates, 70, limit=100) == 0
    assert await allowed(rates, 70, limit=100, who="somebody else") == 70


async def test_two_processes_let_in_no_more_together(rates: Rates, board: Board) -> None:
    other = Rates(board._url, utc_now)
    try:
        found = await asyncio.gather(allowed(rates, 80, 100), allowed(other, 80, 100))
        late = await allowed(other, 100, 100)
    finally:
        await other.stop()
    assert sum(found) + late == 100


async def test_a_crowd_is_one_question_to_the_store(rates: Rates, board: Board) -> None:
    await rates.hit("x", "nobody", 1)  # the store learns the script
    client = board._store.at("c")
    await client.config_resetstat()

    assert await allowed(rates, 1000, limit=5000) == 1000

    asked = await client.info("commandstats")
    assert asked["cmdstat_evalsha"]["calls"] <= 3


async def test_one_that_gives_up_does_so_for_itself(rates: Rates) -> None:
    coming = [asyncio.create_task(rates.hit("x", "somebody", 100)) for _ in range(5)]
    await asyncio.sleep(0)
    coming[0].cancel()
    coming[2].cancel()

    found = await asyncio.gather(*coming, return_exceptions=True)

    gave_up = [isinstance(each, asyncio.CancelledError) for each in found]
    assert gave_up == [True, False, True, False, False]
    assert (await rates.hit("x", "somebody", 100)).allowed, "and the next ones are counted"


async def test_all_of_a_crowd_hear_that_the_store_is_away(tmp_path: Path) -> None:
    server = StoreServer(tmp_path)
    rates = Rates(server.url, utc_now)
    try:
        coming = (rates.hit("x", "somebody", 100) for _ in range(5))
        found = await asyncio.gather(*coming, return_exceptions=True)
        assert [type(each) for each in found] == [BoardUnavailableError] * 5
        await asyncio.to_thread(server.start)
        assert await allowed(rates, 5, limit=4) == 4
    finally:
        await rates.stop()
        server.close()


async def questions(board: Board) -> int:
    found = await board._store.at("c").info("commandstats")
    calls: int = found.get("cmdstat_evalsha", {}).get("calls", 0)
    return calls


async def test_who_comes_again_and_again_is_counted_beforehand(board: Board) -> None:
    now = 1000.0
    rates = Rates(board._url, utc_now, ticks=lambda: now)
    try:
        await rates.hit("x", "nobody", 1)  # the store learns the script
        assert await allowed(rates, 20, limit=1200) == 20
        await board._store.at("c").config_resetstat()
        now = 1011.0  # what was counted beforehand is lost, and they came lately
        for _ in range(11):
            assert (await rates.hit("x", "somebody", 1200)).allowed
        assert await questions(board) == 1, "one visit and ten beforehand"
        assert (await rates.hit("x", "somebody", 1200)).allowed
        assert await questions(board) == 2
    finally:
        await rates.stop()


async def test_who_comes_now_and_then_waits_for_the_store_at_first_only(board: Board) -> None:
    now = 1000.0
    rates = Rates(board._url, utc_now, ticks=lambda: now)
    try:
        for visit in range(30):
            before = await questions(board)
            assert (await rates.hit("x", "somebody", 1200)).allowed
            assert visit == 0 or await questions(board) == before, visit
            await asyncio.gather(*rates._ahead.values())
            now += 1
        assert await questions(board) < 15
    finally:
        await rates.stop()


async def test_a_store_that_is_away_meanwhile_is_told_to_whoever_comes_next(
    tmp_path: Path,
) -> None:
    server = StoreServer(tmp_path)
    server.start()
    rates = Rates(server.url, utc_now)
    try:
        await rates.hit("x", "somebody", 1200)
        server.kill()
        assert (await rates.hit("x", "somebody", 1200)).allowed, "this one was counted before"
        await asyncio.gather(*rates._ahead.values())
        with pytest.raises(BoardUnavailableError):
            await rates.hit("x", "somebody", 1200)
    finally:
        await rates.stop()
        server.close()


async def test_nobody_gets_beyond_the_limit_by_being_counted_beforehand(board: Board) -> None:
    now = 1000.0
    rates = Rates(board._url, utc_now, ticks=lambda: now)
    try:
        found = 0
        for _ in range(70):
            for _ in range(10):
                found += (await rates.hit("x", "somebody", 600)).allowed
            now += 0.4
        assert 550 < found <= 600
        assert not (await rates.hit("x", "somebody", 600)).allowed
    finally:
        await rates.stop()
