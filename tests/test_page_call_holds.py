"""A place is held, answered and let go from the board page, over the whole real service.

Hazards answered: one place promised twice; a hold that nobody sees; an answer that is missed; a
press that is done twice, or not at all, without a word.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from capacity.board import EmbeddedServer
from tests.support.board_page import A_TIME, row
from tests.support.call_page import CallServer, calling
from tests.support.chromium import PHONE, Watched, chromium, opened

pytestmark = pytest.mark.browser

PLACE, TEAM = "randers-akutplads-1", "randers-akutteam"  # two free, and the last one
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


def unit(page: Page, id_: str):
    return page.locator(f'[data-unit="{id_}"]')


def slot(page: Page, id_: str, name: str):
    return unit(page, id_).locator(f'[data-slot="{name}"]').first


def hold(page: Page, id_: str) -> None:
    unit(page, id_).locator("button.hold").click()


def card(page: Page, state: str):
    return page.locator(f'.mine[data-state="{state}"]')


def status(page: Page):
    return page.get_by_role("status")


def faults(watched: Watched) -> list[str]:
    """Complaints but for refusals, of which a browser always tells."""
    return [text for text in watched.complaints if "Failed to load resource" not in text]


def test_one_press_holds_and_everybody_sees_it_count_down(browser, live, server):
    with opened(browser, PHONE) as other:
        go(other.page, server, "/board/randers")
        hold(live.page, PLACE)
        expect(status(live.page)).to_have_text(
            "Plads holdt hos Akutpladser Randers Nord. Enheden er spurgt."
        )
        for page in (live.page, other.page):
            expect(slot(page, PLACE, "held")).to_have_text("1 holdt")
            expect(slot(page, PLACE, "holds")).to_have_text(re.compile(r"^spurgt (30:00|29:\d\d)$"))
            expect(slot(page, PLACE, "number")).to_have_text("1")
            expect(unit(page, PLACE)).to_have_attribute("data-mark", "one")
        expect(card(live.page, "asked")).to_contain_text("Akutpladser Randers Nord Spurgt")
        assert other.page.locator(".mine").count() == 0
        shown = slot(live.page, PLACE, "holds").inner_text()
        expect(slot(live.page, PLACE, "holds")).not_to_have_text(shown)
        server.advance(minutes=10)
        expect(slot(other.page, PLACE, "holds")).to_have_text(re.compile(r"^spurgt 19:\d\d$"))
        [made] = server.holds(PLACE)
        assert made["need"]["municipality"] == "0730"
        assert faults(live) == faults(other) == []


def test_an_answer_is_seen_and_said_at_once_and_the_place_filled(live, server):
    page = live.page
    hold(page, PLACE)
    expect(card(page, "asked")).to_be_visible()
    server.answer(PLACE, "accept")
    expect(card(page, "accepted")).to_contain_text("Lovet")
    expect(status(page)).to_have_text("Akutpladser Randers Nord har lovet pladsen.")
    expect(slot(page, PLACE, "holds")).to_have_text(re.compile("^lovet "))
    card(page, "accepted").get_by_role("button", name="Meld fyldt").click()
    expect(card(page, "filled")).to_be_visible()
    expect(slot(page, PLACE, "holds")).to_have_text("fyldt 1, afventer melding")
    expect(slot(page, PLACE, "number")).to_have_text("1")  # until the unit's own report
    server.tell(row(PLACE, now=server.now(), total=2, occupied=1, free=1))
    expect(slot(page, PLACE, "holds")).to_be_hidden()
    expect(slot(page, PLACE, "number")).to_have_text("1")


def test_a_decline_says_why_and_the_next_is_one_key_away(live, server):
    page = live.page
    hold(page, PLACE)
    expect(card(page, "asked")).to_be_visible()
    server.answer(PLACE, "decline", reason="no_staff")
    declined = card(page, "declined")
    expect(declined).to_contain_text("mangler personale")
    expect(status(page)).to_have_text("Akutpladser Randers Nord har afvist: mangler personale.")
    expect(slot(page, PLACE, "holds")).to_have_text(re.compile("^afvist kl. "))
    following = declined.locator("[data-next]").first.get_attribute("data-next")
    assert following not in (None, PLACE)
    page.keyboard.press("v")
    expect(card(page, "asked")).to_be_visible()
    assert [made["state"] for made in server.holds(str(following))] == ["asked"]
    expect(declined.locator(".next")).to_be_hidden()  # no further one is wanted now
    declined.get_by_role("button", name="Fjern").click()
    expect(declined).to_have_count(0)
    page.reload()
    page.wait_for_selector('[data-link="live"]')
    expect(card(page, "asked")).to_be_visible()
    expect(declined).to_have_count(0)


def test_without_an_answer_the_number_to_ring_is_shown_large(live, server):
    page = live.page
    hold(page, PLACE)
    expect(card(page, "asked").locator(".ring")).to_be_hidden()
    server.advance(seconds=61)
    ring = card(page, "asked").locator(".ring")
    expect(ring).to_contain_text("Intet svar endnu. Ring:")
    number = ring.get_by_role("link")
    expect(number).to_have_attribute("href", "tel:+4500000001")
    assert number.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 24


def test_the_loser_of_a_race_is_told_and_shown_what_else_there_is(live, server):
    page = live.page

    def another_is_quicker(route: Route) -> None:
        if not server.holds(TEAM):
            assert server.hold(TEAM).status_code == 201
        route.continue_()

    page.route("**/api/v1/holds/**", another_is_quicker)
    go(page, server, "/board/randers?municipality=0730&where=home")
    hold(page, TEAM)
    refused = card(page, "refused")
    expect(refused).to_contain_text(
        "Den sidste plads hos Akutteam Randers blev taget af en anden lige før."
    )
    expect(status(page)).to_have_text(re.compile(r"taget af en anden.* Næste: .+\.$"))
    assert len(server.holds(TEAM)) == 1
    page.unroute("**/api/v1/holds/**")
    following = refused.locator(".next button").first
    other = str(following.get_attribute("data-next"))
    following.click()
    expect(card(page, "asked")).to_be_visible()
    assert len(server.holds(other)) == 1
    refused.get_by_role("button", name="Fjern").click()
    expect(refused).to_have_count(0)
    assert faults(live) == []


def test_a_hold_is_cancelled_or_let_go_by_whoever_asked(live, server):
    page = live.page
    hold(page, PLACE)
    card(page, "asked").get_by_role("button", name="Annullér").click()
    expect(card(page, "cancelled")).to_be_visible()
    expect(status(page)).to_have_text("Reservationen hos Akutpladser Randers Nord er annulleret.")
    expect(slot(page, PLACE, "number")).to_have_text("2")
    hold(page, PLACE)
    expect(card(page, "asked")).to_be_visible()
    server.answer(PLACE, "accept")
    card(page, "accepted").get_by_role("button", name="Giv fri").click()
    expect(card(page, "released")).to_be_visible()
    expect(slot(page, PLACE, "number")).to_have_text("2")


def test_a_change_that_comes_too_late_is_told(live, server):
    page = live.page

    def quicker(route: Route) -> None:
        server.answer(PLACE, "decline")
        route.continue_()

    hold(page, PLACE)
    expect(card(page, "asked")).to_be_visible()
    page.route("**/cancel", quicker)
    card(page, "asked").get_by_role("button", name="Annullér").click()
    expect(status(page)).to_have_text(
        "Det kan ikke gøres nu: reservationen hos Akutpladser Randers Nord er afvist."
    )
    expect(card(page, "declined")).to_be_visible()


def test_an_answer_lost_on_the_way_does_not_make_two_holds(live, server):
    page = live.page
    keys: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            assert route.fetch().status == 201
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/holds/randers", lose_the_first)
    hold(page, PLACE)
    expect(card(page, "asked")).to_be_visible()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(server.holds(PLACE)) == 1


def test_when_nothing_comes_through_it_says_so_and_can_be_tried_again(live, server):
    page = live.page
    keys: list[str | None] = []

    def refuse(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        route.abort()

    page.route("**/api/v1/holds/randers", refuse)
    hold(page, PLACE)
    unsure = card(page, "unsure")
    expect(unsure).to_contain_text("Intet svar fra serveren. Det er uvist, om pladsen")
    expect(unsure.get_by_role("link")).to_have_attribute("href", "tel:+4500000001")
    page.unroute("**/api/v1/holds/randers")
    requests: list[str | None] = []
    page.on(
        "request",
        lambda request: (
            requests.append(request.headers.get("idempotency-key"))
            if request.method == "POST"
            else None
        ),
    )
    unsure.get_by_role("button", name="Prøv igen").click()
    expect(card(page, "asked")).to_be_visible()
    assert len(keys) == 3
    assert {*keys, *requests} == {keys[0]}
    assert len(server.holds(PLACE)) == 1


def test_a_reload_before_the_answer_loses_nothing_and_doubles_nothing(live, server):
    page = live.page

    def done_but_unheard(route: Route) -> None:
        route.fetch()  # the answer never reaches the page

    page.route("**/api/v1/holds/randers", done_but_unheard)
    hold(page, PLACE)
    expect(slot(page, PLACE, "held")).to_have_text("1 holdt")
    page.unroute("**/api/v1/holds/randers")
    page.reload()
    page.wait_for_selector('[data-link="live"]')
    expect(card(page, "asked")).to_be_visible()
    assert len(server.holds(PLACE)) == 1


def test_two_presses_are_one_wish(live, server):
    page = live.page
    unit(page, PLACE).locator("button.hold").dblclick()
    expect(card(page, "asked")).to_be_visible()
    page.wait_for_timeout(500)
    assert len(server.holds(PLACE)) == 1


def test_own_holds_survive_a_reload_and_belong_to_their_tab(browser, live, server):
    page = live.page
    hold(page, PLACE)
    expect(card(page, "asked")).to_be_visible()
    page.reload()
    page.wait_for_selector('[data-link="live"]')
    expect(card(page, "asked")).to_contain_text("Akutpladser Randers Nord")
    with opened(browser) as other:
        go(other.page, server)
        expect(slot(other.page, PLACE, "held")).to_have_text("1 holdt")
        assert other.page.locator(".mine").count() == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (401, "Du er logget ud. Log ind igen; det valgte bliver stående."),
        (403, "Du har ikke lov til dette her. Log ind igen eller genindlæs siden"),
    ],
)
def test_signed_out_says_so_and_the_way_back_keeps_the_need(live, server, code, said):
    page = live.page
    page.route("**/api/v1/holds/**", lambda route: route.fulfill(status=code, body="{}"))
    hold(page, PLACE)
    refused = card(page, "refused")
    expect(refused).to_contain_text(said)
    way = refused.get_by_role("link", name="Log ind igen").get_attribute("href")
    assert way == "/sign-in?next=%2Fboard%2Franders%3Fmunicipality%3D0730%26where%3Dplace"
    assert page.url.endswith(NEED)
    assert server.holds(PLACE) == []


def test_the_whole_way_by_keyboard_and_the_focus_is_never_lost(live, server):
    page = live.page
    focused = "() => document.activeElement.outerHTML.slice(0, 200)"
    page.keyboard.press("a")
    page.keyboard.press("r")
    expect(card(page, "asked")).to_be_visible()
    assert "data-ask" in page.evaluate(focused)
    page.keyboard.press("e")
    expect(card(page, "asked").get_by_role("button", name="Meld fyldt")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    gone = card(page, "cancelled").get_by_role("button", name="Fjern")
    expect(gone).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".mine")).to_have_count(0)
    assert page.evaluate("() => document.activeElement.id") == "call-title"


def test_a_row_of_two_words_shows_both(live, server):
    told = row(PLACE, minutes_old=1, now=server.now(), total=2, occupied=1, free=1)
    server.tell(told)
    answer = server.post(f"/api/v1/units/{PLACE}/report", {"free": 2})
    assert answer.status_code == 200
    disputed = slot(live.page, PLACE, "disputed")
    expect(disputed).to_have_text(
        re.compile(f"^systemet: 1 {A_TIME} · sygeplejersken: 2 {A_TIME}$")
    )


def test_a_unit_has_a_link_to_its_own_page(live, server):
    unit(live.page, PLACE).locator("summary").click()
    link = live.page.get_by_role("link", name="Meld for Akutpladser Randers Nord")
    expect(link).to_have_attribute("href", f"/unit/{PLACE}")
