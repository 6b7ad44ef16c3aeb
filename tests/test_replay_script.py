"""The page of the past in Chromium: steps, slider, play, by mouse and by keyboard."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from capacity.board import EmbeddedServer
from tests.support.call_page import CallServer, calling
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.databases import kept_beside
from tests.support.past import Past

pytestmark = pytest.mark.browser

START = datetime(2024, 12, 11, 8, tzinfo=UTC)
UNIT = '[data-unit="randers-akutteam"]'
NUMBER = f'{UNIT} [data-slot="number"]'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CallServer]:
    folder = tmp_path_factory.mktemp("replay") / "data"
    folder.mkdir()
    past = Past()
    for hour in range(4):
        past.say(
            START + timedelta(hours=hour), "randers-akutteam", total=9, free=hour, on_duty=True
        )
    kept = kept_beside(folder)  # by this thread, for a server that it starts ends with the thread
    with ThreadPoolExecutor(1) as another:  # the browser's loop runs in this one
        another.submit(lambda: asyncio.run(past.record_at(kept))).result(30)
    with calling(folder, valkey_server.url, run_feeds=False) as running:
        yield running


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    with opened(browser, DESKTOP) as page:
        yield page
        assert page.complaints == []


def begin(page: Page, server: CallServer) -> Page:
    page.goto(server.url("/replay/randers?at=2024-12-11T08:30:00Z"))
    expect(page.locator("[data-play]")).to_be_visible()
    return page


def test_a_step_shows_the_change_and_can_be_shared_and_undone(
    watched: Watched, server: CallServer
) -> None:
    page = begin(watched.page, server)
    expect(page.locator(NUMBER)).to_have_text("0")
    page.locator(f"{UNIT} summary").click()
    page.locator('[data-way="change_on"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(NUMBER)).to_have_text("1")
    assert page.locator('[data-way="change_on"]').evaluate("e => e === document.activeElement")
    expect(page.locator(f"{UNIT} details")).to_have_attribute("open", "")
    assert re.search(r"\?at=2024-12-11T09%3A00%3A00Z$", page.url)
    expect(page).to_have_title(re.compile("Fortid 11. december 2024 kl. 10.00"))
    page.go_back()
    expect(page.locator(NUMBER)).to_have_text("0")


def test_the_slider_goes_to_a_minute_of_the_day(watched: Watched, server: CallServer) -> None:
    page = begin(watched.page, server)
    slider = page.locator("#minute")
    expect(slider).to_have_attribute("aria-valuetext", "09.30")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-part="time"]')).to_have_text("11. december 2024 kl. 09.31")
    page.keyboard.press("Home")
    expect(page.locator('[data-part="time"]')).to_have_text("11. december 2024 kl. 00.00")
    expect(page.locator("#board .empty")).to_contain_text("ingen historik")


def test_the_chooser_of_the_hour_that_occurs_twice_comes_and_goes(
    watched: Watched, server: CallServer
) -> None:
    page = begin(watched.page, server)
    expect(page.locator("#which")).to_have_count(0)
    page.locator("#day").fill("2024-10-27")
    page.locator("#time").fill("02:30")
    page.locator(".jump button").click()
    expect(page.locator('[data-part="time"]')).to_have_text("27. oktober 2024 kl. 02.30 sommertid")
    page.locator("#which").select_option("second")
    page.locator(".jump button").click()
    expect(page.locator('[data-part="time"]')).to_have_text("27. oktober 2024 kl. 02.30 normaltid")
    expect(page.locator("#which")).to_have_value("second")
    page.locator('[data-way="day_on"]').click()
    expect(page.locator("#which")).to_have_count(0)


def test_playing_moves_on_until_it_is_paused(watched: Watched, server: CallServer) -> None:
    page = begin(watched.page, server)
    page.locator("#speed").select_option("60")
    page.locator("[data-play]").click()
    expect(page.locator("[data-play]")).to_have_text("Pause")
    expect(page.locator(NUMBER)).to_have_text("2")
    page.locator("[data-play]").click()
    expect(page.locator("[data-play]")).to_have_text("Afspil")


def test_a_moment_that_does_not_come_leaves_what_is_shown_and_says_so(
    browser: Browser, server: CallServer
) -> None:
    with opened(browser, PHONE) as watched:
        page = begin(watched.page, server)
        page.route(re.compile("/replay/"), lambda route: route.abort())
        page.locator('[data-way="hour_on"]').click()
        expect(page.locator("[data-wrong]")).to_contain_text("kl. 09.30")
        expect(page.locator(NUMBER)).to_have_text("0")
        page.unroute(re.compile("/replay/"))
        page.locator('[data-way="hour_on"]').click()
        expect(page.locator("[data-wrong]")).to_be_hidden()
        expect(page.locator(NUMBER)).to_have_text("1")


def test_it_works_without_script(browser: Browser, server: CallServer) -> None:
    with opened(browser, PHONE, java_script_enabled=False) as watched:
        page = watched.page
        page.goto(server.url("/replay/randers?at=2024-12-11T08:30:00Z"))
        page.locator('[data-way="change_on"]').click()
        expect(page.locator(NUMBER)).to_have_text("1")
        page.locator("#time").fill("12:30")
        page.locator(".jump button").click()
        expect(page.locator(NUMBER)).to_have_text("3")
