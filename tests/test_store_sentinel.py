"""A primary that is lost or handed over under traffic, with sentinels to name the next.

Answers the hazards of a confirmed reading that is gone, of a place promised twice, and of a board
that follows a server nobody else follows any more.
"""

import asyncio
from functools import partial
from typing import Any

import orjson
import pytest

from capacity.board import Board, BoardUnavailableError
from capacity.instants import utc_now
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
from tests.support.topology import PROGRAMS, SERVICE, Replicated, replicated
from tests.support.traffic import Page, Writer, assert_kept, stopped
from web.live.hub import Hub

ROWS = "w"
PLACES, VISITATORS = 3, 12


CASES = [
    ("valkey", "killed"),
    ("valkey", "handed over"),
    pytest.param("redis7", "killed", marks=pytest.mark.redis7),
]


@pytest.mark.parametrize(("program", "way"), CASES)
async def test_nothing_acknowledged_is_lost_when_the_primary_changes(
    program: str, way: str
) -> None:
    """With three sentinels, and two replicas that are both waited for.

    Whichever of them is made primary, it has what was acknowledged. (Where one only is waited for,
    an old primary that is handed over gathers acknowledgements that the new one lacks.)
    """
    with replicated(PROGRAMS[program], replicas=2, watched=True) as servers:
        await change_of_primary(servers, way)


async def change_of_primary(servers: Replicated, way: str) -> None:
    async with opened(f"{servers.sentinel_url}?replicas=2") as board:
        hub, page = Hub(board, [ROWS, HOLDS], utc_now), Page()
        await hub.start()
        hub.join(ROWS, page, None)
        writers = [Writer(n, board, n, ROWS) for n in range(3)]
        tasks = [asyncio.create_task(writer.run()) for writer in writers]
        await report(board, "one", 1)
        await report(board, "many", PLACES)
        kept = await held(board, "one", request_id="kept")
        await until(lambda: sum(len(writer.acknowledged) for writer in writers) > 100)
        epoch = (await board.cursor(ROWS)).epoch

        if way == "killed":
            await asyncio.to_thread(servers.primary.kill)
        else:
            servers.sentinels[0].says("SENTINEL", "FAILOVER", SERVICE)
        asks: list[Any] = [
            insisting(partial(ask, board, "many", request_id=f"v{n}")) for n in range(VISITATORS)
        ]
        # until it is back, as a replica, nothing can be acknowledged
        asks.append(asyncio.to_thread(servers.bring_back, servers.primary))
        answers = (await asyncio.gather(*asks))[:VISITATORS]
        await until(lambda: changed(board, ROWS, epoch))
        before = sum(len(writer.acknowledged) for writer in writers)
        await until(lambda: sum(len(writer.acknowledged) for writer in writers) > before + 100)
        await stopped(tasks)

        # readings: all that was acknowledged is there once, and in the order of their time
        changes = await insisting(lambda: all_changes(board, ROWS))
        snapshot = await board.snapshot(ROWS)
        assert_contiguous(changes)
        assert {change.epoch for change in changes} == {epoch, snapshot.cursor.epoch}
        assert snapshot.cursor.epoch != epoch
        assert fold(changes) == {row.unit: row.row for row in snapshot.rows}
        acknowledged = [one for writer in writers for one in writer.acknowledged]
        assert_kept(acknowledged, changes, await all_late(board, ROWS))
        # holds: the old one stands, and each place was promised once
        assert (await ask(board, "one", request_id="kept")).hold == kept
        assert (await ask(board, "one", request_id="late")).code == "taken"
        codes = sorted(answer.code for answer in answers)
        assert codes == ["held"] * PLACES + ["taken"] * (VISITATORS - PLACES)
        records = await assert_sound(board)
        assert {a.hold["id"] for a in answers if a.hold} == records.keys() - {kept["id"]}
        # boards: what is shown is what stands
        await until(lambda: page.cursor == str(snapshot.cursor))
        assert page.rows == {row.unit: orjson.loads(row.row) for row in snapshot.rows}
        await until(lambda: hub.live)  # sentinels cut the clients of whom they promote, once
        await hub.stop()


async def changed(board: Board, cluster: str, epoch: str) -> bool:
    """Whether the cluster is in another epoch by now."""
    try:
        return (await board.cursor(cluster)).epoch != epoch
    except BoardUnavailableError:
        return False
