"""Many cheap boards, and reports whose way to the last of them is timed."""

import asyncio
import threading
import time
from contextlib import suppress

import httpx
import orjson

from tests.bench.boards import Boards
from tests.bench.figures import quantile
from tests.bench.world import CLUSTER
from tests.faults.ledger import Fate
from tests.faults.product import Product
from tests.faults.scene import Scene

BATCH = 10
PER_SECOND = 20


class Crowd:
    """Open boards in a thread of their own; `late` says how long the last of them waited."""

    def __init__(self, count: int) -> None:
        self.boards = Boards(count)
        self.failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, product: Product) -> None:
        """Connect all, and go on reading."""
        self.boards.open(product.port, f"/api/v1/live/{CLUSTER}")
        self._thread = threading.Thread(target=self._pump)
        self._thread.start()

    def _pump(self) -> None:
        try:
            while not self._ended.is_set():
                self.boards.pump(0.05)
        except BaseException as error:  # noqa: BLE001 - told by whoever looks
            self.failure = error

    def close(self) -> None:
        """Leave."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self.boards.close()

    async def reached(self, marks: dict[int, float]) -> list[float]:
        """Seconds from sending until the last board had it, for each mark that was sent."""
        deadline = time.monotonic() + 15
        while not marks.keys() <= self.boards.complete_at.keys():
            assert self.failure is None, f"a board was lost: {self.failure}"
            missing = len(marks.keys() - self.boards.complete_at.keys())
            assert time.monotonic() < deadline, f"{missing} changes never reached all boards"
            await asyncio.sleep(0.05)
        return [self.boards.complete_at[mark] - sent for mark, sent in marks.items()]


async def publish(here: Scene, product: Product, seconds: float) -> dict[int, float]:
    """Whole documents at an even pace; the last mark of each, and when it was sent."""
    source, key = here.sources[0], product.world.keys[0]
    units = product.world.units_of(0)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent: dict[int, float] = {}
    step = 0
    async with httpx.AsyncClient(timeout=12, headers=headers) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            names = [units[(step * BATCH + n) % len(units)] for n in range(BATCH)]
            operations = [source.begin(here.ledger.next_mark(), unit) for unit in names]
            document = [orjson.loads(source.document(one))[0] for one in operations]
            address = f"{product.base}/api/v1/feeds/{source.name}"
            answer = await client.post(address, content=orjson.dumps(document))
            assert answer.json()["accepted"] == BATCH, answer.text[:300]
            for one in operations:
                here.ledger.end(one, Fate.APPLIED)
            sent[operations[-1].mark] = began
            step += 1
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(max(0.0, 1 / PER_SECOND - (time.perf_counter() - began)))
    return sent


def p99(values: list[float]) -> float:
    """What all but one in a hundred were within."""
    return quantile(values, 0.99)
