"""Sources that push over HTTP as suppliers do: one report after the other, until each is kept."""

import asyncio
import random
from datetime import timedelta

import httpx
import orjson

from capacity.instants import Clock, format_instant, utc_now
from tests.faults.ledger import Fate, Ledger, Operation, note_of

PATIENCE = 12.0
"""Seconds that a source waits for an answer."""
AGAIN = (0.05, 0.4)
"""Seconds between two deliveries of the same report."""
_BEHIND = timedelta(minutes=10)
"""Reports were observed so long ago, and one millisecond later for each mark."""


class Source:
    """One source and its units; `pace` is the pause between reports, in seconds."""

    def __init__(
        self,
        name: str,
        units: tuple[str, ...],
        key: str,
        base: str,
        ledger: Ledger,
        chance: random.Random,
        pace: float,
        clock: Clock = utc_now,
    ) -> None:
        self.name = name
        self.pace = pace
        self.base = base
        self.broken: list[str] = []
        self.units = units
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._ledger = ledger
        self._chance = chance
        self._begun = clock() - _BEHIND
        self._stopping = False

    def stop(self) -> None:
        """Begin no further report."""
        self._stopping = True

    async def run(self) -> None:
        """Report until told to stop; what was begun is delivered whatever it takes."""
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            while not self._stopping:
                for mark, unit in self._next():
                    await self._deliver(client, mark, unit)
                await asyncio.sleep(self.pace * self._chance.uniform(0.5, 1.5))

    def _next(self) -> list[tuple[int, str]]:
        """One report, or now and then two of one unit in the wrong order."""
        unit = self._chance.choice(self.units)
        marks = [self._ledger.next_mark()]
        if self._chance.random() < 0.1:
            marks.insert(0, self._ledger.next_mark())
        return [(mark, unit) for mark in marks]

    def begin(self, mark: int, unit: str | None = None) -> Operation:
        """A report of this source, about to be sent; without a unit of any."""
        at = format_instant(self._begun + timedelta(milliseconds=mark)) or ""
        return self._ledger.begin(mark, unit or self._chance.choice(self.units), at)

    @staticmethod
    def document(operation: Operation) -> bytes:
        """What is sent."""
        mark = operation.mark
        report = {"unit": operation.unit, "observed_at": operation.observed_at, "total": 12}
        report |= {"staffed": 12, "occupied": mark % 12, "note": note_of(mark)}
        return orjson.dumps([report])

    def took(self, operation: Operation, answer: httpx.Response) -> None:
        """Write down what a delivery was answered."""
        if answer.status_code == 503:
            self._ledger.told(operation, "unconfirmed")
            return
        self._ledger.end(operation, _fate(answer))
        if answer.status_code != 200 and len(self.broken) < 3:
            self.broken.append(f"{answer.status_code} for report {operation.mark}")

    async def deliver_again(self, count: int) -> None:
        """Deliver the last few reports that were answered once more: each gets its answer again."""
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            mine = [o for o in self._ledger.operations if o.ended and o.unit in self.units]
            for operation in mine[-count:]:
                await self._repeat(client, operation, self.document(operation))

    async def _deliver(self, client: httpx.AsyncClient, mark: int, unit: str) -> None:
        operation = self.begin(mark, unit)
        document = self.document(operation)
        while operation.ended is None:
            await self._try(client, operation, document)
            if operation.ended is None:
                await asyncio.sleep(self._chance.uniform(*AGAIN))
        if self._chance.random() < 0.05:
            await self._repeat(client, operation, document)

    async def _try(self, client: httpx.AsyncClient, operation: Operation, document: bytes) -> None:
        answer = await self._post(client, operation.mark, document)
        if answer is None:
            self._ledger.told(operation, "silence")
        else:
            self.took(operation, answer)

    async def _repeat(
        self, client: httpx.AsyncClient, operation: Operation, document: bytes
    ) -> None:
        """The same delivery once more gets the same answer, if it gets any."""
        answer = await self._post(client, operation.mark, document)
        if answer is not None and answer.status_code == 200 and _fate(answer) != operation.fate:
            fates = f"{operation.fate}, then {_fate(answer)}"
            self.broken.append(f"report {operation.mark} was answered in two ways: {fates}")

    async def _post(
        self, client: httpx.AsyncClient, mark: int, document: bytes
    ) -> httpx.Response | None:
        headers = self._headers | {"Idempotency-Key": f"{self.name}-{mark}"}
        try:
            address = f"{self.base}/api/v1/feeds/{self.name}"
            return await client.post(address, content=document, headers=headers)
        except httpx.TransportError:
            return None


def _fate(answer: httpx.Response) -> Fate:
    if answer.status_code != 200:
        return Fate.REFUSED
    receipt = answer.json()
    return next((f for f in Fate if receipt.get(f.value) == 1), Fate.REFUSED)
