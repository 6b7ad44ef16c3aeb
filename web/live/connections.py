"""How one board is written to: straight to its transport, or through the application interface.

Neither way ever waits for a slow board: what a board cannot take is skipped, and once it reads
again it gets all rows that changed since, or a snapshot.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from web.live.frames import text_frame

MAX_BUFFERED = 256 * 1024
"""Bytes that may wait for a board that reads slowly; about a region's whole board."""
EXTENSION = "akutoverblik.line"
"""Where in the ASGI scope's extensions our own server lets a board's connection be taken over."""


Name = TypeVar("Name")
Sweep = dict[Name, Callable[[bytes], object]]
"""How boards are written to that need not be asked whether there is room: the write of each."""


class Connection(Protocol):
    """One open board."""

    def offer(self, message: bytes, frame: bytes) -> bool:
        """Send a message without waiting; false when the board is behind or gone."""
        ...

    def join(self, sweep: Sweep[Name], name: Name) -> None:
        """Be in `sweep` by this name for as long as there is room, if there is and it can tell."""
        ...

    def idle(self) -> bool:
        """Whether everything sent so far has left this process."""
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...


class Attended(Connection, Protocol):
    """A connection as the route that accepted it sees it."""

    async def goodbye(self, code: int) -> None:
        """Close it in good order, with this code."""
        ...

    async def see_out(self, leave: Callable[[], None]) -> None:
        """Have `leave` called once when the board has gone, which this may wait for, or not."""
        ...


class Line(Attended, Protocol):
    """A connection that outlives the application's call."""

    def when_over(self, ending: Callable[[], None]) -> None:
        """Call `ending` once when the board has gone: at once if it has."""
        ...


class QueuedConnection:
    """Sends through the application interface, under servers that keep their transport hidden."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._waiting: list[bytes] = []
        self._buffered = 0
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, message: bytes, _frame: bytes) -> bool:
        """See `Connection.offer`."""
        if self._closed or self._buffered > MAX_BUFFERED:
            return False
        self._waiting.append(message)
        self._buffered += len(message)
        self._wake.set()
        return True

    def join(self, sweep: Sweep[Name], name: Name) -> None:
        """See `Connection.join`; this one is always asked."""

    def idle(self) -> bool:
        """See `Connection.idle`."""
        return not self._closed and self._buffered == 0

    def abort(self) -> None:
        """See `Connection.abort`; here the most that can be done is to stop sending."""
        self._closed = True
        self._wake.set()

    async def goodbye(self, code: int) -> None:
        """See `Attended.goodbye`."""
        with contextlib.suppress(RuntimeError):  # it closed by itself meanwhile
            await self._socket.close(code)

    async def see_out(self, leave: Callable[[], None]) -> None:
        """See `Attended.see_out`; this way waits."""
        sending = asyncio.create_task(self.drain())
        try:
            while True:  # whatever a board says is ignored, but reading is what answers its pings
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
        except WebSocketDisconnect:
            pass
        finally:
            leave()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def drain(self) -> None:
        """Send what is waiting until the connection is aborted."""
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and not self._closed:
                message = self._waiting.pop(0)
                await self._socket.send_text(message.decode())
                self._buffered -= len(message)


def connection_of(socket: WebSocket) -> Attended:
    """The quickest connection that the server under us allows; the socket must be accepted."""
    found = socket.scope.get("extensions", {}).get(EXTENSION)
    if found is not None:
        return cast(Line, found["take_over"]())
    return QueuedConnection(socket)


def when_over(scope: Scope, ending: Callable[[], None]) -> None:
    """Call `ending` once when the connection of this scope is over, after the application's call.

    That is now, unless it was taken over by a board.
    """
    line: Line | None = scope.get("extensions", {}).get(EXTENSION, {}).get("line")
    if line is None:
        ending()
    else:
        line.when_over(ending)


def encoded(message: bytes) -> tuple[bytes, bytes]:
    """A message and its frame, made once for all boards."""
    return message, text_frame(message)
