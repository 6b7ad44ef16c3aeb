"""What all processes of one installation must have alike, compared by its digest in the store.

Each process says, again and again, what it has. The first to say so sets the measure, which lapses
when nobody confirms it any more: so a change that all processes make is forgotten within minutes,
and one that only some have made is noticed.
"""

from datetime import timedelta
from typing import Any

from capacity.board.connection import Store
from capacity.board.keys import PREFIX
from capacity.board.store import asking

KEEP = timedelta(seconds=90)


class Agreed:
    """Compares; `BoardUnavailableError` when the store is away."""

    def __init__(self, url: str, *, keep: timedelta = KEEP) -> None:
        self._store = Store(url)
        self._keep = keep

    async def agrees(self, what: str, digest: str) -> bool:
        """Whether this is what the others have; it is from now on if there are no others."""
        key = f"{PREFIX}:{{people}}:agreed:{what}"
        client, mine = self._store.at(key), digest.encode()
        async with asking():
            found: Any = await client.set(key, mine, nx=True, px=self._keep, get=True)
            if found == mine:
                await client.pexpire(key, self._keep)
        return found in (None, mine)

    async def stop(self) -> None:
        """Close the connections."""
        await self._store.aclose()
