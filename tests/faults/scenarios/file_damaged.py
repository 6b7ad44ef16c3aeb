"""The append-only file is cut, padded with zeros, a byte of it flipped; then the service starts.

It loads exactly, or up to the cut and says so, or refuses with words that lead to the runbook;
the sound file put back loads all of it.

A byte flipped within a value has no checksum: only what makes up the file's structure is flipped.
"""

import asyncio
import random
import re
import time
from pathlib import Path

import orjson

from capacity.board.embedded import running_url
from tests.bench.world import CLUSTER
from tests.faults.finding import Finding
from tests.faults.ledger import Fate, mark_of
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.board_model import all_changes, opened

NAME = "file damaged"
NUMBER = 13
HAZARD = 19
REFUSAL = "When the store will not start"
CUT = "cut short"


async def run(stage: Stage) -> Finding:
    """Every damage on a copy of one sound file."""
    product = Product(stage.world(sources=1))
    async with scene(stage, NAME, product) as here:
        here.people(product, boards=2)
        await here.warm()
        await here.settle()
        product.kill()
        killed = time.monotonic()
        [file] = (product.data / "valkey" / "appendonlydir").glob("*.incr.aof")
        sound = file.read_bytes()
        told: list[str] = []
        for name, damaged in damages(sound, here.chance).items():
            stage.say(f"{NAME}: {name}")
            file.write_bytes(damaged)
            told.append(f"{name}: {await _start(here, product, file)}")
            product.end()
        file.write_bytes(sound)
        await product.start()
        here.note_fault(killed)
        here.finding.recover = None
        here.finding.notes.append("; ".join(told))
        url = running_url(product.data / "valkey")
        assert url is not None
        return await here.check([product], url)


def damages(sound: bytes, chance: random.Random) -> dict[str, bytes]:
    """What may become of a file."""
    heads = [match.start() + 1 for match in re.finditer(rb"\n[*$]\d", sound)]
    flipped = chance.choice(heads[len(heads) // 2 :])
    return {
        "cut at the end": sound[: -chance.randrange(1, 200)],
        "cut in the middle": sound[: chance.randrange(len(sound) // 2, len(sound) - 500)],
        "zeros behind": sound + bytes(4096),
        "zeros at the end": sound[:-100] + bytes(100),
        "a byte flipped": sound[:flipped] + bytes([sound[flipped] ^ 0x40]) + sound[flipped + 1 :],
        "emptied": b"",
    }


async def _start(here: Scene, product: Product, file: Path) -> str:
    """Start on a damaged file; what came of it, in a word."""
    before = len(product.log)
    product.launch()
    ready = asyncio.ensure_future(product.ready())
    await asyncio.wait([ready])  # which fails as soon as the process has ended
    log = product.log[before:]
    if product.process.poll() is not None:
        await asyncio.gather(ready, return_exceptions=True)
        loud = product.process.returncode == 2 and (REFUSAL in log or "--accept-empty" in log)
        here.finding.promise(loud, f"no clear refusal: {log[-200:]}")
        here.finding.promise("Traceback" not in log, "a traceback instead of words")
        return "refused"
    await ready
    missing = await _missing(here, product)
    if CUT in log:
        return f"loaded up to the cut and said so ({missing} reports short)"
    here.finding.promise(missing == 0, f"{missing} acknowledged reports gone in silence")
    return "loaded whole"


async def _missing(here: Scene, product: Product) -> int:
    """How many acknowledged reports are not there."""
    url = running_url(product.data / "valkey")
    assert url is not None
    async with opened(url, start=False) as board:
        rows = [orjson.loads(c.row) for c in await all_changes(board, CLUSTER) if c.row]
    there = {mark_of(row.get("note")) for row in rows}
    return sum(o.fate is Fate.APPLIED and o.mark not in there for o in here.ledger.operations)
