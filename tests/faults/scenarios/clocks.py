"""The clocks of store and service jump by an hour, and both nights of summer time pass.

Stream ids only grow, no hold is freed early, and none is kept for the hour. What is delivered once
more after a jump gets the answer it had.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from capacity.board import Board
from capacity.holds import HoldState
from capacity.instants import parse_instant, utc_now
from tests.bench.world import CLUSTER
from tests.faults.clock import WrongClock, build
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.board_model import insisting, opened
from tests.support.holds import VISITATOR
from tests.support.stores import StoreServer

NAME = "clocks wrong"
NUMBER = 11
HAZARD = 7
HOUR = 3600.0
SHORT_HOLD = 6.0
EARLY = 300.0
"""Seconds before the change at which a night begins: long enough for all to start."""
REPEATED = 3
"""Reports of each source that are delivered a second time once a clock has jumped."""
KEPT_LONGER = 40.0
"""Seconds by which a hold may outlast its time when a clock jumps."""
NIGHTS = {
    "winter time begins": datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
    "summer time begins": datetime(2027, 3, 28, 1, 0, tzinfo=UTC),
}
JUMPS = (("store", HOUR), ("store", 0.0), ("service", HOUR), ("service", 0.0), ("both", HOUR),
         ("both", 0.0))  # fmt: skip


async def run(stage: Stage) -> Finding:
    """The jumps, then each night, with holds over the change of the clocks."""
    library = build(stage.folder)
    finding = await _played(stage, library, "jumps", None)
    for name, moment in NIGHTS.items():
        stage.say(f"{NAME}: {name}")
        finding.add(await _played(stage, library, name, moment))
    return finding


async def _played(stage: Stage, library: Path, name: str, night: datetime | None) -> Finding:
    ahead = 0.0 if night is None else _until(night) - EARLY
    slug = name.replace(" ", "-")
    of_store = WrongClock(stage.folder, f"{slug}-store", library)
    of_service = WrongClock(stage.folder, f"{slug}-service", library)
    for clock in (of_store, of_service):
        clock.put(ahead)
    store = StoreServer(stage.folder / slug)
    with of_store.for_children():
        store.start()
    try:
        zone = {"TZ": "Europe/Copenhagen"}
        product = Product(
            stage.world(), redis_url=store.url, environment={**of_service.environment, **zone}
        )
        async with scene(stage, f"{NAME} {name}", product) as here:
            here.rewritten = True
            if night is None:  # far enough behind for a service that is an hour late to take it
                here.people(product, clock=lambda: utc_now() - timedelta(seconds=HOUR))
            else:
                here.people(product, clock=of_service.now)
            await here.warm()
            await asyncio.to_thread(_check_clock, store, ahead)
            async with opened(store.url) as board:
                if night is None:
                    await _jump(here, board, of_store, of_service)
                else:
                    await _pass(here, board, night, of_store, of_service)
            return await here.check([product], store.url)
    finally:
        store.close()


def _check_clock(store: StoreServer, ahead: float) -> None:
    """The store really goes by the wrong clock, or nothing is tried here."""
    told = float(store.says("TIME").split("\r\n")[2])
    assert abs(told - time.time() - ahead) < 30, f"the store's clock is {told - time.time()} ahead"


async def _jump(here: Scene, board: Board, store: WrongClock, service: WrongClock) -> None:
    for what, ahead in JUMPS:
        here.stage.say(f"{NAME}: {what} to {ahead / HOUR:+.0f} h")
        long, brief = await _holds(here, board)
        for name, clock in (("store", store), ("service", service)):
            if what in (name, "both"):
                clock.put(ahead)
        for source in here.sources:
            await source.deliver_again(REPEATED)
        await _follow(here, board, long, brief, f"{what} to {ahead / HOUR:+.0f} h")


async def _pass(
    here: Scene, board: Board, night: datetime, store: WrongClock, service: WrongClock
) -> None:
    """Let the clocks change in the middle of the brief hold, however long all took to start."""
    for clock in (store, service):
        clock.put(_until(night) - SHORT_HOLD / 2)
    long, brief = await _holds(here, board)
    taken = time.monotonic()
    hold = await insisting(partial(board.hold, CLUSTER, brief))
    assert hold is not None
    spans = parse_instant(hold["asked_at"]) < night < parse_instant(hold["expires_at"])
    here.finding.promise(spans, f"the clocks did not change within the hold: {hold}")
    await here.wait_for(lambda: store.now() > night, "the change of the clocks")
    await _follow(here, board, long, brief, "the night", already=time.monotonic() - taken)


def _until(moment: datetime) -> float:
    """Seconds that a clock must be ahead for it to be that moment now."""
    return (moment - utc_now()).total_seconds()


async def _holds(here: Scene, board: Board) -> tuple[str, str]:
    """One hold for half an hour, one for a few seconds."""
    found: list[str] = []
    for length in (1800.0, SHORT_HOLD):
        unit = here.chance.choice(here.ledger.units())  # of others nothing is known yet
        ask = partial(board.ask_hold, CLUSTER, unit, timedelta(seconds=length), VISITATOR)
        answer = await insisting(partial(ask, request_id=f"{here.ledger.next_mark()}"))
        assert answer.hold is not None, answer
        found.append(answer.hold["id"])
    return found[0], found[1]


async def _follow(
    here: Scene, board: Board, long: str, brief: str, what: str, already: float = 0.0
) -> None:
    """The brief hold ends at its time, not before; the long one stands; reports go through."""
    began = time.monotonic() - already
    while await _state(board, brief) == HoldState.ASKED:
        assert time.monotonic() - began < SHORT_HOLD + KEPT_LONGER, f"{what}: a hold is kept"
        await asyncio.sleep(0.1)
    lasted = time.monotonic() - began
    here.finding.promise(lasted > SHORT_HOLD - 1.5, f"{what}: freed after {lasted:.1f} s")
    stands = await _state(board, long) == HoldState.ASKED
    here.finding.promise(stands, f"{what}: a hold for half an hour was freed")
    here.finding.notes.append(f"{what}: a hold for {SHORT_HOLD:.0f} s lasted {lasted:.1f} s")
    await board.move_hold(CLUSTER, long, HoldState.CANCELLED, VISITATOR)
    await here.note_recovery(time.monotonic())


async def _state(board: Board, hold_id: str) -> str:
    hold = await insisting(partial(board.hold, CLUSTER, hold_id))
    return hold["state"] if hold else ""
