"""The municipal part of the day: acute places and acute teams."""

import heapq
import random
from collections import Counter
from collections.abc import Mapping
from functools import partial

from simulators.figures import Closure, Figures
from simulators.flow import Action, Clockwork, Queue, every
from simulators.hours import Rates, hour_of
from simulators.scenario import AcutePlaces, Places, Team, Teams


class PlaceUnit:
    """One unit of acute places. A place is free, reserved, occupied, being cleaned or withdrawn.

    A unit that has lost every place to a withdrawal is closed, with the reason and the time.
    """

    def __init__(self, clock: Clockwork, spec: Places) -> None:
        self._clock, self.spec = clock, spec
        self.reserved = self.occupied = self.cleaning = 0
        self.arrived = self.left = 0
        self.withdrawn: list[tuple[float, str]] = []

    @property
    def free(self) -> int:
        """Places one can have now."""
        return self.spec.places - self.reserved - self.occupied - self.closed

    @property
    def closed(self) -> int:
        """Places out of use for now."""
        return self.cleaning + len(self.withdrawn)

    def take(self, until_arrival: float, stay: float, cleaning: float, then: Action) -> None:
        """Reserve a free place for one who comes, stays, and after whom the place is cleaned."""
        now = self._clock.now
        self.reserved += 1
        self._clock.at(now + until_arrival, self._arrive)
        self._clock.at(now + until_arrival + stay, partial(self._leave, then))
        self._clock.at(now + until_arrival + stay + cleaning, self._clean)

    def _arrive(self) -> None:
        self.reserved -= 1
        self.occupied += 1
        self.arrived += 1

    def _leave(self, then: Action) -> None:
        self.occupied -= 1
        self.left += 1
        self.cleaning += 1
        then()

    def _clean(self) -> None:
        self.cleaning -= 1

    def withdraw(self, until: float, reason: str) -> None:
        """Take one free place out of use, if there is one, until that minute."""
        if self.free > 0:
            entry = (until, reason)
            self.withdrawn.append(entry)
            self._clock.at(until, lambda: self.withdrawn.remove(entry))

    def figures(self) -> Figures:
        """What the unit would report now."""
        wholly = len(self.withdrawn) == self.spec.places
        first = min(self.withdrawn) if wholly else None
        return Figures(
            kind="place",
            total=self.spec.places,
            staffed=self.spec.places - len(self.withdrawn),
            occupied=self.occupied,
            reserved=self.reserved,
            closed=self.closed,
            closure=Closure(first[1], first[0]) if first else None,
        )


class PlaceFlow:
    """Requests for acute places: one's own municipality first, then whoever has a place free."""

    def __init__(
        self,
        clock: Clockwork,
        spec: AcutePlaces,
        catchment: Mapping[str, float],
        rng: random.Random,
        to_hospital: Action,
    ) -> None:
        """`to_hospital` happens when a stay ends in hospital."""
        self._clock, self._spec, self._rng = clock, spec, rng
        self._municipalities, self._weights = list(catchment), list(catchment.values())
        self._to_hospital = to_hospital
        self.units = [PlaceUnit(clock, unit) for unit in spec.units]
        self.turned_away = self.ended_in_hospital = 0
        every(clock, Rates.spread(spec.requests_per_day, spec.requests_by_hour), rng, self.request)
        withdrawals = Rates([spec.withdrawals_per_unit_per_day / 24] * 24)
        for unit in self.units:
            every(clock, withdrawals, rng, partial(self._withdraw, unit))

    def request(self) -> None:
        """Somebody asks for a place."""
        home = self._rng.choices(self._municipalities, self._weights)[0]
        free = [unit for unit in self.units if unit.free > 0]
        free.sort(key=lambda unit: unit.spec.municipality != home)
        to_hospital = self._rng.random() < self._spec.to_hospital_share
        stay = self._spec.stay_before_hospital if to_hospital else self._spec.stay
        until_arrival, minutes, cleaning = (
            length.draw(self._rng)
            for length in (self._spec.until_arrival, stay, self._spec.cleaning)
        )
        if free:
            free[0].take(
                until_arrival, minutes, cleaning, self._ends_in_hospital if to_hospital else _home
            )
        else:
            self.turned_away += 1

    def _ends_in_hospital(self) -> None:
        self.ended_in_hospital += 1
        self._to_hospital()

    def _withdraw(self, unit: PlaceUnit) -> None:
        until = self._clock.now + self._spec.withdrawal.draw(self._rng)
        unit.withdraw(until, self._rng.choice(self._spec.withdrawal_reasons))


class TeamUnit:
    """One acute team: citizens in a course at home, and the visits their courses need."""

    def __init__(self, clock: Clockwork, spec: Team, ways: Teams, rng: random.Random) -> None:
        self._clock, self.spec, self._ways, self._rng = clock, spec, ways, rng
        self.visits = Queue(
            clock,
            lambda minute: spec.crews_by_hour[hour_of(minute)],
            lambda: ways.visit.draw(rng),
            ways.visit.mean,
        )
        self.at_home = self.arrived = self.left = 0
        self.referred_by: Counter[str] = Counter()
        self._due: list[float] = []
        every(clock, Rates.spread(spec.new_citizens_per_day, ways.by_hour), rng, self._refer)

    def _refer(self) -> None:
        by = self._rng.choices(list(self._ways.referrers), list(self._ways.referrers.values()))[0]
        self.referred_by[by] += 1
        self.arrived += 1
        self.at_home += 1
        now = self._clock.now
        ends = now + self._ways.course.draw(self._rng)
        self._clock.at(ends, self._end)
        visit = now + self._ways.response.draw(self._rng)
        while visit < ends:
            heapq.heappush(self._due, visit)
            self._clock.at(visit, self._visit)
            visit += self._ways.between_visits.draw(self._rng)

    def _end(self) -> None:
        self.at_home -= 1
        self.left += 1

    def _visit(self) -> None:
        heapq.heappop(self._due)
        self.visits.arrive()

    def figures(self) -> Figures:
        """Crews: at work, on a visit, and promised to a visit within the next half hour or so."""
        crews, busy = self.visits.servers, self.visits.busy
        soon = self._clock.now + self._ways.promised_within
        promised = self.visits.waiting + sum(1 for due in self._due if due <= soon)
        reserved = min(promised, crews - busy)
        return Figures(
            kind="team",
            total=crews,
            staffed=crews,
            occupied=busy,
            reserved=reserved,
            closed=0,
            on_duty=crews > 0,
            next_free_at=self.visits.next_end() if busy + reserved >= crews else None,
        )


def _home() -> None:
    """The stay ends at home; nobody else has to know."""
