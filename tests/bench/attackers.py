"""Hostile clients, in a process of their own: ``python -m tests.bench.attackers PORT COUNT``.

Each of them tries one thing again and again, at most twenty times a second, from an address that
no board has (as an attacker's would be another, and limits count by address). Being dropped is
what they are for. When each has connected, ``ready`` is written; when standard input ends they end
too, and how often each kind has connected is written as JSON.
"""

import asyncio
import contextlib
import json
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.bench.processes import LOOPBACK, START_SECONDS
from tests.bench.world import CLUSTER

FROM = "127.0.0.2"
PAUSE = 0.05
"""Seconds from one try of a client to its next, if the first is over by then."""
TRICKLE = 0.5
"""Seconds between two bytes of those that are slow."""
_BUFFER = 4096
"""Bytes of receive buffer, so that what is left unread piles up with the server."""
_HOST = f"Host: {LOOPBACK}\r\n".encode()
_LIVE = (
    f"GET /api/v1/live/{CLUSTER} HTTP/1.1\r\n".encode()
    + _HOST
    + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_MEGABYTE = b"\x82\xff" + (1 << 20).to_bytes(8) + bytes(4)
"""The beginning of a binary frame that claims so much, masked with zeros."""

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


async def _slow_head(_: Reader, writer: Writer) -> None:
    writer.write(b"GET / HTTP/1.1\r\n" + _HOST + b"X-Slow: ")
    await _trickle(writer)


async def _slow_body(_: Reader, writer: Writer) -> None:
    writer.write(b"POST /sign-in HTTP/1.1\r\n" + _HOST + b"Content-Length: 5000\r\n\r\n")
    await _trickle(writer)


async def _trickle(writer: Writer) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(TRICKLE)


async def _half_open(reader: Reader, _: Writer) -> None:
    """Connected, and not a word."""
    await reader.read()


async def _unread_board(_: Reader, writer: Writer) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(_LIVE)
    await asyncio.Event().wait()


async def _unread_answers(_: Reader, writer: Writer) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        writer.write(b"GET /static/js/board.js HTTP/1.1\r\n" + _HOST + b"\r\n")
        await writer.drain()
        await asyncio.sleep(PAUSE)


async def _large_frame(reader: Reader, writer: Writer) -> None:
    if await _goes_live(reader, writer):
        writer.write(_MEGABYTE)
        for _ in range(1 << 8):
            writer.write(bytes(1 << 12))
            await writer.drain()


async def _reconnect(reader: Reader, writer: Writer) -> None:
    """Away as soon as the first of the board has come."""
    if await _goes_live(reader, writer):
        await reader.read(1)


async def _wrong_token(reader: Reader, writer: Writer) -> None:
    path = f"GET /api/v1/board/{CLUSTER} HTTP/1.1\r\n".encode()
    writer.write(path + _HOST + b"Authorization: Bearer guess\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")


async def _goes_live(reader: Reader, writer: Writer) -> bool:
    writer.write(_LIVE)
    return b" 101 " in await reader.readuntil(b"\r\n\r\n")


ATTACKS: dict[str, Callable[[Reader, Writer], Awaitable[None]]] = {
    "slow head": _slow_head,
    "slow body": _slow_body,
    "half-open": _half_open,
    "board that is not read": _unread_board,
    "answers that are not read": _unread_answers,
    "frame too large": _large_frame,
    "reconnecting": _reconnect,
    "wrong token": _wrong_token,
}


async def attack(port: int, count: int) -> None:
    """Let `count` clients, of all kinds in turn, try until standard input ends."""
    tries: Counter[str] = Counter()
    async with asyncio.timeout(START_SECONDS) as begin, asyncio.TaskGroup() as group:
        kinds = list(ATTACKS)
        connected = [asyncio.Event() for _ in range(count)]
        tasks = [
            group.create_task(_again_and_again(port, kinds[n % len(kinds)], tries, event))
            for n, event in enumerate(connected)
        ]
        for event in connected:
            await event.wait()
        begin.reschedule(None)
        print("ready", flush=True)
        await _end_of_input()
        for task in tasks:
            task.cancel()
    print(json.dumps(tries))


async def _again_and_again(port: int, kind: str, tries: Counter[str], event: asyncio.Event) -> None:
    now = asyncio.get_running_loop().time
    while True:
        began = now()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with _connection(port) as (reader, writer):
                tries[kind] += 1
                event.set()
                await ATTACKS[kind](reader, writer)
        await asyncio.sleep(max(0.0, began + PAUSE - now()))


@contextlib.asynccontextmanager
async def _connection(port: int) -> AsyncIterator[tuple[Reader, Writer]]:
    """One connection from `FROM`, torn down without a goodbye."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    client.setblocking(False)
    try:
        client.bind((FROM, 0))
        await asyncio.get_running_loop().sock_connect(client, (LOOPBACK, port))
        reader, writer = await asyncio.open_connection(sock=client)
    except BaseException:
        client.close()
        raise
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await reader.read()
    transport.close()


if __name__ == "__main__":
    asyncio.run(attack(int(sys.argv[1]), int(sys.argv[2])))
