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
from uuid import uuid4

import httpx
import orjson
from redis.asyncio import Redis

from capacity.board import START, Cursor
from capacity.instants import utc_now
from simulators.months.plan import moment_of
from simulators.months.wire import sources_of, write_sources
from tests.faults.clock import WrongClock, build
from tests.months.land import LAND
from tests.support.board_model import insisting, until
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer
from web.history_door import caught_up
from web.key_kinds import KeyKind

CLUSTER = LAND.cluster
NEVER = 1e9
SEEN_WITHIN = 60.0
"""Seconds in which a process must see what it wrote itself, also on a loaded machine."""
TRIES, PAUSE = 20, 0.5
"""How often, and how many seconds apart, what a loaded machine was too slow for is tried."""


class Months:
    """A service, and the clock of all of it; an `Outlet` of the play."""

    def __init__(
        self, service: Service, store: Redis, clock: "Standing", keys: dict[str, str]
    ) -> None:
        self.service = service
        self._store, self._clock, self._keys = store, clock, keys
        self.requests = 0

    async def be(self, at: int) -> None:
        """It is now, and what is due expires."""
        self._clock.put(moment_of(at))
        await self._noticed(at)
        board = self.service.services.board
        await insisting(lambda: board.expire_holds(CLUSTER), SEEN_WITHIN)

    async def _noticed(self, at: int) -> None:
        """Wait until the store reads its clock anew: it does not for commands in close succession,
        and would take two of our steps for one, which it may think a jump of the clock.
        """
        async with asyncio.timeout(SEEN_WITHIN):
            while True:
                seconds, micros = await self._store.time()
                if seconds * 1000 + micros // 1000 == at:
                    return

    async def settle(self) -> None:
        """Wait until the hub stands where the store did, or beyond: the sweeper writes too."""
        services = self.service.services
        there = await insisting(lambda: services.board.cursor(CLUSTER), SEEN_WITHIN)
        async with asyncio.timeout(SEEN_WITHIN):
            while not _has_seen(services.hub.feed(CLUSTER).cursor, there):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.0005)

    async def look(self) -> None:
        """Judge the surge level, as the service does each second."""
        await insisting(self.service.services.surge.look, SEEN_WITHIN)

    async def push(self, source: str, body: bytes, media: str) -> dict[str, Any]:
        """Hand over a document."""
        headers = {"Authorization": f"Bearer {self._keys[source]}", "Content-Type": media}
        answer = await self._ask("POST", f"/api/v1/feeds/{source}", headers, content=body)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Do something as a page does."""
        answer = await self._ask("POST", path, self._of_page(), json=body)
        return answer.status_code, answer.json()

    async def delete(self, path: str) -> int:
        """Undo something."""
        return (await self._ask("DELETE", path, self._of_page())).status_code

    async def get(self, path: str, params: Any = None) -> Any:
        """Ask for something."""
        answer = await self._ask("GET", path, {}, params=params)
        answer.raise_for_status()
        return orjson.loads(answer.content)

    def _of_page(self) -> dict[str, str]:
        return {"X-CSRF-Token": self.service.csrf, "Idempotency-Key": str(uuid4())}

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], **more: Any
    ) -> httpx.Response:
        """An answer; asked again, as pages and sources do, while the service says to come back."""
        self.requests += 1
        for _ in range(TRIES):
            answer = await self.service.client.request(method, path, headers=headers, **more)
            if answer.status_code != 503:
                break
            await asyncio.sleep(PAUSE)
        return answer

    async def finish(self) -> None:
        """Let the clock go again, history have everything, and roll it up."""
        services = self.service.services
        self._clock.go()
        while not await caught_up(services.board, services.history, CLUSTER):
            pass
        await until(self._journal_is_in_history)
        await services.rollups.run()

    async def _journal_is_in_history(self) -> bool:
        services = self.service.services
        position = await services.history.position(CLUSTER)
        at = position.journal_stream_id if position is not None else START
        return not (await services.board.journal_after(CLUSTER, at, 1)).entries


def _has_seen(here: Cursor, there: Cursor) -> bool:
    return here.epoch == there.epoch and here.seq >= there.seq


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
    store = StoreServer(folder / "valkey")
    with of_store.for_children():
        store.start("--appendfsync", "no")  # what survives a power cut is not the question here
    try:
        limits = {"rate_address": 0, "rate_key": 0, "rate_account": 0, "run_feeds": False}
        settings = settings_for(folder, store.url, sources, **limits)
        async with running(settings, clock=clock.now) as service:
            service.services.surge._every = NEVER  # we say when it looks, and log it
            ring = service.services.access.keys
            keys = {name: ring.make(KeyKind.SOURCE, name, clock.now()) for name in sources_of(LAND)}
            async with Redis.from_url(store.url) as asked:
                yield Months(service, asked, clock, keys)
    finally:
        store.close()
