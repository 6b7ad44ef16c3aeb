"""The whole service behind the board page, in a thread of its own, for tests in Chromium.

Rows are put on the real board in a real store; holds and outcomes go the whole way over HTTP.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson

from capacity.board import Reading
from capacity.instants import epoch_millis, parse_instant, to_millis, utc_now
from capacity.row import Row, digest_of
from tests.support.board_page import ordinary_rows
from tests.support.service import Service, running, settings_for

T = TypeVar("T")
CLUSTER = "randers"


class CallServer:
    """A running service. `now` is its clock, which the tests may set ahead."""

    def __init__(self) -> None:
        self.service: Service
        self.loop: asyncio.AbstractEventLoop
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The service's clock; the store has its own."""
        return to_millis(utc_now() + self._ahead)

    def advance(self, **by: float) -> None:
        """Set the service's clock ahead; pages learn of it by the next frame."""
        self._ahead += timedelta(**by)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something in the service's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def url(self, path: str = f"/board/{CLUSTER}") -> str:
        """The address of a path, under a name that the demo lets in."""
        return self.service.base + path

    def tell(self, *rows: Row) -> None:
        """Put rows on the board as a feed does."""
        self.run(self.service.services.board.apply(CLUSTER, [_reading(row) for row in rows]))

    def rows(self) -> dict[str, dict[str, Any]]:
        """The board over HTTP."""
        return self.run(self.service.rows(CLUSTER))

    def holds(self, unit: str) -> list[dict[str, Any]]:
        """The holds on a unit's row, oldest first."""
        found: list[dict[str, Any]] = self.rows()[unit]["holds"]
        return sorted(found, key=lambda hold: str(hold["asked_at"]))

    def post(self, path: str, body: object, key: str = "") -> httpx.Response:
        """A changing request as a page of ours sends it."""
        headers = {"X-CSRF-Token": self.service.csrf, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        sent = self.service.client.post(path, content=orjson.dumps(body), headers=headers)
        return self.run(_awaited(sent))

    def hold(self, unit: str) -> httpx.Response:
        """Another visitator asks for a place."""
        return self.post(f"/api/v1/holds/{CLUSTER}", {"unit": unit})

    def answer(self, unit: str, verb: str, **body: object) -> httpx.Response:
        """The unit answers its newest live hold."""
        live = [h for h in self.holds(unit) if h["state"] in ("asked", "accepted")]
        return self.post(f"/api/v1/holds/{CLUSTER}/{live[-1]['id']}/{verb}", body)

    def outcomes(self) -> list[dict[str, Any]]:
        """What was logged, oldest first."""
        sent = self.service.client.get(f"/api/v1/outcomes/{CLUSTER}")
        answer = self.run(_awaited(sent))
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["outcomes"]
        return found


async def _awaited(coroutine: Coroutine[Any, Any, T]) -> T:
    return await coroutine


def _reading(row: Row) -> Reading:
    assert row["observed_at"] is not None
    return Reading(
        row["unit"],
        epoch_millis(parse_instant(row["observed_at"])),
        digest_of(row),
        orjson.dumps(row),
    )


@contextmanager
def calling(
    folder: Path, redis_url: str, declared: str = "", *, demo: bool = True, **more: object
) -> Iterator[CallServer]:
    """The service over an emptied store, with an ordinary afternoon on its board.

    `declared` is the text of its sources file; without any, only the test itself puts rows there.
    Without `demo` people have to sign in. `more` are further settings.
    """
    server, started, stop = CallServer(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        await _empty(redis_url)
        sources = folder.with_suffix(".toml")
        sources.write_text(declared)
        settings = settings_for(folder, redis_url, sources, **more)
        async with running(settings, demo=demo, clock=server.now) as service:
            server.service, server.loop = service, asyncio.get_running_loop()
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(60), "the service did not start"
    try:
        server.tell(*ordinary_rows(server.now()))
        yield server
    finally:
        server.loop.call_soon_threadsafe(stop.set)
        thread.join(30)


async def _empty(redis_url: str) -> None:
    from redis.asyncio import Redis

    client = Redis.from_url(redis_url)
    await client.flushall()
    await client.aclose()
