"""What the board sends to Valkey for one batch, as bytes, to be sent again without the board.

The arguments of the board's function are its own affair. Instead of putting them together a
second time, one call is made through a relay that notes what passes.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from capacity.board import Board, Reading

_CHUNK = 1 << 16


def recorded_apply(
    store: str, relay: Path, cluster: str, readings: Sequence[Reading], request_id: str
) -> bytes:
    """The packed command of one `Board.apply`; `store` and `relay` are unix sockets' paths."""
    sent = asyncio.run(_record(store, relay, cluster, readings, request_id))
    command = sent.index(b"\r\nFCALL\r\n")
    return sent[sent.rindex(b"*", 0, command) :]


async def _record(
    store: str, relay: Path, cluster: str, readings: Sequence[Reading], request_id: str
) -> bytes:
    sent = bytearray()
    passing: set[asyncio.Task[None] | None] = set()

    async def pass_on(board: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        passing.add(asyncio.current_task())
        replies, commands = await asyncio.open_unix_connection(store)
        answering = asyncio.create_task(_pump(replies, answers))
        while data := await board.read(_CHUNK):
            sent.extend(data)
            commands.write(data)
        commands.close()
        await answering

    server = await asyncio.start_unix_server(pass_on, relay)
    board = Board(f"unix://{relay}")
    try:
        await board.start()
        await board.apply(cluster, readings, request_id)
    finally:
        await board.stop()
        server.close()
        await asyncio.gather(*filter(None, passing))
    return bytes(sent)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        target.write(data)
    target.close()
