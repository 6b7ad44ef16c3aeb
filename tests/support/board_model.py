"""What a board must be, worked out in plain Python from its streams."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import TypeVar

import orjson

from capacity.board import (
    START,
    Board,
    BoardUnavailableError,
    Change,
    LateReading,
    Reading,
    Snapshot,
)
from capacity.board.store import STREAM_LENGTH

T = TypeVar("T")


@asynccontextmanager
async def opened(
    url: str, *, stream_length: int = STREAM_LENGTH, start: bool = True
) -> AsyncIterator[Board]:
    """A board that is closed afterwards; without `start` its functions are not loaded.

    A store may be slow for longer than a board waits: it is asked three times.
    """
    board = Board(url, stream_length=stream_length)
    try:
        for attempts_left in reversed(range(3 if start else 0)):
            try:
                await board.start()
                break
            except BoardUnavailableError:
                if not attempts_left:
                    raise
        yield board
    finally:
        await board.stop()


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within: float = 30.0
) -> None:
    """Return once the condition holds; fail when it does not within some seconds.

    A promise of time is not tried by `within`, but with a `tests.support.stopwatch`.
    """
    deadline = time.monotonic() + within
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


def reading(unit: str, observed_ms: int, mark: object = 0, size: int = 0) -> Reading:
    """A reading whose row tells which one it is; `size` makes its row that much larger."""
    row = {"unit": unit, "observed_ms": observed_ms, "mark": mark, "note": "x" * size}
    return Reading(unit, observed_ms, f"{observed_ms:x}-{mark}", orjson.dumps(row))


async def insisting(
    call: Callable[[], Awaitable[T]], within: float = 30.0, pause: float = 0.05
) -> T:
    """The answer to a request that is made, under the same id, until it is known."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await call()
            except BoardUnavailableError:
                await asyncio.sleep(pause)


async def all_changes(board: Board, cluster: str) -> list[Change]:
    """The cluster's whole stream."""
    found: list[Change] = []
    while True:
        more = await insisting(partial(board.changes_after, cluster, _after(found), 1000))
        if not more:
            return found
        found += more


async def all_late(board: Board, cluster: str) -> list[LateReading]:
    """The cluster's whole stream of late readings."""
    found: list[LateReading] = []
    while True:
        more = await insisting(partial(board.late_after, cluster, _after(found), 1000))
        if not more:
            return found
        found += more


def _after(found: Sequence[Change] | Sequence[LateReading]) -> str:
    return found[-1].stream_id if found else START


def fold(changes: Iterable[Change]) -> dict[str, bytes]:
    """The rows that a stream of changes ends in; an empty row takes its unit off the board."""
    rows: dict[str, bytes] = {}
    for change in changes:
        rows[change.unit] = change.row
    return {unit: row for unit, row in rows.items() if row}


def assert_contiguous(changes: Sequence[Change]) -> None:
    """Every epoch counts from 1 without a gap, is over when the next begins; ids only grow."""
    for before, after in pairwise(changes):
        assert _place(before.stream_id) < _place(after.stream_id)
        if before.epoch == after.epoch:
            assert after.seq == before.seq + 1
        else:
            assert after.seq == 1
    begun = [after.epoch for before, after in pairwise(changes) if before.epoch != after.epoch]
    assert len(set(begun) | {c.epoch for c in changes[:1]}) == len(begun) + len(changes[:1])


def _place(stream_id: str) -> tuple[int, int]:
    millis, _, count = stream_id.partition("-")
    return int(millis), int(count)


def rows_of(snapshot: Snapshot) -> dict[str, bytes]:
    """A snapshot's rows by unit."""
    return {stored.unit: stored.row for stored in snapshot.rows}
