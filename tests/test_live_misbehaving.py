"""Boards that do not read, do not answer, or send what no board sends; and half handshakes."""

import asyncio
import os
from contextlib import closing
from typing import Any

import orjson

from capacity.board import Board, EmbeddedServer
from tests.support.board_model import reading, until
from tests.support.live import (
    CLUSTER,
    RawBoard,
    assert_board_equals_fresh_snapshot,
    mirror,
)
from tests.support.live_ways import Serve, both_ways, flooded
from tests.support.stopwatch import stopwatch
from web.live.connections import MAX_BUFFERED

pytest_plugins = ["tests.support.live_fixtures"]


@both_ways
async def test_a_board_that_does_not_read_harms_nobody_and_recovers(
    board: Board, serve: Serve, valkey_server: EmbeddedServer, ws: str
) -> None:
    server = serve(ws=ws, window=0.005, heartbeat=0.1, patience=60, ping_seconds=120)
    with closing(await asyncio.to_thread(RawBoard, server.url)) as frozen:
        async with mirror(server.url) as other:
            most, longest = 0, 0.0
            async with flooded(valkey_server.url):
                with stopwatch() as watch:
                    heard, at = 0, 0.0
                    while other.received < 9_000_000:  # more than what lies between can hold
                        await asyncio.sleep(0.05)
                        most = max(most, server.unsent())
                        longest = max(longest, watch.seconds - at)
                        if len(other.frames) > heard:
                            heard, at = len(other.frames), watch.seconds
            await assert_board_equals_fresh_snapshot(board, other)
            assert longest < 3, "another board had to wait"
            assert MAX_BUFFERED / 4 < most < MAX_BUFFERED + 200_000

            place, rows, size = "", dict[str, Any](), 0
            while place != str(other.cursor):
                found = await asyncio.to_thread(frozen.frame)
                assert found is not None, "dropped"
                frame = orjson.loads(found[1])
                rows = ({} if frame["type"] == "snapshot" else rows) | {
                    row["unit"]: row for row in frame.get("rows", [])
                }
                place, size = frame["cursor"], size + len(found[1])
            assert rows == other.rows
            assert size < other.received - 2_000_000, "it was not skipped"


async def test_a_board_that_never_reads_is_dropped(
    board: Board, serve: Serve, valkey_server: EmbeddedServer
) -> None:
    server = serve(window=0.005, heartbeat=0.1, patience=0.5)
    with closing(await asyncio.to_thread(RawBoard, server.url)) as frozen:
        async with mirror(server.url) as other:
            assert server.hub.boards == 2

            async with flooded(valkey_server.url):
                await until(lambda: server.hub.boards == 1)

            assert server.hub.broadcaster.boards_dropped == 1
            await assert_board_equals_fresh_snapshot(board, other)
            while await asyncio.to_thread(frozen.frame) is not None:
                pass  # it comes to an end


async def test_a_board_that_answers_no_pings_is_dropped_whatever_is_unsent(
    board: Board, serve: Serve, valkey_server: EmbeddedServer
) -> None:
    """uvicorn's own way would wait for ever for what the board does not read."""
    server = serve(window=0.005, patience=60, ping_seconds=1.0)
    with closing(await asyncio.to_thread(RawBoard, server.url)):
        async with mirror(server.url) as other:
            assert server.hub.boards == 2

            async with flooded(valkey_server.url, 200_000):
                await until(lambda: server.hub.boards == 1)

            assert server.hub.broadcaster.boards_dropped == 0
            await assert_board_equals_fresh_snapshot(board, other)


@both_ways
async def test_huge_and_endless_messages_are_refused(board: Board, serve: Serve, ws: str) -> None:
    server = serve(ws=ws)

    def misbehave(kind: str) -> int | None:
        """Send it; the close code that comes back."""
        raw = RawBoard(server.url)
        try:
            if kind == "64 MiB":  # its head alone must do
                raw.socket.sendall(bytes([0x82, 0xFF]) + (64 << 20).to_bytes(8) + bytes(4))
            elif kind == "fragments":
                raw.send(1, b"x" * 100, final=False)
                for _ in range(100):
                    raw.send(0, b"x" * 100, final=False)
            elif kind == "unmasked":
                raw.socket.sendall(b"\x81\x05hello")
            else:
                raw.socket.sendall(os.urandom(1) + b"\xff" * 64)
            while (found := raw.frame()) is not None:
                if found[0] == 8:
                    return int.from_bytes(found[1][:2])
        except OSError:
            return None
        finally:
            raw.close()
        return None

    async with mirror(server.url) as other:
        assert await asyncio.to_thread(misbehave, "64 MiB") == 1009
        assert await asyncio.to_thread(misbehave, "fragments") in (1009, None)
        assert await asyncio.to_thread(misbehave, "unmasked") == 1002
        await asyncio.to_thread(misbehave, "noise")
        await until(lambda: server.hub.boards == 1)
        await board.apply(CLUSTER, [reading("u", 1)])
        await assert_board_equals_fresh_snapshot(board, other)


async def test_half_handshakes_and_slow_heads_hold_nobody_up(board: Board, serve: Serve) -> None:
    server = serve()
    heads = [
        b"",
        b"GET ",
        b"GET /api/v1/live/randers HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
    ]
    halves = []
    for head in heads * 30:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head)
        halves.append(writer)
    with stopwatch() as watch:
        async with mirror(server.url) as one:
            await board.apply(CLUSTER, [reading("u", 1)])
            await assert_board_equals_fresh_snapshot(board, one)
    assert watch.seconds < 3
    assert server.hub.boards <= 1
    for writer in halves:
        writer.close()
        await writer.wait_closed()
