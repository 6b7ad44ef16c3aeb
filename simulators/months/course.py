"""The play: what happens when, sent to a service, with everything kept in the log.

    log = await play(plan, land, outlet, tell)

One thing is done at a time, each at an instant of its own. While a hold is alive the clock goes in
steps of under a minute, because that is how often a service that is up looks at it.
"""

import heapq
import random
from collections.abc import Awaitable, Callable

from simulators.months.calls import Calls
from simulators.months.coordinator import Coordinator
from simulators.months.feeds import Feeds
from simulators.months.land import DAY, HOUR, MINUTE, Land, Unit
from simulators.months.log import Log, Step
from simulators.months.outlet import Live, Outlet
from simulators.months.plan import Plan, local, midnight
from simulators.months.truth import OWN_LOAD, STAYS, Truth, share_of

STEP = 45_000
"""The longest step of the clock while a hold is alive. The store notes the time at least every ten
seconds, and takes more than a minute since for a jump of the clock, by which it moves deadlines.
"""
Act = Callable[[], Awaitable[None]]


class Course:
    """The calendar, and who acts by it."""

    def __init__(self, plan: Plan, land: Land, outlet: Outlet) -> None:
        self.plan, self.land, self.outlet = plan, land, outlet
        self.log = Log()
        self.now = plan.opens
        self.end = midnight(plan.end)
        self.truth = Truth(land, random.Random(f"{plan.seed} truth"))
        self.live: dict[str, Live] = {}
        self._agenda: list[tuple[int, int, bool, Act]] = []
        self._count = 0
        self._ways = random.Random(f"{plan.seed} ways")
        self.feeds, self.calls = Feeds(self), Calls(self)
        self.coordinator = Coordinator(self)

    def at(self, when: int, act: Act, *, silent: bool = False) -> None:
        """Do something at an instant; `silent` is what the service has no part in."""
        self._count += 1
        heapq.heappush(self._agenda, (when, self._count, silent, act))

    def chance(self, name: str) -> random.Random:
        """Chances of their own, so that one habit more leaves all else as it was."""
        return random.Random(f"{self.plan.seed} {name}")

    async def run(self, tell: Callable[[str], None]) -> Log:
        """Play to the end; `tell` gets a word each week."""
        self.feeds.begin()
        self.calls.begin()
        self.coordinator.begin()
        for unit in self.land.of_kind(*STAYS):
            for _ in range(self.truth.present[unit.id]):
                self._leave_later(unit, self.now)
            self._come_later(unit, self.now)
        told = 0
        while self._agenda and self._agenda[0][0] < self.end:
            when, _, silent, act = heapq.heappop(self._agenda)
            if silent:
                await act()
                continue
            await self._move(max(when, self.now + 1000))
            await self._look()
            await act()
            await self.outlet.settle()
            await self._look()
            if (weeks := (self.now - self.plan.opens) // (7 * DAY)) > told:
                told = weeks
                done = f"{self.log.documents} documents, {self.log.calls} calls"
                tell(f"{local(self.now):%d-%m}: {done}")
        await self._move(self.end + HOUR)
        await self._look()
        return self.log

    async def _look(self) -> None:
        """The surge level follows from what is seen now."""
        await self.outlet.look()
        seen = len(self.log.said) + len(self.log.steps)
        self.log.looks.append((self.now, seen))

    async def _move(self, to: int) -> None:
        """The clock goes on, not too fast while a hold is alive."""
        while True:
            ends = min((hold.expires for hold in self.live.values()), default=None)
            stop = to if ends is None else min(to, self.now + STEP, ends)
            self.now = stop
            await self.outlet.be(stop)
            if over := [each for each in self.live.values() if each.expires <= stop]:
                for hold in over:
                    self.note(hold, "expired")
                await self.outlet.settle()
            if stop >= to:
                return

    def note(self, hold: Live, state: str) -> None:
        """A hold came into a state, now."""
        hold.state = state
        self.log.steps.append(
            Step(self.now, hold.id, hold.unit, state, hold.asked, hold.agreement, hold.borrower)
        )
        if state in ("asked", "accepted"):
            self.live[hold.id] = hold
        else:
            self.live.pop(hold.id, None)

    # Those who come and go without the board

    def _come_later(self, unit: Unit, since: int) -> None:
        mean = STAYS[unit.kind] / (OWN_LOAD[unit.kind] * self.truth.size(unit))
        busy = max(0.15, share_of(local(since).hour))
        when = since + round(self._ways.expovariate(busy / mean))

        async def come() -> None:
            if self.truth.has_room(unit, when):
                self.arrived(unit, when)
            self._come_later(unit, when)

        self.at(when, come, silent=True)

    def arrived(self, unit: Unit, when: int) -> None:
        """Somebody came, and will leave."""
        self.truth.present[unit.id] += 1
        self._leave_later(unit, when)

    def _leave_later(self, unit: Unit, since: int) -> None:
        async def leave() -> None:
            self.truth.present[unit.id] -= 1

        stay = max(20 * MINUTE, round(self._ways.expovariate(1 / STAYS[unit.kind])))
        self.at(since + stay, leave, silent=True)
