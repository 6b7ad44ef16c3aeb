"""Two ways of one connection, passed on until either of them ends."""

import asyncio
from collections.abc import Coroutine


async def until_either_ends(*ways: Coroutine[object, object, None]) -> None:
    """Run them side by side; once one has ended, for whatever reason, the others are cancelled."""
    pumps = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
