"""One day of the whole country: everybody takes their seat, works, and is checked at the end."""

import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice

import httpx

from simulators.country.checks import Checks
from simulators.country.crowd import Crowd
from simulators.country.files import Keys
from simulators.country.land import Land
from simulators.country.processes import Cost, costs
from simulators.country.report import Outcome, spread
from simulators.country.scene import MUNICIPAL, Play, Scene, furnish
from simulators.country.system import System
from simulators.country.tally import Tally
from simulators.country.units import Tide, Ward
from simulators.faults import Fault, Kind
from simulators.people.diary import Diary
from simulators.people.visitator import Visitator

DAY_HOURS = 24.0
BEGIN_HOUR = 8.0
"""When less than a day is played, it begins here."""
TELL_AT_LEAST = 60.0
"""Simulated minutes after which a system tells again although nothing changed."""
FAULT_EVERY, FAULT_LASTS, FAULT_AT_LEAST = 45.0, 60.0, 2.0
"""Simulated minutes between two faults and of each; but each lasts so many real seconds."""
CUT_SHARE = 0.01
"""Of the boards, that lose their connection with each fault."""
FAULTS = tuple(kind for kind in Kind if kind is not Kind.NONE)
FAULTS_OF_MOVEMENTS = (Kind.REPEATED,)
"""A movement that is lost is never made good: only what repeats itself may befall those."""
LAST_WORDS = 30.0
"""Seconds in which pushes under way must have been answered when the day is over."""
LATENESS_EVERY = 0.05
PROGRESS = 10.0
GIVEN_UP_FOR = 2.0
"""Real seconds after which somebody who could not reach the service tries again."""
"""Real seconds between two lines of progress."""


@dataclass(frozen=True, slots=True)
class Day:
    """How the day is played. `speed` is simulated per real time, `minutes` are real ones.

    `weighed` are the roots of the process trees whose CPU and memory are told.
    """

    target: str
    land: Land
    keys: Keys
    invitation: str
    boards: int = 5000
    visitators: int = 2
    speed: float = 288.0
    minutes: float = 5.0
    seed: int = 1
    faults: bool = True
    weighed: Sequence[int] = ()
    quiet: bool = False
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once everybody is there."""

    @property
    def hours(self) -> float:
        """Simulated hours that are played."""
        return self.minutes / 60 * self.speed

    def say(self, text: str) -> None:
        """A line of progress."""
        if not self.quiet:
            print(f"country: {text}", file=sys.stderr, flush=True)

    def real(self, minutes: float) -> float:
        """Real seconds of so many simulated minutes."""
        return minutes * 60 / self.speed


@dataclass(slots=True)
class Clock:
    """The simulated time of day."""

    day: Day
    _began: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """From now on it runs."""
        self._began = time.monotonic()

    @property
    def hours(self) -> float:
        """Hours played so far."""
        return (time.monotonic() - self._began) * self.day.speed / 3600

    def hour(self) -> int:
        """The hour of the day, 0 to 23."""
        first = 0.0 if self.day.hours >= DAY_HOURS - 0.01 else BEGIN_HOUR
        return int(first + self.hours) % 24


async def play(day: Day, stop: asyncio.Event) -> Outcome:
    """Play until the day is over or `stop` is set; returns what came of it.

    Raises `simulators.country.staff.StaffError` where people are not let in, and whatever anybody
    met that they could not act on. Progress goes to standard error.
    """
    clock, crowd = Clock(day), Crowd(day.target, day.seed)
    plan = Play(
        target=day.target,
        land=day.land,
        keys=day.keys,
        invitation=day.invitation,
        visitators=day.visitators,
        seed=day.seed,
        minutes=day.real,
        hour=clock.hour,
        at_least=day.real(TELL_AT_LEAST),
        crowd=crowd,
        tally=Tally(),
        diary=Diary(),
        say=day.say,
    )
    outcome = _blank(day, plan)
    async with AsyncExitStack() as stack:
        day.say(f"{len(day.land.units)} units; people sign in")
        scene = await furnish(stack, plan)
        outcome.people = scene.people
        day.say(f"{scene.people} people are signed in; {day.boards} boards open")
        await asyncio.gather(*(system.tell() for system in scene.systems))
        stack.push_async_callback(crowd.leave)
        await crowd.enter(_seats(day, plan))
        day.say(f"{crowd.open} boards open in {crowd.opened_in:.1f} s; the day begins")
        clock.begin()
        day.has_begun.set()
        with _measured(day, crowd, clock, outcome):
            await _Course(day, plan, scene, clock, stop, outcome.late).run()
        day.say("the day is over; boards are held against fresh snapshots")
        checks = Checks(plan, scene)
        outcome.breaches = await checks.all()
        outcome.compared = checks.compared
        outcome.open_at_the_end, outcome.dropped = crowd.open, crowd.dropped
        outcome.delays, outcome.opened_in = crowd.watch.delays, crowd.opened_in
        outcome.cut, outcome.refused = crowd.cut, crowd.refused
        outcome.refusals = sorted(crowd.refusals)
    return outcome


@dataclass(frozen=True, slots=True)
class _Course:
    """The day itself."""

    day: Day
    plan: Play
    scene: Scene
    clock: Clock
    stop: asyncio.Event
    late: list[float]

    async def run(self) -> None:
        """Everybody works; then they go home, and the systems tell how it stands at last."""
        over, scene = asyncio.Event(), self.scene
        begin = asyncio.get_running_loop().create_task
        telling = [begin(system.run(over)) for system in scene.systems]
        workers: list[Ward | Tide | Visitator] = [*scene.wards, *scene.tides, *scene.visitators]
        working = [begin(self._keep_at_it(worker)) for worker in workers]
        working += [begin(self._progress()), begin(self._own_lateness())]
        working += [begin(self._faults())] if self.day.faults else []
        stopped = begin(self.stop.wait())
        try:
            done, _ = await asyncio.wait(
                [*telling, *working, stopped],
                timeout=self.day.minutes * 60,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                task.result()  # nobody ends by themselves: whoever did met an error
        finally:
            await _end([*working, stopped])
            await asyncio.gather(*(ward.stop() for ward in scene.wards))
            over.set()
            for system in scene.systems:
                system.gate.set(Fault())
                system.touch()
            if await asyncio.wait(telling, timeout=LAST_WORDS):
                await _end(telling)
        await asyncio.gather(*(system.tell() for system in scene.systems))
        await asyncio.gather(*(ward.say_again() for ward in scene.wards if ward.system is None))

    async def _keep_at_it(self, worker: Ward | Tide | Visitator) -> None:
        """Work; whoever gets no answer for so long that they give up begins anew a little later."""
        while True:
            try:
                await worker.work()
            except* httpx.HTTPError:
                self.plan.tally.given_up += 1
                await asyncio.sleep(GIVEN_UP_FOR)

    async def _faults(self) -> None:
        """Now and then a system goes wrong for a while, and some boards lose their connection."""
        rng = random.Random(f"{self.day.seed}/faults")
        async with asyncio.TaskGroup() as going_on:
            while True:
                await asyncio.sleep(self.day.real(rng.expovariate(1 / FAULT_EVERY)))
                going_on.create_task(self._fault(rng.choice(self.scene.systems), rng))
                self.plan.crowd.cut_some(CUT_SHARE, rng)

    async def _fault(self, system: System, rng: random.Random) -> None:
        if system.gate.fault.kind is not Kind.NONE:
            return
        kind = rng.choice(FAULTS_OF_MOVEMENTS if system.source.speaks == "hl7" else FAULTS)
        self.plan.tally.faults[kind.value] += 1
        system.gate.set(Fault(kind=kind))
        await asyncio.sleep(max(FAULT_AT_LEAST, self.day.real(FAULT_LASTS)))
        system.gate.set(Fault())

    async def _own_lateness(self) -> None:
        """How late we are ourselves: what we say of the service is as much too late at most."""
        while True:
            due = time.monotonic() + LATENESS_EVERY
            await asyncio.sleep(LATENESS_EVERY)
            self.late.append(time.monotonic() - due)

    async def _progress(self) -> None:
        crowd, tally = self.plan.crowd, self.plan.tally
        before = 0
        while True:
            await asyncio.sleep(PROGRESS)
            delays = spread(crowd.watch.delays[before:])
            before = len(crowd.watch.delays)
            breaches = sum(len(each.breaches) for each in self.scene.referees.values())
            self.day.say(
                f"{self.clock.hours:4.1f} of {self.day.hours:.1f} h: {crowd.open} boards, "
                f"{tally.fates['accepted']} reports, {self.plan.diary.calls} calls, "
                f"last board {delays.get('p50', 0):.2f} s, p99 {delays.get('p99', 0):.2f} s, "
                f"ourselves late by up to {max(self.late[-200:], default=0):.2f} s, "
                f"{breaches} rules broken"
            )


async def _end(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _seats(day: Day, plan: Play) -> list[tuple[str, str, str | None]]:
    """Boards in turn to all municipalities, each from its municipality's address."""
    everybody = islice(cycle(day.land.municipalities), day.boards)
    return [
        (each.cluster, day.keys.boards[each.code], plan.address(MUNICIPAL, each.place))
        for each in everybody
    ]


def _blank(day: Day, plan: Play) -> Outcome:
    land = day.land
    return Outcome(
        municipalities=len(land.municipalities),
        clusters=len(land.clusters),
        units=len(land.units),
        sources=len(land.sources),
        boards=day.boards,
        people=0,
        tally=plan.tally,
        diary=plan.diary,
    )


@contextmanager
def _measured(day: Day, crowd: Crowd, clock: Clock, outcome: Outcome) -> Iterator[None]:
    """What the day itself took, without opening and comparing."""
    roots = [os.getpid(), *day.weighed]
    before, load = costs(roots), os.getloadavg()[0]
    frames, received, began = crowd.frames, crowd.bytes, time.monotonic()
    yield
    outcome.seconds, outcome.hours = time.monotonic() - began, clock.hours
    outcome.frames, outcome.bytes = crowd.frames - frames, crowd.bytes - received
    outcome.load = (load, os.getloadavg()[0])
    nothing = Cost("", 0.0, 0)
    outcome.costs = [
        Cost(now.name, now.cpu - before.get(pid, nothing).cpu, now.memory)
        for pid, now in costs(roots).items()
    ]
