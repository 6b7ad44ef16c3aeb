"""The need in seconds: by mouse, by single keys that can be switched off, by a few letters.

Hazards answered: a key that acts while somebody writes; a choice that is lost on the way; a number
typed in the wrong place that leaves the page.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.board_page import BoardServer, ordinary_rows, serving
from tests.support.chromium import Watched, chromium, opened

pytestmark = pytest.mark.browser

LIST = "[data-list] [data-alternative]"
ORDER = f"() => [...document.querySelectorAll('{LIST}')].map((e) => e.dataset.alternative)"


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
        watched.page.goto(server.url("/board/randers"))
        watched.page.wait_for_selector('[data-link="live"]')
        yield watched


def chosen(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('a.choice[aria-current]:not([hidden])')]"
        ".filter((e) => e.checkVisibility()).map((e) => e.firstChild.textContent)"
    )
    return found


def test_a_need_takes_four_keys_and_stands_in_the_address(live, server):
    page = live.page
    for key in "1tp":
        page.keyboard.press(key)
    page.keyboard.press("b")
    page.keyboard.type("iv-a")
    page.keyboard.press("Enter")
    expect(page).to_have_url(
        re.compile(r"\?municipality=0730&capability=iv_antibiotics&within_minutes=120&where=place$")
    )
    assert chosen(page) == ["Randers", "Inden 2 t", "Plads", "Iv-antibiotika"]
    expect(page.locator("[data-list]")).not_to_have_attribute("aria-busy", "true")
    assert server.asked[-1] == page.url.partition("?")[2]
    first = page.locator(LIST).first
    expect(first).to_have_attribute("data-alternative", "randers-akutplads-1")
    expect(first).to_have_attribute("data-verdict", "yes")
    expect(first.locator("use")).to_have_attribute("href", "#mark-yes")
    expect(first.locator(".verdict")).to_have_text("Ja")
    assert live.complaints == []


def test_the_server_and_the_script_give_the_same_list_for_an_address(live, server, browser):
    for key in "2hd":
        live.page.keyboard.press(key)
    live.page.wait_for_function("() => !document.querySelector('[data-list]').ariaBusy")
    expect(live.page.locator(LIST).first).to_have_attribute("data-verdict", "yes")
    read = (
        f"() => [...document.querySelectorAll('{LIST}')].map((e) => [e.dataset.alternative,"
        " e.dataset.verdict, e.querySelector('use').getAttribute('href'),"
        " e.querySelector('a.phone').getAttribute('href'), e.querySelector('button').hidden,"
        " e.querySelector('button').ariaDisabled, [...e.querySelectorAll('[data-slot]')]"
        ".map((slot) => [slot.dataset.slot, slot.textContent, slot.hidden])])"
    )
    with opened(browser, java_script_enabled=False) as still:
        still.page.goto(live.page.url)
        assert live.page.evaluate(read) == still.page.evaluate(read)
        assert chosen(still.page) == chosen(live.page) == ["Favrskov", "I dag", "Hjemme"]
        still.page.get_by_role("link", name="Nu", exact=True).click()
        assert still.page.url.endswith("municipality=0710&within_minutes=60&where=home")
        still.page.get_by_role("link", name="Hjemme", exact=True).click()
        assert still.page.url.endswith("?municipality=0710&within_minutes=60")


def test_the_same_key_lets_go_again_and_x_clears_all(live):
    page = live.page
    page.keyboard.press("n")
    assert chosen(page) == ["Alle", "Nu"]
    page.keyboard.press("n")
    assert chosen(page) == ["Alle"]
    for key in "3mh":
        page.keyboard.press(key)
    clear = page.get_by_role("link", name="Ryd valg")
    clear.focus()
    page.keyboard.press("x")
    assert chosen(page) == ["Alle"]
    expect(clear).to_be_hidden()
    assert page.evaluate("() => document.activeElement.matches('a.choice')")
    page.go_back()
    assert chosen(page) == ["Norddjurs", "I morgen", "Hjemme"]


def test_keys_do_nothing_while_somebody_writes_or_means_the_browser(live):
    page = live.page
    page.keyboard.press("Control+1")
    page.keyboard.press("Alt+n")
    page.keyboard.press("b")
    page.keyboard.type("1nhx")
    assert chosen(page) == ["Alle"]
    assert page.url.endswith("/board/randers")


def test_keys_can_be_switched_off_and_stay_off(live, server):
    page = live.page
    municipality = page.get_by_role("link", name="Randers", exact=True)
    expect(municipality).to_have_attribute("aria-keyshortcuts", "1")
    expect(municipality.locator("kbd")).to_be_visible()
    page.get_by_text("Genveje", exact=True).click()
    page.get_by_label("Enkelttaster som genveje").uncheck()
    expect(page.get_by_role("status")).to_have_text("Genvejstaster er slået fra.")
    page.locator("h1 a").focus()
    for _ in range(2):
        page.keyboard.press("1")
        assert chosen(page) == ["Alle"]
        assert municipality.get_attribute("aria-keyshortcuts") is None
        expect(municipality.locator("kbd")).to_be_hidden()
        page.reload()
        page.wait_for_selector('[data-link="live"]')
    page.get_by_text("Genveje", exact=True).click()
    page.get_by_label("Enkelttaster som genveje").check()
    page.locator("h1 a").focus()
    page.keyboard.press("1")
    assert chosen(page) == ["Randers"]


def test_every_key_that_the_page_knows_is_on_the_list_of_keys(live):
    page = live.page
    page.get_by_text("Genveje", exact=True).click()
    told = set(page.locator(".keys dt kbd").all_inner_texts())
    used = page.evaluate(
        "() => [...document.querySelectorAll('[data-key]')].map((e) => e.dataset.key)"
    )
    assert {key for key in used if not key.isdigit()} | {"a", "r", "v", "e", "u", "0", "9"} == told


def test_a_few_letters_find_a_capability_with_arrows_and_pointer(live):
    page = live.page
    seek = page.get_by_role("combobox", name="Søg ydelse")
    seek.fill("blod")
    options = page.get_by_role("option")
    assert options.count() > 2
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(seek).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    name = options.nth(1).inner_text()
    page.keyboard.press("Enter")
    expect(seek).to_be_focused()
    expect(seek).to_have_value("")
    expect(options).to_have_count(0)
    assert name.casefold() in [one.casefold() for one in chosen(page)]
    seek.fill("ilt")
    options.first.click()
    assert "Ilt" in chosen(page)
    expect(seek).to_be_focused()
    seek.fill("ilt")
    expect(options.first).to_have_text("✓ ilt")
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    seek.fill("findes ikke")
    expect(page.get_by_role("status")).to_have_text("Ingen ydelse hedder det.")


def test_what_is_typed_never_leaves_the_page(live, server):
    page = live.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    seek = page.get_by_role("combobox", name="Søg ydelse")
    seek.fill("010190-1234")
    page.keyboard.press("Enter")
    page.locator("h1 a").focus()
    page.keyboard.press("1")
    page.wait_for_function("() => !document.querySelector('[data-list]').ariaBusy")
    assert sent
    assert not [text for text in sent if "0190" in text]
    assert "0190" not in page.url
    expect(seek).to_have_value("")


def test_a_capability_of_the_fold_is_seen_beside_it_and_let_go_there(live):
    page = live.page
    page.locator("[data-more]").click()
    page.get_by_role("link", name="EKG").click()
    page.keyboard.press("Escape")
    echo = page.locator(".echo a[data-capability=ecg]")
    expect(echo).to_be_visible()
    echo.focus()
    page.keyboard.press("Enter")
    expect(echo).to_be_hidden()
    expect(page.locator("[data-more]")).to_be_focused()


def test_a_choice_is_said_once_and_in_words(live):
    page = live.page
    status = page.get_by_role("status")
    page.keyboard.press("1")
    expect(status).to_have_text(re.compile(r"^Randers valgt\. Viser \d+ af 16 tilbud på listen$"))
    page.keyboard.press("t")
    expect(status).to_have_text(re.compile(r"^Inden 2 t valgt\."))
    page.keyboard.press("t")
    expect(status).to_have_text(re.compile(r"^Inden 2 t fravalgt\."))
