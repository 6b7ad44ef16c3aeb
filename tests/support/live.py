"""The live channel as a board and its network know it: a real server and a stock client."""

import asyncio
import contextlib
import gc
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from capacity.board import Board, Cursor
from capacity.settings import Settings
from tests.support.board_model import until
from tests.support.stopwatch import stopwatch
from web.app import create_app
from web.commands.serve import MAX_SOCKET_MESSAGE, SHUTDOWN_SECONDS
from web.services import build_services

CLUSTER = "randers"
SOURCE, UNIT = "pushed", "favrskov-akutplads"
_SOURCES = f"""
[[source]]
id = "{SOURCE}"
cluster = "{CLUSTER}"
format = "json"
transport = "push"
attribution = "test"
units = ["{UNIT}"]
"""
BOARD_PROTOCOL = "web.live.protocol:BoardProtocol"
PLAIN_PROTOCOL = "websockets-sansio"


class LiveServer:
    """The whole application under uvicorn in a thread of its own, as `serve` configures it.

    On the event loop of production (uvloop), and on a loop of its own, so that tests and clients
    cannot hold it up. `paces` are the hub's, in seconds.
    """

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        *,
        ws: str = BOARD_PROTOCOL,
        ping_seconds: float = 20.0,
        **paces: float,
    ) -> None:
        settings = Settings(
            data=folder, redis_url=redis_url, run_feeds=False, sources=[source_file(folder)]
        )
        self.services = build_services(settings, demo=True, paces=paces)
        self.hub = self.services.hub
        config = uvicorn.Config(
            create_app(self.services),
            ws=ws,
            ws_per_message_deflate=False,
            ws_max_size=MAX_SOCKET_MESSAGE,
            ws_ping_interval=ping_seconds,
            ws_ping_timeout=ping_seconds,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            log_config=None,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="live server"
        )

    @property
    def url(self) -> str:
        """The WebSocket address of the pilot cluster's live channel."""
        return f"ws://127.0.0.1:{self.port}/api/v1/live/{CLUSTER}"

    def start(self) -> None:
        """Start and wait until requests are answered."""
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server ended before it started"
            time.sleep(0.005)

    def stop(self) -> float:
        """Stop as a signal would; tells how many seconds that took, as the machine ran them."""
        with stopwatch() as watch:
            self._server.should_exit = True
            self._thread.join(60)
        assert not self._thread.is_alive(), f"the server does not stop: {self._what_it_does()}"
        self._listener.close()
        return watch.seconds

    def unsent(self) -> int:
        """The most bytes that wait in the server for any one board."""
        connections = tuple(self._server.server_state.connections)
        return max(protocol.transport.get_write_buffer_size() for protocol in connections)

    def _what_it_does(self) -> str:
        frame = sys._current_frames()[self._thread.ident or 0]
        tasks = [task for task in gc.get_objects() if isinstance(task, asyncio.Task)]
        going_on = [repr(task) for task in tasks if not task.done()]
        return "".join(traceback.format_stack(frame)) + "\n".join(going_on)


def source_file(folder: Path) -> Path:
    """A file that declares one source, which is pushed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sources.toml"
    path.write_text(_SOURCES, encoding="utf-8")
    return path


@contextlib.contextmanager
def live_server(folder: Path, redis_url: str, **options: Any) -> Iterator[LiveServer]:
    """A running server."""
    server = LiveServer(folder, redis_url, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Mirror:
    """A board that does what the contract says, and finds whatever breaks it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.rows: dict[str, Any] = {}
        self.cursor: Cursor | None = None
        self.frames: list[dict[str, Any]] = []
        self.arrivals: list[float] = []
        self.received = 0
        self.live = True
        self.closed: ConnectionClosed | None = None
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                self.take(await self._socket.recv())
        except ConnectionClosed as closed:
            self.closed = closed

    def take(self, message: str | bytes) -> None:
        """Do what one frame says, checking it against the contract."""
        assert isinstance(message, str)
        frame = orjson.loads(message)
        self.frames.append(frame)
        self.received += len(message)
        self.arrivals.append(time.monotonic())
        cursor = Cursor.parse(frame["cursor"])
        assert cursor is not None
        assert frame["server_time"].endswith("Z")
        if self.cursor is not None and cursor.epoch == self.cursor.epoch:
            assert cursor.seq >= self.cursor.seq, "the cursor went backwards"
        if frame["type"] == "snapshot":
            self.rows = {row["unit"]: row for row in frame["rows"]}
        elif frame["type"] == "rows":
            assert self.cursor is None or cursor.epoch == self.cursor.epoch, "rows across epochs"
            self.rows |= {row["unit"]: row for row in frame["rows"]}
        else:
            assert frame.keys() - {"surge"} == {"type", "cursor", "server_time", "live"}
            assert frame["type"] == "heartbeat"
            assert cursor == self.cursor, "a heartbeat that is not where the rows are"
            self.live = frame["live"]
        self.cursor = cursor

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The frames of one type."""
        return [frame for frame in self.frames if frame["type"] == kind]

    async def close(self) -> None:
        """Leave, with a closing handshake; raises what broke the contract, if anything did."""
        await self._socket.close()
        await self._reading

    async def until_closed(self, within: float = 30) -> ConnectionClosed:
        """Wait until the server closes the connection."""
        async with asyncio.timeout(within):
            await self._reading
        assert self.closed is not None
        return self.closed

    def check(self) -> None:
        """Raise what broke the contract so far, if anything did."""
        if self._reading.done():
            self._reading.result()


@contextlib.asynccontextmanager
async def mirror(url: str, since: object = None, **options: Any) -> AsyncIterator[Mirror]:
    """An open board, `since` a cursor (or anything else) that it claims to have seen."""
    found = await open_mirror(url, since, **options)
    try:
        await until(lambda: bool(found.frames) or found._reading.done())
        yield found
    finally:
        await found.close()


async def open_mirror(url: str, since: object = None, **options: Any) -> Mirror:
    """An open board that its user closes."""
    address = url if since is None else f"{url}?since={since}"
    options = {"compression": None, "max_size": None, "ping_interval": None, **options}
    return Mirror(await connect(address, **options))


async def assert_board_equals_fresh_snapshot(
    board: Board, *mirrors: Mirror, rows_before: dict[str, Any] | None = None, within: float = 30
) -> None:
    """Each mirror comes to stand where the store stands, with exactly its rows.

    `rows_before` are the rows that a mirror held before it resumed with a cursor.
    """
    for one in mirrors:

        async def caught_up(one: Mirror = one) -> bool:
            one.check()
            return one.cursor == await board.cursor(CLUSTER)

        await until(caught_up, within)
        fresh = await board.snapshot(CLUSTER)
        if fresh.cursor == one.cursor:
            seen = one.rows
            if rows_before is not None and not one.of_type("snapshot"):
                seen = rows_before | seen
            assert seen == {stored.unit: orjson.loads(stored.row) for stored in fresh.rows}
        else:  # something was written in between: look again
            await assert_board_equals_fresh_snapshot(board, one, rows_before=rows_before)


class RawBoard:
    """A board without manners: a bare socket with a small buffer that reads when told to."""

    def __init__(self, url: str) -> None:
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect((name, int(port)))
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self.socket.recv(1024)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.head = head.decode()

    def frame(self) -> tuple[int, bytes] | None:
        """The next frame's opcode and payload; ``None`` at the connection's end."""
        head = self._bytes(2)
        if head is None:
            return None
        assert head[0] & 0x80, "no server of ours sends fragments"
        assert not head[1] & 0x80, "a server's frames are not masked"
        size = head[1]
        if size >= 126:
            more = self._bytes(2 if size == 126 else 8)
            if more is None:
                return None
            size = int.from_bytes(more)
        payload = self._bytes(size)
        return None if payload is None else (head[0] & 0x0F, payload)

    def send(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        """Send one masked frame."""
        head = bytes([(0x80 if final else 0) | opcode])
        if len(payload) < 126:
            head += bytes([0x80 | len(payload)])
        elif len(payload) < 65536:
            head += struct.pack("!BH", 0x80 | 126, len(payload))
        else:
            head += struct.pack("!BQ", 0x80 | 127, len(payload))
        self.socket.sendall(head + bytes(4) + payload)

    def close(self) -> None:
        """Drop the connection."""
        self.socket.close()

    def _bytes(self, size: int) -> bytes | None:
        while len(self._buffer) < size:
            try:
                more = self.socket.recv(1 << 20)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._buffer += more
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found
