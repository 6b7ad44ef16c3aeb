"""The phone page without a network: it says so, keeps the last tap, and never shows old figures.

Hazards answered: a tap that is lost in a dead spot; a tap that arrives late and overrules a newer
report; figures from the morning that look like the present ones because the page opened; a page
that was kept and outlives an upgrade of the program.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.instants import utc_now
from tests.support.chromium import Watched, chromium
from tests.support.phone import (
    ATTRIBUTION,
    LIVE,
    LOST,
    PLACE,
    PhoneService,
    go,
    phone,
    phone_service,
    tap,
    told,
    when,
)

pytestmark = pytest.mark.browser

ROUGHLY = timedelta(seconds=3)
"""What the page's idea of the server's clock may be wrong by."""

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push([name, url]);
  }
  return found;
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


@pytest.fixture
def watched(browser: Browser, service: PhoneService) -> Iterator[Watched]:
    with phone(browser) as page:
        yield page
        unheard = [text for text in page.complaints if "Failed to load resource" not in text]
        assert unheard == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def paths(page: Page) -> set[str]:
    """What the service worker keeps, as paths."""
    return {url.partition("://")[2].partition("/")[2] for _, url in page.evaluate(KEPT)}


def until_kept(page: Page, path: str = f"unit/{PLACE}") -> None:
    """Wait until the page would open without a network."""
    deadline = time.monotonic() + 30
    while path not in paths(page):
        assert time.monotonic() < deadline, paths(page)
        page.wait_for_timeout(50)


def pending(page: Page) -> str | None:
    found: str | None = page.evaluate(f"() => localStorage.getItem('akutoverblik.pending.{PLACE}')")
    return found


def test_a_tap_in_a_dead_spot_is_kept_and_sent_with_its_own_moment(page, service):
    service.feed(total=2, occupied=0)
    go(page, service)
    page.context.set_offline(True)
    tap(page, '[data-free="1"]')
    told(page, "Ikke sendt endnu: 1 ledig")
    expect(page.locator('[data-free="1"][data-waits]')).to_have_count(1)
    before = utc_now()
    tap(page, '[data-free="0"]')
    told(page, "Ikke sendt endnu: 0 ledige")
    told(page, "Erstatter: 1 ledig", unsent=True)
    made = utc_now()
    page.wait_for_timeout(11_000)
    assert service.row()["free"] == 2
    page.context.set_offline(False)
    told(page, "Sendt: 0 ledige, som du trykkede kl.")
    row = service.row()
    assert row["free"] == 0
    assert before - ROUGHLY < when(row["observed_at"]) < made + ROUGHLY
    assert pending(page) is None
    assert [row["free"] for row in service.changes() if row["source"] == "nurse"] == [0]


def test_the_page_says_that_the_link_is_gone_and_taps_go_on(page, service):
    go(page, service)
    service.stop()
    page.wait_for_selector(LOST)
    expect(page.locator("[data-alert]")).to_contain_text("Ingen forbindelse siden kl.")
    expect(page.locator("[data-alert]")).to_contain_text("sidste tryk gemmes her")
    tap(page, '[data-free="2"]')
    told(page, "Ikke sendt endnu: 2 ledige")
    service.start()
    told(page, "2 ledige")
    page.wait_for_selector(LIVE)
    expect(page.locator("[data-status]")).not_to_contain_text("Ikke sendt")
    assert service.row()["free"] == 2


def test_a_newer_report_wins_and_the_nurse_is_told(page, service):
    go(page, service)
    page.context.set_offline(True)
    tap(page, '[data-free="1"]')
    told(page, "Ikke sendt endnu")
    service.feed(total=2, occupied=0)
    page.context.set_offline(False)
    told(page, "Ikke brugt: 1 ledig")
    told(page, f"{ATTRIBUTION}.")
    told(page, "Nyere melding: 2 af 2 ledige kl.")
    assert service.row()["free"] == 2
    assert pending(page) is None


def test_what_was_never_sent_can_be_taken_back(page, service):
    service.feed(total=2, occupied=0)
    go(page, service)
    page.context.set_offline(True)
    tap(page, '[data-free="1"]')
    told(page, "Ikke sendt endnu")
    tap(page, "[data-undo]")
    told(page, "Fortrudt: 1 ledig er ikke sendt.")
    assert pending(page) is None
    page.context.set_offline(False)
    page.wait_for_selector(LIVE)
    assert service.row()["source"] != "nurse"


def test_opened_without_a_network_it_shows_no_figures_and_keeps_a_tap(page, service):
    service.feed(total=2, occupied=0)
    go(page, service)
    until_kept(page)
    page.context.set_offline(True)
    tap(page, '[data-free="1"]')
    told(page, "Ikke sendt endnu: 1 ledig")
    page.reload()
    expect(page.locator('main [data-slot="stale"]')).to_contain_text("Ingen tal")
    expect(page.locator('main [data-slot="now"]')).to_have_text("–")
    expect(page.locator("[data-link-word]")).to_have_text("Ingen forbindelse")
    assert page.locator('[data-free][aria-pressed="true"]').count() == 0
    assert page.evaluate("() => document.body.dataset.row") == "null"
    told(page, "Ikke sendt endnu: 1 ledig")  # from before the reload
    before = utc_now()
    tap(page, '[data-free="0"]')
    told(page, "Ikke sendt endnu: 0 ledige")
    made = utc_now()
    page.context.set_offline(False)
    page.wait_for_selector(LIVE)
    told(page, "0 ledige")
    expect(page.locator('main [data-slot="now"]')).to_have_text("Nu vist: 0 af 2 ledige")
    assert before - ROUGHLY < when(service.row()["observed_at"]) < made + ROUGHLY


def test_it_opens_while_the_server_is_dead_and_is_itself_again_after(page, service):
    service.feed(total=2, occupied=0)
    go(page, service)
    until_kept(page)
    service.stop()
    page.reload()
    expect(page.locator('main [data-slot="stale"]')).to_contain_text("Ingen tal")
    tap(page, '[data-free="1"]')
    told(page, "Ikke sendt endnu: 1 ledig")
    service.start()
    page.wait_for_selector(LIVE)
    expect(page.locator('main [data-slot="now"]')).to_have_text("Nu vist: 1 af 2 ledig")
    assert "shell" not in page.evaluate("() => ({...document.body.dataset})")


def test_only_the_shell_is_kept_and_never_a_figure(page, service):
    service.feed(total=2, occupied=0)
    go(page, service)
    until_kept(page)
    kept = paths(page)
    assert f"unit/{PLACE}" in kept
    assert "static/js/unit/main.js" in kept
    assert all(path == f"unit/{PLACE}" or path.startswith("static/") for path in kept)
    shell = page.evaluate(f"async () => (await caches.match('/unit/{PLACE}')).text()")
    assert 'data-row="null"' in shell
    assert "data-shell" in shell


def test_every_module_the_page_loads_is_kept(page, service):
    loaded: set[str] = set()
    page.on("request", lambda request: loaded.add(request.url.partition("?")[0]))
    go(page, service)
    until_kept(page)
    statics = {url.partition("/static/")[2] for url in loaded if "/static/" in url}
    kept = {path.removeprefix("static/") for path in paths(page)}
    assert {name for name in statics if name.endswith((".js", ".css"))} <= kept


def test_a_shell_of_an_older_version_does_not_outlive_the_upgrade(page, service, monkeypatch):
    go(page, service)
    until_kept(page)
    (before,) = {name for name, _ in page.evaluate(KEPT)}
    monkeypatch.setattr("web.unit_routes.shell_version", lambda: "the-next-one")
    page.reload()
    page.wait_for_selector(LIVE)
    deadline = time.monotonic() + 30
    while {name for name, _ in page.evaluate(KEPT)} != {"akutoverblik-shell-the-next-one"}:
        assert time.monotonic() < deadline, page.evaluate(KEPT)
        page.wait_for_timeout(50)
    until_kept(page)
    assert before != "akutoverblik-shell-the-next-one"
    page.context.set_offline(True)
    page.reload()
    expect(page.locator('main [data-slot="stale"]')).to_contain_text("Ingen tal")


def test_a_page_from_the_network_is_never_paired_with_kept_files(page, service):
    go(page, service)
    until_kept(page)
    page.reload()
    page.wait_for_selector(LIVE)
    from_worker: list[str] = []
    page.on(
        "response",
        lambda answer: from_worker.append(answer.url) if answer.from_service_worker else None,
    )
    page.reload()
    page.wait_for_selector(LIVE)
    assert [url for url in from_worker if "/static/" in url] == []


def test_it_can_be_installed(page, service):
    go(page, service)
    until_kept(page)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert f"/unit/{PLACE}/manifest.webmanifest" in manifest["url"]
    faults = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A window without a profile of its own cannot install anything; there is no other fault.
    assert [fault["errorId"] for fault in faults if fault["errorId"] != "in-incognito"] == []


def test_the_manifest_names_the_page_and_icons_that_are_there(service):
    answer = httpx.get(f"{service.base}/unit/{PLACE}/manifest.webmanifest", timeout=30)
    assert answer.headers["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert manifest["name"].startswith("Akutpladser Favrskov")
    assert (manifest["lang"], manifest["display"]) == ("da", "standalone")
    assert manifest["start_url"] == f"/unit/{PLACE}"
    assert manifest["start_url"].startswith(manifest["scope"])
    for icon in manifest["icons"]:
        picture = httpx.get(service.base + icon["src"], timeout=30)
        assert picture.headers["Content-Type"] == "image/png"
        width, height = (int.from_bytes(picture.content[at : at + 4]) for at in (16, 20))
        assert icon["sizes"] == f"{width}x{height}"
    uses = [(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]]
    assert ("192x192", "maskable") in uses
    assert ("512x512", "any") in uses


def test_the_worker_is_served_so_that_it_may_look_after_every_page(service):
    answer = httpx.get(f"{service.base}/sw.js", timeout=30)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "importScripts" not in answer.text
    shell = httpx.get(f"{service.base}/unit/{PLACE}/shell", timeout=30)
    version = shell.headers["Shell-Version"]
    assert answer.text.startswith(f'const VERSION = "{version}";')
    assert "trusted-types service-worker" in shell.headers["Content-Security-Policy"]
