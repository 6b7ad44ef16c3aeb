"""How one board is written to: straight to its transport, or through the application interface.

Neither way ever waits for a slow board: what a board cannot take is skipped, and once it reads
again it gets all rows that changed since, or a snapshot.
"""

import asyncio
from typing import Protocol

from starlette.websockets import WebSocket

from web.live.frames import text_frame
from web.live.protocol import EXTENSION

MAX_BUFFERED = 256 * 1024
"""Bytes that may wait for a board that reads slowly; about a region's whole board."""


class Connection(Protocol):
    """One open board."""

    def offer(self, message: bytes, frame: bytes) -> bool:
        """Send a message without waiting; false when the board is behind or gone."""
        ...

    def idle(self) -> bool:
        """Whether everything sent so far has left this process."""
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...

    async def drain(self) -> None:
        """Runs beside the receive loop for as long as the connection is open."""
        ...


class TransportConnection:
    """Writes ready-made frames to the transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def offer(self, message: bytes, frame: bytes) -> bool:
        """See `Connection.offer`."""
        transport = self._transport
        if transport.is_closing() or transport.get_write_buffer_size() > MAX_BUFFERED:
            return False
        try:
            transport.write(frame)
        except RuntimeError:  # uvloop: the peer closed, and its loss is not yet reported
            return False
        return True

    def idle(self) -> bool:
        """See `Connection.idle`."""
        return not self._transport.is_closing() and self._transport.get_write_buffer_size() == 0

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._transport.abort()

    async def drain(self) -> None:
        """Nothing to do: the event loop empties the transport's buffer."""


class QueuedConnection:
    """Sends through the application interface, under servers that keep their transport hidden."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._waiting: list[bytes] = []
        self._buffered = 0
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, message: bytes, frame: bytes) -> bool:
        """See `Connection.offer`."""
        if self._closed or self._buffered > MAX_BUFFERED:
            return False
        self._waiting.append(message)
        self._buffered += len(message)
        self._wake.set()
        return True

    def idle(self) -> bool:
        """See `Connection.idle`."""
        return not self._closed and self._buffered == 0

    def abort(self) -> None:
        """See `Connection.abort`; here the most that can be done is to stop sending."""
        self._closed = True
        self._wake.set()

    async def drain(self) -> None:
        """Send what is waiting until the connection is aborted."""
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and not self._closed:
                message = self._waiting.pop(0)
                await self._socket.send_text(message.decode())
                self._buffered -= len(message)


def connection_of(socket: WebSocket) -> Connection:
    """The quickest connection that the server under us allows."""
    found = socket.scope.get("extensions", {}).get(EXTENSION)
    if found is not None:
        return TransportConnection(found["transport"])
    return QueuedConnection(socket)


def encoded(message: bytes) -> tuple[bytes, bytes]:
    """A message and its frame, made once for all boards."""
    return message, text_frame(message)
