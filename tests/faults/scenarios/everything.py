"""A long mix of faults, and what stays behind.

Among them stalls of the event loop (the process is stopped for a moment). Memory, descriptors and
threads are sampled between faults: their slopes must be near zero.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing

from tests.faults.checks import slope
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.faulty import LossyLine
from tests.support.live import RawBoard
from tests.support.stores import StoreServer

NAME = "all of it"
NUMBER = 25
HAZARD = 10
MEMORY_SLOPE, FILE_SLOPE, THREAD_SLOPE = 150_000.0, 0.3, 0.05
"""A second, over the second half: bytes, descriptors, threads."""
LONG_ENOUGH = 100.0
Deed = Callable[[], Awaitable[None]]


class _Mix:
    """The faults, by seed."""

    def __init__(self, here: Scene, product: Product, store: StoreServer, line: LossyLine) -> None:
        self._here, self._product, self._store, self._line = here, product, store, line
        self._chance = here.chance
        self.played: dict[str, int] = {}

    async def one(self) -> None:
        """Any of them, to its end."""
        deeds: list[Deed] = [
            self.kill, self.freeze, self.stall, self.lose, self.rude, self.reconnect, self.lock,
        ]  # fmt: skip
        deed = self._chance.choice(deeds)
        name = getattr(deed, "__name__", "")
        self.played[name] = self.played.get(name, 0) + 1
        await deed()

    async def kill(self) -> None:
        """The store dies and comes back."""
        self._store.kill()
        await asyncio.sleep(self._chance.uniform(0, 2))
        self._store.start()

    async def freeze(self) -> None:
        """The store stands still."""
        self._store.freeze()
        await asyncio.sleep(self._chance.uniform(0.5, 6))
        self._store.thaw()

    async def stall(self) -> None:
        """The service stands still."""
        self._product.pause()
        await asyncio.sleep(self._chance.uniform(0.2, 3))
        self._product.resume()

    async def lose(self) -> None:
        """Replies are lost."""
        self._line.silently = self._chance.random() < 0.5
        self._line.lose = self._chance.randrange(1, 6)
        await asyncio.sleep(2)  # as long as this fault lasts: there may be fewer replies to lose
        self._line.lose, self._line.silently = 0, False

    async def rude(self) -> None:
        """Boards that never read come, and go."""
        with ExitStack() as stack:
            for _ in range(5):
                try:
                    board = await asyncio.to_thread(RawBoard, self._product.live)
                except OSError:
                    continue
                stack.enter_context(closing(board))
            await asyncio.sleep(self._chance.uniform(0.5, 3))

    async def reconnect(self) -> None:
        """Many boards come and go at once."""

        async def visit() -> None:
            with closing(await asyncio.to_thread(RawBoard, self._product.live)):
                await asyncio.sleep(0.1)

        await asyncio.gather(*(visit() for _ in range(30)), return_exceptions=True)

    async def lock(self) -> None:
        """Somebody else holds the history."""
        path = self._product.data / "history.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as locker:
            locker.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(self._chance.uniform(1, 6))
            locker.execute("ROLLBACK")


async def run(stage: Stage) -> Finding:
    """As long as the plan has it."""
    store = StoreServer(stage.folder / "everything")
    store.start()
    try:
        async with LossyLine(store.path, word=b"apply_") as line:
            product = Product(stage.world(), redis_url=line.url, arguments=("--as-demo",))
            async with scene(stage, NAME, product) as here:
                here.people(product)
                await here.warm()
                mix = _Mix(here, product, store, line)
                samples = await _play(here, product, mix)
                await here.note_recovery(time.monotonic())
                _judge(here.finding, samples)
                here.finding.notes.append(f"played {mix.played}")
                return await here.check([product], store.url)
    finally:
        store.close()


async def _play(here: Scene, product: Product, mix: _Mix) -> list[tuple[float, int, int, int]]:
    samples: list[tuple[float, int, int, int]] = []
    began = time.monotonic()
    end = began + here.stage.plan.mix
    while time.monotonic() < end:
        await mix.one()
        if here.chance.random() < 0.3:  # and another before all is well
            await mix.one()
        await here.recovered(time.monotonic(), within=90)
        weighed = product.resident_bytes(), product.descriptors(), product.threads()
        samples.append((time.monotonic() - began, *weighed))
    return samples


def _judge(finding: Finding, samples: list[tuple[float, int, int, int]]) -> None:
    half = samples[len(samples) // 2 :]
    memory, files, threads = (
        slope([(sample[0], sample[index]) for sample in half]) for index in (1, 2, 3)
    )
    last = samples[-1]
    finding.notes.append(
        f"slopes over the second half: memory {memory / 1000:+.1f} KB/s, descriptors "
        f"{files:+.2f}/s, threads {threads:+.3f}/s; at the end {last[1] / 1e6:.0f} MB, "
        f"{last[2]} descriptors, {last[3]} threads"
    )
    if last[0] < LONG_ENOUGH:
        return  # what a process takes in its first minute says nothing
    finding.promise(memory < MEMORY_SLOPE, f"memory grows by {memory:.0f} bytes a second")
    finding.promise(files < FILE_SLOPE, f"descriptors grow by {files:.2f} a second")
    finding.promise(threads < THREAD_SLOPE, f"threads grow by {threads:.3f} a second")
