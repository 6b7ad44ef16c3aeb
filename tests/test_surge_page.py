"""The surge level on the board in Chromium: what it says, by server as by script, and its look."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from capacity.instants import format_instant, to_millis, utc_now
from tests.support.chromium import DESKTOP, PHONE, Watched, opened
from tests.support.live import LiveServer
from tests.support.surge_page import NARROW, NOW, OVERRIDE, address, fact, go, told
from web.pages.environment import ENVIRONMENT
from web.pages.surge import HOURS, strip_shown, surge_view
from web.words import LANGUAGES, Words

pytest_plugins = ["tests.support.chromium_fixtures", "tests.support.surge_fixtures"]
pytestmark = pytest.mark.browser

MIRROR = """async ([told, now, given]) => {
  const { stripShown } = await import("/static/js/surge.js");
  const { Words } = await import("/static/js/words.js");
  return stripShown(told, now, new Words(given));
}"""


def free(value: int | None, *crossing: int, free: int = 3, of: int = 7, closed: int = 0,
         unknown: int = 0) -> dict[str, Any]:  # fmt: skip
    numbers = {"free": free, "of": of, "closed": closed, "unknown": unknown, "units": 5}
    return fact("free", value, *crossing, **numbers)


def said(surge: dict[str, Any], lang: Any = "da") -> dict[str, str]:
    return strip_shown(surge, NOW, Words(lang))


def test_the_figures_are_told_with_what_is_not_known() -> None:
    surge = told(2, free(42, closed=1, unknown=1), fact("load", 98, 2, 98, 93))

    assert said(surge)["facts"] == (
        "3 af 7 akutpladser ledige (42 %), 1 lukket, + 1 ukendt · belægning 98 %"
    )
    assert said(surge)["why"] == "Højt pres, fordi belægningen er mindst 98 %."
    assert said(surge, "en")["why"] == "High pressure because occupancy is at least 98 %."


@pytest.mark.parametrize(
    ("surge", "words"),
    [
        (told(0, free(42)), "Ingen grænse er nået."),
        (told(0, computed=None), "Trinnet beregnes ikke her."),
        (
            told(1, free(20, 1, 15, 28), fact("waiting", 6, 1, 5, 2)),
            "Presset, fordi højst 15 % af pladserne har været ledige, og der er endnu ikke 28 % "
            "og mindst 5 venter i visitationen.",
        ),
        (
            told(2, fact("load", None, 2, 98, 93), unknown_since=format_instant(NOW)),
            "Højt pres, fordi belægningen var mindst 98 %, før den blev ukendt. Kan ikke vurderes "
            "siden kl. 10.00, fordi tallene er ukendte. Trinnet er uændret.",
        ),
        (
            told(2, fact("load", 60), may_fall_at=format_instant(NOW + timedelta(minutes=30))),
            "Grænsen for højt pres er ikke længere nået. Trinnet falder tidligst kl. 10.30.",
        ),
        (
            told(3, fact("load", 98, 2, 98, 93), computed=2, override=OVERRIDE),
            "Beregnet trin: Højt pres, fordi belægningen er mindst 98 %.",
        ),
        (
            told(3, fact("load", 60), computed=0, override=OVERRIDE),
            "Beregnet trin: Normalt. Ingen grænse er nået.",
        ),
    ],
)
def test_why_is_said_in_words(surge: dict[str, Any], words: str) -> None:
    assert said(surge)["why"] == words


def test_who_may_not_set_it_sees_no_form() -> None:
    words = Words("da")
    view = surge_view(told(1), "randers", NOW, words)
    macro = "{% from 'surge.html' import surge_strip %}"
    shown = ENVIRONMENT.from_string(macro + "{{ surge_strip(surge, words, may) }}")
    assert "<form" not in shown.render(surge=view, words=words, may=False)
    assert "<form" in shown.render(surge=view, words=words, may=True)


_COUNT = st.none() | st.integers(0, 130)
_INSTANT = st.none() | st.integers(-100_000, 100_000).map(
    lambda seconds: format_instant(NOW + timedelta(seconds=seconds))
)


@st.composite
def surges(draw: st.DrawFn) -> dict[str, Any]:
    """Any object, also such as no rule would make."""
    facts = []
    for code in draw(st.lists(st.sampled_from(["free", "load", "waiting", "wait"]), unique=True)):
        crossing = (
            (draw(st.integers(1, 3)), draw(st.integers(0, 120)), draw(st.integers(0, 120)))
            if draw(st.booleans())
            else ()
        )
        number = st.integers(0, 12)
        more = (
            {name: draw(number) for name in ("free", "of", "closed", "unknown", "units")}
            if code == "free"
            else {}
        )
        facts.append(fact(code, draw(_COUNT), *crossing, **more))
    reason = draw(st.text(min_size=1, max_size=20) | st.sampled_from(["{time}", "<b>$&"]))
    until = format_instant(NOW + timedelta(minutes=draw(st.integers(-5, 1440))))
    return told(
        draw(st.integers(0, 3)),
        *facts,
        computed=draw(st.none() | st.integers(0, 3)),
        since=draw(_INSTANT),
        unknown_since=draw(_INSTANT),
        may_fall_at=draw(_INSTANT),
        override=draw(st.none() | st.just({**OVERRIDE, "reason": reason, "until": until})),
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(surges(), st.sampled_from(LANGUAGES))
@example(told(2, free(42, closed=2, unknown=1), fact("load", None, 2, 98, 93)), "en")
def test_the_script_says_what_the_server_says(watched: Watched, surge: Any, lang: Any) -> None:
    words = Words(lang)
    millis = (NOW - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    mirrored = watched.page.evaluate(MIRROR, [surge, millis, words.for_script("surge")])

    assert mirrored == strip_shown(surge, NOW, words)


# --- how it looks ---

CUT = """() => [...document.querySelectorAll(".surge-strip *")]
  .filter((element) => element.checkVisibility() && !element.closest("svg, option"))
  .filter((element) => {
    const box = element.getBoundingClientRect();
    const strip = element.closest(".surge-strip").getBoundingClientRect();
    const inline = getComputedStyle(element).display === "inline";
    return box.left < strip.left - 1 || box.right > strip.right + 1 ||
      box.bottom > strip.bottom + 1 || (!inline && element.scrollWidth > element.clientWidth + 1);
  })
  .map((element) => [element.tagName, element.className, element.textContent.slice(0, 30)])"""
SMALL = """() => [...document.querySelectorAll(
  ".surge-strip summary, .surge-strip button, .surge-strip input, .surge-strip select")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.tagName, element.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)"""
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }"""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW], ids=["desktop", "phone", "narrow"])
def test_nothing_is_cut_and_nothing_is_too_small(
    surging: LiveServer, browser: Browser, size: tuple[int, int], lang: str
) -> None:
    with opened(browser, size, bypass_csp=True) as watched:
        page = watched.page
        go(page, surging, lang)
        page.locator(".surge-set summary").click()
        page.locator("[data-surge-form] [type=submit]").click()
        long = "Ekstraordinært mange patienter med influenza-og-lungebetændelse " * 3
        surge = told(
            3,
            free(0, 2, 0, 14, free=0, closed=7),
            fact("load", 106, 3, 105, 100),
            fact("waiting", None, 3, 15, 10),
            fact("wait", 25, 3, 30, 22),
            since=format_instant(to_millis(utc_now())),
            unknown_since=format_instant(to_millis(utc_now())),
            override={**OVERRIDE, "reason": (long + "x" * 200)[:200]},
        )
        page.evaluate(
            """async (surge) => {
              const { stripShown } = await import("/static/js/surge.js");
              const { Words } = await import("/static/js/words.js");
              const words = new Words(JSON.parse(document.body.dataset.words));
              const strip = document.querySelector(".surge-strip");
              for (const slot of strip.querySelectorAll("[data-slot]")) {
                slot.textContent = stripShown(surge, Date.now(), words)[slot.dataset.slot];
                slot.hidden = false;
                delete slot.dataset.slot;
              }
            }""",
            surge,
        )
        for style in ("/* as it is */", SPACED):
            page.add_style_tag(content=style)
            assert page.evaluate(CUT) == []
            assert page.evaluate(SMALL) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_the_form_offers_the_lengths_that_the_server_knows(watched: Watched) -> None:
    values = watched.page.locator("#surge-until option").evaluate_all(
        "(options) => options.map((option) => Number(option.value))"
    )

    assert tuple(values) == HOURS


def test_it_reads_whole_without_a_script(surging: LiveServer, browser: Browser) -> None:
    with opened(browser, java_script_enabled=False) as watched:
        page = watched.page
        page.goto(address(surging))

        expect(page.locator(".surge-level")).to_contain_text("Højt pres trin 2 af 3")
        expect(page.locator("[data-surge-set]")).to_be_hidden()
