"""What truly happens in the units: people who come and go, and the queues and appointments."""

import asyncio
import random
from collections.abc import Callable, Coroutine

import httpx

from simulators.country.land import Unit
from simulators.country.system import System
from simulators.figures import Figures
from simulators.people.board import LiveBoard
from simulators.people.diary import Diary
from simulators.people.door import Door
from simulators.people.nurse import Nurse, Temper

# All of it assumed, to give figures that move as often as real ones might: a place is taken for
# eight hours (so that a day sees it become free again), a visit for one.
STAY_MINUTES = {"place": 8 * 60.0, "team": 60.0}
COMES_EVERY = {"place": 3 * 60.0, "team": 25.0}
CHANGES_PER_DAY = {"ward": 154.0, "visitation": 220.0, "home": 12.0, "slot": 36.0}
"""77 acute admissions a day and as many discharges, 110 calls begun and ended (docs/simulators.md:
the Randers day); the others assumed."""
RANGE = {"ward": (20, 56), "visitation": (0, 9), "home": (0, 8), "slot": (2, 18)}
BY_HOUR = (
    0.4, 0.3, 0.3, 0.3, 0.3, 0.4, 0.6, 0.9, 1.2, 1.7, 1.8, 1.8,
    1.7, 1.6, 1.5, 1.4, 1.4, 1.3, 1.2, 1.1, 0.9, 0.8, 0.6, 0.5,
)  # fmt: skip
"""How busy an hour of the day is, by its share of an even one."""

Minutes = Callable[[float], float]
"""Simulated minutes as real seconds."""
HourOf = Callable[[], int]


class Ward(Nurse):
    """A municipal unit with its nurse. Her phone answers asks; the figures come from the care
    record system, or from her taps where there is none. Citizens also come without an ask."""

    def __init__(
        self,
        unit: Unit,
        board: LiveBoard,
        door: Door,
        diary: Diary,
        minutes: Minutes,
        rng: random.Random,
    ) -> None:
        row = {"unit": unit.id, "total": unit.places}
        temper = Temper(stay=STAY_MINUTES[unit.role])
        super().__init__(row, board, door, diary, minutes, rng, temper)
        self.cluster_path = f"/api/v1/holds/{unit.cluster}"
        self.system: System | None = None
        self.place = unit
        self._is_home = False

    def figures(self) -> Figures:
        """Whom the care record system knows of; who is promised a place is the board's affair."""
        return Figures(
            kind="team" if self.place.role == "team" else "place",
            total=self._places,
            staffed=self._places,
            occupied=self._present,
            reserved=0,
            closed=0,
            on_duty=True if self.place.role == "team" else None,
        )

    async def stop(self) -> None:
        """Go home; asks that come from now on stay unanswered, also those on a page still open."""
        self._is_home = True
        await super().stop()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        if self._is_home:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """An answer that could not be given expires; every other error is told."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, httpx.HTTPError):
            self._diary.answers["not delivered"] += 1
        elif error is not None:
            task.get_loop().call_exception_handler({"message": self.unit, "exception": error})

    async def say_again(self) -> None:
        """How it stands, once nobody comes or goes any more."""
        if self.system is None:
            await super()._say()
        else:
            await self.system.tell()

    async def work(self) -> None:
        """Answer and report, while citizens come."""
        async with asyncio.TaskGroup() as both:
            both.create_task(super().work())
            both.create_task(self._come())

    async def _come(self) -> None:
        """Citizens whom no visitator sent: they take what nobody was promised."""
        while True:
            pause = self._rng.expovariate(1 / COMES_EVERY[self.place.role])
            await asyncio.sleep(self._minutes(pause))
            if self._places - self._present - self._coming > 0:
                self._present += 1
                self._start(self._leave_later())
                await self._say()

    async def _say(self) -> None:
        """A tap that cannot be delivered is made good by the next; she goes on working."""
        if self.system is not None:
            self.system.touch()
            return
        try:
            await super()._say()
        except httpx.HTTPError:
            self._diary.answers["not delivered"] += 1


class Tide:
    """A hospital unit of which one number rises and falls through the day."""

    def __init__(self, unit: Unit, value: int, minutes: Minutes, hour: HourOf, seed: int) -> None:
        self.place, self._value = unit, value
        self._minutes, self._hour = minutes, hour
        self._low, self._high = RANGE[unit.role]
        self._rng = random.Random(f"{seed}/tide/{unit.id}")
        self.system: System | None = None
        self._has_moved = False

    def figures(self) -> Figures:
        """The unit as its system can have told it: movements tell no number until the first."""
        if self.place.role == "visitation":
            return Figures(kind="load", waiting=self._value, wait_minutes=4 * self._value)
        if self.place.role == "slot":
            return Figures(kind="slot", total=self.place.places, occupied=self._value)
        places = self.place.places
        known = self._has_moved or self.place.role != "ward"
        return Figures(
            kind="place",
            total=places,
            staffed=places,
            occupied=self._value if known else None,
            reserved=0,
            closed=0,
        )

    async def work(self) -> None:
        """Rise and fall until cancelled, more often in busy hours, towards the middle."""
        assert self.system is not None
        per_minute = CHANGES_PER_DAY[self.place.role] / (24 * 60)
        while True:
            busy = per_minute * BY_HOUR[self._hour()]
            await asyncio.sleep(self._minutes(self._rng.expovariate(busy)))
            room = (self._high - self._value) / (self._high - self._low)
            step = 1 if self._rng.random() < room else -1
            self._value += step
            self._has_moved = True
            if self.place.role == "ward":
                self.system.move(self.place, step)
            else:
                self.system.touch()
