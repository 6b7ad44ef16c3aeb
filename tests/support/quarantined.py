"""Rejects to put into quarantine, and everything that a store holds."""

from typing import Any

from redis.asyncio import Redis

from capacity.board import EmbeddedServer
from capacity.board.quarantine import Quarantine, document_of
from capacity.model import Reject
from tests.support.feeding import HandClock

FAULT = Reject("reports[0]", "total", "is not a whole number")
OTHER = Reject("reports[1]", "unit", "is not among the units that this source may report")


async def put(
    quarantine: Quarantine, clock: HandClock, raw: bytes, *rejects: Reject, source: str = "s"
) -> str:
    """Put a document with these rejects; its id."""
    document = document_of(source, raw, rejects, carries_patients=False)
    await quarantine.put(source, rejects, document, clock())
    return document.id


async def everything_stored(server: EmbeddedServer) -> dict[str, bytes]:
    """Every key of the store and its whole content, as the server dumps it."""
    client: Redis = Redis.from_url(server.url)
    try:
        keys: Any = await client.keys("*")
        return {key.decode(): await client.dump(key) or b"" for key in keys}
    finally:
        await client.aclose()
