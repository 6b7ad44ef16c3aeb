"""The load client: a thousand open boards in one process, cheap enough not to be what is measured.

Boards are raw sockets in one epoll. Each change that is published carries a mark in its note,
``#00000042#``; a board has the change when it has read the mark. All boards get the same bytes,
so a chunk equal to the one before it is not looked into again; a chunk that does not end where a
frame ends is put together first. A board that fell behind may be told a row twice; where a change
has many rows, they are therefore counted by their units.
"""

import base64
import os
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.bench.figures import CannotRunError
from tests.bench.processes import LOOPBACK

CONNECT_SECONDS = 120.0
QUIET_SECONDS = 0.3
IN_FLIGHT = 64
"""Handshakes under way at once."""
AWAKE_SECONDS = 0.0003
"""So long the client looks for more before it sleeps. Otherwise it would sleep between two boards,
as often as it is quicker than the server, whose next write then has to wake it: a cost that
clients on other machines do not make, and that went up and down by a third."""
_CHUNK = 1 << 18
_MARK = re.compile(rb"#(\d{8})#")
_ROW = re.compile(rb'"unit":"([^"]+)"|#(\d{8})#')
"""A row's unit, or the mark of the row that the unit before it has."""
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA


def mark(number: int) -> str:
    """The text by which a change is known again."""
    return f"#{number:08d}#"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What some bytes from a server hold: how often which mark, units and marks of rows in their
    order if asked for, pings, and the beginning of the next frame."""

    marks: Counter[int]
    rows: tuple[tuple[bytes, int], ...]
    pings: tuple[bytes, ...]
    rest: bytes


def read_chunk(data: bytes, *, with_rows: bool = False) -> Chunk:
    """Take whole frames of a server (RFC 6455, section 5.2) apart."""
    marks: Counter[int] = Counter()
    rows: list[tuple[bytes, int]] = []
    pings: list[bytes] = []
    at = 0
    while (frame := _frame_at(data, at)) is not None:
        opcode, begin, at = frame
        if opcode in (_TEXT, _BINARY):
            marks.update(map(int, _MARK.findall(data, begin, at)))
            if with_rows:
                rows += _marked_rows(data, begin, at)
        elif opcode == _PING:
            pings.append(data[begin:at])
        elif opcode == _CLOSE:
            raise CannotRunError("the server closed a board")
    return Chunk(marks, tuple(rows), tuple(pings), data[at:])


def _marked_rows(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int]]:
    unit = b""
    for found, number in _ROW.findall(data, begin, end):
        if found:
            unit = found
        else:
            yield unit, int(number)


def _frame_at(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Opcode, begin and end of the payload of the frame at `at`, or ``None`` if it is not whole."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1] & 0x7F, at + 2
    if size > 125:
        width = 2 if size == 126 else 8
        if len(data) < begin + width:
            return None
        size, begin = int.from_bytes(data[begin : begin + width], "big"), begin + width
    end = begin + size
    return (data[at] & 0x0F, begin, end) if end <= len(data) else None


@dataclass(slots=True)
class _Board:
    socket: socket.socket
    open: bool = False
    rest: bytes = b""
    latest: dict[bytes, int] = field(default_factory=dict)
    """By unit: the last mark that it was told, where changes have many rows."""


@dataclass(slots=True)
class Boards:
    """Open boards, and when all of them had each change.

    A change is complete when its mark was read on every board in the rows of `copies` units; 0:
    only count. Marks of one unit rise.
    """

    count: int
    copies: int = 1
    complete_at: dict[int, float] = field(default_factory=dict)
    """By mark: `time.perf_counter` when the last board had it."""
    delivered: int = 0
    _epoll: select.epoll = field(default_factory=select.epoll)
    _boards: dict[int, _Board] = field(default_factory=dict)
    _others: dict[int, Callable[[], None]] = field(default_factory=dict)
    _seen: Counter[int] = field(default_factory=Counter)
    last_read_at: float = 0.0
    """`time.perf_counter` when a board last had something to read."""
    _open: int = 0
    _greeting: bytes = b""
    last_read: bytes = b""
    """What a board read last."""
    _last_chunk: Chunk = field(default_factory=lambda: Chunk(Counter(), (), (), b""))

    def open(
        self,
        port: int,
        path: str,
        *,
        headers: str = "",
        greeting: bytes = b"",
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Connect all boards, and wait until what they get at first has arrived.

        `headers` are sent with the handshake; `greeting` is the first (binary) message after it.
        """
        self._greeting = greeting
        deadline = time.monotonic() + CONNECT_SECONDS
        while self._open < self.count:
            while len(self._boards) < min(self.count, self._open + in_flight):
                self._connect(port, path, headers)
            self.pump(0.1)
            if time.monotonic() > deadline:
                raise CannotRunError(f"only {self._open} of {self.count} boards could connect")
        while self.pump(QUIET_SECONDS):
            if time.monotonic() > deadline:
                raise CannotRunError("the boards do not come to rest")

    def close(self) -> None:
        """Close all boards."""
        for board in self._boards.values():
            board.socket.close()
        self._epoll.close()

    def watch(self, descriptor: int, readable: Callable[[], None]) -> None:
        """Call `readable` from `pump` whenever the descriptor has something to read."""
        self._others[descriptor] = readable
        self._epoll.register(descriptor, select.EPOLLIN)

    def pump(self, timeout: float) -> int:
        """Read what has come, waiting up to `timeout` seconds for the first; how many had some."""
        ready = self._epoll.poll(0, self.count + 8)
        while not ready and time.perf_counter() - self.last_read_at < AWAKE_SECONDS:
            ready = self._epoll.poll(0, self.count + 8)
        ready = ready or self._epoll.poll(timeout, self.count + 8)
        for descriptor, _ in ready:
            board = self._boards.get(descriptor)
            if board is None:
                self._others[descriptor]()
            else:
                self._read(board)
        return len(ready)

    def _connect(self, port: int, path: str, headers: str) -> None:
        client = socket.create_connection((LOOPBACK, port), timeout=CONNECT_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
        )
        self.take(client)

    def take(self, client: socket.socket, *, greeted: bool = False) -> None:
        """Read this connection too, from the answer to its handshake on, or after it."""
        client.setblocking(False)
        self._boards[client.fileno()] = _Board(client, open=greeted)
        self._epoll.register(client.fileno(), select.EPOLLIN)

    def _read(self, board: _Board) -> None:
        data = board.socket.recv(_CHUNK)
        self.last_read_at = time.perf_counter()
        if not data:
            raise CannotRunError("the server dropped a board")
        if not board.open:
            data = self._opened(board, board.rest + data)
        elif board.rest:
            data = board.rest + data
        if data != self.last_read:
            self.last_read = data
            self._last_chunk = read_chunk(data, with_rows=self.copies > 1)
        chunk = self._last_chunk
        board.rest = chunk.rest
        self.delivered += chunk.marks.total()
        if self.copies:
            marks = chunk.marks if self.copies == 1 else _first_told(board, chunk)
            for number, copies in marks.items():
                self._note(number, copies)
        for payload in chunk.pings:
            board.socket.send(_masked(_PONG, payload))

    def _opened(self, board: _Board, data: bytes) -> bytes:
        """What follows the answer to the handshake, once that is there."""
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            board.rest = data
            return b""
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise CannotRunError(f"a board was refused: {head[:200].decode('latin-1')}")
        board.open, board.rest = True, b""
        self._open += 1
        if self._greeting:
            board.socket.send(_masked(_BINARY, self._greeting))
        return rest

    def _note(self, number: int, copies: int) -> None:
        self._seen[number] += copies
        if self._seen[number] == self.count * self.copies:
            self.complete_at[number] = time.perf_counter()


def _first_told(board: _Board, chunk: Chunk) -> Counter[int]:
    """How many units' rows of which mark the board had not been told before."""
    latest = board.latest
    new: list[int] = []
    for unit, number in chunk.rows:
        if latest.get(unit, -1) < number:
            latest[unit] = number
            new.append(number)
    return Counter(new)


def _masked(opcode: int, payload: bytes) -> bytes:
    """A short frame as a client sends it; a mask of zeros leaves the payload as it is."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload
