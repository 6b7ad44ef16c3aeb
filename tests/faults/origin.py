"""A polled source of our own: it answers, freezes, hangs, or keeps one answer back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import orjson

from capacity.instants import format_instant, utc_now
from tests.bench.world import CLUSTER, World


class Mood(StrEnum):
    """How it behaves."""

    WELL = "well"
    REPEATS = "repeats"
    HANGS = "hangs"
    HANGS_UP = "hangs up"


class Origin:
    """One address that tells of one unit."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.mood = Mood.WELL
        self.keep_back = False
        """The next answer is made, but waits to be let go."""
        self.is_waiting = asyncio.Event()
        self.questions = 0
        """How often it was asked, whatever became of it."""
        self.port = 0
        self._let_go = asyncio.Event()
        self._over = asyncio.Event()
        self._last = b"[]"
        self._asked = 0

    def let_go(self) -> None:
        """Send the answer that is kept back."""
        self._let_go.set()

    def end(self) -> None:
        """Let go of whoever still waits."""
        self._let_go.set()
        self._over.set()

    def document(self, note: str = "polled", ahead: float = 0.0) -> bytes:
        """What it says now; every document is of a later moment than the one before."""
        self._asked += 1
        at = format_instant(utc_now() + timedelta(seconds=ahead))
        report = {"unit": self.unit, "observed_at": at, "total": 12, "occupied": self._asked % 12}
        self._last = orjson.dumps([report | {"note": note}])
        return self._last

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question."""
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.questions += 1
            body = await self._answer()
            if body is not None:
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
                writer.write(head + body)
                await writer.drain()
        writer.close()

    async def _answer(self) -> bytes | None:
        if self.keep_back:
            self.keep_back = False
            body = self.document("kept back", ahead=60)  # newer than all, were it ever applied
            self.is_waiting.set()
            await self._let_go.wait()
            return body
        if self.mood is Mood.HANGS:
            await self._over.wait()
        if self.mood in (Mood.HANGS, Mood.HANGS_UP):
            return None
        return self._last if self.mood is Mood.REPEATS else self.document()


@asynccontextmanager
async def origin(unit: str) -> AsyncIterator[Origin]:
    """One that listens."""
    found = Origin(unit)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        found.end()
        server.close()
        await asyncio.sleep(0.05)  # for answers that nobody waits for any more


def with_polled(world: World, at: Origin, *, every: str, timeout: str) -> World:
    """The world with its second source polled from there; who pushes is the first alone."""
    path = world.folder / "sources.toml"
    pushed = path.read_text(encoding="utf-8").split("[[source]]")[1]
    path.write_text(
        f'[[source]]{pushed}\n[[source]]\nid = "polled"\ncluster = "{CLUSTER}"\n'
        'format = "json"\nattribution = "test"\ntransport = "poll"\nexpected_every = "4 s"\n'
        f'units = ["{at.unit}"]\nurl = "http://127.0.0.1:{at.port}/"\n'
        f'every = "{every}"\ntimeout = "{timeout}"\n',
        encoding="utf-8",
    )
    return replace(world, units=tuple(world.units_of(0)), keys=world.keys[:1])
