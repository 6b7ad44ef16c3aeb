"""How one board is written to, over a real transport: never waiting, never without bound."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

import pytest
import uvloop
from starlette.websockets import WebSocket
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from tests.support.board_model import until
from web.live.connections import (
    EXTENSION,
    MAX_BUFFERED,
    QueuedConnection,
    Sweep,
    connection_of,
    encoded,
    when_over,
)
from web.live.line import BoardLine, Pings

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
NO_PINGS = Pings(None, None)
MESSAGE = encoded(b"x" * 70_000)


def line_on(transport: asyncio.Transport, pings: Pings = NO_PINGS) -> BoardLine:
    """A board's line after its handshake, without pings if not told otherwise."""
    loop = asyncio.get_running_loop()
    line = BoardLine(transport, ServerProtocol(state=OPEN), pings, set(), loop)
    transport.set_protocol(line)
    return line


@contextlib.asynccontextmanager
async def line() -> AsyncIterator[tuple[asyncio.Transport, socket.socket]]:
    """A transport, and the far end's socket."""
    far, near = socket.socketpair()
    for end in (near, far):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        end.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    try:
        yield transport, far
    finally:
        transport.abort()
        far.close()
        await asyncio.sleep(0)


async def read(far: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += await asyncio.get_running_loop().sock_recv(far, size - len(found))
    return found


@pytest.fixture(params=list(LOOPS.values()), ids=list(LOOPS))
def run(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Runs a coroutine on each kind of event loop."""

    def run(main: Any) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main)

    return run


def test_a_transport_takes_so_much_and_again_once_it_was_read(run: Callable[..., None]) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            connection = line_on(transport)
            assert connection.idle()
            sent = 0
            while connection.offer(*MESSAGE):
                sent += 1
                assert sent < 100

            assert MAX_BUFFERED < transport.get_write_buffer_size() <= MAX_BUFFERED + 70_010
            assert not connection.idle()
            assert await read(far, sent * len(MESSAGE[1])) == MESSAGE[1] * sent
            await until(connection.idle)
            assert connection.offer(*MESSAGE)

    run(main())


def test_a_line_is_swept_for_as_long_as_there_is_room(run: Callable[..., None]) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            connection = line_on(transport)
            sweep: Sweep[str] = {}
            connection.join(sweep, "board")
            sent = 0
            while sweep:
                sweep["board"](MESSAGE[1])
                sent += 1
                assert sent < 100

            assert not connection.offer(*MESSAGE)
            connection.join(sweep, "board")
            assert not sweep
            await read(far, sent * len(MESSAGE[1]))
            await until(connection.idle)
            assert not sweep, "it has not said that it is up to date"
            connection.join(sweep, "board")
            assert sweep.keys() == {"board"}

    run(main())


@pytest.mark.parametrize("end", ["abort", "shutdown", "its peer's"])
def test_a_line_that_is_over_is_swept_no_more(run: Callable[..., None], end: str) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            connection = line_on(transport)
            sweep: Sweep[str] = {}
            connection.join(sweep, "board")
            far.close() if end == "its peer's" else getattr(connection, end)()
            await until(lambda: not sweep)
            connection.join(sweep, "board")
            assert not sweep

    run(main())


def test_a_transport_that_was_dropped_takes_nothing(run: Callable[..., None]) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            connection = line_on(transport)
            while connection.offer(*MESSAGE):
                pass
            connection.abort()

            assert not connection.offer(*MESSAGE)
            assert not connection.idle()
            connection.abort()
            far.close()

    run(main())


def test_a_transport_whose_peer_left_takes_nothing_for_long(run: Callable[..., None]) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            connection = line_on(transport)
            far.close()
            await until(lambda: not connection.offer(*MESSAGE))
            assert not connection.offer(*MESSAGE)

    run(main())


def masked(opcode: int, payload: bytes, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    """A short frame as a client sends it (RFC 6455, section 5.3)."""
    hidden = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + mask + hidden


async def pinged(far: socket.socket) -> bytes:
    """What the next ping carries."""
    head, payload = await read(far, 2), await read(far, 4)
    assert head == b"\x89\x04"
    return payload


PONG, TEXT = 0xA, 0x1
WAYS: dict[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "whole": lambda payload: (masked(PONG, payload),),
    "in two parts": lambda payload: (masked(PONG, payload)[:7], masked(PONG, payload)[7:]),
    "with another": lambda payload: (masked(PONG, b"else") + masked(PONG, payload),),
    "after another": lambda payload: (masked(PONG, b"else"), masked(PONG, payload)),
    "after words": lambda payload: (masked(TEXT, b"a word"), masked(PONG, payload)),
    "within words": lambda payload: (masked(TEXT, b"a word")[:5],
                                     masked(TEXT, b"a word")[5:] + masked(PONG, payload)),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_an_answered_ping_is_followed_by_the_next(run: Callable[..., None], way: str) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            line_on(transport, Pings(0.02, 30.0))
            loop = asyncio.get_running_loop()
            for _ in range(3):
                for part in WAYS[way](await pinged(far)):
                    await loop.sock_sendall(far, part)
                    await asyncio.sleep(0.005)  # so that the parts are read one by one
            await pinged(far)

    run(main())


BAD = {
    "nothing": b"",
    "another's": masked(PONG, b"else"),
    "words that look like one": masked(TEXT, masked(PONG, b"else")),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_an_unanswered_ping_ends_the_connection(run: Callable[..., None], answer: bytes) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            line_on(transport, Pings(0.02, 0.2))
            await pinged(far)
            await asyncio.get_running_loop().sock_sendall(far, answer)
            assert await read(far, 4) == b"\x88\x18\x03\xf3"  # 1011, and why

    run(main())


def test_a_pong_that_is_not_masked_is_refused(run: Callable[..., None]) -> None:
    async def main() -> None:
        async with line() as (transport, far):
            line_on(transport, Pings(0.02, 30.0))
            payload = await pinged(far)
            await asyncio.get_running_loop().sock_sendall(far, b"\x8a\x04" + payload)
            assert (await read(far, 4))[2:] == b"\x03\xea"  # 1002: a protocol error

    run(main())


class Application:
    """The server's side of the application interface: takes messages when `open` is set."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open = asyncio.Event()
        scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
        self.socket = WebSocket(scope, self._receive, self._send)

    async def _receive(self) -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.open.wait()
            self.sent.append(message["text"])


async def test_a_queue_takes_so_much_and_again_once_it_was_sent() -> None:
    application = Application()
    await application.socket.accept()
    connection = QueuedConnection(application.socket)
    sending = asyncio.create_task(connection.drain())
    assert connection.idle()
    sent = 0
    while connection.offer(*MESSAGE):
        sent += 1
    assert sent == MAX_BUFFERED // 70_000 + 1
    assert not connection.idle()

    application.open.set()
    await until(connection.idle)

    assert application.sent == [MESSAGE[0].decode()] * sent
    assert connection.offer(b'{"n":1}', b"")
    await until(lambda: application.sent[-1] == '{"n":1}')
    connection.abort()
    assert not connection.offer(b"", b"")
    assert not connection.idle()
    await asyncio.wait_for(sending, 30)


async def test_a_server_that_gives_its_connections_away_is_written_to_directly() -> None:
    async with line() as (transport, _):
        application = Application()
        assert isinstance(connection_of(application.socket), QueuedConnection)
        ours = line_on(transport)
        application.socket.scope["extensions"] = {EXTENSION: {"take_over": lambda: ours}}
        assert connection_of(application.socket) is ours


# When a board has gone


async def test_what_is_kept_for_a_board_is_given_back_once_when_it_goes() -> None:
    told: list[str] = []
    async with line() as (transport, far):
        scope = {"extensions": {EXTENSION: {"line": (board := line_on(transport))}}}
        await board.see_out(lambda: told.append("leave"))
        when_over(scope, lambda: told.append("count"))
        assert told == []

        far.close()
        await until(lambda: bool(told))

        assert told == ["leave", "count"]
        when_over(scope, lambda: told.append("late"))
        assert told == ["leave", "count", "late"]
    assert len(told) == 3


async def test_a_request_that_no_board_came_of_is_over_with_its_call() -> None:
    told: list[str] = []
    when_over({"type": "websocket"}, lambda: told.append("over"))
    when_over({"extensions": {EXTENSION: {"take_over": line_on}}}, lambda: told.append("over"))
    assert told == ["over", "over"]


async def test_a_goodbye_ends_what_the_board_is_told_and_waits_for_its_answer() -> None:
    told: list[str] = []
    async with line() as (transport, far):
        board = line_on(transport)
        await board.see_out(lambda: told.append("leave"))
        await board.goodbye(4401)
        assert told == ["leave"]
        assert await read(far, 4) == b"\x88\x02\x11\x31"
        assert not transport.is_closing()

        far.send(b"\x88\x82\x00\x00\x00\x00\x11\x31")
        await until(transport.is_closing)
        board.shutdown()
        assert told == ["leave"]
