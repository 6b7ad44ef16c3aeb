"""HTTP as bytes on a socket, for what no well-behaved client would send."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

SECONDS = 60.0


@dataclass(slots=True)
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *pieces: bytes) -> None:
        """Send pieces; a server that hung up meanwhile is no error."""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                self.writer.write(piece)
                await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until the server hangs up."""
        said = b""
        async with asyncio.timeout(SECONDS):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    said += piece
        return said

    async def one(self) -> bytes:
        """One whole answer with a content length; the connection may go on."""
        async with asyncio.timeout(SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lengths = [
                line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            ]
            body = await self.reader.readexactly(int(lengths[0].split(b":")[1]))
        return head + body


@contextlib.asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """Connect to a server of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(port: int, *pieces: bytes) -> bytes:
    """Send pieces on a new connection, and read until the server hangs up."""
    async with wire(port) as connection:
        await connection.say(*pieces)
        return await connection.rest()


def statuses(said: bytes) -> list[int]:
    """The status of every answer in what a server said."""
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]
