"""What came of a call: one click saves it, a second gives the reason, an hour corrects it.

Hazards answered: a measurement that costs the call time and is therefore not made; an outcome
logged twice, or lost without a word.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from capacity.board import EmbeddedServer
from tests.support.board_page import A_TIME
from tests.support.call_page import CallServer, calling
from tests.support.chromium import Watched, chromium, opened

pytestmark = pytest.mark.browser

PLACE = "randers-akutplads-1"
NEED = "/board/randers?municipality=0730&where=place"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def server(valkey_server: EmbeddedServer, tmp_path: Path) -> Iterator[CallServer]:
    with calling(tmp_path / "data", valkey_server.url) as running:
        yield running


@pytest.fixture
def live(browser: Browser, server: CallServer) -> Iterator[Watched]:
    with opened(browser) as watched:
        go(watched.page, server)
        yield watched


def go(page: Page, server: CallServer, path: str = NEED) -> None:
    page.goto(server.url(path))
    page.wait_for_selector('[data-link="live"]')


def outcome(page: Page, code: str):
    return page.locator(f'[data-outcome="{code}"]')


def status(page: Page):
    return page.get_by_role("status")


def logged(server: CallServer, many: int = 1) -> dict[str, object]:
    deadline = time.monotonic() + 30  # the click is answered in the page's own time
    while len(found := server.outcomes()) < many and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(found) == many
    return found[-1]


def test_one_click_logs_the_alternative_and_the_next_call_may_come(live, server):
    page = live.page
    first = outcome(page, "alternative")
    expect(first).to_have_text("Alternativ: Akutpladser Randers Nord")
    server.advance(minutes=2)
    age = page.locator('[data-unit="rhr-visitation"] [data-slot="age"]')
    expect(age).to_have_text("2 min")  # a heartbeat told the page of it
    first.click()
    expect(status(page)).to_have_text("Udfald gemt: Alternativ valgt.")
    told = logged(server)
    assert (told["outcome"], told["unit"], told["hold"]) == ("alternative", PLACE, None)
    assert told["need"] == {
        "municipality": "0730",
        "capabilities": [],
        "within_minutes": None,
        "where": "place",
    }
    assert 120 <= int(str(told["took_seconds"])) <= 150
    assert page.url.endswith("/board/randers?")
    expect(first).to_be_hidden()
    expect(page.get_by_text("Seneste udfald (1)")).to_be_focused()
    assert live.complaints == []


def test_the_reason_is_a_second_click_and_leaves_a_trace(live, server):
    page = live.page
    outcome(page, "admitted_despite_free").click()
    assert logged(server)["reason"] is None
    entry = page.locator(".logged")
    expect(entry).to_contain_text("Indlagt trods ledigt")
    reason = entry.get_by_role("button", name="lægens beslutning")
    expect(reason).to_be_visible()
    reason.click()
    expect(status(page)).to_have_text("Udfald rettet: Indlagt trods ledigt.")
    expect(reason).to_have_attribute("aria-pressed", "true")
    expect(reason).to_be_focused()
    told = logged(server)
    assert told["reason"] == "doctor_decision"
    assert len(told["corrections"]) == 1  # type: ignore[arg-type]
    reason.click()
    expect(reason).to_have_attribute("aria-pressed", "false")
    assert logged(server)["reason"] is None


def test_anything_can_be_corrected_also_after_a_reload(live, server):
    page = live.page
    outcome(page, "other").click()
    expect(page.locator(".logged")).to_contain_text("Andet")
    page.reload()
    page.wait_for_selector('[data-link="live"]')
    page.get_by_text("Seneste udfald (1)").click()
    entry = page.locator(".logged")
    entry.get_by_text("Ret", exact=True).click()
    expect(entry.get_by_label("Hos")).to_be_hidden()
    entry.get_by_label("Udfald").select_option("alternative")
    entry.get_by_label("Hos").select_option("randers-akutteam")
    entry.get_by_role("button", name="Gem rettelsen").click()
    expect(entry.locator("[data-slot=what]")).to_have_text(
        re.compile(f"^{A_TIME} · Alternativ valgt · Akutteam Randers$")
    )
    told = logged(server)
    assert (told["outcome"], told["unit"]) == ("alternative", "randers-akutteam")


def test_the_alternative_is_the_one_held_and_a_hold_asks_for_its_outcome(live, server):
    page = live.page
    page.locator('[data-unit="randers-akutteam"] button.hold').click()
    expect(page.locator('.mine[data-state="asked"]')).to_be_visible()
    page.get_by_role("link", name="Ryd valg").click()
    expect(outcome(page, "alternative")).to_have_text("Alternativ: Akutteam Randers")
    outcome(page, "alternative").click()
    expect(status(page)).to_have_text("Udfald gemt: Alternativ valgt.")
    [hold] = server.holds("randers-akutteam")
    told = logged(server)
    assert (told["unit"], told["hold"]) == ("randers-akutteam", hold["id"])
    assert told["need"] == hold["need"]
    expect(outcome(page, "alternative")).to_be_hidden()  # the hold has its outcome
    expect(page.locator('.mine[data-state="asked"]')).to_be_visible()


def test_what_ended_in_the_call_goes_with_it_and_what_lives_stays(live, server):
    page = live.page
    for unit in (PLACE, "randers-akutteam"):
        page.locator(f'[data-unit="{unit}"] button.hold').click()
        expect(page.locator('.mine[data-state="asked"]').first).to_be_visible()
    expect(page.locator(".mine")).to_have_count(2)
    server.answer(PLACE, "decline")
    expect(page.locator('.mine[data-state="declined"]')).to_be_visible()
    outcome(page, "admitted_none_free").click()
    expect(page.locator('.mine[data-state="declined"]')).to_have_count(0)
    expect(page.locator('.mine[data-state="asked"]')).to_be_visible()


def test_the_alternative_is_the_one_last_touched(live):
    page = live.page
    page.locator('[data-alternative="rhr-subakut-medicin"] .who').click()
    expect(outcome(page, "alternative")).to_have_text("Alternativ: Subakutte tider, medicin")


def test_without_a_chosen_alternative_nothing_is_logged_in_its_name(live, server):
    page = live.page
    page.keyboard.press("x")
    page.keyboard.press("n")  # no municipality: nothing on the list is a yes
    expect(outcome(page, "alternative")).to_have_text("Alternativ valgt")
    outcome(page, "alternative").click()
    expect(status(page)).to_have_text("Vælg først et alternativ: klik på det på listen.")
    assert server.outcomes() == []


def test_an_answer_lost_on_the_way_is_told_and_pressed_again_it_is_one(live, server):
    page = live.page
    keys: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            assert route.fetch().status == 201
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/outcomes/**", lose_the_first)
    outcome(page, "admitted_none_free").click()
    expect(status(page)).to_have_text(
        "Udfaldet er ikke gemt: intet svar fra serveren. Tryk igen; det gemmes kun én gang."
    )
    expect(outcome(page, "admitted_none_free")).to_be_visible()
    assert page.url.endswith(NEED)
    outcome(page, "admitted_none_free").click()
    expect(status(page)).to_have_text("Udfald gemt: Indlagt, intet ledigt.")
    assert len(set(keys)) == 1
    logged(server)


def test_after_an_hour_nothing_can_be_corrected_any_more(live, server):
    page = live.page
    outcome(page, "other").click()
    expect(page.locator(".logged")).to_have_count(1)
    page.locator("h1 a").focus()
    server.advance(minutes=61)
    expect(page.locator(".logged")).to_have_count(0)
    expect(page.locator("[data-latest]")).to_be_hidden()


def test_the_box_is_there_whenever_a_need_is_and_one_key_away(live):
    page = live.page
    for _ in range(2):
        for code in ("alternative", "admitted_despite_free", "admitted_none_free", "other"):
            expect(outcome(page, code)).to_be_visible()
        page.locator("[data-unit]").last.scroll_into_view_if_needed()
        assert page.evaluate(
            "() => document.querySelector('[data-outcome]').getBoundingClientRect().bottom"
            " <= innerHeight"
        )
        page.set_viewport_size({"width": 390, "height": 844})
    page.keyboard.press("u")
    expect(outcome(page, "alternative")).to_be_focused()
