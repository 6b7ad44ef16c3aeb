"""The surge level set by hand on the board in Chromium: seen by others, refused if wrong."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.chromium import PHONE, Watched, opened
from tests.support.live import LiveServer
from tests.support.surge_page import go

pytest_plugins = ["tests.support.chromium_fixtures", "tests.support.surge_fixtures"]
pytestmark = pytest.mark.browser


def test_by_keyboard_a_level_is_set_and_lifted_and_others_see_it(
    watched: Watched, surging: LiveServer, browser: Browser
) -> None:
    page = watched.page
    with opened(browser, PHONE) as other:
        go(other.page, surging, "en")
        page.locator(".surge-set summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # the first level
        page.keyboard.press("ArrowLeft")  # the last
        page.keyboard.press("Tab")
        page.keyboard.type("Strømsvigt, afsnit nxb 5")  # letters that are shortcuts elsewhere
        page.keyboard.press("Enter")

        expect(page.locator(".surge-strip")).to_have_attribute("data-level", "3")
        expect(page.locator(".surge-override")).to_contain_text("Strømsvigt, afsnit nxb 5")
        expect(page.locator(".surge-strip [data-slot=why]")).to_contain_text("Beregnet trin: Højt")
        expect(page.locator("[data-status]")).to_contain_text("Trinnet er fastsat til")
        expect(page.locator(".surge-set summary")).to_be_focused()
        expect(other.page.locator(".surge-strip")).to_have_attribute("data-level", "3")
        expect(other.page.locator(".surge-level")).to_contain_text("Critical level 3 of 3")

        page.keyboard.press("Enter")
        assert page.locator("#surge-reason").input_value() == ""
        page.locator("[data-surge-lift]").focus()
        page.keyboard.press("Enter")

        expect(page.locator(".surge-strip")).to_have_attribute("data-level", "2")
        expect(page.locator(".surge-override")).to_be_hidden()
        expect(page.locator("[data-surge-lift]")).to_be_hidden()
        expect(page.locator(".surge-set summary")).to_be_focused()
        expect(other.page.locator(".surge-strip")).to_have_attribute("data-level", "2")
        assert other.complaints == []
    assert watched.complaints == []


def filled(page: Page, reason: str) -> None:
    page.locator(".surge-set summary").click()
    page.get_by_label("1 Presset").check()
    page.locator("#surge-reason").fill(reason)


def wrong(page: Page) -> Any:
    return expect(page.locator("[data-surge-wrong]"))


def test_what_is_missing_or_refused_is_said_where_it_is(watched: Watched) -> None:
    page = watched.page
    page.locator(".surge-set summary").click()
    page.get_by_role("button", name="Fastsæt", exact=True).click()
    wrong(page).to_have_text("Vælg et trin.")
    expect(page.get_by_label("0 Normalt")).to_be_focused()

    page.get_by_label("1 Presset").check()
    page.keyboard.press("Enter")
    wrong(page).to_have_text("Skriv en begrundelse.")
    expect(page.locator("#surge-reason")).to_be_focused()

    page.locator("#surge-reason").fill("borger 010190-1234")
    page.keyboard.press("Enter")
    wrong(page).to_contain_text("ligner et CPR-nummer")
    expect(page.locator("#surge-reason")).to_be_focused()
    expect(page.locator("#surge-reason")).to_have_value("borger 010190-1234")
    expect(page.locator(".surge-strip")).to_have_attribute("data-level", "2")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, "Prøv igen om lidt"),
        (403, "Genindlæs siden"),
        (500, "blev ikke gemt"),
        (413, "blev ikke gemt"),
        (422, "blev ikke gemt"),
    ],
)
def test_whatever_goes_wrong_what_was_typed_stays(
    watched: Watched, status: int, words: str
) -> None:
    page = watched.page
    answer = {"status": status, "json": {"field": "until", "reason": "x", "code": "odd"}}
    page.route("**/api/v1/surge/randers", lambda route: route.fulfill(**answer))
    filled(page, "Mange syge i personalet")

    page.keyboard.press("Enter")

    wrong(page).to_contain_text(words)
    expect(page.locator("#surge-reason")).to_have_value("Mange syge i personalet")
    expect(page.get_by_label("1 Presset")).to_be_checked()
    expect(page.locator(".surge-set")).to_have_attribute("open", "")


def test_a_repeat_after_no_answer_is_the_same_request(watched: Watched) -> None:
    """The server did it, and its answer was lost: the second try changes nothing more."""
    page = watched.page
    seen: list[tuple[str | None, str | None]] = []

    def lose(route: Route) -> None:
        seen.append((route.request.headers.get("idempotency-key"), route.request.post_data))
        if len(seen) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/surge/randers", lose)
    filled(page, "Influenza")

    page.keyboard.press("Enter")
    wrong(page).to_contain_text("Det er uvist, om ændringen er gemt")
    expect(page.locator("#surge-reason")).to_have_value("Influenza")
    page.get_by_role("button", name="Fastsæt", exact=True).click()

    expect(page.locator(".surge-set")).not_to_have_attribute("open", "")
    expect(page.locator(".surge-strip")).to_have_attribute("data-level", "1")
    assert len(seen) == 2
    assert seen[0] == seen[1]
    page.locator(".surge-set summary").click()
    page.locator("[data-surge-lift]").click()
    expect(page.locator(".surge-strip")).to_have_attribute("data-level", "2")
    assert len({key for key, _ in seen}) == 2, "to lift it was a wish of its own"


def test_without_a_link_nothing_is_sent(watched: Watched) -> None:
    page = watched.page
    filled(page, "Influenza")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.context.set_offline(True)
    page.wait_for_selector('body[data-link="lost"]')

    page.locator("#surge-reason").press("Enter")

    wrong(page).to_contain_text("Ingen forbindelse")
    expect(page.locator("#surge-reason")).to_have_value("Influenza")
    assert "POST" not in sent
