"""Slow heads and bodies, half handshakes, unread answers, frames that are too large, guesses.

From another address than boards have. Sources and boards must not feel them beyond their share of
the processor, nor may memory or descriptors stay behind.
"""

import asyncio
import subprocess
import sys
import time

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.installed import ROOT
from tests.support.stores import StoreServer

NAME = "hostile clients"
NUMBER = 20
HAZARD = 20
ATTACKERS = 40
ANSWER_SECONDS = 2.0
LEFT_BEHIND = 40


async def run(stage: Stage) -> Finding:
    """Attack for a while, then see what is left of it."""
    store = StoreServer(stage.folder / "hostile")
    store.start()
    try:
        product = Product(
            stage.world(), redis_url=store.url, arguments=("--as-demo",),
            head_seconds=2.0, body_seconds=4.0, unread_seconds=4.0,
        )  # fmt: skip
        async with scene(stage, NAME, product) as here:
            here.people(product)
            await here.warm()
            descriptors, weight = product.descriptors(), product.resident_bytes()
            began = time.monotonic()
            told = await _attack(product, max(8.0, stage.plan.outage / 2))
            ended = time.monotonic()
            await here.note_recovery(ended)
            here.finding.promise(here.ledger.first_trouble(began) is None, "a source was refused")
            stopped = any(board.stopped_after(began) for board in here.boards)
            here.finding.promise(not stopped, "a board was stopped")
            slowest = here.ledger.longest_answer()
            here.finding.promise(slowest < ANSWER_SECONDS, f"a source waited {slowest:.1f} s")
            await _gone(here, product, descriptors)
            grown = product.resident_bytes() - weight
            here.finding.promise(grown < 60_000_000, f"{grown / 1e6:.0f} MB stayed behind")
            here.finding.notes.append(
                f"{told}; a source waited at most {slowest * 1e3:.0f} ms; "
                f"memory {grown / 1e6:+.1f} MB"
            )
            return await here.check([product], store.url)
    finally:
        store.close()


async def _attack(product: Product, seconds: float) -> str:
    """What the attackers say of themselves: how often each kind has connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.attackers", str(product.port), str(ATTACKERS),
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready = await process.stdout.readline()
        assert ready == b"ready\n", ready
        await asyncio.sleep(seconds)
        process.stdin.close()
        return (await process.stdout.read()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _gone(here: Scene, product: Product, before: int) -> None:
    """Connections of those that left are let go of."""
    try:
        await here.wait_for(lambda: product.descriptors() <= before + LEFT_BEHIND, "files", 20)
    except AssertionError:
        here.finding.broken.append(f"{product.descriptors() - before} descriptors stayed behind")
