"""kill -9 of the store under load: what was acknowledged is there, and was applied once.

Answers the hazard of a board that silently lost a reading it had confirmed.
"""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
import uvloop

from capacity.board import EmbeddedServer
from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    opened,
    until,
)
from tests.support.traffic import Writer, assert_kept, stopped

KILLS = int(os.environ.get("AKUTOVERBLIK_TEST_KILLS", "10"))
WRITERS = 4


@pytest.mark.timeout(60 + 5 * KILLS)
def test_kill_9_of_the_store_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    server = EmbeddedServer(tmp_path / "store")
    server.start()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as in production
            runner.run(_kill_again_and_again(server, seed))
    finally:
        server.stop()


async def _kill_again_and_again(server: EmbeddedServer, seed: int) -> None:
    chance = random.Random(seed)
    async with opened(server.url) as board:
        writers = [Writer(n, board, seed + n) for n in range(WRITERS)]
        tasks = [asyncio.create_task(writer.run()) for writer in writers]
        for _ in range(KILLS):
            await _more_acknowledged(writers, 50)
            await asyncio.sleep(chance.uniform(0, 0.3))
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
        await _more_acknowledged(writers, 50)  # the last start is an epoch of changes as well
        await stopped(tasks)
        changes, late = await all_changes(board, "c"), await all_late(board, "c")
        snapshot = await board.snapshot("c")

    assert_contiguous(changes)
    assert len({change.epoch for change in changes}) == KILLS + 1
    assert fold(changes) == {stored.unit: stored.row for stored in snapshot.rows}
    assert_kept([one for w in writers for one in w.acknowledged], changes, late)


async def _more_acknowledged(writers: list[Writer], more: int) -> None:
    """Until the store has acknowledged *more* reports than it had."""
    before = sum(len(writer.acknowledged) for writer in writers)
    await until(lambda: sum(len(writer.acknowledged) for writer in writers) > before + more)
