"""How the live channel is tried: through both protocol classes, and under a flood of changes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.support.board_model import opened, reading
from tests.support.live import (
    BOARD_PROTOCOL,
    CLUSTER,
    PLAIN_PROTOCOL,
    LiveServer,
)

both_ways = pytest.mark.parametrize("ws", [BOARD_PROTOCOL, PLAIN_PROTOCOL], ids=["ours", "plain"])

Serve = Callable[..., LiveServer]


@asynccontextmanager
async def flooded(url: str, size: int = 20_000) -> AsyncIterator[None]:
    """Meanwhile large rows change as fast as the store takes it, from a thread of their own."""
    enough = threading.Event()

    async def flood() -> None:
        n = 0
        async with opened(url) as board:
            while not enough.is_set():
                n += 1
                await board.apply(CLUSTER, [reading(f"big{n % 4}", n, size=size)])

    flooding = asyncio.create_task(asyncio.to_thread(asyncio.run, flood()))
    try:
        yield
    finally:
        enough.set()
        await flooding
