"""The live channel over the real network: the real application, a stock client, a real store.

Everything runs twice, through our protocol class and through uvicorn's own, where the same is
promised of both.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, Cursor, EmbeddedServer, StoredRow
from capacity.holds import HoldState
from capacity.instants import epoch_millis, from_epoch_millis, utc_now
from tests.support.board_model import opened, reading, until
from tests.support.demo_process import free_port
from tests.support.holds import VISITATOR, reading_with
from tests.support.live import (
    BOARD_PROTOCOL,
    CLUSTER,
    PLAIN_PROTOCOL,
    SOURCE,
    UNIT,
    LiveServer,
    RawBoard,
    assert_board_equals_fresh_snapshot,
    live_server,
    mirror,
    open_mirror,
    source_file,
)
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer
from web.key_kinds import KeyKind
from web.keys import KeyRing
from web.live.connections import MAX_BUFFERED

both_ways = pytest.mark.parametrize("ws", [BOARD_PROTOCOL, PLAIN_PROTOCOL], ids=["ours", "plain"])

Serve = Callable[..., LiveServer]


@pytest.fixture
def serve(tmp_path: Path, valkey_server: EmbeddedServer) -> Iterator[Serve]:
    """Starts servers over the shared store, and stops them."""
    running: list[LiveServer] = []

    def start(url: str = valkey_server.url, **options: Any) -> LiveServer:
        server = LiveServer(tmp_path / f"data{len(running)}", url, **{"window": 0.02, **options})
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


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
    await board.apply(CLUSTER, [reading("v", 1)])

    async with mirror(second.url, one.cursor) as again:
        await assert_board_equals_fresh_snapshot(board, again, rows_before=one.rows)
        assert again.of_type("snapshot") == []


# Snapshot + rows == a fresh snapshot, for every kind of change

UNITS = ["u", "v", "w", "x"]
SOME = st.lists(st.sampled_from(UNITS), min_size=1, max_size=4)
HOLD_ENDS = st.sampled_from([None, *HoldState])
ACTIONS = st.one_of(
    st.tuples(st.just("apply"), st.lists(st.tuples(st.sampled_from(UNITS), st.integers(-3, 3)))),
    st.tuples(st.just("race"), st.lists(SOME, min_size=2, max_size=6)),
    st.tuples(st.just("replace"), SOME),
    st.tuples(st.just("remove"), SOME),
    st.tuples(st.just("hold"), st.lists(st.tuples(st.sampled_from(UNITS), HOLD_ENDS), max_size=4)),
    st.tuples(st.just("dispute"), SOME),
    st.tuples(st.just("flush"), st.none()),
    st.tuples(st.just("trim"), st.none()),
    st.tuples(st.just("join"), st.sampled_from(["fresh", "future", "other", "garbage"])),
    st.tuples(st.just("leave"), st.integers(0, 5)),
    st.tuples(st.just("return"), st.integers(0, 5)),
    st.tuples(st.just("settle"), st.none()),
)


class Play:
    """Plays actions on a board and keeps the boards that are open, and those that went away."""

    def __init__(self, url: str, board: Board) -> None:
        self._url = url
        self._board = board
        self._now = 100
        self._open: list[tuple[Any, dict[str, Any]]] = []
        self._away: list[tuple[Cursor | None, dict[str, Any]]] = []

    async def play(self, action: str, what: Any) -> None:
        await getattr(self, f"_{action}")(what)

    async def finish(self) -> None:
        try:
            await self._settle(None)
        finally:
            for one, _ in self._open:
                await one.close()

    async def _apply(self, units: list[tuple[str, int]]) -> None:
        self._now += 2
        readings = [reading(u, self._now + ahead, mark=ahead) for u, ahead in units]
        await self._board.apply(CLUSTER, readings)

    async def _race(self, writers: list[list[str]]) -> None:
        async def write(me: int, units: list[str]) -> None:
            for n in range(3):
                readings = [reading(u, self._now + n + me % 3, mark=(me, n)) for u in units]
                await self._board.apply(CLUSTER, readings)

        await asyncio.gather(*(write(me, units) for me, units in enumerate(writers)))
        self._now += 5

    async def _replace(self, units: list[str]) -> None:
        stored = {row.unit: row.version for row in (await self._board.snapshot(CLUSTER)).rows}
        row = b'{"unit":"%s","replaced":%d}'
        await self._board.replace(
            CLUSTER,
            [
                StoredRow(u, row % (u.encode(), n), stored.get(u, ""))
                for n, u in enumerate(units, start=self._now)
            ],
        )

    async def _remove(self, units: list[str]) -> None:
        await self._board.remove(CLUSTER, units)

    async def _hold(self, holds: list[tuple[str, HoldState | None]]) -> None:
        """Several holds at once: asked for, most of them moved on, some over at once."""
        at = self._later()
        readings = [reading_with(unit, 3, at) for unit in UNITS]
        await self._board.apply(CLUSTER, readings)

        async def one(unit: str, end: HoldState | None) -> None:
            length = timedelta(minutes=0 if end is HoldState.EXPIRED else 30)
            answer = await self._board.ask_hold(CLUSTER, unit, length, VISITATOR)
            if answer.hold is not None and end is not None:
                await self._board.move_hold(CLUSTER, answer.hold["id"], end, VISITATOR)

        await asyncio.gather(*(one(unit, end) for unit, end in holds))
        await self._board.expire_holds(CLUSTER)

    async def _dispute(self, units: list[str]) -> None:
        """A feed and a nurse say different things."""
        at = self._later()
        await self._board.apply(CLUSTER, [reading_with(u, 2, at) for u in units])
        at = self._later()
        await self._board.apply(CLUSTER, [reading_with(u, 1, at, channel="nurse") for u in units])

    def _later(self) -> datetime:
        self._now = max(self._now + 2, epoch_millis(utc_now()))
        return from_epoch_millis(self._now)

    async def _flush(self, _: None) -> None:
        await self._board._store.at("c").flushall()
        await self._apply([("u", 0)])  # so that it is noticed now rather than in seconds

    async def _trim(self, _: None) -> None:
        key = f"akutoverblik:{{{CLUSTER}}}:changes"
        pipe = self._board._store.at("c").pipeline(transaction=True)
        pipe.xtrim(key, maxlen=0, approximate=False)
        await asyncio.gather(self._apply([("v", 0), ("w", 0)]), pipe.execute())
        await self._apply([("x", 0)])

    async def _join(self, kind: str) -> None:
        place = await self._board.cursor(CLUSTER)
        since = {
            "fresh": None,
            "future": Cursor(place.epoch, place.seq + 1000),
            "other": Cursor("f" * 12, 1),
            "garbage": "x",
        }[kind]
        self._open.append((await open_mirror(self._url, since), {}))

    async def _leave(self, which: int) -> None:
        if self._open:
            one, before = self._open.pop(which % len(self._open))
            await one.close()
            rows = one.rows if one.of_type("snapshot") else before | one.rows
            self._away.append((one.cursor, rows))

    async def _return(self, which: int) -> None:
        if self._away:
            cursor, rows = self._away.pop(which % len(self._away))
            if cursor is not None:
                self._open.append((await open_mirror(self._url, cursor), rows))

    async def _settle(self, _: None) -> None:
        for one, before in self._open:
            await assert_board_equals_fresh_snapshot(self._board, one, rows_before=before)


@pytest.fixture(scope="module", params=[BOARD_PROTOCOL, PLAIN_PROTOCOL], ids=["ours", "plain"])
def steady_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: EmbeddedServer,
) -> Iterator[LiveServer]:
    """One server for all examples of the property below."""
    folder = tmp_path_factory.mktemp("live")
    with live_server(
        folder, valkey_server.url, ws=request.param, window=0.01, heartbeat=0.05
    ) as server:
        yield server


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=st.lists(ACTIONS, min_size=3, max_size=14))
def test_a_board_always_equals_a_fresh_snapshot(
    steady_server: LiveServer, valkey_server: EmbeddedServer, actions: list[tuple[str, Any]]
) -> None:
    async def run() -> None:
        async with opened(valkey_server.url) as board:
            play = Play(steady_server.url, board)
            await play.play("join", "fresh")
            await play.play("flush", None)
            try:
                for action, what in actions:
                    await play.play(action, what)
            finally:
                await play.finish()

    asyncio.run(run())


@both_ways
async def test_boards_stay_equal_under_many_writers_and_reconnects(
    board: Board, serve: Serve, ws: str
) -> None:
    server = serve(ws=ws, heartbeat=0.1)
    chance = random.Random(1)
    done = asyncio.Event()

    async def write(me: int) -> None:
        for n in range(150):
            await board.apply(CLUSTER, [reading(chance.choice(UNITS), n * 3 + me, mark=me)])
        done.set()

    async def come_and_go() -> None:
        rows: dict[str, Any] = {}
        cursor: Cursor | None = None
        visits = 0
        while not done.is_set() or visits < 2:
            visits += 1
            async with mirror(server.url, cursor) as one:
                await asyncio.sleep(chance.uniform(0, 0.1))
            rows = one.rows if one.of_type("snapshot") else rows | one.rows
            cursor = one.cursor
        async with mirror(server.url, cursor) as one:
            await assert_board_equals_fresh_snapshot(board, one, rows_before=rows)

    async with mirror(server.url) as steady:
        await asyncio.gather(*(write(n) for n in range(4)), *(come_and_go() for _ in range(4)))
        await assert_board_equals_fresh_snapshot(board, steady)


@both_ways
async def test_a_restarted_store_is_a_new_epoch_for_everyone(
    tmp_path: Path, serve: Serve, ws: str
) -> None:
    store = StoreServer(tmp_path / "store")
    store.start()
    try:
        server = serve(store.url, ws=ws, heartbeat=0.1)
        async with opened(store.url) as board, mirror(server.url) as one:
            await board.apply(CLUSTER, [reading("u", 1)])
            await assert_board_equals_fresh_snapshot(board, one)
            before = one.cursor
            assert before is not None

            await asyncio.to_thread(store.kill)
            with stopwatch() as watch:
                await until(lambda: not one.live)
            assert watch.seconds < 5
            await asyncio.to_thread(store.start)
            await until(lambda: one.live)
            await board.apply(CLUSTER, [reading("v", 1)])

            async with mirror(server.url, before) as other:
                await assert_board_equals_fresh_snapshot(board, one, other)
                assert one.cursor is not None
                assert one.cursor.epoch != before.epoch
                assert other.cursor == one.cursor
    finally:
        store.close()


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


# Boards that misbehave


@asynccontextmanager
async def flooded(url: str, size: int = 20_000) -> AsyncIterator[None]:
    """Meanwhile large rows change as fast as the store takes it, from a thread of their own."""
    enough = threading.Event()

    async def flood() -> None:
        n = 0
        async with opened(url) as board:
            while not enough.is_set():
                n += 1
                await board.apply(CLUSTER, [reading(f"big{n % 4}", n, size=size)])

    flooding = asyncio.create_task(asyncio.to_thread(asyncio.run, flood()))
    try:
        yield
    finally:
        enough.set()
        await flooding


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

            assert server.hub.boards_dropped == 1
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

            assert server.hub.boards_dropped == 0
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
