"""The baseline of fan-out: the plainest server that shows a stream's rows to every open board.

One loop, on the same event loop library as the product: read the stream, make one frame of what
came, write the same bytes to every socket. No HTTP framework, no history, no snapshots, no
catch-up, no limit on memory, no heartbeat. Run as ``python -m tests.bench.plain_server URL PORT``;
it follows the stream `STREAM` and stops on SIGTERM.
"""

import asyncio
import base64
import hashlib
import sys
from datetime import UTC, datetime
from typing import cast

import uvloop
from redis.asyncio import Redis

from capacity.board import Cursor
from web.live.frames import rows_message, text_frame

STREAM = "bench:plain"
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""From RFC 6455, section 1.3."""

_boards: set[asyncio.Transport] = set()


class _Board(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by class
        self._received = b""

    def data_received(self, data: bytes) -> None:
        if self._transport in _boards:
            return
        self._received += data
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if end:
            key = head.partition(b"Sec-WebSocket-Key: ")[2].split(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n" % accept
            )
            _boards.add(self._transport)

    def connection_lost(self, _error: Exception | None) -> None:
        _boards.discard(self._transport)


async def _follow(url: str) -> None:
    client = Redis.from_url(url, socket_timeout=10)
    position: bytes | str = "$"
    sequence = 0
    while True:
        reply = await client.xread({STREAM: position}, count=500, block=2000)
        entries = _entries(reply)
        if not entries:
            continue
        position = entries[-1][0]
        sequence += len(entries)
        rows = [fields[b"r"] for _, fields in entries]
        frame = text_frame(rows_message(Cursor("plain", sequence), datetime.now(UTC), rows))
        for board in tuple(_boards):
            board.write(frame)


def _entries(reply: object) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """One stream's entries, whichever protocol version the reply is in."""
    found: list[tuple[bytes, dict[bytes, bytes]]] = []
    if isinstance(reply, dict):
        found = [entry for chunks in reply.values() for chunk in chunks for entry in chunk]
    elif isinstance(reply, list):
        found = [entry for _, entries in reply for entry in entries]
    return found


async def _serve(url: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Board, "127.0.0.1", port, backlog=4096)
    async with server:
        await _follow(url)


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], int(sys.argv[2])))
