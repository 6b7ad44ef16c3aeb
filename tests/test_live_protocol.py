"""The live channel over the real network: the real application, a stock client, a real store.

Everything runs twice, through our protocol class and through uvicorn's own, where the same is
promised of both.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.board_model import reading, until
from tests.support.demo_process import free_port
from tests.support.live import (
    CLUSTER,
    SOURCE,
    UNIT,
    LiveServer,
    RawBoard,
    assert_board_equals_fresh_snapshot,
    mirror,
    source_file,
)
from tests.support.live_ways import Serve, both_ways, flooded
from tests.support.stopwatch import stopwatch
from web.key_kinds import KeyKind
from web.keys import KeyRing

pytest_plugins = ["tests.support.live_fixtures"]

# What is said


@both_ways
async def test_a_snapshot_then_rows_then_heartbeats(board: Board, serve: Serve, ws: str) -> None:
    server = serve(ws=ws, heartbeat=0.2)
    async with mirror(server.url) as one:
        units = {unit.id for unit in server.services.catalogue.units_of(CLUSTER)}
        assert one.frames[0].keys() == {"type", "cursor", "server_time", "rows", "surge"}
        assert one.frames[0]["type"] == "snapshot"
        assert one.rows.keys() == units
        assert {"unit", "name", "kind", "free", "state", "stale_at"} <= one.rows.popitem()[1].keys()

        await board.apply(CLUSTER, [reading("u", 1), reading("v", 2)])
        await until(lambda: len(one.of_type("rows")) == 1)
        assert [row["unit"] for row in one.of_type("rows")[0]["rows"]] == ["u", "v"]
        await until(lambda: len(one.of_type("heartbeat")) >= 3)
        assert one.live
    async with mirror(server.url) as another, httpx.AsyncClient(timeout=30) as client:
        await assert_board_equals_fresh_snapshot(board, another)
        answer = await client.get(f"http://127.0.0.1:{server.port}/api/v1/board/{CLUSTER}")
        assert answer.json()["cursor"] == str(another.cursor)
        assert {row["unit"]: row for row in answer.json()["rows"]} == another.rows


@both_ways
async def test_large_frames_arrive_whole(board: Board, serve: Serve, ws: str) -> None:
    async with mirror(serve(ws=ws).url) as one:
        for n, size in enumerate((100, 126, 65_000, 70_000, 1_000_000)):
            await board.apply(CLUSTER, [reading("u", n, size=size)])
            await until(lambda n=n: one.rows.get("u", {}).get("observed_ms") == n)
            assert len(one.rows["u"]["note"]) == size


@both_ways
async def test_pings_are_answered_and_a_goodbye_is_returned(
    board: Board, serve: Serve, ws: str
) -> None:
    server = serve(ws=ws)
    async with connect(server.url, compression=None) as socket:
        await (await socket.ping())
        await socket.recv()
        await (await socket.ping())
    assert socket.close_code == 1000
    assert socket.protocol.close_rcvd is not None
    await until(lambda: server.hub.boards == 0)


@both_ways
async def test_what_a_board_says_is_ignored(board: Board, serve: Serve, ws: str) -> None:
    async with connect(serve(ws=ws).url, compression=None) as socket:
        await socket.recv()
        for message in ("hello", b"\x00\xff", "", '{"type":"snapshot"}', "x" * 4000):
            await socket.send(message)
        await socket.send(["in ", "frag", "ments"])
        await board.apply(CLUSTER, [reading("u", 1)])

        assert orjson.loads(await socket.recv())["rows"][0]["unit"] == "u"


# Resuming


@both_ways
async def test_whatever_is_no_place_of_ours_means_a_snapshot(
    board: Board, serve: Serve, ws: str
) -> None:
    server = serve(ws=ws)
    epoch = (await board.cursor(CLUSTER)).epoch
    nowhere = ["garbage", "", "-", "e-1", "none-0", "%00-1", "a" * 5000, "é-1"]
    nowhere += [f"{epoch}-999999", f"{epoch}--1", f"{epoch}-", epoch, f"{epoch}-1e0"]

    for since in nowhere:
        async with mirror(server.url, since) as one:
            assert one.frames[0]["type"] == "snapshot", since
            await assert_board_equals_fresh_snapshot(board, one)


@both_ways
async def test_a_board_that_comes_back_gets_what_it_missed(
    board: Board, serve: Serve, ws: str
) -> None:
    server = serve(ws=ws)
    async with mirror(server.url) as one:
        pass
    await board.apply(CLUSTER, [reading("u", 1), reading("v", 1)])
    await until(lambda: server.hub._channels[CLUSTER].feed.cursor.seq == 2 + one.cursor.seq)  # type: ignore[union-attr]

    async with mirror(server.url, one.cursor) as again:
        assert again.frames[0]["type"] == "rows"
        assert [row["unit"] for row in again.frames[0]["rows"]] == ["u", "v"]
        await assert_board_equals_fresh_snapshot(board, again, rows_before=one.rows)
    async with mirror(server.url, again.cursor) as nothing_new:
        assert nothing_new.frames[0]["rows"] == []


async def test_a_board_may_resume_at_another_process(board: Board, serve: Serve) -> None:
    first, second = serve(), serve()
    async with mirror(first.url) as one:
        await board.apply(CLUSTER, [reading("u", 1)])
        await until(lambda: "u" in one.rows)
    applied = await board.apply(CLUSTER, [reading("v", 1)])
    # A process that knows less than the board would have it start over.
    await until(lambda: second.hub.feed(CLUSTER).cursor == applied.cursor)

    async with mirror(second.url, one.cursor) as again:
        await assert_board_equals_fresh_snapshot(board, again, rows_before=one.rows)
        assert again.of_type("snapshot") == []


# Who is let in


@both_ways
async def test_strangers_are_refused(board: Board, serve: Serve, ws: str) -> None:
    server = serve(ws=ws)
    origins = ["https://elsewhere.example", "null", "http://[broken", "", "http://127.0.0.1:1"]

    for origin in origins:
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.url, additional_headers={"Origin": origin})
        assert refused.value.response.status_code == 403, origin
    with pytest.raises(InvalidStatus) as refused:
        await connect(server.url + "-of-nowhere")
    assert refused.value.response.status_code == 404
    assert server.hub.boards == 0


@both_ways
async def test_the_page_itself_is_let_in(board: Board, serve: Serve, ws: str) -> None:
    server = serve(ws=ws)
    async with mirror(server.url, origin=f"http://127.0.0.1:{server.port}") as one:
        assert one.rows


async def test_before_the_store_was_read_there_is_no_board(tmp_path: Path, serve: Serve) -> None:
    server = serve(f"unix://{tmp_path}/nothing")

    with pytest.raises(InvalidStatus) as refused:
        await connect(server.url)

    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "2"


# The end


@both_ways
async def test_a_stopping_server_says_that_it_restarts(
    tmp_path: Path, board: Board, valkey_server: EmbeddedServer, ws: str
) -> None:
    server = LiveServer(tmp_path, valkey_server.url, ws=ws)
    server.start()
    async with AsyncExitStack() as stack:
        boards = [await stack.enter_async_context(mirror(server.url)) for _ in range(5)]

        took = await asyncio.to_thread(server.stop)

        assert [(await one.until_closed()).rcvd for one in boards]
        assert [one.closed.rcvd.code for one in boards if one.closed and one.closed.rcvd] == [
            1012
        ] * 5
    assert took < 3


async def test_sigterm_under_load_with_a_frozen_board(
    tmp_path: Path, board: Board, valkey_server: EmbeddedServer
) -> None:
    """The process is out within ten seconds, and what it acknowledged is on the board."""
    key = KeyRing(tmp_path / "keys.toml").make(KeyKind.SOURCE, SOURCE, utc_now())
    process = ServeProcess(tmp_path, valkey_server.url)
    acknowledged: list[str] = []

    def push() -> None:
        """As a source does, one reading after another, until the door is shut."""
        with httpx.Client(base_url=process.base, timeout=30) as client:
            while True:
                at = utc_now().isoformat(timespec="milliseconds")
                report = {"unit": UNIT, "observed_at": at, "total": 4, "occupied": 1}
                try:
                    answer = client.post(
                        f"/api/v1/feeds/{SOURCE}",
                        json={"reports": [report]},
                        headers={"Authorization": f"Bearer {key}"},
                    )
                except httpx.TransportError:
                    return
                if answer.status_code != 200:
                    return
                if answer.json()["accepted"]:
                    acknowledged.append(at)

    try:
        await asyncio.to_thread(process.wait_until_ready)
        frozen = [await asyncio.to_thread(RawBoard, process.url) for _ in range(3)]
        pushing = threading.Thread(target=push)
        async with flooded(valkey_server.url, 300_000), mirror(process.url) as one:
            pushing.start()
            await until(lambda: len(acknowledged) > 10)
            await until(lambda: one.received > 7_000_000, within=30)  # the frozen ones are full
            with stopwatch() as watch:
                process.process.send_signal(signal.SIGTERM)
                closed = await one.until_closed()
                await asyncio.to_thread(process.process.wait, 60)
        pushing.join(60)
        for raw in frozen:
            raw.close()
    finally:
        process.end()

    assert watch.seconds < 10
    assert process.process.returncode == 0, process.log
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1012
    stored = {r.unit: orjson.loads(r.row) for r in (await board.snapshot(CLUSTER)).rows}
    assert stored[UNIT]["observed_at"].rstrip("Z") >= max(acknowledged).removesuffix("+00:00")


class ServeProcess:
    """The web process of the demo, on its own."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.url = f"ws://127.0.0.1:{port}/api/v1/live/{CLUSTER}"
        self._log = folder / "serve.log"
        sources = f'["{source_file(folder)}"]'
        settings = {"PORT": port, "DATA": folder, "REDIS_URL": redis_url, "RUN_FEEDS": "false"}
        settings |= {"SOURCES": sources}
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web.cli", "serve", "--as-demo"],
                env=os.environ | {f"AKUTOVERBLIK_{name}": str(v) for name, v in settings.items()},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        """Wait until it serves boards."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                if httpx.get(f"{self.base}/readyz", timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(self.log)

    def end(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
