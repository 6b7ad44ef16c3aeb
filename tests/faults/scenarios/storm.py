"""A thousand boards come back at once, after the process was killed.

Every one gets its board within ten seconds, and the rows are read from the store once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from redis.asyncio import Redis

from capacity.board.keys import ClusterKeys
from tests.bench.world import CLUSTER
from tests.faults.crowd import Crowd
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.stores import StoreServer

NAME = "all reconnect"
NUMBER = 18
HAZARD = 9
LIVE_WITHIN = 10.0


async def run(stage: Stage) -> Finding:
    """Kill, start, and let all come back in the same moment."""
    store = StoreServer(stage.folder / "storm")
    store.start()
    client = Redis.from_url(store.url)
    try:
        product = Product(stage.world(units=100), redis_url=store.url, arguments=("--as-demo",))
        async with scene(stage, NAME, product) as here:
            here.people(product)
            await here.warm()
            for _ in range(2):
                here.pace(1.0)  # what is to be counted are the boards' questions
                product.kill()
                killed = time.monotonic()
                await product.start()
                up = time.monotonic()
                crowd = Crowd(stage.plan.storm)
                try:
                    async with _reads(client) as reads:
                        await asyncio.to_thread(crowd.open, product)
                        took = time.monotonic() - up
                    here.note_fault(killed)
                    await here.note_recovery(up)
                    open_now = await _boards_open(product)
                finally:
                    crowd.close()
                    here.pace(0.05)
                here.finding.notes.append(
                    f"{stage.plan.storm} boards had their snapshot after {took:.1f} s; the store "
                    f"was asked for rows {len(reads)} times"
                )
                here.finding.promise(took < LIVE_WITHIN, f"it took {took:.1f} s")
                here.finding.promise(open_now >= stage.plan.storm, f"only {open_now} were open")
                here.finding.promise(len(reads) < 10, f"rows were read {len(reads)} times")
            return await here.check([product], store.url)
    finally:
        await client.aclose()
        store.close()


@asynccontextmanager
async def _reads(client: Redis) -> AsyncIterator[list[str]]:
    """The questions for all rows of the cluster that the store gets meanwhile."""
    found: list[str] = []
    ready = asyncio.Event()

    async def listen() -> None:
        async with client.monitor() as monitor:
            ready.set()
            async for command in monitor.listen():
                words = command["command"]
                if words.upper().startswith("HGETALL") and ClusterKeys(CLUSTER).rows in words:
                    found.append(words)

    listening = asyncio.create_task(listen())
    try:
        await ready.wait()
        yield found
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _boards_open(product: Product) -> float:
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.get(f"{product.base}/metrics", headers=product.metrics_headers())
    found = [
        line for line in answer.text.splitlines() if line.startswith("akutoverblik_boards_open")
    ]
    return float(found[0].rpartition(" ")[2])
