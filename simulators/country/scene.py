"""Everybody at their place: units, the systems that tell of them, and people who are signed in."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from simulators.country.crowd import Crowd
from simulators.country.files import START_OCCUPIED, Keys
from simulators.country.land import Cluster, Land, Unit
from simulators.country.staff import TRIES, Office, Person, StaffError, browser
from simulators.country.system import System
from simulators.country.tally import Tally
from simulators.country.units import HourOf, Minutes, Tide, Ward
from simulators.figures import Figures
from simulators.people.board import LiveBoard
from simulators.people.diary import Diary
from simulators.people.door import Door
from simulators.people.referee import Referee
from simulators.people.visitator import Habits, Visitator

TOLD_EVERY = 25
AT_ONCE = 8
"""Clusters whose people sign in at the same time."""
MUNICIPAL, SYSTEMS, PERSONS = 1, 2, 3
"""Networks (the second number of the address) of boards, systems and people."""
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Play:
    """What everybody needs to know. `minutes` makes simulated minutes real seconds, `hour` tells
    the hour of the simulated day, `at_least` is how many real seconds no system stays silent."""

    target: str
    land: Land
    keys: Keys
    invitation: str
    visitators: int
    seed: int
    minutes: Minutes
    hour: HourOf
    at_least: float
    crowd: Crowd
    tally: Tally
    diary: Diary
    say: Callable[[str], None]
    """Tells of progress."""

    def address(self, network: int, number: int) -> str | None:
        """A network address of one's own, as municipalities and persons have; on this machine
        only, where the whole of 127.0.0.0/8 is ours to choose from."""
        if urlsplit(self.target).hostname not in _LOOPBACK:
            return None
        return f"127.{network}.{number // 250}.{number % 250 + 1}"


@dataclass(slots=True)
class Scene:
    """Those who act, and the pages that referees watch, by cluster."""

    wards: list[Ward] = field(default_factory=list)
    tides: list[Tide] = field(default_factory=list)
    visitators: list[Visitator] = field(default_factory=list)
    systems: list[System] = field(default_factory=list)
    pages: dict[str, LiveBoard] = field(default_factory=dict)
    referees: dict[str, Referee] = field(default_factory=dict)
    people: int = 0


async def furnish(stack: AsyncExitStack, play: Play) -> Scene:
    """Sign everybody in and open their pages, which `stack` closes again."""
    scene = Scene()
    office = await Office.open(play.target, play.invitation, play.address(PERSONS, 0))
    turns = asyncio.Semaphore(AT_ONCE)
    try:
        async with asyncio.TaskGroup() as all_at_once:
            for number, cluster in enumerate(play.land.clusters):
                seat = _Seating(play, scene, stack, office, cluster, 1 + 50 * number)
                all_at_once.create_task(seat.take(turns))
    except ExceptionGroup as several:
        raise StaffError(f"not everybody gets in: {several.exceptions[0]}") from several
    finally:
        await office.close()
    actors: list[Ward | Tide] = [*scene.wards, *scene.tides]
    figures = {each.place.id: each.figures for each in actors}
    teller = {unit.id: source for source in play.land.sources for unit in source.units}
    systems = _systems(play, stack, figures)
    for each in actors:
        source = teller.get(each.place.id)
        each.system = systems[source.id] if source is not None else None
    scene.systems = list(systems.values())
    return scene


def _systems(
    play: Play, stack: AsyncExitStack, figures: dict[str, Callable[[], Figures]]
) -> dict[str, System]:
    made = {}
    for number, source in enumerate(play.land.sources):
        client = browser(play.target, play.address(SYSTEMS, number))
        stack.push_async_callback(client.aclose)
        made[source.id] = System(
            source,
            f"/api/v1/feeds/{source.id}",
            play.keys.sources[source.id],
            client,
            play.crowd,
            play.tally,
            figures,
            play.seed,
            play.at_least,
        )
    return made


async def _enter(door: Door) -> None:
    """Open somebody's page, again and again while the service is too busy for it."""
    for _ in range(TRIES):
        try:
            await door.enter()
            return
        except (ValueError, httpx.HTTPError) as error:
            last = error
            await asyncio.sleep(1.0)
    raise StaffError(str(last))


@dataclass(frozen=True, slots=True)
class _Seating:
    """One cluster's people: a nurse for each municipality, and visitators at its hospital."""

    play: Play
    scene: Scene
    stack: AsyncExitStack
    office: Office
    cluster: Cluster
    number: int
    """Of its first person, for addresses."""

    async def take(self, turns: asyncio.Semaphore) -> None:
        """Sign in, open pages, and stand by."""
        async with turns:
            await self._nurses()
            await self._visitators()
        for unit in self._units(("ward", "visitation", "home", "slot")):
            value = START_OCCUPIED if unit.role == "ward" else 4
            self.scene.tides.append(
                Tide(unit, value, self.play.minutes, self.play.hour, self.play.seed)
            )

    async def _nurses(self) -> None:
        play, page = self.play, None
        for index, municipality in enumerate(self.cluster.municipalities):
            login = f"akutsygeplejerske-{municipality.code}"
            nurse = await self._hire(
                login, "municipal_staff", municipality.organisation, self.number + index
            )
            if page is None:
                page = await self._page(nurse)
                referee = Referee()
                page.watch(referee.look)
                self.scene.pages[self.cluster.id] = page
                self.scene.referees[self.cluster.id] = referee
            own = [u for u in self._units(("place", "team")) if u.municipality is municipality]
            door = Door(nurse.client, f"/unit/{own[0].id}")
            await _enter(door)
            for unit in own:
                rng = random.Random(f"{play.seed}/{unit.id}")
                ward = Ward(unit, page, door, play.diary, play.minutes, rng)
                self.scene.wards.append(ward)

    async def _visitators(self) -> None:
        play, cluster = self.play, self.cluster
        codes = tuple(each.code for each in cluster.municipalities)
        for chair in range(play.visitators):
            login = f"visitator-{cluster.id}-{chair}"
            person = await self._hire(
                login, "visitator", cluster.hospital, self.number + 40 + chair
            )
            door = Door(person.client, f"/board/{cluster.id}")
            await _enter(door)
            page = await self._page(person)
            rng = random.Random(f"{play.seed}/{login}")
            self.scene.visitators.append(
                Visitator(cluster.id, codes, page, door, play.diary, play.minutes, rng, Habits())
            )

    async def _hire(self, login: str, role: str, organisation: str, number: int) -> Person:
        address = self.play.address(PERSONS, number)
        person = await self.office.hire(login, role, organisation, address)
        self.stack.push_async_callback(person.client.aclose)
        self.scene.people += 1
        if self.scene.people % TOLD_EVERY == 0:
            self.play.say(f"{self.scene.people} people are signed in")
        return person

    async def _page(self, person: Person) -> LiveBoard:
        return await self.stack.enter_async_context(
            person.open_board(self.play.target, self.cluster.id)
        )

    def _units(self, roles: Iterable[str]) -> Sequence[Unit]:
        wanted = frozenset(roles)
        units = self.play.land.units
        return [u for u in units if u.cluster == self.cluster.id and u.role in wanted]
