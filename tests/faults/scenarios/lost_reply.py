"""Drop only the reply of a write: the store has done it, and nobody was told.

Now and then one reply, now and then all that a request is given, with the connection cut and
with it left open; and sources that hang up before they are answered.
"""

import asyncio
import time

import httpx

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.faulty import LossyLine
from tests.support.stores import StoreServer

NAME = "reply lost"
NUMBER = 1
HAZARD = 5
ROUNDS = ((1, False), (3, False), (1, True), (8, False), (2, True))
"""How many replies are lost, and whether in silence; a short run has the first three."""


async def run(stage: Stage) -> Finding:
    """Every way of losing replies, under load."""
    store = StoreServer(stage.folder / "lost")
    store.start()
    try:
        async with LossyLine(store.path, word=b"apply_") as line:
            product = Product(stage.world(), redis_url=line.url)
            async with scene(stage, NAME, product) as here:
                here.people(product)
                await here.warm()
                for number, silently in ROUNDS[: 3 if stage.plan.name == "short" else None]:
                    await _lose(here, line, number, silently=silently)
                await _hang_up(here, product)
                here.finding.promise(line.requests > 50, "the line saw no writes")
                return await here.check([product], store.url)
    finally:
        store.close()


async def _lose(here: Scene, line: LossyLine, number: int, *, silently: bool) -> None:
    line.silently = silently
    began = time.monotonic()
    line.lose = number
    await here.wait_for(lambda: line.lose == 0, "losses")
    line.silently = False
    healed = time.monotonic()
    await asyncio.sleep(0.2)
    await here.note_recovery(healed)
    here.note_fault(began, boards_must_say=False)


async def _hang_up(here: Scene, product: Product) -> None:
    """Deliver and leave before the answer, then deliver again; the checks see whether it counts."""
    key, source = product.world.keys[0], here.sources[0]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for number in range(20):
        mark = here.ledger.next_mark()
        operation = source.begin(mark)
        document = source.document(operation)
        named = headers | {"Idempotency-Key": f"hang-up-{number}"}
        address = f"{product.base}/api/v1/feeds/{source.name}"
        for patience in (here.chance.uniform(0.0005, 0.02), 12.0):
            async with httpx.AsyncClient(timeout=patience) as client:
                try:
                    answer = await client.post(address, content=document, headers=named)
                except httpx.TransportError:
                    here.ledger.told(operation, "silence")
                else:
                    source.took(operation, answer)
                    break
