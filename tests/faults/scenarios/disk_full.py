"""A disk of a few megabytes runs full: under the embedded store, then under the history.

What cannot be kept is refused, boards say so, and when there is room again all goes on without
anybody's doing.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from capacity.board.embedded import running_url
from tests.faults.finding import Finding, OptedOutError
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.databases import dump, sqlite_url
from tests.support.stores import StoreServer

NAME = "disk full"
NUMBER = 12
HAZARD = 19
BACK_WITHIN = 90.0


async def run(stage: Stage) -> Finding:
    """Under Valkey, then under SQLite."""
    with tmpfs(stage.folder / "under-valkey", "2m") as disk:
        finding = await _under_valkey(stage, disk)
    with tmpfs(stage.folder / "under-sqlite", "4m") as disk:
        finding.add(await _under_sqlite(stage, disk))
    return finding


async def _under_valkey(stage: Stage, disk: Path) -> Finding:
    stage.say(f"{NAME}: under the store")
    beside = stage.folder / "beside"
    beside.mkdir()
    product = Product(stage.world(), data=disk, sql_url=sqlite_url(beside))
    async with scene(stage, f"{NAME} valkey", product) as here:
        here.people(product)
        await here.warm()
        began = time.monotonic()
        with _filled(disk):
            refused = here.ledger.unconfirmed
            before = refused()
            await here.wait_for(lambda: refused() >= before + 4, "refusals", 60)
            here.note_fault(began, boards_must_say=False)
            kept = here.ledger.acknowledged()
            await asyncio.sleep(max(8.0, stage.plan.outage / 3))
            more = here.ledger.acknowledged() - kept
            starts = product.log.count("starting it again")
        freed = time.monotonic()
        await here.note_recovery(freed, within=BACK_WITHIN)
        # A few may fit into what the store frees by itself; they are checked like all others.
        here.finding.notes.append(f"{more} reports were kept while the disk was full")
        here.finding.notes.append(f"the store was started {starts} times while the disk was full")
        url = running_url(product.data / "valkey")
        assert url is not None
        return await here.check([product], url)


async def _under_sqlite(stage: Stage, disk: Path) -> Finding:
    stage.say(f"{NAME}: under history")
    store = StoreServer(stage.folder / "full-sqlite-store")
    store.start()
    url = sqlite_url(disk)
    try:
        product = Product(stage.world(), redis_url=store.url, sql_url=url)
        async with scene(stage, f"{NAME} sqlite", product) as here:
            here.people(product)
            await here.warm()
            began = time.monotonic()
            with _filled(disk):
                here.finding.notice = await _history_is(product, "away", began)
                await here.more_kept(20)  # the board goes on, and so does the way to it
                stayed = not any(board.stopped_after(began) for board in here.boards)
                here.finding.promise(stayed, "a board stopped although only history was full")
            freed = time.monotonic()
            here.finding.recover = await _history_is(product, "ok", freed)
            finding = await here.check([product], store.url)
            wanted = [(change.epoch, change.seq) for change in here.changes]
            found: object = None
            for _ in range(200):
                found = await asyncio.to_thread(dump, url, "change", "epoch", "seq")
                if found == wanted:
                    break
                await asyncio.sleep(0.2)
            finding.promise(found == wanted, "history does not hold the stream")
            return finding
    finally:
        store.close()


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """A small disk of its own."""
    folder.mkdir()
    if os.geteuid() != 0:
        raise OptedOutError("only root can mount a small disk (tmpfs)")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OptedOutError(f"no small disk can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """Leave no byte free for a while; whatever becomes free meanwhile is taken too."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


async def _history_is(product: Product, word: str, since: float) -> float:
    """Seconds until readiness names history so."""
    async with httpx.AsyncClient(timeout=10) as client:
        while (await client.get(f"{product.base}/readyz")).json()["history"] != word:
            assert time.monotonic() - since < BACK_WITHIN, f"history is never {word}"
            await asyncio.sleep(0.1)
    return time.monotonic() - since
