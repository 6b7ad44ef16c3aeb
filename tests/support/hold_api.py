"""Holds over HTTP in tests: reports onto the board, asks, and moves of what was asked."""

from pathlib import Path
from typing import Any

import httpx

from capacity.board.store import reading_of
from capacity.instants import utc_now
from capacity.row import digest_of, encode_row
from capacity.settings import Settings
from tests.support.board_model import until
from tests.support.board_page import row
from tests.support.live import source_file
from tests.support.service import Service, settings_for

PATH = "/api/v1/holds/randers"
PLACE, OTHER, TEAM = "favrskov-akutplads", "randers-akutplads-1", "favrskov-akutteam"
LINE, CLINIC = "rhr-geriatri-raad", "akutklinik-grenaa"
NEED = {"municipality": "0710", "capabilities": [], "within_minutes": 120, "where": "place"}
Answer = httpx.Response


def settings_in(folder: Path, redis_url: str) -> Settings:
    """A process without feeds of its own."""
    return settings_for(folder, redis_url, source_file(folder), run_feeds=False)


async def tell(holding: Service, unit: str, minutes_old: float = 0, **figures: Any) -> None:
    """A report straight onto the board, and wait until the hub has it."""
    told = row(unit, minutes_old, now=utc_now(), **figures)
    applied = await holding.services.board.apply(
        "randers", [reading_of(told, encode_row(told), digest_of(told))]
    )
    feed = holding.services.hub.feed("randers")
    await until(lambda: feed.cursor.seq >= applied.cursor.seq)


async def ask(holding: Service, unit: str = PLACE, key: str | None = None, **more: Any) -> Answer:
    """Ask for a place, whatever the answer is."""
    headers = {"Idempotency-Key": key} if key else {}
    return await holding.client.post(PATH, json={"unit": unit, **more}, headers=headers)


async def held(holding: Service, unit: str = PLACE, **more: Any) -> dict[str, Any]:
    """A hold that was granted."""
    answer = await ask(holding, unit, **more)
    assert answer.status_code == 201, answer.text
    hold: dict[str, Any] = answer.json()["hold"]
    return hold


async def move(
    holding: Service, hold: dict[str, Any], action: str, key: str | None = None, **body: Any
) -> Answer:
    """Accept, fill, release and so on; whatever the answer is."""
    headers = {"Idempotency-Key": key} if key else {}
    return await holding.client.post(f"{PATH}/{hold['id']}/{action}", json=body, headers=headers)
