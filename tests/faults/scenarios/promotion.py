"""The replica is cut off unseen, the primary killed, and the replica made primary.

With a replica to wait for, whatever the promotion loses had been called unconfirmed. Without one
(the default) writes are acknowledged that a promotion loses: what docs/operations.md says of it is
measured here, and held against nothing.
"""

import asyncio
import time

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.stores import valkey_program
from tests.support.topology import line_to, replicated

NAME = "replica promoted"
NUMBER = 4
HAZARD = 6
CUT_SECONDS = 2.0


async def run(stage: Stage) -> Finding:
    """With and without waiting."""
    finding = await _promotion(stage, replicas=1)
    unwaited = await _promotion(stage, replicas=0)
    finding.notes.append(
        f"not waiting for a replica, {unwaited.lost} of {unwaited.acknowledged} acknowledged "
        "reports were lost, as documented"
    )
    finding.unequal += unwaited.unequal
    return finding


async def _promotion(stage: Stage, replicas: int) -> Finding:
    with replicated(valkey_program(), attached=False) as servers:
        primary, replica = servers.nodes
        async with line_to(primary.port) as link, line_to(primary.port) as front:
            await asyncio.to_thread(servers.attach, link.port)
            product = Product(
                stage.world(),
                redis_url=f"redis://127.0.0.1:{front.port}",
                redis_replicas=replicas,
            )
            async with scene(stage, f"{NAME} {replicas}", product) as here:
                here.people(product)
                await here.warm()
                snapshots = [board.snapshots for board in here.boards]
                began = time.monotonic()
                link.discards = True  # a stopped replica would get everything afterwards
                await asyncio.sleep(CUT_SECONDS)
                primary.kill()
                replica.says("REPLICAOF", "NO", "ONE")
                await front.lead_to(replica.port)
                promoted = time.monotonic()
                primary.start()
                primary.says("REPLICAOF", "127.0.0.1", str(replica.port))
                await here.note_recovery(promoted)
                here.note_fault(began, boards_must_say=False)
                finding = await here.check([product], f"redis://127.0.0.1:{replica.port}")
                epochs = len({change.epoch for change in here.changes})
                finding.promise(epochs == 2, f"{epochs} epochs, not one before and one after")
                again = [b.snapshots > n for b, n in zip(here.boards, snapshots, strict=True)]
                finding.promise(all(again), "a board took no snapshot of the new epoch")
                return finding
