"""A day of visitators and nurses against a running service; ends with a report."""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from simulators.people.board import LiveBoard, live_board
from simulators.people.diary import Diary
from simulators.people.door import Door
from simulators.people.nurse import Nurse, Temper
from simulators.people.referee import Referee
from simulators.people.visitator import Habits, Visitator

STAFFED = ("acute_place", "acute_team")
"""Kinds of units that have a nurse with a phone in this play."""
SETTLE = 15.0
"""Seconds in which every page must show the board as it is, once nobody works any more."""


@dataclass(frozen=True, slots=True)
class Duty:
    """`speed` is simulated per real time: at 480 a day takes three minutes."""

    target: str
    cluster: str
    municipalities: tuple[str, ...]
    visitators: int = 3
    hours: float = 24.0
    speed: float = 480.0
    seed: int = 1
    temper: Temper = field(default_factory=Temper)
    habits: Habits = field(default_factory=Habits)

    def minutes(self, simulated: float) -> float:
        """Real seconds of so many simulated minutes."""
        return simulated * 60 / self.speed


async def play(duty: Duty, *, quiet: bool = False) -> tuple[Diary, Referee]:
    """Play the day; returns what happened and what the referee saw. Progress goes to stderr.

    Raises whatever any of the people met that they could not act on.
    """
    diary, referee = Diary(), Referee()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=duty.target, timeout=10)
        )
        board = await stack.enter_async_context(live_board(duty.target, duty.cluster))
        board.watch(referee.look)
        nurses, visitators = await _people(duty, client, board, diary, stack)
        try:
            async with asyncio.timeout(duty.minutes(duty.hours * 60)), asyncio.TaskGroup() as work:
                for nurse in nurses:
                    work.create_task(nurse.work())
                for visitator in visitators:
                    work.create_task(visitator.work())
                if not quiet:
                    work.create_task(_progress(duty, diary, referee))
        except TimeoutError:
            pass  # the day is over
        finally:
            for nurse in nurses:
                await nurse.stop()
        await _compare(duty, client, board, referee)
    return diary, referee


async def _people(
    duty: Duty,
    client: httpx.AsyncClient,
    board: LiveBoard,
    diary: Diary,
    stack: AsyncExitStack,
) -> tuple[list[Nurse], list[Visitator]]:
    """Everybody with a page of their own open; the nurses' is another browser than the board."""
    nurses: list[Nurse] = []
    phones = await stack.enter_async_context(live_board(duty.target, duty.cluster))
    for place, row in enumerate(list(board.rows.values())):
        if row["kind"] in STAFFED:
            door = Door(client, f"/unit/{row['unit']}")
            await door.enter()
            rng = random.Random(f"{duty.seed}-{place}")
            nurse = Nurse(row, phones, door, diary, duty.minutes, rng, duty.temper)
            nurse.cluster_path = f"/api/v1/holds/{duty.cluster}"
            nurses.append(nurse)
    visitators: list[Visitator] = []
    for chair in range(duty.visitators):
        door = Door(client, f"/board/{duty.cluster}")
        await door.enter()
        page = await stack.enter_async_context(live_board(duty.target, duty.cluster))
        rng = random.Random(f"{duty.seed}-chair-{chair}")
        visitators.append(
            Visitator(
                duty.cluster,
                duty.municipalities,
                page,
                door,
                diary,
                duty.minutes,
                rng,
                duty.habits,
            )
        )
    return nurses, visitators


async def _compare(
    duty: Duty, client: httpx.AsyncClient, board: LiveBoard, referee: Referee
) -> None:
    """When nobody works any more, the page must come to show what a fresh snapshot shows."""
    deadline = time.monotonic() + SETTLE
    while True:
        fresh = (await client.get(f"/api/v1/board/{duty.cluster}")).json()
        rows = {row["unit"]: row for row in fresh["rows"]}
        if rows == board.rows or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.1)
    for unit, row in rows.items():
        referee.check(board.rows.get(unit, {}), row)


async def _progress(duty: Duty, diary: Diary, referee: Referee) -> None:
    hours = 0
    while True:
        await asyncio.sleep(duty.minutes(60))
        hours += 1
        print(
            f"hour {hours:2} of {duty.hours:.0f}: {diary.calls} calls, {diary.asks} asks, "
            f"{diary.filled.total()} filled, {len(referee.breaches)} rules broken",
            file=sys.stderr,
            flush=True,
        )


def run(duty: Duty) -> int:
    """Play and print the report; 0 when no rule was broken and nobody was turned away."""
    diary, referee = asyncio.run(play(duty))
    report: Sequence[str] = diary.lines(referee.breaches)
    print("\n".join(report))
    return 1 if referee.breaches or diary.turned_away else 0
