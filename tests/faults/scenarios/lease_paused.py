"""Whoever runs the feeds is paused beyond its lease, with the answer of a source in its hands.

Another process takes over. When the first goes on, the answer that it holds, newer than all there
is, must be refused by the fence in the store.
"""

import asyncio
import time

from capacity.board import Leases
from tests.bench.world import CLUSTER
from tests.faults.finding import Finding
from tests.faults.origin import Origin, origin, with_polled
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.stores import StoreServer

NAME = "lease holder paused"
NUMBER = 8
HAZARD = 5
TAKEN_WITHIN = 20.0
ALONE_SECONDS = 2.0
"""How long the second process feeds while the first stands still."""
TEMPTED_SECONDS = 3.0
"""How long the former holder is given to do wrong: several of its rounds."""


async def run(stage: Stage) -> Finding:
    """Two whole processes that both run feeds."""
    store = StoreServer(stage.folder / "lease")
    store.start()
    leases = Leases(store.url, "looking on")
    world = stage.world(units=6, sources=2)
    try:
        async with origin(world.units[5]) as source:
            world = with_polled(world, source, every="30 s", timeout="29 s")
            first = Product(world, "first", redis_url=store.url)
            second = Product(world, "second", redis_url=store.url)
            source.keep_back = True
            async with scene(stage, NAME, first) as here:
                await asyncio.wait_for(source.is_waiting.wait(), 30)
                try:
                    await second.start()
                    await _pause(here, first, second, source, leases)
                    finding = await here.check([first, second], store.url)
                finally:
                    second.end()
                notes = [change.row for change in here.changes]
                got_in = any(b"kept back" in row for row in notes)
                finding.promise(not got_in, "what a former holder held got in")
                finding.promise(any(b"polled" in row for row in notes), "nothing was polled")
                return finding
    finally:
        await leases.stop()
        store.close()


async def _pause(
    here: Scene, first: Product, second: Product, source: Origin, leases: Leases
) -> None:
    here.people(second)
    await here.warm()
    holder = (await leases.holders([CLUSTER]))[CLUSTER].name
    here.finding.promise(holder.endswith(f":{first.process.pid}"), f"{holder} holds the lease")
    first.pause()
    paused = time.monotonic()
    source.let_go()
    while (name := (await leases.holders([CLUSTER]))[CLUSTER].name) in (holder, ""):
        assert time.monotonic() - paused < TAKEN_WITHIN, "nobody took the lease"
        await asyncio.sleep(0.05)
    here.finding.notice = time.monotonic() - paused
    await asyncio.sleep(ALONE_SECONDS)
    first.resume()
    resumed = time.monotonic()
    here.open_boards(first, 3)
    await here.note_recovery(resumed)
    await asyncio.sleep(TEMPTED_SECONDS)
    now = (await leases.holders([CLUSTER]))[CLUSTER].name
    here.finding.promise(now == name, f"the lease went back to {now}")
    told = "taken over" in first.log or "fence" in first.log
    here.finding.promise(told, "the former holder did not say that it was replaced")
    here.finding.notes.append(f"taken over after {here.finding.notice:.1f} s")
