"""kill -9 of the store, again and again, while sources report and boards are open.

What was acknowledged must be there each time, and each start is a new epoch, so that no board
goes on from figures that the store may have lost.
"""

import asyncio
import time

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.stores import StoreServer

NAME = "store killed"
NUMBER = 2
HAZARD = 5
_WATCHED = 10
"""Kills after which it is waited until every board is live again; the others come faster."""


async def run(stage: Stage) -> Finding:
    """As many kills as the plan has."""
    store = StoreServer(stage.folder / "killed")
    store.start()
    try:
        product = Product(stage.world(), redis_url=store.url)
        async with scene(stage, NAME, product) as here:
            here.people(product, pace=0.02)
            await here.warm()
            for number in range(stage.plan.kills):
                await here.more_kept(10)
                await asyncio.sleep(here.chance.uniform(0, 0.3))
                store.kill()
                killed = time.monotonic()
                watched = number % max(1, stage.plan.kills // _WATCHED) == 0
                if watched:
                    stage.say(f"{NAME}: {number + 1} of {stage.plan.kills}")
                    await here.wait_for(lambda: not any(b.is_live for b in here.boards), "boards")
                    here.note_fault(killed)
                    await asyncio.sleep(here.chance.uniform(0, 1.5))  # beyond what a call waits for
                store.start()
                if watched:
                    await here.note_recovery(time.monotonic())
            await here.recovered(time.monotonic())
            here.finding.notes.append(f"{stage.plan.kills} kills")
            finding = await here.check([product], store.url)
            epochs = len({change.epoch for change in here.changes})
            finding.promise(epochs == stage.plan.kills + 1, f"{epochs} epochs, not one per start")
            return finding
    finally:
        store.close()
