"""The hub over a real store: how it follows, and what becomes of it when the store is away.

Boards here are connections that note what they are offered, and take it or do not, as told.
"""

import asyncio
import logging
from pathlib import Path

import pytest

from capacity.board import Board, StoredRow
from tests.support.board_model import opened, reading, until
from tests.support.noted import following, joined
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer


async def test_a_trimmed_stream_is_noticed_and_is_a_snapshot_away(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    await board.apply("c", [reading("u", 0)])
    async with following(board) as hub, opened(board._url, stream_length=1) as forgetful:
        connection, _ = joined(hub)

        await forgetful.apply("c", [reading(f"u{n % 5}", n) for n in range(1, 500)])
        await until(lambda: len(connection.board) == 6)

        assert connection.board == {"u": 0} | {f"u{n % 5}": n for n in range(495, 500)}
        assert "starting over from a snapshot" in caplog.text
        # The gap is the hub's; the board, whose place is known, needs the changed rows only.
        assert connection.types() == ["snapshot", "rows"]


async def test_a_store_that_was_emptied_is_noticed_without_any_change(board: Board) -> None:
    await board.apply("c", [reading("u", 1)])
    async with following(board) as hub:
        connection, _ = joined(hub)
        assert connection.board == {"u": 1}

        await board._store.at("c").flushall()
        with stopwatch() as watch:
            await until(lambda: connection.board == {})

        assert watch.seconds < 8
        assert connection.types() == ["snapshot", "snapshot"]
        await board.apply("c", [reading("v", 1)])
        await until(lambda: connection.board == {"v": 1})


async def test_a_stream_that_counts_on_below_our_place_does_not_blind_us(board: Board) -> None:
    """As after a store was put back whose clock had been ahead."""
    await board.apply("c", [reading("u", 1)])
    key = "akutoverblik:{c}:changes"
    await board._store.at("c").xadd(
        key,
        {"e": "x", "n": 1, "u": "u", "r": b'{"unit":"u","observed_ms":1}'},
        id="99999999999999-0",
    )
    async with following(board) as hub:
        connection, _ = joined(hub)
        await board._store.at("c").delete(key)

        await board.apply("c", [reading("v", 1)])
        with stopwatch() as watch:
            await until(lambda: connection.board == {"u": 1, "v": 1})
        assert watch.seconds < 8


async def test_a_store_that_dies_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = StoreServer(tmp_path)
    server.start()
    try:
        async with opened(server.url) as board:
            await board.apply("c", [reading("u", 1)])
            async with following(board, heartbeat=0.1) as hub:
                connection, _ = joined(hub)
                assert hub.healthy()

                await asyncio.to_thread(server.kill)
                with stopwatch() as watch:
                    await until(lambda: connection.frames[-1].get("live") is False)

                assert watch.seconds < 2
                assert not hub.healthy()
                assert not hub.can_serve("c"), "no board is opened on figures that have stopped"
                seen = len(connection.frames)
                await until(lambda: len(connection.frames) >= seen + 3)
                for frame in connection.frames[seen:]:
                    assert frame["type"] == "heartbeat"
                    assert frame["live"] is False, "every sign of life says it"

                await asyncio.to_thread(server.start)
                await until(hub.healthy)
                assert connection.frames[-1]["live"] is True
                await board.apply("c", [reading("u", 2)])
                await until(lambda: connection.board == {"u": 2})
                late, _ = joined(hub)
                assert late.board == connection.board
        errors = [r for r in caplog.records if r.levelno >= logging.ERROR and "hub" in r.name]
        assert len(errors) == 1, "an outage is logged once"
    finally:
        server.close()


async def test_a_store_that_hangs_is_told_within_seconds(tmp_path: Path) -> None:
    server = StoreServer(tmp_path)
    server.start()
    try:
        async with opened(server.url) as board, following(board) as hub:
            connection, _ = joined(hub)
            server.freeze()
            with stopwatch() as watch:
                await until(lambda: connection.frames[-1].get("live") is False)
            assert watch.seconds < 8

            server.thaw()
            await until(hub.healthy)
            await board.apply("c", [reading("u", 2)])
            await until(lambda: connection.board == {"u": 2})
    finally:
        server.close()


async def test_a_hub_may_start_before_its_store(tmp_path: Path) -> None:
    server = StoreServer(tmp_path)
    board = Board(server.url)
    try:
        async with following(board) as hub:
            assert not hub.healthy()
            assert not hub.can_serve("c")
            await asyncio.to_thread(server.start)
            await until(hub.healthy)
            assert hub.can_serve("c")
            assert not hub.can_serve("d")
            await board.apply("c", [reading("u", 1)])
            await until(lambda: joined(hub)[0].board == {"u": 1})
    finally:
        await board.stop()
        server.close()


async def test_what_cannot_be_understood_does_not_stop_the_hub(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    await board.apply("c", [reading("u", 1)])
    async with following(board) as hub:
        connection, _ = joined(hub)

        await board._store.at("c").xadd("akutoverblik:{c}:changes", {"not": "ours"})
        await until(lambda: "frozen" in caplog.text)
        await until(hub.healthy)
        await board.apply("c", [reading("u", 2)])

        await until(lambda: connection.board == {"u": 2})
        assert "KeyError" in caplog.text


async def test_stopping_under_load_is_quick(board: Board) -> None:
    async def load() -> None:
        for n in range(100_000):
            await board.apply("c", [reading("u", n)])

    loading = asyncio.create_task(load())
    for _ in range(20):
        async with following(board, window=0.001) as hub:
            connection, _ = joined(hub)
            await until(lambda c=connection: len(c.frames) > 2)
        assert not hub.healthy()
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading


async def test_a_thousand_boards_at_once_cost_the_store_nothing(board: Board) -> None:
    await board.apply("c", [reading(f"u{n}", 1, size=700) for n in range(100)])
    async with following(board) as hub:
        await board._store.at("c").config_resetstat()

        with stopwatch() as watch:
            boards = [joined(hub)[0] for _ in range(1000)]

        assert watch.seconds < 3
        assert {len(one.board) for one in boards} == {100}
        stats = await board._store.at("c").info("commandstats")
        assert "cmdstat_hgetall" not in stats


async def test_rows_without_a_reading_reach_boards_too(board: Board) -> None:
    async with following(board) as hub:
        connection, _ = joined(hub)

        await board.replace("c", [StoredRow("u", b'{"unit":"u","observed_ms":-1}', "")])

        await until(lambda: connection.board == {"u": -1})
