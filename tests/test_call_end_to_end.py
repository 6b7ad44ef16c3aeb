"""From call to place: two visitators and a nurse's phone, three browsers, one real service.

By keyboard from the need to the outcome, as a nurse with a doctor on the phone does it.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from capacity.board import EmbeddedServer
from tests.support.call_page import CallServer, calling
from tests.support.chromium import PHONE, chromium, opened
from tests.support.phone import rest, tap

pytestmark = pytest.mark.browser

NORTH = "randers-akutplads-1"
LIVE = '[data-link="live"]'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def server(valkey_server: EmbeddedServer, tmp_path: Path) -> Iterator[CallServer]:
    with calling(tmp_path / "data", valkey_server.url) as running:
        yield running


def open_page(page: Page, server: CallServer, path: str) -> None:
    page.goto(server.url(path))
    page.wait_for_selector(LIVE)


def figure(page: Page, unit: str):
    return page.locator(f'[data-unit="{unit}"] [data-slot="number"]').first


def card(page: Page, state: str):
    return page.locator(f'.mine[data-state="{state}"]')


def test_from_call_to_place_by_keyboard(browser: Browser, server: CallServer) -> None:
    with (
        opened(browser) as visitator,
        opened(browser) as colleague,
        opened(browser, PHONE, has_touch=True) as nurse,
    ):
        open_page(visitator.page, server, "/board/randers")
        open_page(colleague.page, server, "/board/randers")
        open_page(nurse.page, server, f"/unit/{NORTH}")
        desk, phone = visitator.page, nurse.page

        desk.keyboard.press("1")  # Randers
        desk.keyboard.press("p")  # a place
        first = desk.locator("[data-alternative]").first
        expect(first).to_have_attribute("data-alternative", NORTH)
        expect(first).to_have_attribute("data-verdict", "yes")
        desk.keyboard.press("a")  # to the best of the list

        began = time.monotonic()
        desk.keyboard.press("r")  # hold it
        ask = phone.locator("dialog[data-ask]")
        expect(ask).to_be_visible()
        waited = time.monotonic() - began
        assert server.holds(NORTH)[0]["state"] == "asked"
        expect(ask).to_contain_text("Randers")
        expect(figure(colleague.page, NORTH)).to_have_text("1")

        tap(phone, '[data-answer="accept"]')
        expect(card(desk, "accepted")).to_be_visible()
        desk.keyboard.press("e")  # own holds
        expect(card(desk, "accepted").get_by_role("button", name="Meld fyldt")).to_be_focused()
        desk.keyboard.press("Enter")
        expect(card(desk, "filled")).to_be_visible()

        desk.keyboard.press("u")  # the outcome
        expect(desk.locator('[data-outcome="alternative"]')).to_be_focused()
        with desk.expect_response(lambda answer: "/outcomes/" in answer.url) as answered:
            desk.keyboard.press("Enter")
        assert answered.value.status == 201
        [logged] = server.outcomes()
        assert logged["outcome"] == "alternative"
        assert logged["unit"] == NORTH
        assert logged["hold"] == server.holds(NORTH)[0]["id"]

        rest(phone)
        phone.get_by_role("button", name="1 ledig", exact=True).tap()  # her own report takes over
        expect(figure(colleague.page, NORTH)).to_have_text("1")
        expect(
            colleague.page.locator(f'[data-unit="{NORTH}"] [data-slot="holds"]').first
        ).to_be_hidden()
        row = server.rows()[NORTH]
        assert (row["free"], row["held"], row["source"]) == (1, 0, "nurse")
        assert visitator.complaints == colleague.complaints == nurse.complaints == []
        print(f"the ask was on the phone after {waited:.2f} s")


def test_the_last_place_goes_to_one_and_the_other_sees_the_next(
    browser: Browser, server: CallServer
) -> None:
    server.post(f"/api/v1/units/{NORTH}/report", {"free": 1})
    need = "/board/randers?municipality=0730&where=place"
    with opened(browser) as one, opened(browser) as other:
        for each in (one, other):
            open_page(each.page, server, need)
        for each in (one, other):
            button = each.page.locator(f'[data-alternative="{NORTH}"] button.hold')
            button.evaluate("button => setTimeout(() => button.click(), 50)")
        pages = (one.page, other.page)
        states = ["asked", "taken"]
        for page in pages:
            expect(page.locator('.mine:not([data-state="asking"])')).to_have_count(1)
        found = [page.locator(".mine").get_attribute("data-state") for page in pages]
        assert len([state for state in found if state == states[0]]) == 1, found
        loser = pages[1 - found.index("asked")]
        expect(loser.locator(".mine")).to_contain_text("Reservér")
        assert [hold["state"] for hold in server.holds(NORTH)] == ["asked"]
        assert server.rows()[NORTH]["free"] == 0
