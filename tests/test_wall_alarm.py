"""The wall screen in Chromium: alarming when it must.

Hazards answered: a frozen screen that looks live; an alarm nobody notices.
"""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.support import accessibility
from tests.support.chromium import WALL, another, opened
from tests.support.pictures import pixels, reds, screencast
from tests.support.wall_page import ALARM, LIVE, go, lose
from web.pages import Timing

pytest_plugins = [
    "tests.support.board_page_fixtures",
    "tests.support.chromium_fixtures",
    "tests.support.wall_fixtures",
]
pytestmark = pytest.mark.browser


def test_a_lost_link_cannot_be_missed(wall, server):
    page = wall.page
    go(page, server)
    lose(page, server)
    alert = page.get_by_role("alert")
    expect(alert).to_have_text(
        "Ingen forbindelse Tallene er fra kl. 14.05. Ring, før du visiterer."
    )
    expect(page).to_have_title(re.compile("^Ingen forbindelse – Akutoverblik"))
    banner = page.locator("[data-lost]").bounding_box()
    assert banner is not None
    assert banner["width"] == WALL[0]
    assert banner["height"] > WALL[1] / 6
    main = page.locator("main").evaluate(
        "e => { const s = getComputedStyle(e); return [s.borderTopStyle, s.filter] }"
    )
    assert main == ["dashed", "grayscale(1)"]
    page.wait_for_function("() => document.documentElement.scrollHeight <= innerHeight")
    assert page.evaluate("() => document.getAnimations().length") >= 1
    assert accessibility.flashing(page) == []
    assert accessibility.reduced_motion(page) == []
    server.answer = "resume"
    page.wait_for_selector(LIVE)
    expect(page.locator("[data-lost]")).to_be_hidden()
    expect(page).to_have_title(re.compile("^Akutoverblik"))
    assert wall.complaints == []


def test_it_says_for_how_long(wall, server):
    wall.page.clock.install()
    go(wall.page, server)
    lose(wall.page, server)
    expect(wall.page.locator("[data-alarm-for]")).to_have_text("")
    wall.page.clock.run_for(125_000)
    expect(wall.page.locator("[data-alarm-for]")).to_have_text("Afbrudt i 2 min")


def test_an_ended_access_is_told_as_such(wall, server):
    server.timing = Timing(watchdog_ms=60_000, retry_ms=400)
    go(wall.page, server)
    server.answer = "refuse"
    server.drop(code=1008)
    wall.page.wait_for_selector(ALARM.format("refused"))
    expect(wall.page.get_by_role("alert")).to_contain_text("Skærmen skal logges ind igen")
    for _ in range(100):
        if len(server.since) >= 3:
            break
        wall.page.wait_for_timeout(50)
    expect(wall.page.locator("body")).to_have_attribute("data-alarm", "refused")  # still so
    server.answer = "resume"
    wall.page.wait_for_selector(ALARM.format("none"))


def test_a_screen_that_draws_no_more_says_so(wall, server):
    page = wall.page
    server.timing = Timing(watchdog_ms=60_000)
    go(page, server)
    page.evaluate(
        "() => { window.draw = requestAnimationFrame; window.requestAnimationFrame = () => 0;"
        " const real = performance.now.bind(performance); performance.now = () => real() + skew;"
        " window.skew = 0 }"
    )
    page.wait_for_timeout(1500)  # let it ask for the frame that will not come
    page.evaluate("() => { window.skew = 6000 }")
    page.wait_for_selector(ALARM.format("frozen"))
    expect(page).to_have_title(re.compile("^Skærmen står stille – "))
    page.evaluate("() => { window.requestAnimationFrame = window.draw }")
    # The frame that was asked for never comes; a page in sight again asks anew.
    page.evaluate(
        "() => Object.defineProperty(document, 'visibilityState',"
        " { get: () => 'hidden', configurable: true })"
    )
    page.wait_for_selector(ALARM.format("none"))


def test_a_hanging_page_is_covered_without_its_help(wall, server):
    page = wall.page
    page.set_viewport_size({"width": 480, "height": 270})
    go(page, server)
    cover = page.locator("[data-deadman]")
    assert cover.evaluate("e => getComputedStyle(e).animationDelay") == "25s"
    page.wait_for_timeout(2500)
    assert float(cover.evaluate("e => getComputedStyle(e).opacity")) == 0
    # The same animation with a shorter wait, so that the page need not hang for half a minute.
    page.evaluate(
        "() => { const [one] = document.querySelector('[data-deadman]').getAnimations();"
        " one.effect.updateTiming({ delay: 1500, duration: 200 }) }"
    )
    page.wait_for_timeout(2500)
    assert float(cover.evaluate("e => getComputedStyle(e).opacity")) == 0
    seen = screencast(page, maxWidth=120, maxHeight=68)
    page.evaluate(
        "() => { setTimeout(() => { const end = performance.now() + 5000;"
        " while (performance.now() < end); window.hung = true }, 100) }"
    )
    page.wait_for_function("() => window.hung")
    page.wait_for_timeout(2500)
    shares = [reds(picture) / len(picture) for picture in map(pixels, seen)]
    assert max(shares) > 0.1  # drawn while the page could not do anything
    assert shares[0] < 0.02
    assert shares[-1] < 0.02  # and taken away when it could again


def test_a_clock_that_is_off_is_an_alarm_until_it_agrees(wall, server):
    go(wall.page, server)
    server.advance(minutes=-3)
    wall.page.wait_for_selector(ALARM.format("clock"))
    expect(wall.page.get_by_role("alert")).to_contain_text("Uret er forkert")
    wall.page.wait_for_selector(ALARM.format("none"))  # the old samples have gone
    expect(wall.page.locator("[data-clock]")).to_have_text(re.compile(r"14\.0[23]"))


def test_one_late_message_is_no_wrong_clock(wall, server):
    go(wall.page, server)
    server.heartbeat = None
    server.timing = Timing(watchdog_ms=60_000)
    late = (server.now() - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    server.say(f'{{"type":"heartbeat","cursor":"e1-1","server_time":"{late}","live":true}}')
    wall.page.wait_for_timeout(300)
    expect(wall.page.locator("body")).to_have_attribute("data-alarm", re.compile("none|link"))


# --- sound and sleep -----------------------------------------------------------------------------

HEAR = """
  window.beeps = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (when) { window.beeps += 1; start.call(this, when) };
  window.kept = 0;
  const ask = WakeLock.prototype.request;
  WakeLock.prototype.request = function (kind) { window.kept += 1; return ask.call(this, kind) };
"""


def test_where_sound_is_allowed_the_alarm_is_heard(browser, server):
    with (
        another(browser, "--autoplay-policy=no-user-gesture-required") as loud,
        opened(loud, WALL) as wall,
    ):
        wall.page.add_init_script(HEAR)
        go(wall.page, server)
        expect(wall.page.locator("[data-no-sound]")).to_be_hidden()
        assert wall.page.evaluate("() => window.kept") == 1
        assert wall.page.evaluate("() => window.beeps") == 0
        lose(wall.page, server)
        wall.page.wait_for_function("() => window.beeps === 2")
        server.answer = "resume"
        wall.page.wait_for_selector(LIVE)
        assert wall.complaints == []


def test_where_sound_is_not_allowed_the_screen_says_so(wall, server):
    wall.page.add_init_script(HEAR)
    go(wall.page, server)
    expect(wall.page.locator("[data-no-sound]")).to_have_text("Ingen alarmlyd")
    lose(wall.page, server)
    assert wall.page.evaluate("() => window.beeps") == 0
    wall.page.keyboard.press("Shift")  # whoever sets the screen up touches it once
    expect(wall.page.locator("[data-no-sound]")).to_be_hidden()
    assert wall.complaints == []
