"""The server's HTTP protocol class: uvicorn's own, with bounds on what a client may keep waiting.

uvicorn bounds neither the head of a request nor the time that anything may take: a client that
sends a byte a minute, a header without end, or reads nothing of its answer, holds a connection and
its memory for ever. Here a request's head has a size and a time, its body a time, an answer a time
in which it must be read, and a process a number of connections. Bodies are measured in
`web.limits`, where routes can answer.

These are internals of uvicorn, so its version is pinned; tests/test_limits_*.py hold every bound
against raw sockets.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD = 16 * 1024
"""Bytes of a request line with its headers."""
MAX_HEADERS = 100


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is waited for, in seconds, and how many connections there may be."""

    head: float
    body: float
    unread: float
    connections: int


class _RefusedError(Exception):
    """Stops the parser; what is answered stands in `BoundedProtocol._refusal`."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, bounded. Subclasses say by how much (`bounded_by`)."""

    patience: Patience
    transport: asyncio.Transport

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._in_head = False
        """Whether a request has begun of which the headers are not complete."""
        self._head_bytes = 0
        self._in_body = False
        self._refusal = 400, "Invalid HTTP request received."
        self._arriving: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or say at once that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.patience.connections:
            self._refuse(503, "There are too many connections.", "retry-after: 5\r\n")
            return
        self._expect(self.patience.head, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._expect_nothing()
        self._is_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; a head is measured here too, for a header without end is never told whole."""
        if self.transport.is_closing():
            return
        if not self._in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.parser is None or self.transport.is_closing():
            return
        if not self._in_body and self._head_bytes > MAX_HEAD:
            self._refuse(431, "The head of the request is too large.")
        elif self._arriving is None:  # most requests come whole, and nothing need be waited for
            self._expect_the_rest()

    def handle_websocket_upgrade(self) -> None:
        """From here on the connection is a board's, and its protocol looks after it."""
        self._expect_nothing()
        self._is_read()
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]  # it and this object would keep each other, once for every board

    # The parser's steps

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._in_body = True, False

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        super().on_url(url)
        self._hold_to(len(self.url) <= MAX_HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. Those that come after the body (trailers) are nothing to us: what a proxy
        sees to in the head must not come in behind its back."""
        if self._in_head:
            super().on_header(name, value)
            self._hold_to(len(self.headers) <= MAX_HEADERS)

    def on_headers_complete(self) -> None:
        """The head is whole: hold it to its size, and wait for it no longer."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        self._hold_to(size <= MAX_HEAD)
        self._in_head, self._in_body, self._head_bytes = False, True, 0
        self._expect_nothing()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_body, self._head_bytes = False, 0
        self._expect_nothing()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; its client has a while to read it."""
        super().on_response_complete()
        if self._in_body:  # answered without being read: what is still to come is nothing to us
            self._expect(self.patience.head, self._body_is_late)
        if self.transport.get_write_buffer_size() > 0:
            self._wait_for_reader()

    def send_400_response(self, msg: str) -> None:
        """The parser refused, or one of the steps above did."""
        status, reason = self._refusal
        self._refuse(status, reason)

    # Clients that do not read

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._is_read()

    def _wait_for_reader(self) -> None:
        self._is_read()
        self._leaving = self.loop.call_later(self.patience.unread, self._is_not_read)

    def _is_read(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _is_not_read(self) -> None:
        self._leaving = None
        if self.transport.get_write_buffer_size() > 0:
            self.transport.abort()

    # Clients that do not send

    def _expect_the_rest(self) -> None:
        if self._in_body:
            self._expect(self.patience.body, self._body_is_late)
        elif self._in_head or self._head_bytes:
            self._expect(self.patience.head, self._head_is_late)

    def _expect(self, seconds: float, else_: Callable[[], None]) -> None:
        self._expect_nothing()
        self._arriving = self.loop.call_later(seconds, else_)

    def _expect_nothing(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _head_is_late(self) -> None:
        self._arriving = None
        if not (self._in_head or self._head_bytes):  # browsers open connections ahead of need
            self.transport.close()
        elif self.cycle is None or self.cycle.response_complete:
            self._refuse(408, "The request did not arrive in time.")
        else:  # the request before it is still being answered, and is the last one here
            self.cycle.keep_alive = False

    def _body_is_late(self) -> None:
        self._arriving = None
        if self.flow.read_paused:  # it is we who do not read
            self._expect(self.patience.body, self._body_is_late)
            return
        begun = self.cycle.response_started
        self.cycle.disconnected = True  # what the route still says goes nowhere
        self.cycle.message_event.set()
        if begun or self.pipeline:
            self.transport.abort()
        else:
            self._refuse(408, "The body did not arrive in time.")

    def _hold_to(self, kept: bool) -> None:
        if not kept:
            self._refusal = 431, "The head of the request is too large."
            raise _RefusedError

    def _refuse(self, status: int, reason: str, more: str = "") -> None:
        """Answer past the application, and end the connection."""
        self._expect_nothing()
        body = reason.encode()
        head = f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\n{more}"
        self.transport.write(
            STATUS_LINE[status] + head.encode() + b"connection: close\r\n\r\n" + body
        )
        self.transport.close()
        if self.transport.get_write_buffer_size() > 0:
            self._wait_for_reader()


def bounded_by(patience: Patience) -> type[BoundedProtocol]:
    """The protocol class with these bounds, as uvicorn's configuration takes it."""
    return type("BoundedProtocol", (BoundedProtocol,), {"patience": patience})
