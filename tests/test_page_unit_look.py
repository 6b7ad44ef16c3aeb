"""What a gloved hand and an eye in the sun need of the phone page, measured in Chromium.

axe and the checks of tests/support/accessibility in every state of the page and both languages; and
what is asked beyond them: targets of 56 pixels, figures at 7 to 1, nothing that moves under a hand.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.holds import HoldState
from capacity.instants import utc_now
from tests.support import accessibility
from tests.support.chromium import PHONE, chromium
from tests.support.phone import (
    LIVE,
    PLACE,
    TEAM,
    PhoneService,
    go,
    phone,
    phone_service,
    rest,
    tap,
    told,
)

pytestmark = pytest.mark.browser

NARROW, LANDSCAPE = (320, 640), (844, 390)

NEED = {
    "municipality": "0710",
    "capabilities": ["iv_antibiotics", "oxygen", "bladder_scan"],
    "within_minutes": 90,
    "where": "home",
}

LOW = """() => [...document.querySelectorAll("button, summary, label, dialog input, .others a")]
  .filter((element) => element.checkVisibility() && !element.closest(".unseen"))
  .filter((element) => !(element.tagName === "INPUT" && element.closest("label")))
  .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
  .filter(([, box]) => box.height < 55.9 || box.width < 55.9)
  .map(([text, box]) => `${text}: ${box.width} x ${box.height}`)"""

# Contrast of what must be read in the sun: the figures and what they mean.
FAINT = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.startsWith("rgba(0, 0, 0, 0)")) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const wanted = "main [data-slot], [data-free] b, [data-free] span, .confirm, .shut, .told p, " +
    ".ask h2, .ask .clock, .ask li, .ask button, .hold p, .hold button, .disputed button";
  return [...document.querySelectorAll(wanted)]
    .filter((element) => element.checkVisibility() && element.textContent.trim())
    .map((element) => {
      const pair = [light(getComputedStyle(element).color), light(behind(element))];
      const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
      return [element.textContent.trim(), ratio];
    })
    .filter(([, ratio]) => ratio < 7)
    .map(([text, ratio]) => `${text}: ${ratio.toFixed(2)}`);
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
        yield running


def ordinary(page: Page, service: PhoneService, query: str) -> None:
    service.feed(total=2, occupied=0, note="Kun stuen", capabilities_off=["oxygen"])
    service.move(service.ask(need=NEED), HoldState.ACCEPTED)
    go(page, service, query=query)
    tap(page, '[data-free="2"]')
    page.wait_for_selector("[data-undo]:visible")
    page.locator(".abilities summary").tap()


def stale_and_contradictory(page: Page, service: PhoneService, query: str) -> None:
    past = utc_now() - timedelta(hours=30)
    service.feed(total=2, occupied=5, observed_at=past.isoformat())
    go(page, service, query=query)


def disputed(page: Page, service: PhoneService, query: str) -> None:
    service.feed(total=2, occupied=2)
    go(page, service, query=query)
    tap(page, '[data-free="2"]')
    expect(page.locator("[data-disputed]")).to_be_visible()
    rest(page)


def closed(page: Page, service: PhoneService, query: str) -> None:
    reopens = (utc_now() + timedelta(hours=20)).isoformat()
    service.feed(
        total=2, occupied=2, closure={"reason": "sygdom blandt personalet", "reopens_at": reopens}
    )
    go(page, service, query=query)


def team(page: Page, service: PhoneService, query: str) -> None:
    ahead = (utc_now() + timedelta(hours=2)).isoformat()
    service.feed(TEAM, type="team", total=3, free=0, on_duty=True, next_free_at=ahead)
    go(page, service, TEAM, query)


def asked(page: Page, service: PhoneService, query: str) -> None:
    service.feed(total=2, occupied=0)
    go(page, service, query=query)
    service.ask(need=NEED)
    service.ask()
    page.wait_for_selector("[data-ask][open]")
    expect(page.locator('[data-ask-slot="more"]')).to_be_visible()
    rest(page)


def closing(page: Page, service: PhoneService, query: str) -> None:
    go(page, service, query=query)
    tap(page, "[data-close]")
    page.locator('input[value="no_staff"]').tap()
    page.locator('input[value="at"]').tap()
    page.locator('input[name="when"]').fill("2020-01-01T07:00")
    tap(page, "[data-close-do]")
    page.wait_for_selector("[data-when-error]:not(:empty)")
    page.locator("[data-closing]").evaluate("(dialog) => { dialog.scrollTop = 0 }")


def typing(page: Page, service: PhoneService, query: str) -> None:
    go(page, service, query=query)
    tap(page, "[data-more-numbers]")


def dead(page: Page, service: PhoneService, query: str) -> None:
    go(page, service, query=query)
    page.wait_for_selector("body:not([data-shell])")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function(f"() => caches.match('/unit/{PLACE}').then(Boolean)")
    service.stop()
    page.reload()
    page.wait_for_selector("body[data-shell]")
    tap(page, '[data-free="1"]')
    page.wait_for_selector("[data-undo]:visible")


def choice(page: Page, service: PhoneService, query: str) -> None:
    page.goto(f"{service.base}/units{query}")


SCENES: dict[str, Callable[[Page, PhoneService, str], None]] = {
    scene.__name__: scene
    for scene in (
        ordinary,
        stale_and_contradictory,
        disputed,
        closed,
        team,
        asked,
        closing,
        typing,
        dead,
        choice,
    )
}


def measured(page: Page, lang: str) -> dict[str, list[str]]:
    """Every fault that any check finds, by the check's name."""
    found = {
        "axe": accessibility.axe(page),
        "clipped": accessibility.clipped(page),
        "overlapping": accessibility.overlapping(page),
        "sideways": accessibility.sideways(page),
        "targets": accessibility.targets(page),
        "pale": accessibility.pale(page),
        "marks": accessibility.marks(page),
        "document": accessibility.document(page, lang),
        "spaced": accessibility.spaced(page),
        "enlarged": accessibility.enlarged(page),
        "forced colours": accessibility.forced_colours(page),
        "reduced motion": accessibility.reduced_motion(page),
        "low": page.evaluate(LOW),
        "faint": page.evaluate(FAINT),
    }
    return {name: faults for name, faults in found.items() if faults}


@pytest.mark.parametrize("lang", ["da", "en"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_state_can_be_read_and_touched(browser, service, scene, lang):
    with phone(browser, PHONE) as watched:
        accessibility.watch_policy(watched.page)
        SCENES[scene](watched.page, service, f"?lang={lang}")
        assert measured(watched.page, lang) == {}
        assert accessibility.reflow(watched.page) == []
        heard = [text for text in watched.complaints if "Failed to load" not in text]
        assert heard == []


@pytest.mark.parametrize("size", [NARROW, LANDSCAPE], ids=["narrow", "landscape"])
@pytest.mark.parametrize("scene", ["ordinary", "asked", "closing", "team"])
def test_it_fits_every_way_the_phone_is_held(browser, service, scene, size):
    with phone(browser, size) as watched:
        SCENES[scene](watched.page, service, "")
        assert accessibility.clipped(watched.page) == []
        assert accessibility.overlapping(watched.page) == []
        assert accessibility.sideways(watched.page) == []
        assert watched.page.evaluate(LOW) == []


@pytest.mark.parametrize("scene", ["ordinary", "team", "closed"])
def test_the_keyboard_reaches_everything(browser, service, scene):
    with phone(browser) as watched:
        SCENES[scene](watched.page, service, "")
        watched.page.reload()  # nothing has been touched yet
        watched.page.wait_for_selector(LIVE)
        assert accessibility.keyboard(watched.page) == []


def test_the_focus_stays_where_it_is_while_figures_come(browser, service):
    with phone(browser) as watched:
        page = watched.page
        service.feed(total=2, occupied=0)
        go(page, service)
        seen = iter((1, 2, 0, 1))

        def update() -> None:
            occupied = next(seen)
            service.feed(total=2, occupied=occupied)
            text = f"Nu vist: {2 - occupied} af 2"
            expect(page.locator('main [data-slot="now"]')).to_contain_text(text)

        selectors = ['[data-free="1"]', "[data-confirm]", "[data-close]", "[data-sound]"]
        assert accessibility.focus_kept(page, selectors, update) == []


def test_numbers_are_never_announced_and_what_one_did_is(browser, service):
    with phone(browser) as watched:
        go(watched.page, service)
        live = "[aria-live], [role=status], [role=alert], [role=log], output"
        assert watched.page.locator(f".stands :is({live}), .pad :is({live})").count() == 0
        assert watched.page.locator(".told [role=status]").count() == 1


def test_a_button_that_has_moved_is_deaf_for_a_moment(browser, service):
    with phone(browser) as watched:
        page = watched.page
        service.feed(total=2, occupied=0)
        go(page, service)
        rest(page)
        hold = service.ask()
        page.wait_for_selector("[data-ask][open]")
        rest(page)
        service.move(hold, HoldState.CANCELLED)
        told(page, "trukket")
        page.locator('[data-free="0"]').dispatch_event("click")
        page.wait_for_timeout(200)
        assert service.row()["free"] == 2
