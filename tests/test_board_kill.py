"""kill -9 of the store under load: what was acknowledged is there, and was applied once.

Answers the hazard of a board that silently lost a reading it had confirmed.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path

import orjson
import pytest
import uvloop

from capacity.board import (
    Board,
    BoardUnavailableError,
    Change,
    EmbeddedServer,
    LateReading,
    Outcome,
    Reading,
)
from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    opened,
    reading,
    until,
)

KILLS = int(os.environ.get("AKUTOVERBLIK_TEST_KILLS", "10"))
WRITERS = 4
UNITS = [f"u{n}" for n in range(12)]


class Writer:
    """Writes small batches for ever, repeating each until it is answered, as a source does."""

    def __init__(self, me: int, board: Board, seed: int) -> None:
        self._me = me
        self._board = board
        self._random = random.Random(seed)
        self.acknowledged: list[tuple[Reading, Outcome]] = []

    async def run(self) -> None:
        n = 0
        while True:
            n += 1
            units = self._random.sample(UNITS, 5)
            batch = [
                reading(u, n * 10 + self._random.randrange(-20, 20), f"{self._me}.{n}")
                for u in units
            ]
            outcomes = await self._write(batch, f"{self._me}.{n}")
            self.acknowledged += zip(batch, outcomes, strict=True)

    async def _write(self, batch: list[Reading], request_id: str) -> tuple[Outcome, ...]:
        while True:
            try:
                return (await self._board.apply("c", batch, request_id)).outcomes
            except BoardUnavailableError:
                await asyncio.sleep(0.01)


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
            before = sum(len(writer.acknowledged) for writer in writers)
            await until(lambda b=before: sum(len(w.acknowledged) for w in writers) > b + 50)
            await asyncio.sleep(chance.uniform(0, 0.3))
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(e) for e in ended] == [asyncio.CancelledError] * WRITERS
        changes, late = await all_changes(board, "c"), await all_late(board, "c")
        snapshot = await board.snapshot("c")

    assert_contiguous(changes)
    assert len({change.epoch for change in changes}) == KILLS + 1
    assert fold(changes) == {stored.unit: stored.row for stored in snapshot.rows}
    _assert_kept([one for w in writers for one in w.acknowledged], changes, late)


def _assert_kept(
    acknowledged: list[tuple[Reading, Outcome]], changes: list[Change], late: list[LateReading]
) -> None:
    newest: dict[str, int] = {}
    for change in changes:
        observed = orjson.loads(change.row)["observed_ms"]
        assert observed > newest.get(change.unit, -(10**9)), "an older reading was applied"
        newest[change.unit] = observed
    applied = Counter(change.row for change in changes)
    superseded = Counter(entry.row for entry in late)
    assert set(applied.values()) == {1}
    assert set(superseded.values()) == {1}
    for one, outcome in acknowledged:
        kept = applied if outcome is Outcome.APPLIED else superseded
        assert kept[one.row] == 1, f"{one} was answered {outcome} and is not there"
