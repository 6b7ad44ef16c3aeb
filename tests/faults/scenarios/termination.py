"""SIGTERM under load, with boards that do not read.

The process is out within ten seconds, says 1012 to boards that listen, and what it acknowledged
until then is kept; another one takes over on the same port.
"""

import time
from contextlib import ExitStack, closing

from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.live import RawBoard
from tests.support.stores import StoreServer

NAME = "terminated"
NUMBER = 19
HAZARD = 9
OUT_WITHIN = 10.0
RESTARTING = 1012


async def run(stage: Stage) -> Finding:
    """Twice, so that what a start leaves behind is met too."""
    store = StoreServer(stage.folder / "terminated")
    store.start()
    try:
        product = Product(stage.world(), redis_url=store.url, arguments=("--as-demo",))
        async with scene(stage, NAME, product) as here:
            here.people(product, pace=0.01)
            await here.warm()
            for _ in range(2):
                with ExitStack() as frozen:
                    for _ in range(3):
                        frozen.enter_context(closing(RawBoard(product.live)))
                    await here.more_kept(300)
                    began = time.monotonic()
                    took = await product.terminate()
                here.finding.promise(took < OUT_WITHIN, f"it took {took:.1f} s to end")
                code = product.process.returncode
                here.finding.promise(code == 0, f"it ended with {code}")
                here.note_fault(began)
                await product.start()
                await here.note_recovery(began)
                here.finding.notes.append(f"out after {took:.1f} s")
            codes = {code for board in here.boards for code in board.close_codes}
            here.finding.promise(codes == {RESTARTING}, f"boards were told {codes}")
            return await here.check([product], store.url)
    finally:
        store.close()
