"""The live page in Chromium: clock, silence, recovery, patching in place, filters.

Hazards answered: a frozen board that looks live; a stale figure shown as current; a PC clock that
makes figures look young; a row that moves or vanishes under the hand.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from capacity.instants import format_instant
from capacity.model import Closure
from tests.support.board_page import BoardServer, ordinary_rows, row, serving
from tests.support.chromium import Watched, chromium, opened
from tests.support.stopwatch import stopwatch
from web.pages import Timing

pytestmark = pytest.mark.browser

LOST = '[data-link="lost"]'
LIVE = '[data-link="live"]'


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


def go(page: Page, server: BoardServer, path: str = "/board/randers") -> None:
    page.goto(server.url(path))
    page.wait_for_selector(LIVE)


def slot(page: Page, unit: str, name: str):
    return page.locator(f'[data-unit="{unit}"] [data-slot="{name}"]')


def total(page: Page, group: str, name: str):
    return page.locator(f'[data-total-of="{group}"] [data-slot="{name}"]')


def test_it_connects_from_the_pages_cursor_and_says_it_is_live(live, server):
    go(live.page, server)
    assert server.since == ["e1-1"]
    expect(live.page.locator("[data-link-word]")).to_have_text("Direkte")
    expect(live.page.locator("[data-alert]")).to_be_hidden()
    assert live.complaints == []


def test_rows_are_patched_in_place_and_totals_follow(live, server):
    go(live.page, server)
    unit = live.page.locator('[data-unit="randers-akutplads-1"]')
    unit.evaluate("element => { element.sameAsBefore = true }")
    server.tell(row("randers-akutplads-1", now=server.now(), total=2, occupied=1, free=1))
    expect(slot(live.page, "randers-akutplads-1", "word")).to_have_text("Én ledig")
    expect(unit).to_have_attribute("data-mark", "one")
    expect(unit.locator("use")).to_have_attribute("href", "#mark-one")
    expect(slot(live.page, "randers-akutplads-1", "age")).to_have_text("nu")
    expect(total(live.page, "0730", "total")).to_have_text("1")
    expect(total(live.page, "0730", "total_word")).to_have_text("ledig")
    expect(total(live.page, "all", "total")).to_have_text("2")
    assert unit.evaluate("element => element.sameAsBefore")


def test_focus_open_details_and_order_survive_a_patch(live, server):
    go(live.page, server)
    order = "() => [...document.querySelectorAll('[data-unit]')].map((e) => e.dataset.unit)"
    before = live.page.evaluate(order)
    summary = live.page.locator('[data-unit="favrskov-akutplads"] summary')
    summary.focus()
    live.page.keyboard.press("Enter")
    changed = [row(unit, now=server.now(), free=0) for unit in reversed(before)]
    server.tell(*changed)
    expect(slot(live.page, "favrskov-akutplads", "word")).to_have_text("Optaget")
    expect(summary).to_be_focused()
    expect(slot(live.page, "favrskov-akutplads", "observed")).to_be_visible()
    assert live.page.evaluate(order) == before


def test_figures_turn_stale_on_time_without_any_message(live, server):
    server.timing = Timing(watchdog_ms=60_000)
    server.heartbeat = None
    figure = row("randers-akutplads-1", now=server.now(), total=2, free=2)
    server.rows["randers-akutplads-1"] = figure
    live.page.goto(server.url("/board/randers"))
    expect(total(live.page, "0730", "total")).to_have_text("2")
    expect(slot(live.page, "randers-akutplads-1", "word")).to_have_text("Ledige")
    with stopwatch() as watch:
        soon = server.now() + timedelta(seconds=3)
        server.tell(figure | {"stale_at": format_instant(soon)})
        expect(slot(live.page, "randers-akutplads-1", "word")).to_have_text("Forældet")
        assert server.now() >= soon
    assert watch.seconds - 3 < 2.5
    expect(slot(live.page, "randers-akutplads-1", "number")).to_have_text("–")
    expect(total(live.page, "0730", "total")).to_have_text("0")
    expect(total(live.page, "0730", "total_unknown")).to_have_text("+ 1 ukendt")
    expect(live.page.locator(".status")).to_have_text("")


def test_ages_follow_the_servers_clock(live, server):
    go(live.page, server)
    expect(slot(live.page, "randers-akutplads-1", "age")).to_have_text("25 min")
    server.advance(minutes=10)
    expect(slot(live.page, "randers-akutplads-1", "age")).to_have_text("35 min")
    server.advance(minutes=90)
    expect(slot(live.page, "randers-akutplads-1", "ageing")).to_have_text("ældes")


def test_a_wrong_pc_clock_changes_no_age(live, server):
    live.page.add_init_script(
        "const real = Date.now.bind(Date); window.ahead = -4 * 3600e3;"
        "Date.now = () => real() + window.ahead"
    )
    go(live.page, server)
    expect(slot(live.page, "randers-akutplads-1", "age")).to_have_text("25 min")
    live.page.evaluate("() => { window.ahead = 9 * 3600e3 }")  # set right, or woken from sleep
    while len(server.since) < 2:  # it asks the server at once rather than trust what it has
        live.page.wait_for_timeout(20)
    live.page.wait_for_selector(LIVE)
    expect(slot(live.page, "randers-akutplads-1", "age")).to_have_text("25 min")


def test_a_muted_socket_is_noticed_and_recovered_from(live, server):
    go(live.page, server)
    server.heartbeat = None
    live.page.wait_for_selector(LOST)
    assert server.since == ["e1-1"] or server.since[0] == "e1-1"
    alert = live.page.get_by_role("alert")
    expect(alert).to_have_text(
        "Forbindelsen er afbrudt. Tallene er fra kl. 14.05 og opdateres ikke. "
        "Ring til enheden før du visiterer."
    )
    expect(live.page.locator("[data-link-word]")).to_have_text("Ingen forbindelse")
    expect(live.page).to_have_title(re.compile("^Ingen forbindelse – "))
    assert "dashed" in live.page.locator("main").evaluate("e => getComputedStyle(e).borderStyle")
    server.heartbeat = 0.2
    live.page.wait_for_selector(LIVE)
    expect(live.page.locator("[data-lost]")).to_be_hidden()
    expect(live.page).to_have_title(re.compile("^Akutoverblik"))


def test_after_a_loss_it_resumes_from_the_last_cursor_with_the_right_rows(live, server):
    go(live.page, server)
    server.tell(row("favrskov-akutplads", now=server.now(), total=2, free=2))
    expect(slot(live.page, "favrskov-akutplads", "number")).to_have_text("2")
    server.answer = "refuse"
    server.drop()
    live.page.wait_for_selector(LOST)
    server.rows["favrskov-akutplads"] = row("favrskov-akutplads", now=server.now(), total=2, free=0)
    server.seq += 1
    server.answer = "snapshot"
    live.page.wait_for_selector(LIVE)
    expect(slot(live.page, "favrskov-akutplads", "number")).to_have_text("0")
    assert server.since[1:] == ["e1-2"] * (len(server.since) - 1)


def test_the_next_try_is_counted_down_outside_the_alert(live, server):
    server.timing = Timing(watchdog_ms=60_000, retry_ms=8_000, retry_max_ms=8_000)
    go(live.page, server)
    server.drop()
    expect(live.page.locator("[data-retry]")).to_have_text(
        re.compile(r"Prøver igen om [4-8] sek\.")
    )
    assert "Prøver" not in live.page.get_by_role("alert").inner_text()


NOTE_TRIES = """() => { window.tries = []; const Real = WebSocket; window.WebSocket =
class extends Real { constructor(u) { super(u); tries.push(performance.now()) } } }"""


def test_tries_grow_apart_up_to_a_ceiling(live, server):
    server.timing = Timing(watchdog_ms=60_000, retry_ms=50, retry_max_ms=200)
    go(live.page, server)
    live.page.evaluate(NOTE_TRIES)
    server.answer = "refuse"
    server.drop()
    live.page.wait_for_function("() => window.tries.length >= 8")
    tries = live.page.evaluate("() => window.tries")
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert min(gaps[3:]) >= 99
    assert min(gaps) >= 25


def test_an_ended_sign_in_is_told_as_such_until_a_try_succeeds(live, server):
    server.timing = Timing(watchdog_ms=60_000, retry_ms=50, retry_max_ms=200)
    go(live.page, server)
    live.page.evaluate(NOTE_TRIES)
    server.answer = "refuse"
    server.drop(code=1008)
    live.page.wait_for_function("() => window.tries.length >= 5")
    expect(live.page.locator("[data-alert]")).to_contain_text("Adgangen er udløbet")
    server.answer = "snapshot"
    live.page.wait_for_selector(LIVE)
    expect(live.page.locator("[data-alert]")).to_be_empty()


# Every word the alert and the link ever had, from now on.
TOLD = """() => {
  window.told = [];
  const look = () => window.told.push([
    document.body.dataset.link, document.querySelector("[data-alert]").textContent,
  ]);
  const seen = { attributes: true, childList: true, characterData: true, subtree: true };
  const watch = new MutationObserver(look);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-link"] });
  watch.observe(document.querySelector("[data-lost]"), seen);
}"""


def hear(page: Page, frames: list[str | bytes], more: int) -> None:
    """Wait until the page got so many more frames."""
    enough = len(frames) + more
    while len(frames) < enough:
        page.wait_for_timeout(20)


@pytest.mark.parametrize("end", ["heartbeat", "rows", "snapshot"])
def test_a_server_that_lost_its_store_is_not_live_until_it_has_it_again(live, server, end):
    page = live.page
    frames: list[str | bytes] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda text: frames.append(text)))
    go(page, server)
    server.live = False
    page.wait_for_selector(LOST)
    expect(page.locator("[data-retry]")).to_have_text("")
    alert = page.get_by_role("alert").inner_text()
    assert "fra kl. 14.05" in alert
    page.evaluate(TOLD)
    server.advance(minutes=10)
    hear(page, frames, 10)  # 2 s of heartbeats, more than the watchdog's 1.2 s
    expect(slot(page, "randers-akutplads-1", "age")).to_have_text("35 min")  # the clock still runs
    assert page.evaluate("() => window.told") == []
    assert (server.connections, len(server.since)) == (1, 1)

    server.answer = "refuse"  # a server without its store takes no new pages
    server.drop()
    page.wait_for_function("() => window.told.length > 0")
    while len(server.since) < 3:
        page.wait_for_timeout(20)
    server.answer = "resume"
    while not server.connections:
        page.wait_for_timeout(20)
    hear(page, frames, 3)
    expect(page.locator("[data-retry]")).to_have_text("")
    assert {tuple(told) for told in page.evaluate("() => window.told")} == {("lost", alert)}

    if end == "heartbeat":
        server.live = True
    else:
        server.heartbeat = None
        newest = row("favrskov-akutplads", now=server.now(), total=2, free=2)
        if end == "rows":
            server.tell(newest)
        else:
            snapshot = {"type": "snapshot", "cursor": "e1-9", "rows": [newest]}
            server.say(orjson.dumps(snapshot).decode())
    # Looked at by the page itself, at one moment: without heartbeats it is lost again soon.
    page.wait_for_function(
        """(live) => document.querySelector(live)
            && ![...document.querySelectorAll('[role=alert]')].some((each) =>
                each.checkVisibility({ visibilityProperty: true }))""",
        arg=LIVE,
    )
    assert live.complaints == []


@pytest.mark.parametrize(
    "frame",
    [
        "{broken",
        '{"type":"rows","cursor":"e1-9","rows":[{"unit":1}, null]}',
        '{"type":"rows","cursor":"e1-9","rows":[{"unit":"favrskov-akutplads"}]}',
    ],
)
def test_a_frame_that_cannot_be_used_leads_to_a_snapshot(live, server, frame):
    go(live.page, server)
    server.answer = "snapshot"
    # It may be lost for a moment only, so the page itself watches for that.
    live.page.evaluate(
        """(lost) => { window.wasLost = new Promise((done) => {
            const look = () => document.querySelector(lost) && done(true);
            const options = { subtree: true, childList: true, attributes: true };
            new MutationObserver(look).observe(document, options);
        }); }""",
        LOST,
    )
    server.say(frame)
    assert live.page.evaluate("() => window.wasLost")
    live.page.wait_for_selector(LIVE)
    assert server.since[-1] is None
    expect(slot(live.page, "favrskov-akutplads", "word")).to_have_text("Én ledig")


def test_filters_work_at_once_and_like_the_servers_own(live, server, browser):
    go(live.page, server)
    live.page.evaluate("() => { window.sameAsBefore = true }")
    count = live.page.locator("[data-filter-status]")
    live.page.get_by_role("link", name="Palliation").click()
    expect(count).to_have_text("Viser 7 af 16 tilbud på listen")
    said = "Palliation valgt. Viser 7 af 16 tilbud på listen"
    expect(live.page.get_by_role("status")).to_have_text(said)
    live.page.get_by_role("link", name="Norddjurs", exact=True).click()
    expect(live.page).to_have_url(re.compile(r"\?municipality=0707&capability=palliation$"))
    seen = (
        "() => [...document.querySelectorAll('[data-unit]')].filter((e) => e.checkVisibility"
        " ? e.checkVisibility() : e.offsetParent).map((e) => e.dataset.unit)"
    )
    chosen = (
        "() => [...document.querySelectorAll('.choice')].map((e) => [e.getAttribute('href'),"
        " e.getAttribute('aria-current')])"
    )
    live.page.wait_for_function("() => document.querySelector('[data-group=\"0730\"]').hidden")
    with opened(browser, java_script_enabled=False) as still:
        still.page.goto(live.page.url)
        assert live.page.evaluate(seen) == still.page.evaluate(seen)
        assert live.page.evaluate(chosen) == still.page.evaluate(chosen)
        expect(still.page.locator("[data-filter-status]")).to_have_text(count.inner_text())
    live.page.go_back()
    expect(count).to_have_text("Viser 7 af 16 tilbud på listen")
    live.page.get_by_role("link", name="Ryd valg").click()
    expect(count).to_have_text("")
    assert live.page.evaluate("() => window.sameAsBefore")
    assert server.since == ["e1-1"]
    assert live.complaints == []


def test_a_row_that_no_longer_fits_goes_but_not_from_under_the_focus(live, server):
    go(live.page, server, "/board/randers?capability=oxygen")
    unit = live.page.locator('[data-unit="norddjurs-akutteam"]')
    unit.locator("summary").focus()
    other = live.page.locator('[data-unit="randers-akutteam"]')
    server.tell(
        row("norddjurs-akutteam", now=server.now(), free=1, capabilities_off=("oxygen",)),
        row("randers-akutteam", now=server.now(), free=1, capabilities_off=("oxygen",)),
    )
    expect(other).to_be_hidden()
    expect(unit).to_be_visible()
    live.page.locator("h1 a").focus()
    expect(unit).to_be_hidden()


def test_the_folded_needs_open_close_and_count(live, server):
    go(live.page, server)
    fold = live.page.locator("[data-more]")
    fold.click()
    live.page.get_by_role("link", name="EKG").click()
    expect(fold).to_have_text("Flere: 1 valgt")
    expect(live.page.get_by_role("link", name="Røntgen")).to_be_visible()
    live.page.keyboard.press("Escape")
    expect(live.page.get_by_role("link", name="Røntgen")).to_be_hidden()
    expect(fold).to_be_focused()


def test_the_language_changes_and_the_choice_stays(live, server):
    go(live.page, server)
    live.page.get_by_role("link", name="Ilt").click()
    live.page.get_by_role("link", name="English").click()
    live.page.wait_for_selector(LIVE)
    assert live.page.evaluate("() => document.documentElement.lang") == "en"
    expect(live.page.get_by_role("link", name="Oxygen")).to_have_attribute("aria-current", "true")
    expect(live.page.locator("[data-link-word]")).to_have_text("Live")


def test_a_closure_and_a_note_arrive_as_text_only(live, server):
    go(live.page, server)
    hostile = "<img src=x onerror=alert(1)>"
    server.tell(
        row("randers-akutplads-1", now=server.now(), note=hostile, closure=Closure(hostile))
    )
    for place in slot(live.page, "randers-akutplads-1", "note").all():
        expect(place).to_have_text(hostile)
    expect(slot(live.page, "randers-akutplads-1", "line")).to_have_text(hostile)
    assert live.page.locator("img").count() == 0
    assert live.complaints == []


def test_the_wall_keeps_time_names_stale_units_and_cannot_hide_a_loss(browser, server):
    with opened(browser, (1920, 1080)) as wall:
        go(wall.page, server, "/wall/randers")
        expect(wall.page.locator("[data-clock]")).to_have_text("14.05")
        server.advance(minutes=241)
        expect(wall.page.locator("[data-clock]")).to_have_text("18.06")
        expect(wall.page.locator("[data-stale-names]")).to_contain_text("Akutplads Syddjurs")
        server.answer = "refuse"
        server.drop()
        wall.page.wait_for_selector(LOST)
        height = wall.page.locator("[data-lost]").evaluate("e => e.getBoundingClientRect().height")
        assert height > 60
        assert wall.complaints == []
