"""The connection of one open board, once the application has let it in.

From then on nothing of the application's call is needed: a board has nothing to say, so what is
left is to write frames, to answer pings, to notice silence and to say goodbye. No task waits, and
of the request nothing is kept; an open board costs about a fifth of what it did with them.

Frames are taken apart by the library (`websockets.server.ServerProtocol`, its documented part
without I/O), and refused there when they are malformed, unmasked or too large.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from web.live.connections import MAX_BUFFERED, Name, Sweep

SHUTDOWN_GRACE = 2.0
"""Seconds that a board gets to read what is left for it when the server shuts down."""
GOODBYE_SECONDS = 10.0
"""Seconds that a board gets to return our goodbye."""
MAX_INCOMING, INCOMING_SECONDS = 64 * 1024, 60.0
"""Bytes that a board may send in so many seconds. It has nothing to say but pongs; pings are
answered, and answers that are not read would pile up."""
RESTARTING = 1012
_SILENT = 1011


@dataclass(frozen=True, slots=True)
class Pings:
    """Seconds between pings, and until an unanswered one ends the connection; ``None`` for none."""

    interval: float | None
    timeout: float | None


class BoardLine(asyncio.Protocol):
    """A `web.live.connections.Connection` that writes ready-made frames to its transport.

    `open_lines` are the server's connections; a line is one of them until it is lost.
    """

    __slots__ = (
        "_conn", "_counted_until", "_endings", "_incoming", "_loop", "_name", "_open_lines",
        "_pinged", "_pings", "_sweep", "_takes", "_timer", "kept", "transport",
    )  # fmt: skip

    def __init__(
        self,
        transport: asyncio.Transport,
        conn: ServerProtocol,
        pings: Pings,
        open_lines: set[object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.transport = transport
        self._conn = conn
        self._pings = pings
        self._open_lines = open_lines
        self._loop = loop
        self._endings: list[Callable[[], None]] | None = []
        self._timer: asyncio.TimerHandle | None = None
        self._pinged = b""
        self._incoming = 0
        self._counted_until = 0.0
        self._takes = True
        self._sweep: Sweep[Any] | None = None
        self._name: Any = None
        self.kept = False
        transport.set_write_buffer_limits(high=MAX_BUFFERED, low=0)
        open_lines.add(self)
        self._ping_later()

    # What the hub does with it

    def offer(self, _message: bytes, frame: bytes) -> bool:
        """See `Connection.offer`. The transport tells when it has too much, and we know when it is
        over, so it is not asked."""
        if not self._takes:
            return False
        try:
            self.transport.write(frame)
        except RuntimeError:  # uvloop: the peer closed, and its loss is not yet reported
            return False
        return True

    def join(self, sweep: Sweep[Name], name: Name) -> None:
        """See `Connection.join`."""
        if self._takes:
            self._sweep, self._name = sweep, name
            sweep[name] = self.transport.write

    def idle(self) -> bool:
        """See `Connection.idle`."""
        return not self.transport.is_closing() and self.transport.get_write_buffer_size() == 0

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._takes_no_more()
        self.transport.abort()

    async def goodbye(self, code: int) -> None:
        """See `Connection.goodbye`."""
        self._over()
        if not self.transport.is_closing():
            self._conn.send_close(code)
            self._write(self._conn.data_to_send())
            self._later(GOODBYE_SECONDS, self.transport.abort)

    async def see_out(self, leave: Callable[[], None]) -> None:
        """See `Connection.see_out`; the application's call may end."""
        self.kept = True
        self.when_over(leave)

    def when_over(self, ending: Callable[[], None]) -> None:
        """Call `ending` once when the board has gone: at once if it has."""
        if self._endings is None:
            ending()
        else:
            self._endings.append(ending)

    # What the server does with it

    def data_received(self, data: bytes) -> None:
        """Take what a board says, and drop one that says far more than boards do."""
        if not self._may_say(len(data)):
            self.transport.abort()
            return
        conn = self._conn
        conn.receive_data(data)
        for event in conn.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.PONG:
                self._heard(bytes(event.data))
        self._write(conn.data_to_send())
        if conn.close_rcvd is not None or conn.parser_exc is not None:
            self._over()
            self.transport.close()

    def pause_writing(self) -> None:
        """More waits for this board than may."""
        self._takes_no_more()

    def resume_writing(self) -> None:
        """It has read everything."""
        self._takes = self._endings is not None

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is gone."""
        self._open_lines.discard(self)
        self._stop_timer()
        self._over()

    def shutdown(self) -> None:
        """Say that the server restarts, and do not wait for a board that does not read."""
        self._over()
        self._stop_timer()
        if not self.transport.is_closing() and self._conn.close_sent is None:
            self._conn.send_close(RESTARTING)
            self._write(self._conn.data_to_send())
        self.transport.close()
        self._loop.call_later(SHUTDOWN_GRACE, self._abort_if_stuck)

    def _may_say(self, size: int) -> bool:
        now = self._loop.time()
        if now >= self._counted_until:
            self._incoming, self._counted_until = 0, now + INCOMING_SECONDS
        self._incoming += size
        return self._incoming <= MAX_INCOMING

    def _write(self, pieces: Sequence[bytes]) -> None:
        data = b"".join(pieces)
        if data and not self.transport.is_closing():  # uvloop raises at a closed transport
            self.transport.write(data)

    def _over(self) -> None:
        """The board is no longer told anything."""
        self._takes_no_more()
        endings, self._endings = self._endings, None
        for ending in endings or ():
            ending()

    def _takes_no_more(self) -> None:
        self._takes = False
        if self._sweep is not None:
            self._sweep.pop(self._name, None)
            self._sweep = self._name = None

    def _abort_if_stuck(self) -> None:
        if self.transport.get_write_buffer_size() > 0:
            self.transport.abort()

    # Pings: one timer, for the next ping or for the answer to the last one

    def _ping_later(self) -> None:
        if self._pings.interval:
            self._later(self._pings.interval, self._ping)

    def _ping(self) -> None:
        self._pinged = os.urandom(4)
        self._conn.send_ping(self._pinged)
        self._write(self._conn.data_to_send())
        if self._pings.timeout:
            self._later(self._pings.timeout, self._unanswered)
        else:
            self._ping_later()

    def _heard(self, payload: bytes) -> None:
        """A pong; one that answers nothing of ours may be sent any time, and means nothing."""
        if self._pinged and payload == self._pinged and self._endings is not None:
            self._pinged = b""
            self._ping_later()

    def _unanswered(self) -> None:
        """The board did not answer a ping: drop it, whatever is still unsent."""
        self._over()
        self._conn.fail(_SILENT, "keepalive ping timeout")
        self._write(self._conn.data_to_send())
        self.transport.close()
        self._abort_if_stuck()

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
