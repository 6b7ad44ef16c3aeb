"""The real service over a real store, both going by a clock that only the play moves.

What a running service does by itself every second or every quarter of an hour (let holds expire,
judge the surge level, roll up) is called here as the play goes on: by the machine's clock a month
takes minutes, so its own schedules would see almost none of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from capacity.board import EmbeddedServer
from capacity.instants import utc_now
from simulators.months.plan import moment_of
from simulators.months.wire import sources_of, write_sources
from tests.faults.clock import WrongClock, build
from tests.months.land import LAND
from tests.support.service import Service, running, settings_for
from web.history_door import caught_up
from web.key_kinds import KeyKind

CLUSTER = LAND.cluster
NEVER = 1e9
SEEN_WITHIN = 20.0
"""Seconds in which a process must see what it wrote itself."""


class Months:
    """A service, and the clock of all of it; an `Outlet` of the play."""

    def __init__(self, service: Service, clock: "Standing", keys: dict[str, str]) -> None:
        self.service = service
        self._clock, self._keys = clock, keys
        self.requests = 0

    async def be(self, at: int) -> None:
        """It is now, and what is due expires."""
        self._clock.put(moment_of(at))
        await self.service.services.board.expire_holds(CLUSTER)

    async def settle(self) -> None:
        """Wait until the hub stands where the store does."""
        services = self.service.services
        there = await services.board.cursor(CLUSTER)
        async with asyncio.timeout(SEEN_WITHIN):
            while services.hub.feed(CLUSTER).cursor != there:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.0005)

    async def look(self) -> None:
        """Judge the surge level, as the service does each second."""
        await self.service.services.surge.look()

    async def push(self, source: str, body: bytes, media: str) -> dict[str, Any]:
        """Hand over a document."""
        self.requests += 1
        answer = await self.service.push(source, body, key=self._keys[source], media=media)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Do something as a page does."""
        self.requests += 1
        headers = {"X-CSRF-Token": self.service.csrf}
        answer = await self.service.client.post(path, json=body, headers=headers)
        return answer.status_code, answer.json()

    async def delete(self, path: str) -> int:
        """Undo something."""
        self.requests += 1
        headers = {"X-CSRF-Token": self.service.csrf}
        return (await self.service.client.delete(path, headers=headers)).status_code

    async def get(self, path: str, params: Any = None) -> Any:
        """Ask for something."""
        self.requests += 1
        answer = await self.service.client.get(path, params=params)
        answer.raise_for_status()
        return orjson.loads(answer.content)

    async def finish(self) -> None:
        """Let the clock go again, history have everything, and roll it up."""
        services = self.service.services
        self._clock.go()
        while not await caught_up(services.board, services.history, CLUSTER):
            pass
        await asyncio.sleep(1.5)  # the journal's last entries: they are gathered for half a second
        await services.rollups.run()


class Standing:
    """A clock for this process and for the store, which stands until it is put on, or let go."""

    def __init__(self, of_store: WrongClock, at: datetime) -> None:
        self._of_store = of_store
        self.put(at)

    def put(self, at: datetime) -> None:
        """It is now."""
        self._at, self._goes = at, False
        self._of_store.stand(at)

    def go(self) -> None:
        """From here on it goes as clocks do."""
        self._of_store.put((self._at - utc_now()).total_seconds())
        self._goes = True

    def now(self) -> datetime:
        """What it shows."""
        return self._of_store.now() if self._goes else self._at


@asynccontextmanager
async def months(folder: Path, opens: int) -> AsyncIterator[Months]:
    """The service with stores of its own in `folder`; raises `OptedOutError` without a compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    of_store = WrongClock(folder, "store", build(folder))
    clock = Standing(of_store, moment_of(opens))
    sources = folder / "sources.toml"
    write_sources(sources, LAND)
    store = EmbeddedServer(folder / "valkey")
    with of_store.for_children():
        store.start()
    try:
        limits = {"rate_address": 0, "rate_key": 0, "rate_account": 0, "run_feeds": False}
        settings = settings_for(folder, store.url, sources, **limits)
        async with running(settings, clock=clock.now) as service:
            service.services.surge._every = NEVER  # we say when it looks, and log it
            ring = service.services.access.keys
            keys = {name: ring.make(KeyKind.SOURCE, name, clock.now()) for name in sources_of(LAND)}
            yield Months(service, clock, keys)
    finally:
        store.stop()
