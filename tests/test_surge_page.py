"""The surge level on the board in Chromium: what it says, and setting it by hand."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, Route, expect

from capacity.board import Board, EmbeddedServer
from capacity.board.store import reading_of
from capacity.instants import format_instant, to_millis, utc_now
from capacity.row import Row, encode_row
from tests.support.board_page import ordinary_rows, row
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.live import LiveServer, live_server
from web.pages.environment import ENVIRONMENT
from web.pages.surge import HOURS, strip_shown, surge_view
from web.words import LANGUAGES, Words

pytestmark = pytest.mark.browser

NARROW = (320, 640)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MIRROR = """async ([told, now, given]) => {
  const { stripShown } = await import("/static/js/surge.js");
  const { Words } = await import("/static/js/words.js");
  return stripShown(told, now, new Words(given));
}"""


# --- what it says ---


def told(level: int = 0, *facts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A surge level as `web.surge_answer` tells it."""
    about = {"since": None, "unknown_since": None, "may_fall_at": None, "override": None}
    return {"level": level, "computed": level, **about, "facts": list(facts), **more}


def fact(code: str, value: int | None, *crossing: int, **numbers: Any) -> dict[str, Any]:
    crosses, up, down = crossing or (0, None, None)
    return {"code": code, "value": value, "crosses": crosses, "up": up, "down": down, **numbers}


def free(value: int | None, *crossing: int, free: int = 3, of: int = 7, closed: int = 0,
         unknown: int = 0) -> dict[str, Any]:  # fmt: skip
    numbers = {"free": free, "of": of, "closed": closed, "unknown": unknown, "units": 5}
    return fact("free", value, *crossing, **numbers)


OVERRIDE = {
    "level": 3,
    "reason": "Strømsvigt",
    "until": format_instant(NOW + timedelta(hours=4)),
    "at": format_instant(NOW),
    "by": {"role": "coordinator", "organisation": None},
}


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """The whole application on a plausible afternoon, with a department at 98 percent."""
    folder = tmp_path_factory.mktemp("surge")
    with live_server(folder, valkey_server.url) as running:
        apply(valkey_server.url, [*ordinary_rows(utc_now()), department(49)])
        yield running


def department(occupied: int) -> Row:
    return row("rhr-akutafdeling", now=utc_now(), total=50, occupied=occupied)


def apply(url: str, rows: list[Row]) -> None:
    """Put rows on the board, as a feed would."""

    async def put() -> None:
        board = Board(url)
        latest = {each["unit"]: each for each in rows}
        readings = [reading_of(each, encode_row(each), "x") for each in latest.values()]
        await board.apply("randers", readings)
        await board.stop()

    asyncio.run(put())


def address(server: LiveServer, lang: str = "da") -> str:
    return f"http://127.0.0.1:{server.port}/board/randers?lang={lang}"


@pytest.fixture
def watched(server: LiveServer, browser: Browser) -> Iterator[Watched]:
    with opened(browser) as page:
        go(page.page, server)
        yield page


def go(page: Page, server: LiveServer, lang: str = "da") -> None:
    """Open the board and wait until it is live at its computed level."""
    page.goto(address(server, lang))
    page.wait_for_selector('body[data-link="live"] .surge-strip[data-level="2"]')


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


# --- setting it by hand ---


def test_by_keyboard_a_level_is_set_and_lifted_and_others_see_it(
    watched: Watched, server: LiveServer, browser: Browser
) -> None:
    page = watched.page
    with opened(browser, PHONE) as other:
        go(other.page, server, "en")
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
        expect(other.page.locator(".surge-strip")).to_have_attribute(
            "data-level", "3", timeout=2000
        )
        expect(other.page.locator(".surge-level")).to_contain_text("Critical level 3 of 3")

        page.keyboard.press("Enter")
        assert page.locator("#surge-reason").input_value() == ""
        page.locator("[data-surge-lift]").focus()
        page.keyboard.press("Enter")

        expect(page.locator(".surge-strip")).to_have_attribute("data-level", "2")
        expect(page.locator(".surge-override")).to_be_hidden()
        expect(page.locator("[data-surge-lift]")).to_be_hidden()
        expect(page.locator(".surge-set summary")).to_be_focused()
        expect(other.page.locator(".surge-strip")).to_have_attribute(
            "data-level", "2", timeout=2000
        )
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
    page.wait_for_selector('body[data-link="lost"]', timeout=20_000)

    page.locator("#surge-reason").press("Enter")

    wrong(page).to_contain_text("Ingen forbindelse")
    expect(page.locator("#surge-reason")).to_have_value("Influenza")
    assert "POST" not in sent


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
    server: LiveServer, browser: Browser, size: tuple[int, int], lang: str
) -> None:
    with opened(browser, size, bypass_csp=True) as watched:
        page = watched.page
        go(page, server, lang)
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


def test_it_reads_whole_without_a_script(server: LiveServer, browser: Browser) -> None:
    with opened(browser, java_script_enabled=False) as watched:
        page = watched.page
        page.goto(address(server))

        expect(page.locator(".surge-level")).to_contain_text("Højt pres trin 2 af 3")
        expect(page.locator("[data-surge-set]")).to_be_hidden()
