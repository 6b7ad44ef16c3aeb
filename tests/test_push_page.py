"""The switch for notices on a unit's page, and what its service worker shows, in Chromium.

The browser's maker runs the push service that a real subscription needs. So what the browser would
have got from there is played: the subscription, by a push service of the test; the delivery, by
the browser's own tool for it (DevTools). Everything of ours is the real thing.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.catalogue import builtin_catalogue
from capacity.reminders import Figure
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium
from tests.support.phone import PLACE, PhoneService, go, phone, tap
from tests.support.push_service import PushService, push_service
from web.notify import messages
from web.notify.messages import PushMessage

pytestmark = pytest.mark.browser

UNIT = builtin_catalogue().units[PLACE]
SUBSCRIBE = """(given) => {
  // As a browser with a push service does: one subscription, which lasts beyond the page.
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (letter) => letter.charCodeAt(0)).buffer;
  const kept = () => JSON.parse(localStorage.getItem("test.subscription"));
  const made = (key) => ({
    endpoint: given.endpoint,
    options: { userVisibleOnly: true, applicationServerKey: bytes(key) },
    toJSON: () => given,
    unsubscribe: async () => localStorage.removeItem("test.subscription"),
  });
  PushManager.prototype.getSubscription = async () => (kept() ? made(kept()) : null);
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly) throw new DOMException("not visible", "NotAllowedError");
    localStorage.setItem("test.subscription", JSON.stringify(applicationServerKey));
    return made(applicationServerKey);
  };
}"""
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.getNotifications()).map(
    ({ title, body, tag, silent, lang, renotify, requireInteraction, data }) =>
      ({ title, body, tag, silent, lang, renotify, requireInteraction, data }));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def phones() -> Iterator[PushService]:
    with push_service() as running:
        yield running


@pytest.fixture
def service(valkey_server: EmbeddedServer, tmp_path: Path) -> Iterator[PhoneService]:
    with Redis.from_url(valkey_server.url) as client:
        client.flushall()
    made = PhoneService(tmp_path, valkey_server.url)
    hosts = {"push_hosts": ["127.0.0.1"], "private_hosts": ["127.0.0.1"]}
    made._settings = made._settings.model_copy(update=hosts)
    made.start()
    made.feed(total=2, occupied=1)
    yield made
    made.stop()


@pytest.fixture
def watched(browser: Browser, service: PhoneService) -> Iterator[Watched]:
    with phone(browser) as page:
        yield page
        assert page.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


@pytest.fixture
def context(page: Page, service: PhoneService) -> BrowserContext:
    page.context.grant_permissions(["notifications"], origin=service.base)
    return page.context


def subscribable(page: Page, phones: PushService) -> None:
    """From now on this browser has a push service."""
    given = json.dumps(phones.phone("a").as_json())
    page.add_init_script(f"({SUBSCRIBE})({given})")


def says(page: Page, text: str) -> None:
    expect(page.locator("#push-state")).to_contain_text(text)


def button(page: Page) -> Any:
    return page.locator("[data-push] button")


class Worker:
    """The page's service worker, to which pushes are delivered."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._ids: list[str] = []
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._noted)
        self._session.send("ServiceWorker.enable")
        page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
        while not self._ids:
            page.wait_for_timeout(20)

    def _noted(self, event: dict[str, Any]) -> None:
        self._ids += [each["registrationId"] for each in event["registrations"]]

    def deliver(self, data: str) -> None:
        origin = self.page.evaluate("() => location.origin + '/'")
        self._session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": origin, "registrationId": self._ids[-1], "data": data},
        )

    def push(self, message: PushMessage, lang: str = "da") -> None:
        self.deliver(message.payload(lang).decode())

    def shown(self, count: int) -> list[dict[str, Any]]:
        """What is shown, once there are so many."""
        return self._until(lambda found: len(found) == count)

    def until(self, title: str) -> dict[str, Any]:
        """The one that is shown, once it is this one."""
        (shown,) = self._until(lambda found: [it["title"] for it in found] == [title])
        return shown

    def _until(self, right: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 30
        while True:
            found: list[dict[str, Any]] = self.page.evaluate(SHOWN)
            if right(found):
                return found
            assert time.monotonic() < deadline, found
            self.page.wait_for_timeout(20)


# --- the switch ------------------------------------------------------------------------------


def test_notices_are_turned_on_and_off(page, context, service, phones):
    subscribable(page, phones)
    go(page, service)
    says(page, "Fra. Du får kun besked, mens siden er åben.")
    tap(page, "[data-push] button")
    says(page, "Til. Du får besked")
    says(page, "Sidst nået kl.")
    (push,) = phones.wait_for(1)
    assert push.message["title"] == f"Beskeder er slået til: {UNIT.name}"
    page.reload()
    says(page, "Til.")  # what the server knows, not what the page remembers
    expect(button(page)).to_have_text("Slå beskeder fra")
    tap(page, "[data-push] button")
    says(page, "Fra.")
    page.reload()
    says(page, "Fra.")


def test_an_ask_reaches_a_phone_whose_page_is_closed(page, context, service, phones):
    subscribable(page, phones)
    go(page, service)
    tap(page, "[data-push] button")
    says(page, "Til.")
    page.goto("about:blank")
    hold = service.ask()
    push = phones.wait_for(2)[1]
    assert (push.message["kind"], push.message["hold"]) == ("ask", hold)


def test_a_browser_that_is_subscribed_for_another_key_is_off(page, context, service, phones):
    subscribable(page, phones)
    go(page, service)
    page.evaluate("() => localStorage.setItem('test.subscription', JSON.stringify('A'.repeat(87)))")
    go(page, service)
    says(page, "Fra.")
    assert page.evaluate("() => localStorage.getItem('test.subscription')") is None


def test_what_the_server_has_lost_is_turned_on_again(page, context, service, phones):
    subscribable(page, phones)
    go(page, service)
    tap(page, "[data-push] button")
    says(page, "Til.")
    phones.wait_for(1)
    with Redis.from_url(service._redis_url) as client:
        client.delete(
            *(f"akutoverblik:{{randers}}:{part}:{PLACE}" for part in ("push", "push_used"))
        )
    page.reload()
    says(page, "Til.")
    page.goto("about:blank")
    service.ask()
    assert phones.wait_for(2)[1].message["kind"] == "ask"


def test_what_was_turned_off_stays_off(page, context, service, phones):
    subscribable(page, phones)
    go(page, service)
    for said in ("Til.", "Fra."):
        tap(page, "[data-push] button")
        says(page, said)
    page.reload()
    says(page, "Fra.")


def test_the_keyboard_keeps_its_place(page, context, service, phones):
    subscribable(page, phones)
    go(page, service)
    says(page, "Fra.")
    page.wait_for_timeout(750)  # buttons are deaf for a moment after a page has opened
    button(page).focus()
    page.keyboard.press("Enter")
    says(page, "Til.")
    expect(button(page)).to_be_focused()
    assert page.locator("#push-state").get_attribute("role") == "status"


def test_a_browser_without_a_push_service_says_that_it_did_not_work(watched, context, service):
    """Chromium as it is here has none: the real thing, and no fault of the page."""
    page = watched.page
    go(page, service)
    says(page, "Fra.")
    tap(page, "[data-push] button")
    says(page, "Det lykkedes ikke. Beskeder er ikke slået til.")
    expect(button(page)).to_have_text("Prøv igen")
    (why,) = watched.complaints
    assert "does not support the Push API in incognito mode" in why
    watched.complaints.clear()


def test_blocked_notices_say_where_to_unblock_them(page, service):
    page.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    )
    go(page, service)
    says(page, "Blokeret. Tillad beskeder for siden")


def test_a_browser_that_cannot_says_so(page, service):
    page.add_init_script("delete window.PushManager")
    go(page, service)
    says(page, "Denne browser kan ikke vise beskeder.")
    expect(button(page)).to_be_hidden()


def test_a_server_without_push_says_so(page, service):
    service.services.notifier.pushes = None
    go(page, service)
    says(page, "Beskeder er ikke sat op her.")
    expect(button(page)).to_be_hidden()


def test_a_unit_with_as_many_phones_as_it_may_says_so(watched, context, service, phones):
    service.services.notifier.subscriptions.most = 0
    page = watched.page
    subscribable(page, phones)
    go(page, service)
    tap(page, "[data-push] button")
    says(page, "Tilbuddet har allerede så mange telefoner")
    watched.complaints.clear()  # Chromium writes every 409 to its console


def test_it_reads_in_english_too(page, context, service, phones):
    subscribable(page, phones)
    go(page, service, query="?lang=en")
    says(page, "Off. You are told only while this page is open.")
    tap(page, "[data-push] button")
    says(page, "On. You are told")
    assert phones.wait_for(1)[0].message["lang"] == "en"


@pytest.mark.parametrize("size", [PHONE, DESKTOP, (320, 640)], ids=str)
def test_nothing_of_it_is_clipped(browser, service, phones, size):
    with phone(browser, size) as watched:
        page = watched.page
        page.context.grant_permissions(["notifications"], origin=service.base)
        subscribable(page, phones)
        go(page, service)
        says(page, "Fra.")
        box = button(page).bounding_box()
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


# --- the service worker ----------------------------------------------------------------------


@pytest.fixture
def worker(page: Page, context: BrowserContext, service: PhoneService) -> Worker:
    go(page, service)
    return Worker(page)


def test_an_ask_is_shown_and_its_end_takes_its_place(worker):
    worker.push(messages.ask(UNIT, "h1"))
    (shown,) = worker.shown(1)
    assert shown["title"] == f"Forespørgsel: {UNIT.name}"
    assert shown["body"] == "Visitationen beder om en plads. Tryk for at svare."
    assert (shown["tag"], shown["lang"], shown["data"]) == ("h1", "da", {"unit": PLACE})
    assert shown["requireInteraction"]
    assert not shown["silent"]
    worker.push(messages.ended(UNIT, "h1", "cancelled"))
    after = worker.until(f"Annulleret: {UNIT.name}")
    assert after["silent"]
    assert not after["requireInteraction"]


def test_asks_of_two_callers_stand_beside_each_other(worker):
    for hold in ("h1", "h2", "h2"):
        worker.push(messages.ask(UNIT, hold))
    assert {shown["tag"] for shown in worker.shown(2)} == {"h1", "h2"}


def test_the_end_of_an_ask_that_is_not_shown_is_not_shown_on_an_open_page(worker):
    worker.push(messages.ended(UNIT, "h1", "accepted"))
    worker.push(messages.test(UNIT))  # pushes are handled one after the other
    worker.until(f"Beskeder er slået til: {UNIT.name}")


def test_a_reminder_and_a_push_that_cannot_be_read(worker):
    at = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    figure = Figure(at, at + timedelta(hours=2), at + timedelta(hours=4))
    worker.push(messages.reminder(UNIT, figure, at + timedelta(hours=3)), "en")
    assert worker.until(f"Still right? {UNIT.name}")["body"].startswith("The figure goes out")
    for data in ("", "no JSON", "{}", '{"kind":"ask","title":7}'):
        worker.deliver(data)
    assert {shown["title"] for shown in worker.shown(2)} == {
        "Akutoverblik",
        f"Still right? {UNIT.name}",
    }


CLICK = """async (tag) => {
  const went = [];
  clients.openWindow = async (address) => { went.push(["open", address]); return null; };
  WindowClient.prototype.focus = async function () { went.push(["focus", this.url]); return this; };
  const [notification] = await registration.getNotifications({ tag });
  const waits = [];
  const event = new NotificationEvent("notificationclick", { notification });
  event.waitUntil = (promise) => waits.push(promise);
  dispatchEvent(event);
  await Promise.all(waits);
  return [went, (await registration.getNotifications({ tag })).length];
}"""


def test_a_click_goes_to_the_units_page(worker, page, context, service):
    for _ in range(2):
        worker.push(messages.ask(UNIT, "h1"))
    worker.shown(1)
    went, left = context.service_workers[0].evaluate(CLICK, "h1")
    assert went == [["focus", f"{service.base}/unit/{PLACE}"]]
    assert left == 0
    page.goto(f"{service.base}/units")
    worker.push(messages.ask(UNIT, "h2"))
    worker.shown(1)
    went, _ = context.service_workers[0].evaluate(CLICK, "h2")
    assert went == [["open", f"/unit/{PLACE}"]]
