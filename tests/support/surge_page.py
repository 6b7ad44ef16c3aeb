"""The surge level on the board in tests: what is told of it, and a board that is live at it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page

from capacity.board import Board
from capacity.board.store import reading_of
from capacity.instants import format_instant, utc_now
from capacity.row import Row, encode_row
from tests.support.board_page import row
from tests.support.live import LiveServer

NARROW = (320, 640)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OVERRIDE = {
    "level": 3,
    "reason": "Strømsvigt",
    "until": format_instant(NOW + timedelta(hours=4)),
    "at": format_instant(NOW),
    "by": {"role": "coordinator", "organisation": None},
}


def told(level: int = 0, *facts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A surge level as `web.surge_answer` tells it."""
    about = {"since": None, "unknown_since": None, "may_fall_at": None, "override": None}
    return {"level": level, "computed": level, **about, "facts": list(facts), **more}


def fact(code: str, value: int | None, *crossing: int, **numbers: Any) -> dict[str, Any]:
    """A fact of a level: its value, what it crosses and where."""
    crosses, up, down = crossing or (0, None, None)
    return {"code": code, "value": value, "crosses": crosses, "up": up, "down": down, **numbers}


def department(occupied: int) -> Row:
    """The department with so many of its 50 places occupied."""
    return row("rhr-akutafdeling", now=utc_now(), total=50, occupied=occupied)


def apply(url: str, rows: list[Row]) -> None:
    """Put rows on the board, as a feed would."""

    async def put() -> None:
        board = Board(url)
        latest = {each["unit"]: each for each in rows}
        readings = [reading_of(each, encode_row(each), "x") for each in latest.values()]
        await board.apply("randers", readings)
        await board.stop()

    asyncio.run(put())


def address(surging: LiveServer, lang: str = "da") -> str:
    """The board's page in a language."""
    return f"http://127.0.0.1:{surging.port}/board/randers?lang={lang}"


def go(page: Page, surging: LiveServer, lang: str = "da") -> None:
    """Open the board and wait until it is live at its computed level."""
    page.goto(address(surging, lang))
    page.wait_for_selector('body[data-link="live"] .surge-strip[data-level="2"]')
