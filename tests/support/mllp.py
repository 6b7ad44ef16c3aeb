"""A server of HL7 v2 over TCP, and hospital systems that send to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson

from capacity.board import Board
from feeds.transports.mllp import MllpServer
from tests.support.feeding import HandClock, intake_over, one_source, report
from tests.support.hl7 import adt

UNIT = "favrskov-akutplads"
LIMIT = 20_000
SHORT = timedelta(milliseconds=600)
"""For how long an answer is held back while the store is away."""


class Sender:
    """The other end of the line: a hospital system that waits for answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self) -> dict[str, list[str]]:
        """The fields of the next answer's segments."""
        async with asyncio.timeout(20):
            assert await self.reader.readexactly(1) == b"\x0b"
            raw = await self.reader.readuntil(b"\x1c\r")
        segments = raw[:-2].decode().rstrip("\r").split("\r")
        return {segment[:3]: segment.split("|") for segment in segments}

    async def code(self) -> tuple[str, str]:
        """The next answer's code, and the message that it answers."""
        found = (await self.answer())["MSA"]
        return found[1], found[2]

    async def is_closed(self) -> bool:
        """Whether the connection ends without any further answer."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def listening(
    board: Board,
    folder: Path,
    clock: HandClock | None = None,
    *,
    hold: timedelta = SHORT,
    message_seconds: float = 20,
    **keys: str,
) -> AsyncIterator[MllpServer]:
    """A server over a unit with 5 of 50 places occupied, on a port of the system's choosing."""
    clock = clock or HandClock()
    intake = intake_over(board, clock)
    counts = one_source(folder, trust="2", id='"counts"')
    await intake.take(counts, orjson.dumps([report(UNIT, 5, total=50)]))
    clock.move(minutes=10)
    block = {
        "transport": '"mllp"',
        "port": "1",
        "format": '"hl7v2"',
        "units": f'{{ A1 = "{UNIT}" }}',
    }
    source = one_source(folder, **(block | keys))
    assert source.mllp is not None
    source = replace(source, mllp=replace(source.mllp, port=0))
    server = MllpServer(source, intake, clock, LIMIT, hold=hold, message_seconds=message_seconds)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def connected(server: MllpServer) -> AsyncIterator[Sender]:
    """A sender's connection, cut afterwards."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Sender(reader, writer)
    finally:
        writer.transport.abort()


def message(number: int = 1, event: str = "A01", **more: str) -> bytes:
    """A movement to or from the unit, numbered."""
    return adt(event, at="20261122120100+0000", control_id=f"M{number}", **more).encode()


async def occupied(board: Board) -> int:
    """What the board says of the unit."""
    stored = {row.unit: row for row in (await board.snapshot("randers")).rows}
    return int(orjson.loads(stored[UNIT].row)["occupied"])
