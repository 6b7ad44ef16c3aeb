"""The page's own rules, asked one by one in the browser: times of day, taking back, the moment of a
tap. They have no copy on the server to be held against."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from capacity.hand_report import empty_now, fits
from capacity.hand_word import CLOSING_REASONS
from capacity.instants import COPENHAGEN, BadInstantError, epoch_millis, format_instant, localize
from capacity.model import Closure
from capacity.row import Row
from tests.support.board_page import BASE, CATALOGUE, BoardServer, row, serving
from tests.support.chromium import chromium, opened

pytestmark = pytest.mark.browser

NOW = epoch_millis(BASE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[BoardServer]:
    with serving([]) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: BoardServer) -> Iterator[Page]:
    with opened(browser) as watched:
        watched.page.goto(server.url("/static/icon.svg"))
        yield watched.page


def call(page: Page, module: str, name: str, *given: object) -> Any:
    """The result of a function of one of the page's modules."""
    return page.evaluate(
        "async ([module, name, given]) => "
        "(await import(`/static/js/unit/${module}.js`))[name](...given)",
        [module, name, list(given)],
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T14:05",
        "2026-07-01T07:00",
        "2026-10-25T02:30",  # occurs twice: the first is meant
        "2026-03-29T02:30",  # does not occur
        "2026-03-29T03:00",
        "2026-12-31T23:59",
    ],
)
def test_a_wall_clock_time_is_the_instant_that_the_server_takes_it_for(page, text):
    found = call(page, "wall_time", "fromWall", text)
    try:
        meant = epoch_millis(localize(datetime.fromisoformat(text), COPENHAGEN))
    except BadInstantError:
        assert math.isnan(found)
        return
    assert found == meant
    assert call(page, "wall_time", "wallOf", found) == text


@pytest.mark.parametrize("text", ["", "i morgen", "2026-13-01T07:00", "2026-02-30T07:00"])
def test_what_is_no_time_is_none(page, text):
    found = call(page, "wall_time", "fromWall", text)
    assert math.isnan(found)


def undo(page: Page, body: dict[str, object], before: Row | None) -> Any:
    return call(page, "undo", "undoOf", body, before, NOW, dict(CLOSING_REASONS))


PLACE, TEAM = "favrskov-akutplads", "favrskov-akutteam"
AHEAD = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "before", "back"),
    [
        ({"free": 0}, row(PLACE, 5, total=2, free=2), {"free": 2}),
        ({"open": True, "free": 0}, row(PLACE, 5, total=2, free=2), {"free": 2}),
        ({"close": {}}, row(PLACE, 5, total=2, free=1), {"open": True, "free": 1}),
        ({"close": {}}, row("rhr-visitation", 1, waiting=2), {"open": True}),
        ({"confirm": True}, row(PLACE, 5, total=2, free=2), None),
        ({"free": 0}, None, None),
        ({"free": 0}, row(PLACE, 5, total=2), None),
        ({"free": 0}, row(PLACE, 250, total=2, free=2), None),
        (
            {"capabilities_off": ["oxygen"]},
            row(PLACE, 5, total=2, free=2, capabilities_off=("iv_fluid",)),
            {"capabilities_off": ["iv_fluid"]},
        ),
        (
            {"open": True, "free": 2},
            row(PLACE, 5, total=2, free=2, closure=Closure("smitte", AHEAD, True)),
            {
                "close": {
                    "reason": "infection",
                    "reopens_at": format_instant(AHEAD),
                    "reopens_itself": True,
                }
            },
        ),
        (
            {"open": True, "free": 2},
            row(PLACE, 5, total=2, free=2, closure=Closure("smitte", BASE)),
            {"close": {"reason": "infection", "reopens_at": None, "reopens_itself": False}},
        ),
        ({"open": True, "free": 2}, row(PLACE, 5, free=2, closure=Closure("et rør")), None),
        (
            {"on_duty": False},
            row(TEAM, 5, free=0, on_duty=True, next_free_at=AHEAD),
            {"on_duty": True, "free": 0, "next_free_at": format_instant(AHEAD)},
        ),
        ({"on_duty": False}, row(TEAM, 5, free=2, on_duty=True), {"on_duty": True, "free": 2}),
        ({"on_duty": True, "free": 1}, row(TEAM, 5, free=2, on_duty=False), {"on_duty": False}),
        ({"on_duty": False}, row("rhr-geriatri-raad", 1, on_duty=True), {"on_duty": True}),
    ],
)
def test_taking_back_says_again_what_stood(page, body, before, back):
    assert undo(page, body, before) == back


@pytest.mark.parametrize(
    "counts",
    [
        {"total": 6, "occupied": 3, "reserved": 1, "closed": 1, "free": 1},
        {"total": 4, "staffed": 3, "free": 2},
        {"total": 4, "staffed": 5, "closed": 1, "free": 2},
        {"total": 1, "reserved": 3, "free": 0},
        {"free": 2},
    ],
)
def test_what_fits_and_what_is_empty_are_what_the_server_says(page, counts):
    a_row = row(PLACE, 5, **counts)
    places = CATALOGUE.units[PLACE].places
    assert call(page, "texts", "fits", a_row, places) == fits(CATALOGUE.units[PLACE], a_row)
    assert call(page, "texts", "emptyNow", a_row, NOW) == empty_now(a_row, BASE)


def test_the_moment_of_a_tap_survives_a_sleeping_phone(page):
    moments = page.evaluate(
        """async () => {
          const { Moment } = await import("/static/js/unit/moment.js");
          const clock = { now: () => Date.now() + 60_000 };  // the phone runs a minute behind
          const moment = new Moment(clock);
          moment.live = true;
          moment.heard();
          const ahead = Date.parse(moment.take()) - Date.now();
          moment.live = false;
          const asleep = Date.now() - 3_600_000 + 60_000;
          clock.now = () => asleep;  // the page's clock stood still for an hour
          return [ahead, Date.parse(moment.take()) - Date.now()];
        }"""
    )
    assert [round(each / 1000) for each in moments] == [60, 60]


def test_two_taps_never_have_the_same_moment(page):
    moments = page.evaluate(
        """async () => {
          const { Moment } = await import("/static/js/unit/moment.js");
          const moment = new Moment({ now: () => 1_780_000_000_000 });
          moment.live = true;
          return [moment.take(), moment.take(), moment.take()];
        }"""
    )
    assert len(set(moments)) == 3
    assert moments == sorted(moments)
