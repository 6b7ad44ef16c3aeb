"""An ask on the phone: it cannot be missed, is answered by one tap, and never just disappears.

Hazards answered: an ask that nobody saw; a finger on its way to a number that says yes to an ask;
two people who answer the same ask; an ask that ended elsewhere and is still shown as open.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.holds import HoldState
from tests.support.chromium import Watched, chromium
from tests.support.phone import (
    COLLEAGUE,
    TEAM,
    PhoneService,
    go,
    phone,
    phone_service,
    rest,
    tap,
    told,
)
from tests.support.stopwatch import stopwatch
from tests.support.stores import without_a_disk

pytestmark = pytest.mark.browser

SHEET = "[data-ask]"
NEED = {
    "municipality": "0710",
    "capabilities": ["iv_antibiotics", "oxygen"],
    "within_minutes": 120,
    "where": "place",
}
LISTEN = """() => {
  window.heard = {tones: 0, shakes: 0};
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...given) {
    window.heard.tones += 1;
    return start.apply(this, given);
  };
  navigator.vibrate = () => (window.heard.shakes += 1, true);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def service(valkey_server: EmbeddedServer, tmp_path: Path) -> Iterator[PhoneService]:
    with Redis.from_url(valkey_server.url) as client:
        client.flushall()
    with phone_service(tmp_path, valkey_server.url) as running:
        running.feed(total=2, occupied=0)
        yield running


@pytest.fixture
def watched(browser: Browser, service: PhoneService) -> Iterator[Watched]:
    with phone(browser) as page:
        yield page
        unheard = [text for text in page.complaints if "Failed to load resource" not in text]
        assert unheard == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def part(page: Page, name: str):
    return page.locator(f'[data-ask-slot="{name}"]')


def test_it_fills_the_screen_within_a_second_and_says_what_is_needed(page, service, valkey_server):
    go(page, service)
    with without_a_disk(valkey_server.url), stopwatch() as watch:
        service.ask(need=NEED)
        page.wait_for_selector(f"{SHEET}[open]")
    assert watch.seconds < 1.5  # of which the asking itself takes a part
    expect(part(page, "title")).to_have_text("Regionshospitalet Randers spørger")
    expect(page.locator("[data-ask-need] li")).to_have_text(
        ["Borger fra Favrskov", "Plads", "Inden for 2 timer", "IV-antibiotika", "Ilt"],
        ignore_case=True,
    )
    expect(part(page, "clock")).to_contain_text("Svar inden 0:5")


def test_it_sounds_shakes_and_blinks_until_it_is_answered(page, service):
    page.add_init_script(f"({LISTEN})()")
    go(page, service)
    expect(page.locator("[data-sound]")).to_have_text("Slå lyd til")
    tap(page, "[data-sound]")
    expect(page.locator("[data-sound]")).to_have_text("Lyd er til – slå fra")
    before = page.evaluate("() => window.heard.tones")
    assert before > 0  # so that one hears that it is on
    service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    assert page.evaluate("() => window.heard") == {"tones": before + 3, "shakes": 1}
    titles: set[str] = set()
    deadline = time.monotonic() + 30
    while len(titles) < 2 and time.monotonic() < deadline:
        titles.add(page.title())
        page.wait_for_timeout(100)
    assert titles == {
        "Akutpladser Favrskov – Akutoverblik",
        "Forespørgsel! Akutpladser Favrskov – Akutoverblik",
    }
    tap(page, '[data-answer="accept"]')
    expect(page).to_have_title("Akutpladser Favrskov – Akutoverblik")
    after = page.evaluate("() => window.heard.tones")
    page.wait_for_timeout(9000)
    assert page.evaluate("() => window.heard.tones") == after
    tap(page, "[data-sound]")
    expect(page.locator("[data-sound]")).to_have_text("Slå lyd til")


def test_the_first_touch_anywhere_unlocks_the_sound(page, service):
    page.add_init_script(f"({LISTEN})()")
    go(page, service)
    page.locator("#question").tap()
    expect(page.locator("[data-sound]")).to_have_text("Lyd er til – slå fra")
    service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    assert page.evaluate("() => window.heard.tones") == 3


def test_yes_keeps_the_place_until_the_citizen_has_come(page, service):
    go(page, service)
    hold = service.ask(need=NEED)
    tap(page, '[data-answer="accept"]')
    told(page, "Sagt ja")
    expect(page.locator(SHEET)).to_be_hidden()
    assert service.hold(hold)["state"] == "accepted"
    assert service.hold(hold)["by"]["role"] == "visitator"
    card = page.locator(f'[data-hold="{hold}"]')
    expect(card).to_contain_text("I har sagt ja")
    expect(card).to_contain_text("Reserveret til")
    expect(page.locator('main [data-slot="now"]')).to_have_text("Nu vist: 1 af 2 ledig")
    tap(page, f'[data-hold="{hold}"] [data-do="fill"]')
    told(page, "Noteret: borgeren er kommet.")
    expect(card).to_have_count(0)
    assert service.hold(hold)["state"] == "filled"
    assert service.row()["free"] == 1
    expect(page.locator("[data-confirm]")).to_have_text("Uændret – bekræft 1 ledig")


def test_no_takes_one_tap_and_says_why(page, service):
    go(page, service)
    hold = service.ask()
    tap(page, '[data-reason="cannot_meet_need"]')
    told(page, "Sagt nej")
    found = service.hold(hold)
    assert (found["state"], found["reason"]) == ("declined", "cannot_meet_need")
    assert service.row()["free"] == 2


def test_what_was_accepted_can_be_released(page, service):
    go(page, service)
    hold = service.ask()
    tap(page, '[data-answer="accept"]')
    told(page, "Sagt ja")
    tap(page, f'[data-hold="{hold}"] [data-do="release"]')
    told(page, "Reservationen er frigivet.")
    assert service.hold(hold)["state"] == "released"
    expect(page.locator("[data-holds]")).to_be_hidden()


def test_several_asks_wait_in_line_and_the_oldest_comes_first(page, service):
    go(page, service)
    first, second = service.ask(need=NEED), service.ask()
    expect(part(page, "more")).to_have_text("+ 1 forespørgsel til")
    tap(page, '[data-answer="accept"]')
    expect(page.locator("[data-ask-need] li")).to_have_text(["Intet nærmere om behovet"])
    expect(part(page, "more")).to_be_hidden()
    tap(page, '[data-reason="no_staff"]')
    told(page, "Sagt nej")
    expect(page.locator(SHEET)).to_be_hidden()
    assert service.hold(first)["state"] == "accepted"
    assert service.hold(second)["state"] == "declined"


@pytest.mark.parametrize(
    ("to", "by", "said"),
    [
        (HoldState.CANCELLED, None, "Visitationen har trukket forespørgslen tilbage."),
        (HoldState.ACCEPTED, COLLEAGUE, "besvaret af en anden: ja."),
        (HoldState.DECLINED, COLLEAGUE, "besvaret af en anden: nej."),
    ],
)
def test_an_ask_that_ends_elsewhere_goes_with_a_word(page, service, to, by, said):
    go(page, service)
    hold = service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    service.move(hold, to, **({"by": by} if by else {}))
    told(page, said)
    expect(page.locator(SHEET)).to_be_hidden()


def test_an_answer_that_comes_too_late_is_told_what_happened(page, service):
    go(page, service)
    hold = service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    rest(page)
    page.route("**/api/v1/holds/**", lambda route: (
        service.move(hold, HoldState.CANCELLED), route.continue_()
    ))  # fmt: skip
    page.locator('[data-answer="accept"]').tap()
    told(page, "Visitationen har trukket forespørgslen tilbage.")
    assert service.hold(hold)["state"] == "cancelled"


def test_an_answer_that_does_not_get_through_can_be_given_again(page, service):
    go(page, service)
    hold = service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    rest(page)
    page.route("**/api/v1/holds/**", lambda route: route.abort())
    page.locator('[data-answer="accept"]').tap()
    told(page, "Svaret nåede ikke frem.")
    assert service.hold(hold)["state"] == "asked"
    page.unroute("**/api/v1/holds/**")
    tap(page, f'[data-hold="{hold}"] [data-do="open"]')
    tap(page, '[data-answer="accept"]')
    told(page, "Sagt ja")


def test_a_finger_on_its_way_to_a_number_answers_nothing(page, service):
    go(page, service)
    # The page itself presses, at the moment at which the sheet opens.
    page.evaluate(
        """(sheet) => new MutationObserver((_, observer) => {
            const button = document.querySelector(`${sheet}[open] [data-answer="accept"]`);
            if (!button) return;
            observer.disconnect();
            button.click();
            window.pressed = true;
        }).observe(document, { subtree: true, childList: true, attributes: true })""",
        SHEET,
    )
    hold = service.ask()
    page.wait_for_function("() => window.pressed")
    page.wait_for_timeout(300)
    assert service.hold(hold)["state"] == "asked"


def test_an_ask_can_be_put_aside_to_see_the_figures(page, service):
    go(page, service)
    hold = service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    rest(page)
    page.keyboard.press("Escape")
    expect(page.locator(SHEET)).to_be_hidden()
    expect(page.locator(f'[data-hold="{hold}"]')).to_contain_text("Svar")
    tap(page, '[data-free="2"]')
    told(page, "Gemt")
    assert service.row()["free_before_holds"] == 2
    tap(page, f'[data-hold="{hold}"] [data-do="open"]')
    page.wait_for_selector(f"{SHEET}[open]")


def test_an_ask_that_waits_already_is_there_when_the_page_opens(page, service):
    service.ask()
    go(page, service)
    page.wait_for_selector(f"{SHEET}[open]")


def test_asks_of_other_units_are_none_of_this_page(page, service):
    service.feed(TEAM, type="team", free=1, on_duty=True)
    go(page, service)
    service.ask(TEAM)
    service.feed(total=2, occupied=1)
    expect(page.locator('main [data-slot="now"]')).to_have_text("Nu vist: 1 af 2 ledig")
    expect(page.locator(SHEET)).to_be_hidden()


def test_it_is_answered_by_keyboard_and_the_focus_comes_back(page, service):
    go(page, service)
    page.locator('[data-free="1"]').focus()
    hold = service.ask()
    page.wait_for_selector(f"{SHEET}[open]")
    assert page.evaluate("() => document.activeElement.id") == "ask-title"
    rest(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told(page, "Sagt ja")
    assert service.hold(hold)["state"] == "accepted"
    assert page.locator('[data-free="1"]:focus').count() == 1


def test_it_speaks_english_too(page, service):
    go(page, service, query="?lang=en")
    service.ask(need=NEED)
    expect(part(page, "title")).to_have_text("Regionshospitalet Randers asks")
    expect(page.locator("[data-ask-need] li").first).to_have_text("Citizen of Favrskov")
    expect(part(page, "clock")).to_contain_text("Answer within")
