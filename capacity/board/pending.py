"""Things that wait for one answer for a few minutes, such as a sign-in at an identity provider."""

from datetime import timedelta
from typing import Any

import orjson

from capacity.board.connection import Store
from capacity.board.keys import PREFIX
from capacity.board.store import asking


class Pending:
    """Keeps a value under a name that nobody can guess, and gives it out once."""

    def __init__(self, url: str) -> None:
        self._store = Store(url)

    async def put(self, name: str, value: dict[str, Any], lifetime: timedelta) -> None:
        """Keep a value; `BoardUnavailableError` when the store is away."""
        async with asking():
            await self._store.at(_key(name)).set(_key(name), orjson.dumps(value), px=lifetime)

    async def look(self, name: str) -> dict[str, Any] | None:
        """The value, which stays; ``None`` when it is gone."""
        async with asking():
            found: Any = await self._store.at(_key(name)).get(_key(name))
        value: dict[str, Any] | None = orjson.loads(found) if found else None
        return value

    async def take(self, name: str) -> dict[str, Any] | None:
        """The value, which is then gone; ``None`` when it was taken, or waited too long."""
        async with asking():
            found: Any = await self._store.at(_key(name)).getdel(_key(name))
        value: dict[str, Any] | None = orjson.loads(found) if found else None
        return value

    async def stop(self) -> None:
        """Close the connection."""
        await self._store.aclose()


def _key(name: str) -> str:
    return f"{PREFIX}:{{people}}:pending:{name[:200]}"
