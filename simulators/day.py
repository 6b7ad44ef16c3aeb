"""A day of acute patients in a cluster, as counts: seeded, event by event, by simulated time.

The same scenario, seed and beginning give the same course, however the time is cut into steps.
Every part draws from a generator of its own, so that changing one leaves the others as they were
(but for what really passes between them: a stay that ends in hospital, a call that leads to a
place). No real patients and no persons at all: somebody who arrives is one more in a count.
"""

import random

from simulators.figures import Figures
from simulators.flow import Clockwork, Queue, Slots, Ward, every
from simulators.hours import DAY, HOUR, Rates, hour_of
from simulators.lines import CallLine, VehicleFleet
from simulators.municipal import PlaceFlow, TeamUnit
from simulators.scenario import Scenario

WARM_UP = 14 * DAY
"""So long runs the model before anyone looks: several of its longest usual stays."""


class AcuteDepartment:
    """People in the acute department, and the line of those not yet received."""

    def __init__(self, clock: Clockwork, scenario: Scenario, rng: random.Random) -> None:
        self._clock, self._rng, self.spec = clock, rng, scenario.acute_department
        self._leaving = Rates(self.spec.leaving_by_hour)
        self.ward = Ward(clock)
        self.reception = Queue(
            clock,
            lambda minute: self.spec.reception_by_hour[hour_of(minute)],
            lambda: self.spec.reception.draw(rng),
            self.spec.reception.mean,
        )
        rates = Rates.spread(self.spec.arrivals_per_day, self.spec.arrivals_by_hour)
        every(clock, rates, rng, self.arrive)

    def arrive(self) -> None:
        """One more acute patient."""
        self.ward.admit(self._leaving.reached(self._clock.now, self._rng.expovariate(1)))
        self.reception.arrive()

    def figures(self) -> Figures:
        """Beds, people in them (more than the beds when it is full), and those not received."""
        return Figures(
            kind="load",
            total=self.spec.beds,
            staffed=self.spec.beds,
            occupied=self.ward.present,
            waiting=self.reception.waiting,
        )


class Day:
    """The patient flow of a cluster. `advance` lets time pass, `figures` tells what is so now."""

    def __init__(self, scenario: Scenario, seed: int, begin: float = 8 * HOUR) -> None:
        """`begin` is the minute after midnight at which the course begins."""
        self.scenario, self._seed = scenario, seed
        clock = self._clock = Clockwork(0.0)
        self.acute = AcuteDepartment(clock, scenario, self._rng("acute department"))
        self.at_home = Ward(clock)
        self.places = PlaceFlow(
            clock,
            scenario.acute_places,
            scenario.catchment,
            self._rng("acute places"),
            self.acute.arrive,
        )
        self.teams = [
            TeamUnit(clock, team, scenario.teams, self._rng(team.unit))
            for team in scenario.teams.units
        ]
        self.slots = {
            book.unit: Slots(tuple(time * HOUR for time in book.times), book.notice)
            for book in scenario.slots
        }
        self._outcome = self._rng("outcomes")
        self.visitation = CallLine(
            clock, scenario.visitation, self._rng("visitation"), self._after_call
        )
        self.lines = [CallLine(clock, line, self._rng(line.unit)) for line in scenario.lines]
        self.advice = [CallLine(clock, line, self._rng(line.unit)) for line in scenario.advice]
        self.fleets = {
            fleet.unit: VehicleFleet(clock, fleet, self._rng(fleet.unit))
            for fleet in scenario.fleets
        }
        self._begin_hour()
        clock.run_until(WARM_UP + begin)

    def _rng(self, part: str) -> random.Random:
        return random.Random(f"{self._seed}/{part}")

    @property
    def minute(self) -> float:
        """The simulated minute it is now; days begin at multiples of 1440."""
        return self._clock.now

    def advance(self, minutes: float) -> None:
        """Let simulated time pass."""
        self._clock.run_until(self._clock.now + minutes)

    def queues(self) -> list[Queue]:
        """Every queue in the day."""
        return [
            self.acute.reception,
            *(line.queue for line in (self.visitation, *self.lines, *self.advice)),
            *(team.visits for team in self.teams),
            *(fleet.missions for fleet in self.fleets.values()),
        ]

    def figures(self) -> dict[str, Figures]:
        """What every unit would report now, by the unit names of the scenario."""
        return {
            self.acute.spec.unit: self.acute.figures(),
            self.scenario.hospital_at_home.unit: self._at_home_figures(),
            self.visitation.spec.unit: self.visitation.load(),
            **{unit: self._slot_figures(slots) for unit, slots in self.slots.items()},
            **{unit.spec.unit: unit.figures() for unit in self.places.units},
            **{team.spec.unit: team.figures() for team in self.teams},
            **{line.spec.unit: line.load() for line in self.lines},
            **{line.spec.unit: line.advice() for line in self.advice},
            **{unit: fleet.figures() for unit, fleet in self.fleets.items()},
        }

    def _begin_hour(self) -> None:
        """Shifts begin on the hour: those who come on duty take the ones who wait."""
        for queue in self.queues():
            queue.fill()
        self._clock.at((self._clock.now // HOUR + 1) * HOUR, self._begin_hour)

    def _after_call(self) -> None:
        """A visitation call is over; what it led to. The draw is always made, full or not."""
        shares, drawn = self.scenario.outcomes, self._outcome.random()
        if drawn < shares.subacute:
            books = self.scenario.slots
            book = self._outcome.choices(books, [book.share for book in books])[0]
            self.slots[book.unit].book(self.minute)
        elif drawn < shares.subacute + shares.acute_place:
            self.places.request()
        elif drawn < shares.subacute + shares.acute_place + shares.hospital_at_home:
            self._admit_at_home()

    def _admit_at_home(self) -> None:
        home = self.scenario.hospital_at_home
        if self.at_home.present < home.places:
            self.at_home.admit(self.minute + home.stay.draw(self._outcome))

    def _at_home_figures(self) -> Figures:
        places = self.scenario.hospital_at_home.places
        return Figures(kind="place", total=places, staffed=places, occupied=self.at_home.present)

    def _slot_figures(self, slots: Slots) -> Figures:
        every_one, free = slots.open_at(self.minute), slots.free_at(self.minute)
        return Figures(
            kind="slot",
            total=len(every_one),
            occupied=len(every_one) - len(free),
            next_free_at=free[0] if free else None,
        )
