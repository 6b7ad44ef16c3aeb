"""Descriptors run out: somebody holds more connections than the process may have.

Whoever is connected is served on, health, store and history still answer, and others are told
503; when the connections are gone, all is as before.
"""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.stores import StoreServer

NAME = "no descriptors"
NUMBER = 21
HAZARD = 9
LIMIT = 400
TAKEN = LIMIT // 2
"""Connections that a process with so few files takes: the other half is for its own stores."""
HELD = 700


async def run(stage: Stage) -> Finding:
    """Try for more connections than there are files, and look through one that was there before."""
    store = StoreServer(stage.folder / "descriptors")
    store.start()
    try:
        limit = ("prlimit", f"--nofile={LIMIT}:{LIMIT}")
        product = Product(stage.world(), redis_url=store.url, before=limit)
        async with scene(stage, NAME, product) as here, httpx.AsyncClient(timeout=10) as client:
            here.people(product)
            await here.warm()
            assert await product.is_ready(client)
            began = time.monotonic()
            with _held(product.port):
                full = len(here.boards) + TAKEN
                await here.wait_for(lambda: product.descriptors() > full, "all connections taken")
                here.finding.promise(await _is_told(product), "a further one was not told 503")
                held = product.descriptors()
                answer = await client.get(f"{product.base}/readyz")
                told = answer.json()
                words = f"health said {answer.status_code} {told}"
                here.finding.promise(answer.status_code == 200, words)
                here.finding.promise(told["history"] == "ok", words)
                here.finding.promise(held <= LIMIT, "more files than it may have")
                here.finding.notes.append(f"{HELD} tried, {held} files of {LIMIT}")
                stopped = any(board.stopped_after(began) for board in here.boards)
                here.finding.promise(not stopped, "an open board was stopped")
                await here.recovered(began)  # reports go on reaching the boards
            await here.note_recovery(time.monotonic())
            here.open_boards(product, 2)
            return await here.check([product], store.url)
    finally:
        store.close()


async def _is_told(product: Product) -> bool:
    """Whether a newcomer hears that there are too many connections."""
    async with httpx.AsyncClient(timeout=10) as newcomer:
        return (await newcomer.get(f"{product.base}/healthz")).status_code == 503


@contextmanager
def _held(port: int) -> Iterator[None]:
    """Connections that say nothing, kept for a while."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(before[1], max(before[0], 4 * HELD))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, before[1]))
    try:
        with ExitStack() as stack:
            for _ in range(HELD):
                connection = stack.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", port))
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
