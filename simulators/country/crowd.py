"""Thousands of open boards in one process: one protocol object and one socket each.

Every board keeps its rows, so that at the end each can be held against a fresh snapshot.
"""

import asyncio
import random
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

from simulators.country import frames
from simulators.country.channel import Channel, Chunk
from simulators.country.watch import Row, Watch

IN_FLIGHT = 64
"""Handshakes under way at once: a crowd that comes back is a test of its own."""
OPEN_SECONDS = 20.0
OWN_FILES = 512
"""Descriptors wanted beside those of the boards."""


class Board(asyncio.Protocol):
    """One open board: its rows and its cursor, across reconnections."""

    __slots__ = ("_buffer", "_crowd", "_is_open", "address", "arrived", "channel", "cursor",
                 "is_cut", "key", "refusal", "rows", "transport")  # fmt: skip

    def __init__(self, crowd: "Crowd", channel: Channel, key: str, address: str | None) -> None:
        self._crowd = crowd
        self.channel = channel
        self.key = key
        self.address = address
        self.rows: dict[str, Row] = {}
        self.cursor = ""
        self.refusal = ""
        self.is_cut = False
        self.transport: asyncio.Transport | None = None
        self.arrived: asyncio.Future[None] | None = None
        """Done when the first message has come, with an error when none can come."""
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the channel, from where the rows stand."""
        opened = cast(asyncio.Transport, transport)  # uvloop's own is no subclass of it
        self.transport, self._buffer, self._is_open = opened, b"", False
        path = f"/api/v1/live/{self.channel.cluster}"
        since = f"?since={self.cursor}" if self.cursor else ""
        opened.write(frames.request(self._crowd.host, path + since, self.key))

    def data_received(self, data: bytes) -> None:
        """Take what came; the crowd counts it."""
        crowd = self._crowd
        crowd.bytes += len(data)
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if not self._is_open:
            data = self._opened(data)
        if data:
            chunk = self.channel.read(data)
            self._buffer = chunk.rest
            if chunk.frames:
                self._take(chunk)

    def _take(self, chunk: Chunk) -> None:
        self._crowd.frames += chunk.frames
        if chunk.is_snapshot:
            self.rows = dict(chunk.rows)
        else:
            self.rows.update(chunk.rows)
        if chunk.cursor:
            self.cursor = chunk.cursor
            if self.arrived is not None and not self.arrived.done():
                self.arrived.set_result(None)
        for change in chunk.changes:
            self.channel.watch.has(self.channel.cluster, change, self)
        assert self.transport is not None
        for reply in chunk.replies:
            self.transport.write(reply)
        if chunk.ended:
            self.transport.close()

    def _opened(self, data: bytes) -> bytes:
        """What follows the answer to the request, once the answer is whole."""
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            self._buffer = data
            return b""
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self.refusal = head.partition(b"\r\n")[0].decode("latin-1")
            assert self.transport is not None
            self.transport.abort()
            return b""
        self._is_open = True
        self.channel.open.add(self)
        return rest

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back, unless the crowd goes home."""
        was_open, self._is_open, self.transport = self._is_open, False, None
        self.channel.open.discard(self)
        self.channel.watch.left(self.channel.cluster, self)
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_exception(ConnectionError(self.refusal or "lost"))
        elif was_open:
            self._crowd.lose(self)


@dataclass(slots=True)
class Crowd:
    """All boards. `bytes` and `frames` are those received, `dropped` counts connections that the
    server ended, `refused` answers other than 101."""

    target: str
    seed: int = 1
    watch: Watch = field(default_factory=Watch)
    boards: list[Board] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    bytes: int = 0
    frames: int = 0
    dropped: int = 0
    cut: int = 0
    refused: int = 0
    refusals: set[str] = field(default_factory=set)
    opened_in: float = 0.0
    _closing: bool = False
    _coming_back: set[asyncio.Task[None]] = field(default_factory=set)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    @property
    def host(self) -> str:
        """The authority that requests name."""
        return urlsplit(self.target).netloc

    @property
    def _address(self) -> tuple[str, int]:
        parts = urlsplit(self.target)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError("the boards speak to http addresses only: they know no TLS")
        return parts.hostname, parts.port or 80

    @property
    def open(self) -> int:
        """Boards that are open just now."""
        return sum(len(channel.open) for channel in self.channels.values())

    def channel(self, cluster: str) -> Channel:
        """The channel of a cluster."""
        return self.channels.setdefault(cluster, Channel(cluster, self.watch))

    async def enter(self, seats: Sequence[tuple[str, str, str | None]]) -> None:
        """Open a board for each cluster, key and network address; return once all have rows."""
        _allow_files(len(seats) + OWN_FILES)
        began = perf_counter()
        self.boards = [
            Board(self, self.channel(cluster), key, address) for cluster, key, address in seats
        ]
        await asyncio.gather(*(self._connect(board) for board in self.boards))
        self.opened_in = perf_counter() - began

    def cut_some(self, share: float, rng: random.Random) -> None:
        """Break the connections of a share of the boards; they come back by their cursor."""
        for board in rng.sample(self.boards, max(1, round(share * len(self.boards)))):
            if board.transport is not None:
                board.is_cut = True
                self.cut += 1
                board.transport.abort()

    def lose(self, board: Board) -> None:
        """A board's connection ended: it comes back within a second, as pages do."""
        self.dropped += not board.is_cut and not self._closing
        board.is_cut = False
        if not self._closing:
            task = asyncio.get_running_loop().create_task(self._come_back(board))
            self._coming_back.add(task)
            task.add_done_callback(self._coming_back.discard)

    async def leave(self) -> None:
        """Close every board."""
        self._closing = True
        for task in self._coming_back:
            task.cancel()
        await asyncio.gather(*self._coming_back, return_exceptions=True)
        for board in self.boards:
            if board.transport is not None:
                board.transport.write(frames.masked(frames.CLOSE))
                board.transport.close()
        await asyncio.sleep(0)

    async def _come_back(self, board: Board) -> None:
        await asyncio.sleep(random.Random(f"{self.seed}/{id(board)}").uniform(0.1, 1.0))
        await self._connect(board)

    async def _connect(self, board: Board) -> None:
        local = (board.address, 0) if board.address else None
        host, port = self._address
        loop = asyncio.get_running_loop()
        pause = 0.1
        while not self._closing:
            async with self._turns:
                board.refusal, board.arrived = "", loop.create_future()
                try:
                    async with asyncio.timeout(OPEN_SECONDS):
                        await loop.create_connection(lambda: board, host, port, local_addr=local)
                        await board.arrived
                    return
                except (OSError, TimeoutError) as error:
                    self._note_refusal(board, type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)

    def _note_refusal(self, board: Board, otherwise: str) -> None:
        self.refused += 1
        self.refusals.add(board.refusal or otherwise)
        board.arrived = None
        if board.transport is not None:
            board.transport.abort()


def _allow_files(wanted: int) -> None:
    """Raise the soft limit on descriptors; `ValueError` where the hard limit is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise ValueError(f"{wanted} open files are needed, and the system allows {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
