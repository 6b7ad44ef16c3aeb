"""HL7 v2 over TCP while the store is away: no answer before it is durable, and no long waiting."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from feeds.transports import mllp
from feeds.transports.mllp import MllpServer
from feeds.transports.mllp_frames import framed
from tests.support.board_model import until
from tests.support.mllp import connected, listening, message, occupied
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer


async def test_a_message_waits_for_a_store_that_is_away(tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    try:
        await board.start()
        patient = timedelta(seconds=30)
        async with listening(board, tmp_path, hold=patient) as server, connected(server) as sender:
            await asyncio.to_thread(store.stop)
            await sender.send(framed(message(1)) + framed(message(2)))
            health = server._intake.health.of("s")
            await until(lambda: health.failing_since is not None)
            assert "the sender waits" in str(health.last_error)
            await asyncio.to_thread(store.start)
            assert [await sender.code(), await sender.code()] == [("AA", "M1"), ("AA", "M2")]
            assert health.failing_since is None
            assert await occupied(board) == 7
    finally:
        await board.stop()
        await asyncio.to_thread(store.stop)


async def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    """The store is killed and started while a sender sends, and sends again what got no answer."""
    store = StoreServer(tmp_path / "store")
    store.start()
    board = Board(store.url)
    acknowledged = 0
    wanted = 60

    def passed(goal: int) -> Callable[[], bool]:
        return lambda: acknowledged >= goal

    async def send_all(server: MllpServer) -> None:
        nonlocal acknowledged
        while acknowledged < wanted:
            async with connected(server) as sender:
                try:
                    while acknowledged < wanted:
                        await sender.send(framed(message(acknowledged)))
                        assert await sender.code() == ("AA", f"M{acknowledged}")
                        acknowledged += 1
                except (OSError, asyncio.IncompleteReadError):
                    continue

    try:
        await board.start()
        async with listening(board, tmp_path) as server:
            sending = asyncio.create_task(send_all(server))
            for reached in (10, 25, 40):
                await until(passed(reached), within=60)
                await asyncio.to_thread(store.kill)
                before = acknowledged
                await asyncio.sleep(1.0)  # longer than a message is held
                assert acknowledged <= before + 1
                await asyncio.to_thread(store.start)
                assert await occupied(board) >= 5 + before
            async with asyncio.timeout(60):
                await sending
            assert await occupied(board) == 5 + wanted
    finally:
        await board.stop()
        store.close()


async def test_without_a_store_there_is_no_answer(tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    try:
        await board.start()
        async with listening(board, tmp_path) as server, connected(server) as sender:
            await asyncio.to_thread(store.stop)
            await sender.send(framed(message(1)))
            assert await sender.is_closed()
    finally:
        await board.stop()


async def test_stopping_does_not_wait_for_the_store(tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    try:
        await board.start()
        patient = timedelta(minutes=5)
        async with listening(board, tmp_path, hold=patient) as server, connected(server) as sender:
            await asyncio.to_thread(store.stop)
            await sender.send(framed(message(1)))
            await until(lambda: server._intake.health.of("s").failing_since is not None)
            with stopwatch() as watch:
                await server.stop()
            assert watch.seconds < 10
            assert await sender.is_closed()
    finally:
        await board.stop()


async def test_stopping_does_not_wait_for_a_store_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mllp, "STOP_SECONDS", 0.2)
    store = StoreServer(tmp_path / "store")
    store.start()
    board = Board(store.url)
    try:
        await board.start()
        async with listening(board, tmp_path) as server, connected(server) as sender:
            store.freeze()
            await sender.send(framed(message(1)))
            await until(lambda: len(server._busy) == 1)
            with stopwatch() as watch:
                await server.stop()
            assert watch.seconds < 2
            assert await sender.is_closed()
    finally:
        store.thaw()
        await board.stop()
        store.close()
