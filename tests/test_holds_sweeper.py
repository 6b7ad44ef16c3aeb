"""The sweeper over real stores: expiry on time, through outages, in every process."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capacity.board import Board
from capacity.board.sweeper import Sweeper
from tests.support.board_model import opened, until
from tests.support.holds import CLUSTER, assert_sound, held, report, row_now
from tests.support.stores import StoreServer

SHORT = timedelta(milliseconds=100)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoreServer]:
    """A Valkey of the test's own."""
    server = StoreServer(tmp_path)
    server.start()
    yield server
    server.close()


@contextlib.asynccontextmanager
async def at_work(sweeper: Sweeper) -> AsyncIterator[None]:
    running = asyncio.create_task(sweeper.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def is_free(board: Board) -> bool:
    return (await row_now(board, "u"))["free"] == 1


async def test_it_lets_holds_expire_on_time(board: Board) -> None:
    await report(board, "u", 1)
    async with at_work(Sweeper(board, [CLUSTER, "d"])):
        pass
    sweeper = Sweeper(board, [CLUSTER, "d"], while_live=0.05)
    async with at_work(sweeper):
        await asyncio.sleep(0)  # it has looked, and found nothing
        await held(board, "u", hold_for=SHORT)
        sweeper.wake(CLUSTER)
        await until(lambda: is_free(board))
    await assert_sound(board)


async def test_a_hold_of_another_process_is_found_too(board: Board) -> None:
    await report(board, "u", 1)
    async with at_work(Sweeper(board, [CLUSTER], while_live=0.05, otherwise=0.2)):
        await asyncio.sleep(0)
        await held(board, "u", hold_for=SHORT)
        await until(lambda: is_free(board))


async def test_several_do_no_harm(board: Board) -> None:
    await report(board, "u", 5)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(
                at_work(Sweeper(board, [CLUSTER], while_live=0.01, otherwise=0.01))
            )
        for n in range(5):
            await held(board, "u", hold_for=timedelta(milliseconds=20 * n))

        async def all_are_over() -> bool:
            return (await row_now(board, "u"))["free"] == 5

        await until(all_are_over)
    records = await assert_sound(board)
    assert [record["state"] for record in records.values()] == ["expired"] * 5


async def test_an_outage_is_waited_out_and_said_once(
    server: StoreServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="capacity.board.sweeper")
    async with opened(server.url) as board:
        await report(board, "u", 1)
        async with at_work(Sweeper(board, [CLUSTER], while_live=0.05, otherwise=0.05)):
            await held(board, "u", hold_for=SHORT)
            await asyncio.to_thread(server.kill)
            await until(lambda: len(caplog.records) == 1)
            await asyncio.sleep(0.5)  # several more attempts
            await asyncio.to_thread(server.start)
            await until(lambda: is_free(board))
        await assert_sound(board)
    said = [record.getMessage().partition(" while")[0] for record in caplog.records]
    assert said == ["holds of c do not expire", "holds of c expire again"]
