"""A shard is added to a store of several and the health cluster moved to it, under load.

Then, over a primary with replicas and sentinels, the primary is killed under load: with both
replicas waited for, nothing that was acknowledged is lost.
"""

import asyncio
import time

from redis.crc import key_slot

from tests.bench.world import CLUSTER
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.shards import sharded
from tests.support.stores import valkey_program
from tests.support.topology import replicated

NAME = "shard and fail-over"
NUMBER = 23
HAZARD = 6


async def run(stage: Stage) -> Finding:
    """The move, then the fail-over."""
    finding = await _move(stage)
    finding.add(await _fail_over(stage))
    return finding


async def _move(stage: Stage) -> Finding:
    stage.say(f"{NAME}: a new shard")
    with sharded(valkey_program()) as shards:
        product = Product(stage.world(), redis_url=shards.url)
        async with scene(stage, f"{NAME} move", product) as here:
            here.people(product)
            await here.warm()
            began = time.monotonic()
            new = await asyncio.to_thread(shards.join)
            await asyncio.to_thread(shards.move, key_slot(f"{{{CLUSTER}}}".encode()), new)
            moved = time.monotonic()
            await here.note_recovery(moved)
            here.note_fault(began, boards_must_say=False)
            here.finding.notes.append(f"shard joined and moved to in {moved - began:.1f} s")
            return await here.check([product], shards.url)


async def _fail_over(stage: Stage) -> Finding:
    stage.say(f"{NAME}: the primary is killed")
    with replicated(valkey_program(), replicas=2, watched=True) as servers:
        product = Product(stage.world(), redis_url=servers.sentinel_url, redis_replicas=2)
        async with scene(stage, f"{NAME} fail-over", product) as here:
            here.people(product)
            await here.warm()
            began = time.monotonic()
            servers.primary.kill()
            await asyncio.to_thread(servers.bring_back, servers.primary)
            back = time.monotonic()
            await here.note_recovery(back)
            here.note_fault(began, boards_must_say=False)
            here.finding.notes.append(
                f"fail-over: all three servers again after {back - began:.1f} s"
            )
            return await here.check([product], servers.sentinel_url)
