"""A nurse and her unit: what is truly there, what she says of it, and how she answers asks."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from simulators.people.board import LiveBoard, Row
from simulators.people.diary import Diary
from simulators.people.door import Door


@dataclass(frozen=True, slots=True)
class Temper:
    """How a nurse is. Times in simulated minutes, shares from 0 to 1."""

    answers_after: float = 1.5
    overlooks: float = 0.06
    declines: float = 0.08
    reports_every: float = 120.0
    transport: float = 35.0
    stay: float = 8 * 60.0
    """Shorter than a real stay (3.6 days), so that a day sees places become free again."""


class Nurse:
    """One unit. `places` is what it has, `present` who is there, `coming` whom she promised."""

    def __init__(
        self,
        row: Row,
        board: LiveBoard,
        door: Door,
        diary: Diary,
        minutes: Callable[[float], float],
        rng: random.Random,
        temper: Temper,
    ) -> None:
        """`minutes` turns simulated minutes into real seconds."""
        self.unit: str = row["unit"]
        self.cluster_path = ""
        self._places = max(1, row["total"] or 2)
        self._present = rng.randint(0, self._places - 1) if self._places > 1 else 0
        self._coming = 0
        self._board, self._door, self._diary = board, door, diary
        self._minutes, self._rng, self._temper = minutes, rng, temper
        self._answered: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Say how it stands, then answer and report until the duty ends."""
        await self._say()
        self._board.watch(self._look)
        self._look(self._board.rows[self.unit])
        for _ in range(self._present):
            self._start(self._leave_later())
        while True:
            await asyncio.sleep(self._minutes(self._temper.reports_every))
            await self._say()

    async def stop(self) -> None:
        """Go home."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look(self, row: Row) -> None:
        if row["unit"] != self.unit:
            return
        for hold in row["holds"]:
            if hold["state"] == "asked" and hold["id"] not in self._answered:
                self._answered.add(hold["id"])
                self._start(self._answer(hold["id"], time.monotonic()))

    async def _answer(self, hold: str, came: float) -> None:
        if self._rng.random() < self._temper.overlooks:
            return
        await asyncio.sleep(self._minutes(self._rng.expovariate(1 / self._temper.answers_after)))
        room = self._places - self._present - self._coming > 0
        if not room or self._rng.random() < self._temper.declines:
            reason = "no_staff" if room else "place_taken"
            await self._move(hold, "decline", {"reason": reason})
            return
        self._coming += 1
        status = await self._move(hold, "accept", {})
        if status != 200:
            self._coming -= 1
            return
        took = (time.monotonic() - came) / self._minutes(1.0)
        self._diary.minutes_to_answer.append(took)
        await self._receive(hold)

    async def _receive(self, hold: str) -> None:
        await asyncio.sleep(self._minutes(self._rng.expovariate(1 / self._temper.transport)))
        self._coming -= 1
        if self._present >= self._places:
            self._diary.turned_away += 1
            return
        self._present += 1  # there, before it is written down: nobody else is promised the place
        if await self._move(hold, "fill", {}) != 200:
            self._present -= 1
            return
        self._diary.filled[self.unit] += 1
        self._start(self._leave_later())
        await self._say()

    async def _leave_later(self) -> None:
        await asyncio.sleep(self._minutes(self._rng.expovariate(1 / self._temper.stay)))
        self._present -= 1
        await self._say()

    async def _say(self) -> None:
        """Every empty place, also those that are promised: the board takes holds off itself."""
        self._diary.taps += 1
        free = self._places - self._present
        status, body = await self._door.post(f"/api/v1/units/{self.unit}/report", {"free": free})
        if status == 200 and body["outcome"] == "superseded":
            self._diary.superseded += 1

    async def _move(self, hold: str, action: str, body: dict[str, object]) -> int:
        status, _ = await self._door.post(f"{self.cluster_path}/{hold}/{action}", body)
        return status

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
