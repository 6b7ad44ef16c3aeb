"""Stop the store for 2, 10 and 70 seconds: its connections stay open and nothing answers.

Boards must say within seconds that their figures have stopped, and writers must hear soon that
nothing was promised to them; afterwards nothing may have been applied twice.
"""

import asyncio
import time

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.stores import StoreServer

NAME = "store frozen"
NUMBER = 7
HAZARD = 10
ANSWER_SECONDS = 8.0
"""A source hears within this time that its report is not kept for now."""
_NOTICEABLE = 5.0
"""A shorter stop may end before any board has to say so."""


async def run(stage: Stage) -> Finding:
    """Every length in turn, under load."""
    store = StoreServer(stage.folder / "frozen")
    store.start()
    try:
        product = Product(stage.world(), redis_url=store.url)
        async with scene(stage, NAME, product) as here:
            here.people(product)
            await here.warm()
            for seconds in stage.plan.freezes:
                stage.say(f"{NAME}: {seconds:.0f} s")
                store.freeze()
                began = time.monotonic()
                await asyncio.sleep(seconds)
                store.thaw()
                thawed = time.monotonic()
                here.note_fault(began, boards_must_say=seconds > _NOTICEABLE)
                await here.note_recovery(thawed)
            longest = here.ledger.longest_answer()
            here.finding.promise(longest < ANSWER_SECONDS, f"a source waited {longest:.1f} s")
            here.finding.notes.append(f"longest wait for an answer {longest:.1f} s")
            return await here.check([product], store.url)
    finally:
        store.close()
