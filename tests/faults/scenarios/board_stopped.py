"""One board of many stops reading, for as long as the outage lasts.

The others must not feel it, the process must not keep what the one does not take, and once it
reads again, or comes back after it was dropped, it shows what is.
"""

import asyncio
from contextlib import closing

import orjson

from tests.faults.crowd import Crowd, p99, publish
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.sources import Source
from tests.faults.stage import Stage
from tests.support.live import RawBoard
from tests.support.stores import StoreServer
from web.live.connections import MAX_BUFFERED

NAME = "board stopped"
NUMBER = 6
HAZARD = 9
MEMORY = 40_000_000
"""Bytes by which the process may grow beyond what the stopped board may keep waiting."""


async def run(stage: Stage) -> Finding:
    """Compare the others before and during."""
    store = StoreServer(stage.folder / "stopped")
    store.start()
    crowd = Crowd(stage.plan.boards - 1)
    try:
        world = stage.world(units=200, sources=1)
        product = Product(world, redis_url=store.url, arguments=("--as-demo",))
        async with scene(stage, NAME, product) as here:
            here.sources.append(
                Source("source-0", tuple(world.units), world.keys[0], product.base, here.ledger,
                       here.chance, 0.05)
            )  # fmt: skip
            await asyncio.to_thread(crowd.open, product)
            here.open_boards(product, 2)
            await here.wait_for(lambda: all(board.is_live for board in here.boards), "boards")
            before = await crowd.reached(await publish(here, product, 8))
            weight = product.resident_bytes()
            with closing(await asyncio.to_thread(RawBoard, product.live)) as stopped:
                during = await crowd.reached(await publish(here, product, stage.plan.outage))
                grown = product.resident_bytes() - weight
                await asyncio.to_thread(_read_to_the_end, here, stopped)
            _judge(here.finding, p99(before), p99(during), grown)
            here.open_boards(product, 1)
            return await here.check([product], store.url)
    finally:
        crowd.close()
        store.close()


def _judge(finding: Finding, before: float, during: float, grown: int) -> None:
    finding.notes.append(
        f"p99 of the last of the other boards {before * 1e3:.0f} ms before and "
        f"{during * 1e3:.0f} ms during; memory {grown / 1e6:+.1f} MB"
    )
    finding.promise(during < 2 * before + 0.1, "the other boards had to wait")
    finding.promise(grown < MAX_BUFFERED + MEMORY, "memory is not bounded")


def _read_to_the_end(here: Scene, stopped: RawBoard) -> None:
    """Read what waits until it is the present, or the connection ends as one that was dropped."""
    stopped.socket.settimeout(10)
    while (found := stopped.frame()) is not None:
        opcode, payload = found
        if opcode == 1 and orjson.loads(payload)["cursor"] == str(here.boards[0].cursor):
            here.finding.notes.append("the stopped board caught up where it was")
            return
    here.finding.notes.append("the stopped board was dropped, as it is after 30 s")
