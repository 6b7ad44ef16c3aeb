"""When each key of a program or wall screen was used last, by whatever process, in Redis/Valkey.

Telling it costs the request nothing: it is remembered here and written by a task, at most once a
minute for a key. A store that is away loses a minute's word about a key, and stops nobody.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from capacity.board.connection import Store
from capacity.board.keys import PREFIX
from capacity.board.store import BoardUnavailableError, asking
from capacity.instants import Clock, epoch_millis, from_epoch_millis

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=60)
PAUSE = 1.0
"""Seconds between two looks at what there is to write."""
_NAME = f"{PREFIX}:{{people}}:key-use"


class KeyUse:
    """Remembers, writes and reads; `BoardUnavailableError` from reading when the store is away."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._store = Store(url)
        self._clock = clock
        self._told: dict[str, datetime] = {}
        self._waiting: dict[str, datetime] = {}

    def seen(self, key_id: str) -> None:
        """Note that a key was used just now."""
        now = self._clock()
        told = self._told.get(key_id)
        if told is None or now - told >= EVERY:
            self._told[key_id] = self._waiting[key_id] = now

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            try:
                await self.write()
            except BoardUnavailableError as error:
                log.debug("when keys were used waits for the store: %s", error)
            await asyncio.sleep(PAUSE)

    async def write(self) -> None:
        """Write what waits."""
        waiting = dict(self._waiting)
        if not waiting:
            return
        values: dict[Any, Any] = {key: str(epoch_millis(at)) for key, at in waiting.items()}
        async with asking():
            await self._store.at(_NAME).hset(_NAME, mapping=values)
        for key, at in waiting.items():
            if self._waiting.get(key) == at:
                del self._waiting[key]

    async def all(self) -> dict[str, datetime]:
        """Key id to when it was used last, give or take `EVERY`."""
        async with asking():
            found: Any = await self._store.at(_NAME).hgetall(_NAME)
        return {key.decode(): from_epoch_millis(int(at)) for key, at in found.items()}

    async def stop(self) -> None:
        """Write what waits, if it can be, and close the connection."""
        try:
            await self.write()
        except BoardUnavailableError as error:
            log.debug("when keys were used could not be written: %s", error)
        await self._store.aclose()
