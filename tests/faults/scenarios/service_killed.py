"""kill -9 of the whole service, embedded store and all, and a start in the same folder.

The store must die with its parent: two servers on one append-only file would ruin it.
"""

import asyncio
import time
from pathlib import Path

from capacity.board.embedded import running_url
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage

NAME = "service killed"
NUMBER = 3
HAZARD = 19


async def run(stage: Stage) -> Finding:
    """Kill and start again at once, as a supervisor does; sometimes the store is busy or paused."""
    product = Product(stage.world())
    async with scene(stage, NAME, product) as here:
        here.people(product, pace=0.02)
        await here.warm()
        served: list[float] = []
        for number in range(stage.plan.service_kills):
            await asyncio.sleep(here.chance.uniform(0, 0.5))
            product.kill()
            killed = time.monotonic()
            await here.wait_for(lambda: not any(b.is_live for b in here.boards), "boards")
            here.note_fault(killed)
            stage.say(f"{NAME}: {number + 1} of {stage.plan.service_kills}")
            served.append(await product.start())
            servers = writers_of(product.data / "valkey")
            here.finding.promise(len(servers) == 1, f"{len(servers)} servers on one file")
            await here.note_recovery(killed)
        here.finding.notes.append(
            f"{len(served)} kills; serving again after at most {max(served):.1f} s; recovery "
            "counts from the kill and holds the boards' own waits"
        )
        url = running_url(product.data / "valkey")
        assert url is not None
        return await here.check([product], url)


def writers_of(folder: Path) -> set[int]:
    """The processes that have a file of the append-only folder open."""
    found: set[int] = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = link.readlink()
        except OSError:
            continue  # it is gone, or not ours to see
        if target.is_relative_to(folder / "appendonlydir"):
            found.add(int(link.parts[2]))
    return found
