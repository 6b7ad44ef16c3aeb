"""Signing in, and a session or a right that ends while its page is open, in Chromium.

Hazards answered: words typed and lost; figures that stand still without a word; something done in
the name of somebody who is no longer there.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from capacity.board import EmbeddedServer
from capacity.people import Account
from tests.support.call_page import CallServer, calling
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.people import PASSWORD, account_for
from web.key_kinds import KeyKind

pytestmark = pytest.mark.browser

HOSPITAL, TOWN, UNIT = "regionshospitalet-randers", "randers-kommune", "randers-akutplads-1"
NARROW = (320, 640)
SECONDS = 15_000
"""Milliseconds that a page is given to notice; the server closes its socket within five seconds,
and a machine that runs other tests meanwhile is slow."""
REASON = "Strømsvigt på afsnit 4"
SEND = """async ([method, url, body]) => {
  const { send } = await import("/static/js/send.js");
  return (await send(method, url, { body })).status;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CallServer]:
    folder = tmp_path_factory.mktemp("signed-out") / "data"
    with calling(folder, valkey_server.url, demo=False) as server:
        yield server


@pytest.fixture(params=[DESKTOP], ids=["desktop"])
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    with opened(browser, request.param) as watched:
        watched.page.set_default_timeout(30_000)
        yield watched


def somebody(server: CallServer, role: str, **of: object) -> Account:
    """An account with a password."""
    return server.run(account_for(server.service, role, **of))  # type: ignore[arg-type]


def sign_in(page: Page, server: CallServer, account: Account, path: str = "/") -> None:
    """By the form, on the way to a page."""
    page.goto(server.url(f"/sign-in?next={path}"))
    fill_in(page, account)


def fill_in(page: Page, account: Account, password: str = PASSWORD) -> None:
    page.locator("[name=login]").fill(account.login or "")
    page.locator("[name=password]").fill(password)
    page.locator("main button").click()


def end_sessions(server: CallServer, account: Account) -> None:
    """As an administrator does."""
    server.run(server.service.services.door.sessions.end(account.id))


def told(page: Page, what: str):
    return page.locator(f'[data-signed-out] [data-when="{what}"]')


def again_in_another_tab(page: Page, account: Account, context: BrowserContext) -> None:
    """Follow the page's own link, and sign in there."""
    with context.expect_page() as opening:
        told(page, "ended").get_by_role("link").click()
    other = opening.value
    fill_in(other, account)
    expect(other.locator("h1")).to_have_text("Du er logget ind")
    other.close()


def fits(page: Page) -> bool:
    """Whether nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_signing_in_says_what_does_not_match_then_who_is_there(tab, server):
    page = tab.page
    account = somebody(server, "visitator", organisation=HOSPITAL)
    page.goto(server.url())
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    fill_in(page, account, "a wrong one")
    expect(page.get_by_role("alert")).to_contain_text("passer ikke")
    assert page.locator("[name=login]").input_value() == account.login
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    expect(page).to_have_url(re.compile("/board/randers"))
    head = page.locator("[data-visitor]")
    expect(head).to_contain_text("Visitator · Regionshospitalet Randers")
    head.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Min konto")
    page.locator("[data-visitor] button").click()
    expect(page.get_by_role("status")).to_have_text("Du er logget ud.")
    tab.complaints = [each for each in tab.complaints if "401" not in each]
    assert tab.complaints == []


def test_an_override_half_written_outlives_its_session(tab, server):
    page = tab.page
    account = somebody(server, "coordinator", clusters=("randers",))
    sign_in(page, server, account, "/board/randers")
    page.locator("[data-surge-set] summary").click()
    page.locator('[data-surge-form] [name="level"][value="2"]').check()
    page.locator("#surge-reason").fill(REASON)
    end_sessions(server, account)
    began = time.monotonic()
    expect(told(page, "ended")).to_be_visible(timeout=SECONDS)
    print(f"told after {time.monotonic() - began:.1f} s")
    expect(told(page, "ended")).to_contain_text("bliver stående")
    assert page.locator("#surge-reason").input_value() == REASON
    again_in_another_tab(page, account, page.context)
    expect(page.locator("[data-signed-out]")).to_be_hidden(timeout=SECONDS)
    expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=SECONDS)
    assert page.locator("#surge-reason").input_value() == REASON
    page.locator('[data-surge-form] button[type="submit"]').click()
    expect(page.locator(".surge-override")).to_contain_text(REASON)


def test_a_need_that_was_chosen_is_logged_after_signing_in_again(tab, server):
    page = tab.page
    account = somebody(server, "visitator", organisation=HOSPITAL)
    sign_in(page, server, account, "/board/randers")
    page.goto(server.url("/board/randers?municipality=0730&where=place"))
    button = page.locator('[data-outcome="admitted_none_free"]')
    expect(button).to_be_visible()
    end_sessions(server, account)
    expect(told(page, "ended")).to_be_visible(timeout=SECONDS)
    expect(page.locator("[data-alert]").first).to_contain_text("opdateres ikke")
    again_in_another_tab(page, account, page.context)
    expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=SECONDS)
    expect(button).to_be_visible()
    button.click()
    expect(page.locator("[data-latest]")).to_be_visible()
    (logged,) = server.run(server.service.services.outcomes.recent("randers"))
    assert logged.by["account"] == account.id


def test_what_the_old_token_is_refused_for_is_sent_again_with_the_new_one(tab, server):
    page = tab.page
    account = somebody(server, "coordinator", clusters=("randers",))
    sign_in(page, server, account, "/board/randers")
    lift = ["DELETE", "/api/v1/surge/randers", None]
    page.evaluate("document.querySelector('meta[name=csrf-token]').content = 'of another day'")
    assert page.evaluate(SEND, lift) == 200
    foreign = somebody(server, "coordinator", clusters=("randers",))
    with page.context.new_page() as other:
        sign_in(other, server, foreign)
    assert page.evaluate(SEND, lift) == 403
    expect(told(page, "other")).to_be_visible()
    expect(told(page, "other")).to_contain_text("En anden er logget ind")


def test_a_role_that_is_lost_closes_the_page_and_a_new_one_does_not_open_it(tab, server):
    page = tab.page
    account = somebody(server, "visitator", organisation=HOSPITAL)
    sign_in(page, server, account, "/board/randers")
    expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=SECONDS)
    door = server.service.services.door
    server.run(door.people.change(account.id, role="operator", organisation=None))
    end_sessions(server, account)
    expect(told(page, "ended")).to_be_visible(timeout=SECONDS)
    again_in_another_tab(page, account, page.context)
    expect(told(page, "right")).to_be_visible(timeout=2 * SECONDS)
    told(page, "right").get_by_role("link").click()
    expect(page).to_have_url(server.url("/operator"))


def test_a_wall_screen_whose_link_is_revoked_says_so(browser, server):
    ring = server.service.services.access.keys
    link = ring.make(KeyKind.BOARD, "randers", server.now())
    with opened(browser) as tab:
        page = tab.page
        page.goto(server.url(f"/wall-link/{link}"))
        expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=SECONDS)
        ring.revoke(ring.all()[-1].id, server.now())
        expect(page.get_by_text("Adgangen er udløbet").first).to_be_visible(timeout=SECONDS)


def test_a_nurse_signs_in_again_on_the_spot_and_her_tap_is_sent(browser, server):
    account = somebody(server, "municipal_staff", organisation=TOWN)
    with opened(browser, PHONE) as tab:
        page = tab.page
        sign_in(page, server, account)
        expect(page).to_have_url(server.url("/units"))
        page.goto(server.url(f"/unit/{UNIT}"))
        expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=SECONDS)
        end_sessions(server, account)
        expect(told(page, "ended")).to_be_visible(timeout=SECONDS)
        assert fits(page)
        kept = page.locator("[data-status]").filter(has_text="1 ledig")
        deadline = time.monotonic() + SECONDS / 1000
        while not kept.count():  # a button is deaf for a moment after the page has moved
            assert time.monotonic() < deadline
            page.locator('[data-free="1"]').click()
            page.evaluate("() => new Promise(requestAnimationFrame)")
        told(page, "ended").get_by_role("link").click()
        fill_in(page, account)
        expect(page).to_have_url(server.url(f"/unit/{UNIT}"))
        expect(page.locator("[data-status]")).to_contain_text("1 ledig", timeout=SECONDS)
        expect(page.locator('[data-free="1"]')).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW], ids=str)
@pytest.mark.parametrize("lang", ["da", "en"])
def test_the_administrators_and_own_pages_fit_and_complain_of_nothing(
    browser: Browser, server: CallServer, size: tuple[int, int], lang: str, tmp_path: Path
) -> None:
    account = somebody(server, "administrator")
    for role, of in (("visitator", {"organisation": HOSPITAL}), ("operator", {})):
        somebody(server, role, **of)
    door = server.service.services.door
    server.service.services.access.keys.make(KeyKind.METRICS, "all", server.now(), label="Grafana")
    assert server.run(door.copier.copy()) is not None
    with opened(browser, size) as tab:
        page = tab.page
        sign_in(page, server, account)
        for name, path in {
            "accounts": "/admin",
            "new": "/admin/accounts/new",
            "account": f"/admin/accounts/{account.id}",
            "keys": "/admin/keys",
            "audit": "/admin/audit",
            "own": "/account",
        }.items():
            page.goto(server.url(f"{path}?lang={lang}"))
            assert fits(page), (path, size)
            expect(page.locator("html")).to_have_attribute("lang", lang)
            page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        page.locator("#present-on").fill(PASSWORD)
        page.locator("#present-on ~ button").click()
        expect(page.locator(".qr")).to_be_visible()
        page.wait_for_function("() => document.querySelector('.qr').naturalWidth > 100")
        assert fits(page)
        page.screenshot(path=tmp_path / "code.png", full_page=True)
        assert tab.complaints == []
