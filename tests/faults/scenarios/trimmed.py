"""Trim the stream past the place of a process that is stopped, its boards with it.

A second process goes on meanwhile. Reading past trimmed entries jumps over them in silence. Both
must show the same in the end: the gap is noticed by the numbers, and a snapshot taken.
"""

import time

from redis.asyncio import Redis

from capacity.board.keys import ClusterKeys
from tests.bench.world import CLUSTER
from tests.faults.checks import check_stream
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.board_model import all_changes, all_late, opened
from tests.support.stores import StoreServer

NAME = "stream trimmed"
NUMBER = 5
HAZARD = 1
KEPT = 20


async def run(stage: Stage) -> Finding:
    """Pause one of two processes, let everything change, trim, and let it go on."""
    store = StoreServer(stage.folder / "trimmed")
    store.start()
    client = Redis.from_url(store.url)
    try:
        world = stage.world()
        one = Product(world, "one", redis_url=store.url)
        other = Product(world, "other", redis_url=store.url)
        async with scene(stage, NAME, one, other) as here:
            here.people(other, pace=0.01)
            here.open_boards(one, 4)
            await here.warm()
            before = sum(board.snapshots for board in here.boards)
            one.pause()
            await here.more_kept(100)
            async with opened(store.url, start=False) as board:
                seen = await all_changes(board, CLUSTER)
                await client.xtrim(ClusterKeys(CLUSTER).changes, maxlen=KEPT, approximate=False)
                went_on = time.monotonic()
                one.resume()
                await here.note_recovery(went_on)
                await here.more_kept(20)  # and it stays so
                await here.settle()
                left, late = await all_changes(board, CLUSTER), await all_late(board, CLUSTER)
                whole = {change.stream_id: change for change in [*seen, *left]}
                here.check_writes(list(whole.values()), late)
                check_stream(here.finding, left, {}, begun=False)
                stored = {row.unit: row.row for row in (await board.snapshot(CLUSTER)).rows}
            for product in (one, other):
                await here.check_boards(product, stored)
            here.finding.promise("starting over from a snapshot" in one.log, "no gap was noticed")
            taken = sum(board.snapshots for board in here.boards) - before
            here.finding.notes.append(f"{taken} snapshots were taken by {len(here.boards)} boards")
            return here.finding
    finally:
        await client.aclose()
        store.close()
