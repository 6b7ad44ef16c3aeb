"""One system that pushes: told that something changed, it writes a document and hands it over."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from time import perf_counter, time

import httpx

from simulators import care_csv, care_json, hospital
from simulators.country import hl7
from simulators.country.crowd import Crowd
from simulators.country.land import Source, Speaks, Unit
from simulators.country.tally import Tally
from simulators.document import Document, Emission, Flaw
from simulators.faults import Gate, Kind
from simulators.figures import Figures, Look
from simulators.outlets import judge, unreachable

WRITERS: Mapping[Speaks, Callable[[Look, Flaw | None], Emission]] = {
    "json": care_json.push,
    "csv": care_csv.comma,
    "fhir": hospital.fhir_json,
}
RESOLUTION: Mapping[Speaks, float] = {"json": 0.05, "csv": 1.0, "fhir": 0.05, "hl7": 0.05}
"""Seconds that two documents are apart at least; a CSV export tells no two within a second."""
TRIES = 20
LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Sending:
    """Documents that go out together, and what boards must come to show of them, where they are
    sound: when each unit was observed, in milliseconds."""

    emission: Emission
    figures: Mapping[str, int]


class System:
    """A source of the country. `figures` knows its units as they are now, by unit id."""

    def __init__(
        self,
        source: Source,
        url: str,
        key: str,
        client: httpx.AsyncClient,
        crowd: Crowd,
        tally: Tally,
        figures: Mapping[str, Callable[[], Figures]],
        seed: int,
        at_least: float,
    ) -> None:
        """`at_least`: seconds after which it tells again although nothing changed."""
        self.source = source
        self.gate = Gate(source.id, seed)
        self._url, self._client, self._crowd, self._tally = url, client, crowd, tally
        self._headers = {"Authorization": f"Bearer {key}"}
        self._figures, self._at_least = figures, at_least
        self._rng = random.Random(f"{seed}/system/{source.id}")
        self._due = asyncio.Event()
        self._numbers = (f"L{int(time()):x}N{number}" for number in count(1))
        self._moves: list[tuple[Unit, int, datetime]] = []

    def touch(self) -> None:
        """Something changed."""
        self._due.set()

    def move(self, unit: Unit, change: int) -> None:
        """Somebody came (1) or left (-1), for a system that tells of movements."""
        self._moves.append((unit, change, datetime.now(UTC)))
        self._due.set()

    async def run(self, until: asyncio.Event) -> None:
        """Tell until the day is over."""
        while not until.is_set():
            await self._wait()
            await self.tell()
            await asyncio.sleep(RESOLUTION[self.source.speaks])

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._at_least * self._rng.uniform(0.8, 1.2)):
                await self._due.wait()
        except TimeoutError:
            pass
        self._due.clear()

    async def tell(self) -> None:
        """Write a document of how it stands now, and hand it over as the gate lets it."""
        is_sound = self.gate.fault.kind is Kind.NONE
        for sending in self._sendings():
            for number, emission in enumerate(self.gate.through(sending.emission)):
                figures = sending.figures if is_sound and number == 0 else {}
                await self._push_all(emission, figures, is_sound)

    def _sendings(self) -> list[Sending]:
        if self.source.speaks == "hl7":
            return self._movements()
        now = datetime.now(UTC)
        if self.source.speaks == "csv":
            now = now.replace(microsecond=0)
        units = {unit.own: self._figures[unit.id]() for unit in self.source.units}
        look = Look(self.gate.clock(now), 0.0, units)
        emission = WRITERS[self.source.speaks](look, self.gate.flaw())
        at = int(now.timestamp() * 1000)
        return [Sending(emission, {unit.id: at for unit in self.source.units})]

    def _movements(self) -> list[Sending]:
        moves, self._moves = self._moves, []
        if not moves:
            return []
        last: dict[str, int] = {}
        messages: list[Document] = []
        before: datetime | None = None
        for unit, change, at in moves:
            if before is not None and at <= before:
                at = before + timedelta(milliseconds=1)
            before = at
            number = next(self._numbers)
            messages.append(hl7.movement(unit.own, change, at, number, self.source.cluster.upper()))
            last[unit.id] = int(at.timestamp() * 1000)
        body = b"".join(message.body for message in messages)
        return [Sending((Document(body, hl7.MEDIA_TYPE, ".hl7"),), last)]

    async def _push_all(
        self, emission: Emission, figures: Mapping[str, int], is_sound: bool
    ) -> None:
        """FHIR sends a document for each unit; each waits for the answer to the one before."""
        for number, document in enumerate(emission):
            told = figures
            if len(emission) > 1 and figures:
                unit = self.source.units[number].id
                told = {unit: figures[unit]}
            await self._push(document, told, is_sound)

    async def _push(self, document: Document, figures: Mapping[str, int], is_sound: bool) -> None:
        cluster, watch = self.source.cluster, self._crowd.watch
        changes = watch.expect(cluster, figures, self._crowd.channel(cluster).open)
        headers = self._headers | {"Content-Type": document.media_type}
        self._tally.documents[self.source.speaks] += 1
        self._tally.bytes += len(document.body)
        pause = 0.1
        for _ in range(TRIES):
            began = perf_counter()
            try:
                answer = judge(
                    await self._client.post(self._url, content=document.body, headers=headers)
                )
            except httpx.TransportError as error:
                answer = unreachable(error)
            self._tally.statuses[answer.status or 0] += 1
            if answer.again_after is None:
                self._tally.answered_in.append(perf_counter() - began)
                if answer.status in (200, 422) and self._tally.receipt(
                    answer.body or {}, sound=is_sound
                ):
                    return
                break
            await asyncio.sleep(max(answer.again_after, pause * self._rng.uniform(0.8, 1.2)))
            pause = min(LONGEST_PAUSE, pause * 2)
        watch.withdraw(cluster, changes)
