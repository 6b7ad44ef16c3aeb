"""A polled source freezes: it repeats old figures, hangs, or hangs up.

Its unit must turn stale on time on the pages of the service, never to a number, never to free,
and the operator is told; boards need no message for it, since a row says when it goes stale.
"""

import asyncio
import re
import time
from datetime import datetime
from pathlib import Path

import httpx

from capacity.instants import parse_instant, utc_now
from tests.bench.world import CLUSTER
from tests.faults.finding import Finding
from tests.faults.origin import Mood, Origin, origin, with_polled
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.stores import StoreServer

NAME = "source frozen"
NUMBER = 10
HAZARD = 1
STALE_AFTER = 12.0
ON_TIME = 1.5
"""Seconds after its time within which a page must show that a figure is stale."""


async def run(stage: Stage) -> Finding:
    """Every way of freezing, each followed by its end."""
    store = StoreServer(stage.folder / "source")
    store.start()
    world = stage.world(units=8, sources=2)
    unit = world.units[7]
    try:
        async with origin(unit) as source:
            _trust_for_seconds(world.folder / "catalogue.toml", unit)
            world = with_polled(world, source, every="3 s", timeout="2 s")
            product = Product(world, redis_url=store.url)
            async with scene(stage, NAME, product) as here:
                here.open_boards(product, 4)
                await here.wait_for(lambda: all(b.is_live for b in here.boards), "boards")
                for mood in (Mood.REPEATS, Mood.HANGS, Mood.HANGS_UP):
                    stage.say(f"{NAME}: {mood}")
                    await _freeze(here, product, source, mood)
                return await here.check([product], store.url)
    finally:
        store.close()


def _trust_for_seconds(catalogue: Path, unit: str) -> None:
    """Let the figures of a unit go stale soon."""
    head, mark, tail = catalogue.read_text(encoding="utf-8").partition(f'id = "{unit}"')
    tail = tail.replace('"2 h"', '"6 s"').replace('"4 h"', f'"{STALE_AFTER:.0f} s"')
    catalogue.write_text(head + mark + tail, encoding="utf-8")


async def _freeze(here: Scene, product: Product, source: Origin, mood: Mood) -> None:
    unit = source.unit
    async with httpx.AsyncClient(timeout=10, headers=product.board_headers()) as client:
        await here.wait_for(lambda: _age(here, unit) < 4, "a fresh figure")
        source.mood, questions = mood, source.questions
        frozen = time.monotonic()
        await _is_the_last(here, client, product, source, questions)
        stale_at = parse_instant(here.boards[0].rows[unit]["stale_at"])
        assert await _shown(client, product, unit) is not None, "it was to be fresh for now"
        await asyncio.sleep(max(0.0, (stale_at - utc_now()).total_seconds()))
        late = await _until_stale(here, client, product, unit, stale_at)
        for _ in range(4):  # and it stays so, though the source goes on repeating itself
            shown = await _shown(client, product, unit)
            here.finding.not_fresh += shown is not None
            await asyncio.sleep(0.5)
        here.finding.promise(late <= ON_TIME, f"{mood}: stale {late:.1f} s too late")
        noticed = await _alarm(client, product, frozen)
        here.finding.notice = max(here.finding.notice or 0.0, noticed)
        here.finding.notes.append(
            f"{mood}: page stale {late:.2f} s after its time, operator told after {noticed:.1f} s"
        )
        source.mood = Mood.WELL
        thawed = time.monotonic()
        await here.wait_for(lambda: _age(here, unit) < 4, "a fresh figure again")
        took = time.monotonic() - thawed
        here.finding.recover = max(here.finding.recover or 0.0, took)


async def _is_the_last(
    here: Scene, client: httpx.AsyncClient, product: Product, source: Origin, questions: int
) -> None:
    """Wait until all boards have the last figure of a source that was asked so often while well.

    It is asked again only once its answer before was taken in.
    """
    await here.wait_for(lambda: source.questions > questions, "a question to a frozen source")
    answer = await client.get(f"{product.base}/api/v1/board/{CLUSTER}")
    rows = {row["unit"]: row["observed_at"] for row in answer.raise_for_status().json()["rows"]}
    last = rows[source.unit]
    await here.wait_for(
        lambda: all(board.rows[source.unit]["observed_at"] == last for board in here.boards),
        "the last figure on all boards",
    )


def _age(here: Scene, unit: str) -> float:
    """Seconds since the unit was observed, by the board that shows the oldest."""
    seen = [board.rows.get(unit, {}).get("observed_at") for board in here.boards]
    if not all(seen):
        return float("inf")
    return max((utc_now() - parse_instant(at)).total_seconds() for at in seen)


async def _until_stale(
    here: Scene, client: httpx.AsyncClient, product: Product, unit: str, due: datetime
) -> float:
    """Seconds after its time at which the page shows no number for it any more."""
    while await _shown(client, product, unit) is not None:
        late = (utc_now() - due).total_seconds()
        if late > 3 * ON_TIME:
            here.finding.not_fresh += 1
            return late
        await asyncio.sleep(0.05)
    return (utc_now() - due).total_seconds()


async def _shown(client: httpx.AsyncClient, product: Product, unit: str) -> str | None:
    """The number of free places that the page shows for a unit; ``None`` for none."""
    page = (await client.get(f"{product.base}/board/{CLUSTER}")).text
    _, found, rest = page.partition(f'data-alternative="{unit}"')
    assert found, page[:500]
    part = rest.partition("</li>")[0]
    number = re.search(r'data-slot="figure"[^>]*>(\d+)', part)
    return number[1] if number else None


async def _alarm(client: httpx.AsyncClient, product: Product, since: float) -> float:
    """Seconds until the metrics tell that the source fails or is silent."""
    headers = product.metrics_headers()
    signs = ("akutoverblik_source_failing", "akutoverblik_feed_alarm")
    while True:
        text = (await client.get(f"{product.base}/metrics", headers=headers)).text
        lines = [one for one in text.splitlines() if one.startswith(signs) and "polled" in one]
        if any(one.endswith(" 1.0") for one in lines):
            return time.monotonic() - since
        assert time.monotonic() - since < 60, "nobody was told"
        await asyncio.sleep(0.2)
