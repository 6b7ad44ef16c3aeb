"""MLLP: HL7 v2 over TCP. A message is acknowledged once what it says is durable, never before.

Each source listens on a port of its own, on loopback unless said otherwise (MLLP knows neither
keys nor encryption; put a TLS tunnel in front of it). A connection carries one message at a time;
what a sender pipelines waits in the network.

**While the store is away** the message is tried again, at growing intervals, for `HOLD` (shorter
than the half minute or more for which senders wait); then the connection is closed without any
answer. A sender that gets no answer sends the message again, while AE and AR make it set the
message aside. A message that was counted although its answer was lost counts once.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from datetime import timedelta

from capacity.board import BoardUnavailableError, FencedError
from capacity.instants import Clock
from capacity.model import Reject, UnreadableError
from feeds.formats.hl7v2_message import Header, read_header
from feeds.intake import Intake
from feeds.sources import Source
from feeds.transports.mllp_answers import acknowledgement, code_of
from feeds.transports.mllp_frames import Frames, FramingError, framed
from feeds.transports.retry import Backoff

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=20)
"""How long a message waits for the store."""
MESSAGE_SECONDS = 30.0
"""Within which a message that has begun must end, and an answer be taken."""
MAX_CONNECTIONS = 16
"""Of one source; a sender has one or two."""
STOP_SECONDS = 5.0
READ_BYTES = 64 * 1024


class MllpServer:
    """One source's port. `fenced` is told when a message came for which the feeds are no longer
    this process's."""

    def __init__(
        self,
        source: Source,
        intake: Intake,
        clock: Clock,
        max_bytes: int,
        *,
        hold: timedelta = HOLD,
        message_seconds: float = MESSAGE_SECONDS,
        fenced: Callable[[FencedError], None] = lambda error: None,
    ) -> None:
        assert source.mllp is not None
        self.source = source
        self._listener = source.mllp
        self._intake = intake
        self._clock = clock
        self._max_bytes = max_bytes
        self._hold = hold
        self._message_seconds = message_seconds
        self._fenced = fenced
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Listen, if not yet; an address that cannot be had is noted in the source's health."""
        if self._server is not None or self._stopping:
            return
        try:
            self._server = await asyncio.start_server(
                self._connected, self._listener.host, self._listener.port, limit=READ_BYTES
            )
        except OSError as error:
            why = error.strerror or type(error).__name__
            self._intake.health.of(self.source.id).failed(self._clock(), f"cannot listen: {why}")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more; messages under way have a few seconds to be answered."""
        self._stopping = True
        if self._server is None:
            return
        self._server.close()
        for task in self._connections - self._busy:
            task.cancel()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def abort(self) -> None:
        """Listen no more, and answer nothing more either."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        ending = tuple(self._connections)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._stopping or len(self._connections) >= MAX_CONNECTIONS:
            log.warning("source %s: a connection too many was closed", self.source.id)
            writer.transport.abort()
            return
        self._connections.add(task)
        _keep_alive(writer)
        try:
            await self._converse(reader, writer)
        except FencedError as error:
            # No answer: the sender sends the message again, to whoever listens now.
            self._fenced(error)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.info("source %s: a connection ended: %s", self.source.id, type(error).__name__)
        finally:
            self._connections.discard(task)
            self._busy.discard(task)
            # Not close(), which waits for a peer that takes nothing.
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take message after message until the sender goes, falls silent, or cannot be served."""
        frames = Frames(self._max_bytes)
        loop = asyncio.get_running_loop()
        must_end: float | None = None
        while True:
            silent_at = loop.time() + self._listener.idle.total_seconds()
            async with asyncio.timeout_at(must_end or silent_at):
                data = await reader.read(READ_BYTES)
            if not data:
                return
            try:
                messages = frames.feed(data)
            except FramingError as error:
                await self._refuse(error, writer)
                return
            for message in messages:
                if not await self._answered(message, writer):
                    return
            if not frames.within:
                must_end = None
            elif must_end is None or messages:
                must_end = loop.time() + self._message_seconds

    async def _refuse(self, error: FramingError, writer: asyncio.StreamWriter) -> None:
        now = self._clock()
        self._intake.health.of(self.source.id).failed(now, error.reason)
        if error.begun:
            reject = Reject("message", "MSH-1", error.reason)
            await self._send(read_header(error.begun), [reject], writer)

    async def _answered(self, message: bytes, writer: asyncio.StreamWriter) -> bool:
        """Take one message and answer it; ``False`` where the connection is of no more use."""
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            header = read_header(message)
            rejects = await self._taken(message)
            if rejects is None:
                return False
            await self._send(header, rejects, writer)
        finally:
            self._busy.discard(task)
        return not self._stopping

    async def _send(
        self, header: Header | None, rejects: list[Reject], writer: asyncio.StreamWriter
    ) -> None:
        answer = acknowledgement(header, code_of(rejects), rejects, self._clock())
        async with asyncio.timeout(self._message_seconds):
            writer.write(framed(answer))
            await writer.drain()

    async def _taken(self, message: bytes) -> list[Reject] | None:
        """The rejects of a message taken in; ``None`` when it could not be made durable."""
        if message.count(b"\rMSH") + message.count(b"\nMSH"):
            return [Reject("message", "MSH-1", "stands twice: one message a frame, please")]
        backoff = Backoff(first=timedelta(milliseconds=200), most=timedelta(seconds=2))
        loop = asyncio.get_running_loop()
        until = loop.time() + self._hold.total_seconds()
        while True:
            try:
                return (await self._intake.take(self.source, message)).rejected
            except UnreadableError as error:
                return [error.reject]
            except BoardUnavailableError as error:
                health = self._intake.health.of(self.source.id)
                health.failed(self._clock(), f"the store is away, the sender waits: {error}")
                wait = backoff.after_failure().total_seconds()
                if self._stopping or loop.time() + wait > until:
                    return None
                await asyncio.sleep(wait)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the network notice a sender that is gone without a word."""
    plain = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
