"""Sources that report, boards that are open, and what became of both when something broke."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import orjson

from capacity.board import Board, BoardUnavailableError, Change, LateReading
from capacity.instants import Clock, utc_now
from tests.bench.world import CLUSTER
from tests.faults.boards import FRESH_WITHIN, STALE_AFTER, OpenBoard
from tests.faults.checks import Rows, check_ages, check_boards, check_stream, check_writes
from tests.faults.finding import Finding
from tests.faults.ledger import Fate, Ledger, Operation, mark_of
from tests.faults.product import Product
from tests.faults.sources import Source
from tests.faults.stage import Stage
from tests.support.board_model import all_changes, all_late, opened

SETTLE_SECONDS = 60.0
SAY_SO_SECONDS = 15.0
"""A board says that its figures have stopped at the latest now: three heartbeats."""


class Scene:
    """Everybody around one or several processes of the service."""

    def __init__(self, stage: Stage, name: str, ledger: Ledger) -> None:
        self.stage = stage
        self.chance: random.Random = stage.chance(name)
        self.ledger = ledger
        self.sources: list[Source] = []
        self.boards: list[OpenBoard] = []
        self.finding = Finding()
        self.fresh_within = FRESH_WITHIN
        """Seconds after which a board that says it is live must have what was acknowledged."""
        self.rewritten = False
        """Whether holds are put on rows, so that a row is written more than once."""
        self.changes: list[Change] = []
        """The whole stream, once it was checked."""
        self._tasks: list[asyncio.Task[None]] = []
        self._pushing: list[asyncio.Task[None]] = []

    def people(
        self, product: Product, *, boards: int = 6, pace: float = 0.05, clock: Clock = utc_now
    ) -> None:
        """Let every source of the product's world push, and open boards."""
        world = product.world
        for number, key in enumerate(world.keys):
            units = tuple(world.units_of(number))
            seeded = random.Random(self.chance.random())
            name = f"source-{number}"
            ledger = self.ledger
            source = Source(name, units, key, product.base, ledger, seeded, pace, clock)
            self.sources.append(source)
            self._pushing.append(asyncio.create_task(source.run()))
        self.open_boards(product, boards)

    def open_boards(self, product: Product, count: int) -> None:
        """Open further boards."""
        headers = product.board_headers()
        for _ in range(count):
            seeded = random.Random(self.chance.random())
            board = OpenBoard(product.live, self.ledger, seeded, headers)
            board.fresh_within = self.fresh_within
            self.boards.append(board)
            self._tasks.append(asyncio.create_task(board.run()))

    def pace(self, seconds: float) -> None:
        """From now on sources pause so long between two reports."""
        for source in self.sources:
            source.pace = seconds

    async def warm(self) -> None:
        """Wait until reports flow and every board is live."""
        await self.recovered(time.monotonic(), count=20)

    async def recovered(
        self, since: float, *, within: float = SETTLE_SECONDS, count: int = 1
    ) -> float:
        """Wait until reports sent after `since` are kept and on every board, which says it is live.

        Returns seconds since then.
        """
        await self.wait_for(lambda: len(self._kept_since(since)) >= count, "reports", within)
        kept = self._kept_since(since)[0]

        def on_every_board() -> bool:
            return all(
                board.is_live and mark_of(board.rows.get(kept.unit, {}).get("note")) >= kept.mark
                for board in self.boards
            )

        await self.wait_for(on_every_board, "boards", within)
        return time.monotonic() - since

    async def more_kept(self, count: int, within: float = SETTLE_SECONDS) -> None:
        """Wait until so many more reports were acknowledged."""
        wanted = self.ledger.acknowledged() + count
        await self.wait_for(lambda: self.ledger.acknowledged() >= wanted, "load", within)

    async def wait_for(
        self, condition: Callable[[], bool], what: str, within: float = SETTLE_SECONDS
    ) -> None:
        """Wait for something that the outside must bring about."""
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
            for task in [*self._tasks, *self._pushing]:
                if task.done() and not task.cancelled() and task.exception() is not None:
                    await task
            await asyncio.sleep(0.02)

    def note_fault(self, since: float, *, boards_must_say: bool = True) -> None:
        """Take down when the fault that began at `since` was noticed, and shown by all boards."""
        finding = self.finding
        told = self.ledger.first_trouble(since)
        turns = [board.stopped_after(since) for board in self.boards]
        shown = [turn for turn in turns if turn is not None]
        noticed = [t for t in (told, min(shown, default=None)) if t is not None]
        finding.notice = _worst(finding.notice, min(noticed, default=None))
        if boards_must_say:
            finding.promise(len(shown) == len(turns), "a board never said that it had stopped")
            finding.shown = _worst(finding.shown, max(shown, default=None))
            soon = finding.shown is not None and finding.shown <= SAY_SO_SECONDS + 1
            finding.promise(soon, f"boards said so only after {finding.shown} s")

    async def note_recovery(self, since: float, *, within: float = SETTLE_SECONDS) -> None:
        """Wait until all is well again after `since`, and take down how long that took."""
        self.finding.recover = _worst(
            self.finding.recover, await self.recovered(since, within=within)
        )

    async def settle(self) -> None:
        """Let what was begun be finished, and begin nothing new."""
        for source in self.sources:
            source.stop()
        if not self._pushing:
            return
        done, late = await asyncio.wait(self._pushing, timeout=SETTLE_SECONDS)
        for task in done:
            await task
        self.finding.promise(not late, f"{len(late)} sources were never answered")

    async def check(self, products: Sequence[Product], store_url: str) -> Finding:
        """Stop the sources, and hold everything against everything."""
        await self.settle()
        async with opened(store_url, start=False) as board:
            changes, late = await _all(board)
            self.changes = changes
            self.check_writes(changes, late)
            stored = {row.unit: row.row for row in (await board.snapshot(CLUSTER)).rows}
            check_stream(self.finding, changes, stored, rewritten=self.rewritten)
        for product in products:
            await self.check_boards(product, stored)
        return self.finding

    def check_writes(self, changes: Sequence[Change], late: Sequence[LateReading]) -> None:
        """What was acknowledged is there once; sources and boards saw nothing that cannot be."""
        operations = self.ledger.operations
        check_writes(self.finding, operations, changes, late, rewritten=self.rewritten)
        for source in self.sources:
            self.finding.broken += source.broken
        for board in self.boards:
            self.finding.broken += board.broken
        self.finding.not_fresh += sum(board.lies for board in self.boards)

    async def check_boards(self, product: Product, stored: dict[str, bytes]) -> None:
        """Every board of a process, and the process itself, show what is stored."""
        rows = {unit: orjson.loads(row) for unit, row in stored.items()}
        check_ages(self.finding, rows, self.ledger.by_mark, STALE_AFTER)
        mine = [board for board in self.boards if board.url == product.live]
        try:
            await self.wait_for(lambda: all(b.is_live and b.rows == rows for b in mine), "boards")
        except AssertionError:
            self.stage.say("boards differ from what is stored")
        check_boards(self.finding, rows, [board.rows for board in mine])
        check_boards(self.finding, rows, [await self._fetched(product)])

    async def _fetched(self, product: Product) -> Rows:
        """The board as it is fetched, from a process that may only just be ready again."""
        headers = product.board_headers()
        deadline = time.monotonic() + SETTLE_SECONDS
        async with httpx.AsyncClient(timeout=10, headers=headers) as client:
            while True:
                answer = await client.get(f"{product.base}/api/v1/board/{CLUSTER}")
                if answer.status_code != 503 or time.monotonic() > deadline:
                    answer.raise_for_status()
                    return {row["unit"]: row for row in answer.json()["rows"]}
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Close boards and sources."""
        tasks = [*self._tasks, *self._pushing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _kept_since(self, since: float) -> list[Operation]:
        return [
            operation
            for operation in self.ledger.operations
            if operation.began >= since and operation.fate is Fate.APPLIED
        ]


@asynccontextmanager
async def scene(stage: Stage, name: str, *products: Product) -> AsyncIterator[Scene]:
    """A scene, closed afterwards; its products are started (in order) and ended."""
    found = Scene(stage, name, Ledger())
    try:
        for product in products:
            await product.start()
        yield found
    finally:
        await found.close()
        for product in products:
            product.end()


async def _all(board: Board) -> tuple[list[Change], list[LateReading]]:
    """Both streams, from a store that may only just be back."""
    for _ in range(50):
        try:
            return await all_changes(board, CLUSTER), await all_late(board, CLUSTER)
        except BoardUnavailableError:
            await asyncio.sleep(0.1)
    raise AssertionError("the store cannot be read")


def _worst(one: float | None, other: float | None) -> float | None:
    return max((t for t in (one, other) if t is not None), default=None)
