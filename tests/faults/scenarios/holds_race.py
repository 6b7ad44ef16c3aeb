"""Fifty people ask for, answer and end holds on a few units, while the store is killed.

Reports change the same rows meanwhile. No place may be promised twice, no hold lost or freed early,
none answered in two ways.
"""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import orjson

from capacity.board import START, Board
from capacity.holds import LIVE, HoldState
from capacity.instants import parse_instant, utc_now
from tests.bench.world import CLUSTER
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.board_model import all_changes, insisting, opened, until
from tests.support.holds import (
    NURSE_OF_UNIT,
    VISITATOR,
    assert_never_too_many,
    assert_row_follows,
    last_records,
)
from tests.support.stores import StoreServer

NAME = "holds race"
NUMBER = 9
HAZARD = 6
PEOPLE, ROUNDS = 50, 6
LENGTHS = (0.02, 0.3, 60.0)
_KILLS_EVERY = 2.0
SWEPT_WITHIN = 40.0


async def run(stage: Stage) -> Finding:
    """Everybody at once, with the store killed now and then."""
    store = StoreServer(stage.folder / "race")
    store.start()
    try:
        product = Product(stage.world(units=4, sources=2), redis_url=store.url)
        async with scene(stage, NAME, product) as here, AsyncExitStack() as stack:
            here.rewritten = True
            here.people(product, pace=0.2)
            await here.warm()
            boards = [await stack.enter_async_context(opened(store.url)) for _ in range(6)]
            people = asyncio.gather(*(_person(here, boards, me) for me in range(PEOPLE)))
            killed = time.monotonic()
            for _ in range(max(2, stage.plan.kills // 20)):
                await asyncio.sleep(here.chance.uniform(0.5, 1) * _KILLS_EVERY)
                if people.done():
                    break
                killed = time.monotonic()
                store.kill()
                await asyncio.sleep(0.1)
                store.start()
            answered = sum(await people)
            here.note_fault(killed, boards_must_say=False)
            await here.note_recovery(time.monotonic())
            await _swept(boards[0])
            await here.settle()
            await _check_holds(here, boards[0], answered)
            return await here.check([product], store.url)
    finally:
        store.close()


async def _person(here: Scene, boards: list[Board], me: int) -> int:
    """One visitator and the nurse who answers; how many holds they got."""
    chance = random.Random(f"{here.stage.seed} {NAME} {me}")
    board, got = boards[me % len(boards)], 0
    units = [unit for source in here.sources for unit in source.units]
    for number in range(ROUNDS):
        length = timedelta(seconds=LENGTHS[(me + number) % len(LENGTHS)])
        unit = chance.choice(units)
        asked = partial(board.ask_hold, CLUSTER, unit, length, VISITATOR)
        answer = await insisting(partial(asked, request_id=f"{me}-{number}"))
        again = await insisting(partial(asked, request_id=f"{me}-{number}"))
        here.finding.promise(again == answer, "a repeated ask was answered otherwise")
        if answer.hold is None:
            await asyncio.sleep(chance.uniform(0, 0.2))
            continue
        got += 1
        end = (HoldState.CANCELLED, HoldState.RELEASED, HoldState.FILLED)[me % 3]
        for to in (HoldState.ACCEPTED, end):
            await asyncio.sleep(chance.uniform(0, 0.3))  # about when the short ones run out
            move = partial(board.move_hold, CLUSTER, answer.hold["id"], to, NURSE_OF_UNIT)
            await insisting(partial(move, request_id=f"{me}-{number}-{to}"))
    return got


async def _swept(board: Board) -> None:
    """Wait until what ran out is marked so; the service looks for it each second."""

    async def none_is_due() -> bool:
        live = [hold for hold in await board.holds(CLUSTER) if HoldState(hold["state"]) in LIVE]
        return all(parse_instant(hold["expires_at"]) > utc_now() for hold in live)

    await until(none_is_due, SWEPT_WITHIN)


async def _check_holds(here: Scene, board: Board, answered: int) -> None:
    """The journal, the stream and the rows tell the same, and no place was promised twice."""
    entries = (await board.journal_after(CLUSTER, START, 100_000)).entries
    records = last_records(entry for entry in entries if entry.kind == "hold")
    here.finding.promise(len(records) == answered, f"{len(records)} holds, {answered} promised")
    ran_out = [record for record in records.values() if record["state"] == HoldState.EXPIRED]
    early = sum(
        parse_instant(record["ended_at"]) < parse_instant(record["expires_at"])
        for record in ran_out
    )
    here.finding.promise(not early, f"{early} holds were freed early")
    for unit, rows in (await _rows(board)).items():
        try:
            assert_row_follows(rows[-1], records)
            assert_never_too_many(rows)
        except AssertionError as error:
            here.finding.broken.append(f"{unit}: {str(error)[:200]}")
    here.finding.notes.append(f"{len(records)} holds by {PEOPLE} people, {len(ran_out)} ran out")


async def _rows(board: Board) -> dict[str, list[Any]]:
    """Every row that ever stood, by unit."""
    by_unit: dict[str, list[Any]] = {}
    for change in await all_changes(board, CLUSTER):
        if change.row:
            by_unit.setdefault(change.unit, []).append(orjson.loads(change.row))
    return by_unit
