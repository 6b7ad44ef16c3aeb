"""The server's WebSocket protocol class: uvicorn's own, with the transport made reachable.

The hub writes one ready-made frame to every board's transport, which costs a sixth of a send per
board through the application interface. It also mends two places where uvicorn would wait for
ever on a board that stopped reading: a connection that no longer answers pings, and shutdown, are
ended by dropping the connection rather than by waiting for its buffer to drain.

These are internals of uvicorn, so its version is pinned and tests/test_live_protocol.py holds
this class against a stock client. Under any other server the hub falls back to plain sends.
"""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "akutoverblik.transport"
"""Where in the ASGI scope's extensions the transport lies."""
SHUTDOWN_GRACE = 2.0
"""Seconds that a board gets to read what is left for it when the server shuts down."""
MAX_INCOMING, INCOMING_SECONDS = 64 * 1024, 60.0
"""Bytes that a board may send in so many seconds. It has nothing to say but pongs; pings are
answered, and answers that are not read would pile up."""


class BoardProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with the transport in the scope."""

    _incoming = 0
    _counted_until = 0.0

    def data_received(self, data: bytes) -> None:
        """Take what a board says, and drop one that says far more than boards do."""
        now = self.loop.time()
        if now >= self._counted_until:
            self._incoming, self._counted_until = 0, now + INCOMING_SECONDS
        self._incoming += len(data)
        if self._incoming > MAX_INCOMING:
            self.transport.abort()
        else:
            super().data_received(data)

    async def run_asgi(self) -> None:
        """Run the application with the transport in its scope."""
        extensions = self.scope["extensions"]
        assert extensions is not None
        extensions[EXTENSION] = {"transport": self.transport}
        await super().run_asgi()

    def keepalive_timeout(self) -> None:
        """The board did not answer a ping: drop it at once, whatever is still unsent."""
        super().keepalive_timeout()
        self._abort_if_stuck(self.transport)

    def shutdown(self) -> None:
        """Say goodbye (close code 1012), and do not wait for a board that does not read."""
        if not self.transport.is_closing():  # uvloop raises at a write to a closed transport
            super().shutdown()
        self.loop.call_later(SHUTDOWN_GRACE, self._abort_if_stuck, self.transport)

    @staticmethod
    def _abort_if_stuck(transport: asyncio.Transport) -> None:
        if transport.get_write_buffer_size() > 0:
            transport.abort()
