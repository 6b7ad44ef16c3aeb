"""Writers that never give up, and what must be true of a board whatever happened to its store."""

import asyncio
import random
from collections import Counter
from typing import Any

import orjson

from capacity.board import (
    Board,
    BoardUnavailableError,
    Change,
    LateReading,
    Outcome,
    Reading,
    UnconfirmedError,
)
from tests.support.board_model import reading

UNITS = [f"u{n}" for n in range(12)]


class Writer:
    """Writes small batches for ever, repeating each until it is answered, as a source does."""

    def __init__(self, me: int, board: Board, seed: int, cluster: str = "c") -> None:
        self._me = me
        self._cluster = cluster
        self._board = board
        self._random = random.Random(seed)
        self.acknowledged: list[tuple[Reading, Outcome]] = []
        self.unconfirmed = 0

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
                return (await self._board.apply(self._cluster, batch, request_id)).outcomes
            except BoardUnavailableError as error:
                self.unconfirmed += isinstance(error, UnconfirmedError)
                await asyncio.sleep(0.01)


class Page:
    """An open board: what it shows is what its frames make of it."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.cursor = ""

    def offer(self, message: bytes, frame: bytes) -> bool:
        told = orjson.loads(message)
        if told["type"] == "snapshot":
            self.rows = {}
        self.rows |= {row["unit"]: row for row in told.get("rows", [])}
        self.cursor = told["cursor"]
        return True

    def join(self, sweep: object, name: object) -> None:
        """It is always asked."""

    def idle(self) -> bool:
        return True

    def abort(self) -> None:
        raise AssertionError("nobody drops this board")

    async def drain(self) -> None:
        return None


async def stopped(tasks: list[asyncio.Task[None]]) -> None:
    """End writers; fails when one had ended by itself."""
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * len(tasks)


def assert_kept(
    acknowledged: list[tuple[Reading, Outcome]], changes: list[Change], late: list[LateReading]
) -> None:
    """Each acknowledged reading was applied, or superseded, exactly once; time never went back."""
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
