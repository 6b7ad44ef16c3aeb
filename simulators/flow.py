"""The parts a day of patients is made of: a clockwork of events, a queue, a ward, a booking list.

Each keeps its own count of who has arrived and who has left, so that nobody can get lost.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count

from simulators.hours import DAY, Rates

Action = Callable[[], None]


class Clockwork:
    """Runs actions in the order of their simulated minute; equal minutes in order of planning."""

    def __init__(self, start: float) -> None:
        self.now = start
        self._planned: list[tuple[float, int, Action]] = []
        self._order = count()

    def at(self, minute: float, action: Action) -> None:
        """Plan an action; one in the past happens as soon as possible."""
        heapq.heappush(self._planned, (max(minute, self.now), next(self._order), action))

    def run_until(self, minute: float) -> None:
        """Let time pass; everything planned up to and including `minute` happens."""
        while self._planned and self._planned[0][0] <= minute:
            self.now, _, action = heapq.heappop(self._planned)
            action()
        self.now = max(self.now, minute)


class Queue:
    """First come, first served, by as many as are at work in this hour.

    Whoever is being served when the shift ends is served to the end, and a queue is never left
    standing: while somebody waits, one stays on.
    """

    def __init__(
        self,
        clock: Clockwork,
        at_work: Callable[[float], int],
        service: Callable[[], float],
        mean_service: float,
    ) -> None:
        """`service` draws the minutes one takes; `mean_service` is what people are told."""
        self._clock, self._at_work, self._service = clock, at_work, service
        self._mean = mean_service
        self._line: deque[Action | None] = deque()
        self.busy = self.arrived = self.left = 0
        self._ends: list[float] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    @property
    def servers(self) -> int:
        """How many are at work now, those included who finish what they began."""
        return max(self._at_work(self._clock.now), self.busy)

    def arrive(self, then: Action | None = None) -> None:
        """One more in the line; `then` happens when served."""
        self.arrived += 1
        self._line.append(then)
        self.fill()

    def fill(self) -> None:
        """Begin with those who can be served now; called again when a shift begins."""
        able = self._at_work(self._clock.now)
        while self._line and self.busy < max(able, 1):
            then = self._line.popleft()
            end = self._clock.now + self._service()
            self.busy += 1
            heapq.heappush(self._ends, end)
            self._clock.at(end, partial(self._finish, then))

    def _finish(self, then: Action | None) -> None:
        heapq.heappop(self._ends)
        self.busy -= 1
        self.left += 1
        if then is not None:
            then()
        self.fill()

    def wait_minutes(self) -> int:
        """The wait that the next to arrive is told, by the usual rule of thumb."""
        if self.busy < self.servers:
            return 0
        return math.ceil((self.waiting + 0.5) * self._mean / max(self.servers, 1))

    def next_end(self) -> float | None:
        """The minute at which the first of those now busy is done."""
        return self._ends[0] if self._ends else None


class Ward:
    """Beds with people in them; more people than beds is what happens, not an error."""

    def __init__(self, clock: Clockwork) -> None:
        self._clock = clock
        self.present = self.arrived = self.left = 0

    def admit(self, leaves: float) -> None:
        """One more, who leaves at that minute."""
        self.arrived += 1
        self.present += 1
        self._clock.at(leaves, self._leave)

    def _leave(self) -> None:
        self.present -= 1
        self.left += 1


class Slots:
    """Appointments at fixed times each day, bookable until the end of tomorrow."""

    def __init__(self, times: tuple[float, ...], notice: float) -> None:
        """`times` in minutes after midnight; `notice` is how soon one can be at the earliest."""
        self._times, self._notice = times, notice
        self._booked: set[float] = set()
        self.turned_away = 0

    def open_at(self, now: float) -> list[float]:
        """The bookable appointments, booked ones included, as minutes."""
        midnight = now // DAY * DAY
        every = [midnight + day * DAY + time for day in (0, 1) for time in self._times]
        return [minute for minute in every if minute >= now + self._notice]

    def book(self, now: float) -> None:
        """Take the first free one; nobody is turned away unless all are taken."""
        self._booked = {minute for minute in self._booked if minute >= now}
        free = self.free_at(now)
        if free:
            self._booked.add(free[0])
        else:
            self.turned_away += 1

    def free_at(self, now: float) -> list[float]:
        """The appointments that can be had."""
        return [minute for minute in self.open_at(now) if minute not in self._booked]


def every(clock: Clockwork, rates: Rates, rng: random.Random, action: Action) -> None:
    """Let `action` happen again and again at those rates."""

    def plan() -> None:
        clock.at(rates.reached(clock.now, rng.expovariate(1)), happen)

    def happen() -> None:
        action()
        plan()

    plan()
