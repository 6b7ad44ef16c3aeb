"""The history's database is locked, or down, for as long as the outage lasts.

Boards must not feel it, readiness must not depend on it, and afterwards history holds every change
of the stream once. SQLite is locked by another program, PostgreSQL (where it is there) is stopped.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.databases import PostgresServer, dump, postgres_available, sqlite_url
from tests.support.stores import StoreServer

NAME = "history away"
NUMBER = 22
HAZARD = 10
Deed = Callable[[], None]


async def run(stage: Stage) -> Finding:
    """On SQLite, then on PostgreSQL."""
    folder = stage.folder / "history"
    folder.mkdir()
    with ExitStack() as stack:

        def lock() -> None:
            path = folder / "history.sqlite"
            locker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            stack.callback(locker.close)
            locker.execute("BEGIN EXCLUSIVE")

        finding = await _outage(stage, sqlite_url(folder), lock, stack.close)
    missing = postgres_available()
    if missing is not None:
        finding.notes.append(f"PostgreSQL NOT PLAYED: {missing}")
        return finding
    server = PostgresServer()
    try:
        server.start()
        finding.add(await _outage(stage, server.new_database(), server.kill, server.start))
    finally:
        server.remove()
    return finding


async def _outage(stage: Stage, url: str, begin: Deed, end: Deed) -> Finding:
    kind = url.partition(":")[0]
    stage.say(f"{NAME}: {kind}")
    store = StoreServer(stage.folder / f"history-{kind}")
    store.start()
    try:
        product = Product(stage.world(), redis_url=store.url, sql_url=url)
        async with scene(stage, f"{NAME} {kind}", product) as here:
            here.people(product)
            await here.warm()
            before = _typical(here, 0, time.monotonic())
            began = time.monotonic()
            begin()
            try:
                here.finding.notice = await _told(here, product, "away", began)
                await asyncio.sleep(stage.plan.outage)
                stayed = not any(board.stopped_after(began) for board in here.boards)
                during = _typical(here, began, time.monotonic())
            finally:
                await asyncio.to_thread(end)
            ended = time.monotonic()
            here.finding.recover = await _told(here, product, "ok", ended)
            here.finding.promise(stayed, "a board stopped although only history was away")
            here.finding.promise(during < 2 * before + 0.3, "reports took longer meanwhile")
            here.finding.notes.append(
                f"{kind}: p99 of a report's answer {before * 1e3:.0f} ms before, "
                f"{during * 1e3:.0f} ms meanwhile"
            )
            finding = await here.check([product], store.url)
            await _drained(here, url)
            return finding
    finally:
        store.close()


async def _told(here: Scene, product: Product, word: str, since: float) -> float:
    """Seconds until readiness names history so, and stays ready."""
    async with httpx.AsyncClient(timeout=10) as client:
        while True:
            answer = await client.get(f"{product.base}/readyz")
            here.finding.promise(answer.status_code == 200, "not ready although boards are served")
            if answer.json()["history"] == word:
                return time.monotonic() - since
            assert time.monotonic() - since < 90, f"history is never {word}"
            await asyncio.sleep(0.1)


def _typical(here: Scene, begin: float, end: float) -> float:
    """What all but one in a hundred reports took, in seconds, of those answered in this time."""
    took = sorted(
        o.ended - o.began for o in here.ledger.operations if o.ended and begin < o.ended < end
    )
    return took[int(len(took) * 0.99)] if took else 0.0


async def _drained(here: Scene, url: str) -> None:
    """Every change of the stream is in history, once and in order."""
    wanted = [(change.epoch, change.seq) for change in here.changes]
    deadline = time.monotonic() + 60
    while True:
        found = await asyncio.to_thread(dump, url, "change", "epoch", "seq")
        if found == wanted or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.3)
    here.finding.promise(found == wanted, f"history has {len(found)} of {len(wanted)} changes")
    gaps = await asyncio.to_thread(dump, url, "gap", "from_seq")
    here.finding.promise(not gaps, "history has a gap")
