"""The wall screen in tests: where its alarms stand, what it is told of the level, its looks."""

from typing import Any

from playwright.sync_api import Page

from tests.support.board_page import BoardServer

LIVE = '[data-link="live"]'
ALARM = '[data-alarm="{}"]'
SURGE: dict[str, Any] = {
    "level": 2,
    "computed": 2,
    "since": "2026-11-24T12:10:00Z",
    "unknown_since": None,
    "may_fall_at": None,
    "facts": [],
    "override": None,
}
OVERRIDE = SURGE | {"level": 3, "override": {"until": "2026-11-24T15:00:00Z"}}
UNKNOWN = SURGE | {"unknown_since": "2026-11-23T09:00:00Z"}
NONE = SURGE | {"level": 0, "computed": None, "since": None}


def go(page: Page, server: BoardServer, path: str = "/wall/randers") -> None:
    """Look at the wall screen until its link is live."""
    page.goto(server.url(path))
    page.wait_for_selector(LIVE)


def lose(page: Page, server: BoardServer) -> None:
    """The link is lost, and the screen alarms."""
    server.answer = "refuse"
    server.drop()
    page.wait_for_selector(ALARM.format("link"))
