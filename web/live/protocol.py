"""The server's WebSocket protocol class: uvicorn's own for the handshake, then a line of ours.

The application decides over a board as over any request, behind every check there is; when it
has accepted the board, it takes over the connection (`web.live.line`), and its call ends. The hub
then writes one ready-made frame to every board's transport.

These are internals of uvicorn, so its version is pinned and tests/test_live_protocol.py holds
this class against a stock client. Under any other server the hub falls back to plain sends.
"""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from web.live.connections import EXTENSION
from web.live.line import SHUTDOWN_GRACE, BoardLine, Pings


class BoardProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, whose connection the application may take over."""

    async def run_asgi(self) -> None:
        """Run the application, with a way to the connection in its scope."""
        extensions = self.scope["extensions"]
        assert extensions is not None
        extensions[EXTENSION] = {"take_over": self._take_over}
        try:
            await super().run_asgi()
        finally:
            line = extensions.pop(EXTENSION).get("line")  # or scope and protocol kept each other
            if isinstance(line, BoardLine) and not line.kept:
                line.abort()

    def _take_over(self) -> BoardLine:
        """From here on the connection is a board's; to be called once, after accepting it."""
        self.stop_keepalive()
        # uvicorn closes the connection after the application's call unless it waits for an end.
        self.close_timer = self.loop.call_later(0, _nothing)
        self.connections.discard(self)
        pings = Pings(self.ping_interval, self.ping_timeout)
        line = BoardLine(self.transport, self.conn, pings, self._open_lines(), self.loop)
        self.transport.set_protocol(line)
        if self.read_paused:  # a board that spoke first
            self.transport.resume_reading()
        extensions = self.scope["extensions"]
        assert extensions is not None
        extensions[EXTENSION]["line"] = line
        return line

    def _open_lines(self) -> set[object]:
        connections: set[object] = self.connections  # type: ignore[assignment]  # any with a shutdown
        return connections

    def shutdown(self) -> None:
        """Refuse what has not been accepted, and do not wait for a client that does not read."""
        if not self.transport.is_closing():  # uvloop raises at a write to a closed transport
            super().shutdown()
        self.loop.call_later(SHUTDOWN_GRACE, self._abort_if_stuck, self.transport)

    @staticmethod
    def _abort_if_stuck(transport: asyncio.Transport) -> None:
        if transport.get_write_buffer_size() > 0:
            transport.abort()


def _nothing() -> None:
    pass
