"""One primary of a Valkey/Redis Cluster is lost, and its replica takes its place.

Answers the hazards of a confirmed reading that is gone, and of a place promised twice.
"""

import asyncio

from redis.crc import key_slot

from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    insisting,
    opened,
    until,
)
from tests.support.holds import CLUSTER as HOLDS
from tests.support.holds import ask, assert_sound, held, report
from tests.support.shards import Sharded, sharded
from tests.support.topology import PROGRAMS
from tests.support.traffic import Writer, assert_kept, stopped


def beside(shards: Sharded) -> str:
    """Another health cluster on the shard that the holds are on."""
    home = shards.owner(key_slot(f"{{{HOLDS}}}".encode()))
    names = (f"h{number}" for number in range(1000))
    return next(name for name in names if shards.owner(key_slot(f"{{{name}}}".encode())) is home)


async def test_what_was_acknowledged_is_on_the_replica_that_takes_over() -> None:
    with sharded(PROGRAMS["valkey"]) as shards:
        rows = beside(shards)
        home = shards.owner(key_slot(f"{{{HOLDS}}}".encode()))
        replica = shards.join_as_replica(home)
        async with opened(f"{shards.url}?replicas=1") as board, opened(shards.url) as later:
            await insisting(lambda: report(board, "one", 1))
            kept = await held(board, "one", request_id="kept")
            writer = Writer(1, board, 1, rows)
            task = asyncio.create_task(writer.run())
            await until(lambda: len(writer.acknowledged) > 100)
            before = [(await board.cursor(cluster)).epoch for cluster in (HOLDS, rows)]

            home.kill()
            await until(lambda: replica.says("ROLE").startswith("*3\r\n$6\r\nmaster"))
            await stopped([task])

            # the new primary has no replica: `later` does not wait for one
            late = await insisting(lambda: ask(later, "one", request_id="late"))
            assert late.code == "taken"
            assert (await ask(later, "one", request_id="kept")).hold == kept
            await insisting(lambda: later.replace(rows, []))
            changes, snapshot = await all_changes(later, rows), await later.snapshot(rows)
            assert_contiguous(changes)
            assert fold(changes) == {row.unit: row.row for row in snapshot.rows}
            assert_kept(writer.acknowledged, changes, await all_late(later, rows))
            await assert_sound(later)
            after = [(await later.cursor(cluster)).epoch for cluster in (HOLDS, rows)]
            assert not set(before) & set(after)
