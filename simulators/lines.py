"""Queues of callers and visitors by the hour, and vehicles on missions."""

import random

from simulators.figures import Closure, Figures
from simulators.flow import Action, Clockwork, Queue, every
from simulators.hours import DAY, HOUR, Rates, hour_of
from simulators.scenario import Fleet, Line


class CallLine:
    """A telephone line or a waiting room; some days are busier than others."""

    def __init__(
        self, clock: Clockwork, spec: Line, rng: random.Random, then: Action | None = None
    ) -> None:
        """`then` happens to each who has been served."""
        self._clock, self.spec, self._rng, self._then = clock, spec, rng, then
        self.queue = Queue(clock, spec.at_work, lambda: spec.service.draw(rng), spec.service.mean)
        self._today = spec.most_per_day
        self._begin_day()
        every(clock, Rates.spread(spec.most_per_day, spec.by_hour), rng, self._perhaps_arrive)

    def _begin_day(self) -> None:
        self._today = self._rng.uniform(self.spec.least_per_day, self.spec.most_per_day)
        self._clock.at((self._clock.now // DAY + 1) * DAY, self._begin_day)

    def _perhaps_arrive(self) -> None:
        if self._rng.random() * self.spec.most_per_day < self._today:
            self.queue.arrive(self._then)

    def _open(self) -> bool:
        return self.spec.at_work(self._clock.now) > 0

    def _wait(self) -> int | None:
        return self.queue.wait_minutes() if self._open() else None

    def load(self) -> Figures:
        """Who waits and for how long; a line with a reason for being closed says when it opens."""
        now = self._clock.now
        closure = None
        if not self._open() and self.spec.closed_reason is not None:
            closure = Closure(self.spec.closed_reason, self._opens(now), reopens_itself=True)
        return Figures(
            kind="load",
            waiting=self.queue.waiting,
            wait_minutes=self._wait(),
            closure=closure,
        )

    def advice(self) -> Figures:
        """Whether the line answers, and its queue."""
        return Figures(
            kind="advice",
            on_duty=self._open(),
            waiting=self.queue.waiting,
            wait_minutes=self._wait(),
        )

    def _opens(self, now: float) -> float:
        hours = (now // HOUR * HOUR + ahead * HOUR for ahead in range(1, 25))
        return next(minute for minute in hours if self.spec.at_work(minute) > 0)


class VehicleFleet:
    """Vehicles on duty and on missions."""

    def __init__(self, clock: Clockwork, spec: Fleet, rng: random.Random) -> None:
        self.missions = Queue(
            clock,
            lambda minute: spec.vehicles_by_hour[hour_of(minute)],
            lambda: spec.mission.draw(rng),
            spec.mission.mean,
        )
        every(clock, Rates.spread(spec.missions_per_day, spec.by_hour), rng, self.missions.arrive)

    def figures(self) -> Figures:
        """Vehicles at work and taken; when the next is back where none is left."""
        vehicles, busy = self.missions.servers, self.missions.busy
        return Figures(
            kind="team",
            total=vehicles,
            staffed=vehicles,
            occupied=busy,
            reserved=0,
            closed=0,
            on_duty=vehicles > 0,
            next_free_at=self.missions.next_end() if busy >= vehicles else None,
        )
