"""The wall screen in Chromium: looking after itself through nights, outages and new versions.

Hazard answered: a screen that goes blank at night because its server was away.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.support.board_page import BoardServer
from tests.support.pictures import pixels, screencast
from tests.support.wall_page import go

pytest_plugins = ["tests.support.board_page_fixtures", "tests.support.wall_fixtures"]
pytestmark = pytest.mark.browser

COPENHAGEN = ZoneInfo("Europe/Copenhagen")

# --- beginning anew ------------------------------------------------------------------------------

AFTER_FOUR = 14 * 60 + 5
"""Minutes from `BASE`, 14.05 in Denmark, to ten past four in the night, the end of the jitter."""


def mark(page: Page) -> None:
    page.evaluate("() => { window.sameAsBefore = true }")


def same(page: Page) -> bool:
    return bool(page.evaluate("() => window.sameAsBefore === true"))


NEW = "() => window.sameAsBefore === undefined && document.body?.dataset.link === 'live'"


def look(page: Page, server: BoardServer, pages: int) -> None:
    """Wait until the screen has asked for so many pages, and a moment for what follows from it."""
    for _ in range(400):
        if server.pages >= pages:
            break
        page.wait_for_timeout(20)
    assert server.pages == pages
    page.wait_for_timeout(400)


def settle(page: Page, server: BoardServer) -> None:
    """The look at the version that follows every connection is done."""
    look(page, server, 2)
    mark(page)


def test_it_begins_anew_in_the_night_and_not_before(wall, server):
    go(wall.page, server)
    settle(wall.page, server)
    server.advance(minutes=AFTER_FOUR - 22)  # ten to four, the beginning of the jitter, less two
    look(wall.page, server, 3)  # it looks at the version each hour
    assert same(wall.page)
    server.advance(minutes=23)
    wall.page.wait_for_function(NEW)
    look(wall.page, server, 6)  # asked for, loaded, and looked at once
    mark(wall.page)
    server.advance(minutes=30)
    wall.page.wait_for_timeout(1500)
    assert same(wall.page)  # once a night
    assert wall.complaints == []


def test_a_server_that_is_away_at_four_leaves_the_screen_as_it_is(wall, server):
    page = wall.page
    go(page, server)
    settle(page, server)
    server.page_status = 503
    server.advance(minutes=AFTER_FOUR + 1)
    look(page, server, 3)
    page.wait_for_timeout(1500)
    assert same(page)
    assert server.pages == 3  # not again at once
    assert page.locator("[data-unit]").count() > 10
    server.advance(minutes=1.1)
    look(page, server, 4)
    assert same(page)
    server.page_status = 200
    server.advance(minutes=1.1)
    page.wait_for_function(NEW)


def test_a_new_version_of_the_server_is_fetched_once_the_link_is_back(wall, server):
    go(wall.page, server)
    settle(wall.page, server)
    server.drop()
    look(wall.page, server, 3)
    assert same(wall.page)  # it was the same server
    server.version = "0123456789ab"
    server.drop()
    wall.page.wait_for_function(NEW)
    expect(wall.page.locator("meta[name=version]")).to_have_attribute("content", "0123456789ab")


@pytest.mark.parametrize("pause", [0, 0.8], ids=["at once", "in two pieces"])
def test_there_is_no_blank_in_between(wall, server, pause):
    page = wall.page
    server.page_pause = pause
    go(page, server)
    settle(page, server)
    frames = screencast(page, maxWidth=120, maxHeight=68)
    server.advance(minutes=AFTER_FOUR + 1)
    page.wait_for_function(NEW)
    page.wait_for_timeout(500)
    shades = [sum(map(sum, pixels(frame)[:120])) / 120 / 3 for frame in frames]
    assert len(frames) >= 2
    assert max(shades) < 128  # the dark bar stands at the top of every picture


NIGHTS = [
    datetime(2026, 11, 24, 13, 5, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 23, 30, tzinfo=UTC),  # clocks go back at 01:00 UTC
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 3, 0, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 59, 59, tzinfo=UTC),  # clocks go forward at 01:00 UTC
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 22, 0, tzinfo=UTC),
]


def test_four_in_the_morning_is_found_whatever_the_clocks_do(wall, server):
    wall.page.goto(server.url("/wall/randers"))
    found = wall.page.evaluate(
        """async (nights) => {
          const { nextTimeOfDay } = await import("/static/js/times.js");
          return nights.map((night) => nextTimeOfDay(4, night));
        }""",
        [night.timestamp() * 1000 for night in NIGHTS],
    )
    for night, millis in zip(NIGHTS, found, strict=True):
        at = datetime.fromtimestamp(millis / 1000, UTC)
        local = at.astimezone(COPENHAGEN)
        assert (local.hour, local.minute, local.second) == (4, 0, 0), night
        assert timedelta() <= at - night <= timedelta(hours=25), night
