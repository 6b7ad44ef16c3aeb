"""The list of alternatives lives: it follows rows and time, never under a hand, and says its age.

Hazards answered: the wrong unit held because the list moved at the press; an old list that looks
new; a page that asks the server to death.
"""

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from capacity.instants import format_instant
from capacity.model import Closure
from tests.support.board_page import BoardServer, ordinary_rows, row, serving
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.stopwatch import stopwatch
from web.pages import Timing

pytestmark = pytest.mark.browser

NEED = "/board/randers?municipality=0730&where=place&within_minutes=480"
LIST = "[data-list] [data-alternative]"
ORDER = f"() => [...document.querySelectorAll('{LIST}')].map((e) => e.dataset.alternative)"
FIRST, SECOND = "randers-akutplads-1", "randers-akutplads-2"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def server() -> Iterator[BoardServer]:
    with serving(ordinary_rows()) as running:
        yield running


@pytest.fixture
def live(browser: Browser, server: BoardServer) -> Iterator[Watched]:
    with opened(browser) as watched:
        yield watched


def go(page: Page, server: BoardServer, path: str = NEED) -> None:
    page.goto(server.url(path))
    page.wait_for_selector('[data-link="live"]')
    assert order(page)[0] == FIRST


def order(page: Page) -> list[str]:
    found: list[str] = page.evaluate(ORDER)
    return found


def item(page: Page, unit: str):
    return page.locator(f'[data-alternative="{unit}"]')


def swap(server: BoardServer) -> None:
    """The first is full, the second has places: their order on the list changes."""
    server.tell(
        row(FIRST, now=server.now(), total=2, occupied=2, free=0),
        row(SECOND, now=server.now(), total=4, occupied=0, free=4),
    )


def wait_for_first(page: Page, unit: str) -> None:
    page.wait_for_function(
        f"(unit) => document.querySelector('{LIST}').dataset.alternative === unit", arg=unit
    )


def test_the_list_follows_the_rows_in_place(live, server):
    page = live.page
    go(page, server)
    item(page, FIRST).evaluate("e => { e.sameAsBefore = true }")
    swap(server)
    wait_for_first(page, SECOND)
    expect(item(page, FIRST)).to_have_attribute("data-verdict", "no")
    expect(item(page, FIRST).locator(".verdict")).to_have_text("Nej")
    expect(item(page, FIRST).locator(".against")).to_contain_text("ingen ledige")
    expect(item(page, SECOND).locator("[data-slot=figure]")).to_have_text("4 ledige")
    expect(item(page, SECOND).locator(".age")).to_have_text("opdateret nu")
    assert item(page, FIRST).evaluate("e => e.sameAsBefore")
    assert live.complaints == []


def test_nothing_is_hidden_only_ordered(live, server):
    go(live.page, server)
    assert len(order(live.page)) == 14  # all but department, visitation, doctors, ambulances
    for unit in order(live.page):
        words = item(live.page, unit).locator(".verdict").inner_text()
        assert words in ("Ja", "Spørg", "Nej")
        if words != "Ja":
            assert item(live.page, unit).locator(".against").inner_text()


def test_under_the_focus_the_order_waits_and_says_so(live, server):
    page = live.page
    go(page, server)
    before = order(page)
    hold = item(page, FIRST).get_by_role("button")
    hold.focus()
    swap(server)
    expect(page.get_by_role("status")).to_have_text("Rækkefølgen er ændret")
    expect(item(page, FIRST)).to_have_attribute("data-verdict", "no")  # texts are never held back
    assert order(page) == before
    expect(hold).to_be_focused()
    page.locator("h1 a").focus()
    wait_for_first(page, SECOND)
    expect(page.get_by_role("button", name="Vis den nye rækkefølge")).to_be_hidden()


def test_the_new_order_can_be_had_at_once(live, server):
    page = live.page
    go(page, server)
    item(page, FIRST).get_by_role("link").focus()
    swap(server)
    button = page.get_by_role("button", name="Vis den nye rækkefølge")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    wait_for_first(page, SECOND)
    expect(button).to_be_hidden()
    assert page.evaluate("() => document.activeElement.id") == "call-title"


def test_offering_the_new_order_moves_nothing(live, server):
    page = live.page
    go(page, server)
    hold = item(page, FIRST).get_by_role("button")
    hold.focus()
    before = hold.bounding_box()
    swap(server)
    expect(page.get_by_role("button", name="Vis den nye rækkefølge")).to_be_visible()
    after = hold.bounding_box()
    assert before is not None
    assert after is not None
    assert (before["x"], before["y"]) == (after["x"], after["y"])


def test_under_a_pressed_pointer_the_order_waits(live, server):
    page = live.page
    go(page, server)
    name = item(page, FIRST).locator(".who")
    box = name.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    before = order(page)
    swap(server)
    expect(item(page, FIRST)).to_have_attribute("data-verdict", "no")
    page.wait_for_timeout(1500)  # longer than the pause after a pointer's last move
    assert order(page) == before
    page.mouse.up()
    wait_for_first(page, SECOND)


def test_an_aiming_pointer_has_a_moment(live, server):
    page = live.page
    go(page, server)
    box = item(page, FIRST).bounding_box()
    assert box is not None
    before = order(page)
    swap(server)
    waited = page.locator(f'[data-alternative="{FIRST}"][data-verdict="no"]')
    for step in range(200):
        page.mouse.move(box["x"] + 20 + step % 5, box["y"] + 10)
        if waited.count():
            break
    assert order(page) == before
    wait_for_first(page, SECOND)


def test_a_need_that_changes_orders_the_list_at_once_and_keeps_the_focus(live, server):
    page = live.page
    go(page, server)
    link = item(page, FIRST).get_by_role("link")
    link.focus()
    page.keyboard.press("2")
    wait_for_first(page, "favrskov-akutplads")
    expect(link).to_be_focused()


def test_many_changes_are_few_questions(live, server):
    page = live.page
    go(page, server)
    page.wait_for_timeout(1200)
    asked = len(server.asked)
    began = time.monotonic()
    for n in range(30):
        server.tell(row(FIRST, now=server.now(), total=40, occupied=n, free=40 - n))
        page.wait_for_timeout(50)
    expect(item(page, FIRST).locator("[data-slot=figure]")).to_have_text("11 ledige")
    took = time.monotonic() - began
    assert 1 <= len(server.asked) - asked <= took + 2


def test_time_alone_changes_the_list_when_the_server_said(live, server):
    server.timing = Timing(watchdog_ms=60_000)
    figure = row(FIRST, now=server.now(), total=2, free=2)
    server.rows[FIRST] = figure
    page = live.page
    go(page, server)
    expect(item(page, FIRST)).to_have_attribute("data-verdict", "yes")
    with stopwatch() as watch:
        soon = server.now() + timedelta(seconds=3)
        server.tell(figure | {"stale_at": format_instant(soon)})
        expect(item(page, FIRST)).to_have_attribute("data-verdict", "ask")
        assert server.now() >= soon
    assert watch.seconds - 3 < 2.5
    expect(item(page, FIRST).locator("[data-slot=figure]")).to_have_text("Forældet")
    expect(item(page, FIRST).get_by_role("button")).to_have_attribute("aria-disabled", "true")


def test_a_list_that_cannot_be_renewed_says_since_when_and_holds_nothing(live, server):
    page = live.page
    go(page, server)
    server.alternatives_away = True
    swap(server)
    line = page.locator("[data-list-old]")
    expect(line).to_have_text(
        "Listen er fra kl. 14.05 og kan ikke opdateres. Reservation fra listen er slået fra."
    )
    hold = item(page, FIRST).get_by_role("button")
    expect(hold).to_have_attribute("aria-disabled", "true")
    expect(hold).to_have_attribute("aria-describedby", "list-old")
    hold.click(force=True)
    expect(page.get_by_role("status")).to_have_text(
        "Slået fra, fordi listen er gammel. Ring til enheden."
    )
    page.locator("h1 a").focus()
    server.alternatives_away = False
    wait_for_first(page, SECOND)
    expect(line).to_be_hidden()
    expect(item(page, SECOND).get_by_role("button")).not_to_have_attribute("aria-disabled", "true")


def test_a_lost_link_disables_every_action_with_the_reason(live, server):
    page = live.page
    go(page, server)
    server.answer = "refuse"
    server.drop()
    page.wait_for_selector('[data-link="lost"]')
    reason = page.locator("#off-link")
    expect(reason).to_have_text("Slået fra, til forbindelsen er tilbage. Ring til enheden.")
    expect(reason).to_be_visible()
    buttons = page.locator("button:visible:not([data-surge-strip] *)")
    assert buttons.count() > 20
    for button in buttons.all():
        assert button.get_attribute("aria-disabled") == "true"
        assert button.get_attribute("aria-describedby") == "off-link"
    page.locator(f'[data-unit="{FIRST}"] button').click(force=True)
    expect(page.get_by_role("status")).to_have_text(reason.inner_text())
    page.keyboard.press("2")  # choosing goes on; it needs no server
    expect(page).to_have_url(re.compile("municipality=0710"))
    server.answer = "snapshot"
    page.wait_for_selector('[data-link="live"]')
    expect(reason).to_be_hidden()
    wait_for_first(page, "favrskov-akutplads")


def test_a_button_that_is_off_says_why(live, server):
    page = live.page
    go(page, server)
    server.tell(row("syddjurs-akutplads", now=server.now(), free=0, closure=Closure("syg")))
    for unit, why in (
        ("norddjurs-akutplads", "Tallet for Akutplads Norddjurs er forældet."),
        ("syddjurs-akutplads", "Akutplads Syddjurs er lukket lige nu."),
        (SECOND, "Akutplads Randers Syd har ingen ledige."),
    ):
        button = item(page, unit).get_by_role("button")
        assert button.get_attribute("aria-disabled") == "true"
        button.click(force=True)
        expect(page.get_by_role("status")).to_contain_text(why)


# Which units' elements were touched by anything but their age.
TOUCHED = """() => {
  window.touched = new Set();
  new MutationObserver((records) => {
    for (const { target } of records) {
      const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
      const unit = element.closest("[data-unit]");
      if (unit && !element.closest(".age")) window.touched.add(unit.dataset.unit);
    }
  }).observe(document.body, {
    attributes: true, childList: true, characterData: true, subtree: true,
  });
}"""


def test_a_row_that_changes_touches_no_other_row(live, server):
    page = live.page
    go(page, server)
    page.evaluate(TOUCHED)
    swap(server)
    wait_for_first(page, SECOND)
    assert set(page.evaluate("() => [...window.touched]")) == {FIRST, SECOND}


def test_numbers_are_never_announced(live, server):
    go(live.page, server)
    spoken = "[aria-live], [role=status], [role=alert], [role=log], output"
    assert live.page.locator(f"{spoken} >> visible=true").count() <= 1
    silent = ".dock, .call, .unit, .total"
    assert live.page.locator(f":is({silent}) :is({spoken})").count() == 0


def test_names_of_buttons_say_which_unit(live, server):
    go(live.page, server)
    names = live.page.locator("button.hold:visible").evaluate_all(
        "all => all.map((e) => e.textContent.replace(/\\s+/g, ' ').trim())"
    )
    assert len(names) > 15
    assert all(re.fullmatch(r"Reservér: .{8,}", name) for name in names)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_list_is_before_the_units_for_the_keyboard_and_one_key_away(browser, server, size):
    with opened(browser, size) as watched:
        go(watched.page, server)
        watched.page.keyboard.press("a")
        assert watched.page.evaluate(
            "() => document.activeElement.closest('[data-alternative]').dataset.alternative"
        ) == FIRST  # fmt: skip


def test_whoever_may_not_hold_sees_the_list_without_buttons(live, server, monkeypatch):
    monkeypatch.setattr(server, "may_hold", False)
    go(live.page, server)
    assert live.page.locator("button.hold").count() == 0
    expect(item(live.page, FIRST).get_by_role("link")).to_be_visible()
    live.page.keyboard.press("r")
    assert live.complaints == []
