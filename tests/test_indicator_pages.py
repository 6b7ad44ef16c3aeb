"""The indicators' pages over HTTP, on a seeded past that was recorded and rolled up as in life."""

import asyncio
import re
from csv import DictReader
from datetime import date, timedelta
from io import BytesIO, StringIO
from pathlib import Path

import httpx
import pytest
from markupsafe import escape
from playwright.sync_api import Route
from pypdf import PdfReader
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.catalogue import builtin_catalogue
from capacity.history import History, Roller
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.day import Scope
from capacity.indicators.days import begin
from capacity.indicators.definitions import Origin
from tests.support import accessibility
from tests.support.chromium import DESKTOP, PHONE, chromium, opened
from tests.support.databases import kept_beside
from tests.support.raw_days import World
from tests.support.service import running, settings_for
from web.headers import CONTENT_SECURITY_POLICY
from web.indicator_desk import Span, span_of
from web.pages import STATIC

CATALOGUE = builtin_catalogue()
DEFINITIONS = builtin_definitions(CATALOGUE)
FIRST = date(2026, 9, 7)
"""A Monday; the day on which history begins, which is not whole."""
DAYS = 40
NOW = begin(FIRST + timedelta(days=DAYS)) + timedelta(hours=3)
LOW, HIGH = "randers-akutplads-1", "favrskov-akutplads"
CHANGED = 33
"""The first day on which one unit is full all day long; before, days differ a little."""
CLUSTER = "/indicators/randers"
FAVRSKOV, RANDERS = f"{CLUSTER}/0710", f"{CLUSTER}/0730"
WEEKS = f"{CLUSTER}?step=week&last=3"
ENGLISH = f"{CLUSTER}?lang=en&last=20"
WRONG = f"{CLUSTER}?step=year&last=many"
MONTH = f"{CLUSTER}?step=month&last=1"
CSV = f"{FAVRSKOV}?step=day&last=5&format=csv&indicator=occupancy"
AUDIT = "/admin/audit"
API = "/api/v1/indicators/randers?last=39&indicator=occupancy&municipality=0710"
API_WRONG = ("?indicator=none", "?step=year", "?last=0", "?municipality=0999")
NOWHERE = ("/indicators/nowhere", f"{CLUSTER}/0999", f"{CLUSTER}/0615")
ASKED = (CLUSTER, FAVRSKOV, RANDERS, WEEKS, WRONG, MONTH, CSV, AUDIT, API, *NOWHERE, ENGLISH)
"""In this order: a language that is chosen stays."""


def seeded() -> World:
    """Forty days: one unit's use rises at the end, the other's goes up and down as ever."""
    world = World(CATALOGUE)
    for number in range(DAYS):
        at = begin(FIRST + timedelta(days=number)) + timedelta(hours=number == 0)
        used = 10 if number >= CHANGED else (4, 6, 5, 4, 5, 6)[number % 6]
        world.report(HIGH, at, stale_after=3000, total=10, occupied=used)
        other = (5, 6, 5, 4)[number % 4]
        world.report(LOW, at + timedelta(minutes=1), stale_after=3000, total=10, occupied=other)
    return world


async def seed(folder: Path) -> None:
    """Record it and roll it up, in the database that the service then has."""
    history = History(kept_beside(folder))
    await history.start()
    try:
        await seeded().record(history)
        await Roller(history).roll_up(Scope("randers", CATALOGUE), NOW)
    finally:
        await history.stop()


@pytest.fixture(scope="module")
def answers(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, httpx.Response]:
    """What the service answers to each of `ASKED`, as the demo's visitor of its own machine."""
    folder = tmp_path_factory.mktemp("indicators")
    Redis.from_url(valkey_server.url).flushall()
    (folder / "sources.toml").touch()

    async def ask() -> dict[str, httpx.Response]:
        await seed(folder)
        settings = settings_for(folder, valkey_server.url, folder / "sources.toml")
        async with running(settings, clock=lambda: NOW) as service:
            paths = [*ASKED, *(API.partition("?")[0] + each for each in API_WRONG)]
            return {path: await service.client.get(path) for path in paths}

    return asyncio.run(ask())


def page(answers: dict[str, httpx.Response], path: str) -> str:
    assert answers[path].status_code == 200, answers[path].text
    return answers[path].text


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def changed(html: str) -> list[tuple[str, str]]:
    """The sentences of what is more than chance, and what each leads to."""
    section = html.partition('<ul class="changed">')[2].partition("</ul>")[0]
    return re.findall(r'<a href="#([^"]+)">([^<]+)</a>', section)


def chart(html: str, name: str) -> str:
    """One indicator: its figure and its definition."""
    return html.partition(f'data-indicator="{name}"')[2].partition('<div class="entry"')[0]


def values(html: str, name: str) -> dict[str, str]:
    """A chart's table: what is said of each period."""
    cells = r'scope="row">([^<]+)</th>\s*<td role="cell" class="chart-cell">([^<]+)</td>'
    found = re.findall(cells, chart(html, name))
    return {text(when): text(value) for when, value in found}


def test_what_is_more_than_chance_is_told_in_a_sentence_that_leads_to_its_chart(
    answers: dict[str, httpx.Response],
) -> None:
    html = page(answers, CLUSTER)
    told = dict(changed(html))
    assert "i-occupancy" in told
    assert told["i-occupancy"].startswith("Belægning: ")
    for anchor in told:
        assert html.count(f'id="{anchor}"') == 1
    assert len(told) == len(changed(html)), "one sentence each"
    said = "10. oktober 2026 til 16. oktober 2026, over den øvre grænse, syv eller flere i træk"
    assert said in told["i-occupancy"]
    assert "Senest 70,0\u00a0%" in told["i-occupancy"]
    drawn = text(chart(html, "occupancy"))
    assert "over den øvre grænse" in drawn
    assert "syv eller flere i træk over middel" in drawn


def test_a_municipality_is_told_of_alone(answers: dict[str, httpx.Response]) -> None:
    busy, usual = page(answers, FAVRSKOV), page(answers, RANDERS)
    assert "<h1>Indikatorer: Favrskov Kommune</h1>" in busy
    assert "i-occupancy" in dict(changed(busy))
    assert "i-occupancy" not in dict(changed(usual)), "it went up and down as ever"
    last = "16. oktober 2026"
    assert values(busy, "occupancy")[last] == "100,0 %"
    assert values(usual, "occupancy")[last] == "40,0 %"
    assert values(page(answers, CLUSTER), "occupancy")[last] == "70,0 %"
    assert "surge_hours" not in re.findall(r'data-indicator="(\w+)"', busy), "not a municipality's"


def test_only_whole_periods_are_shown(answers: dict[str, httpx.Response]) -> None:
    days = list(values(page(answers, CLUSTER), "occupancy"))
    assert (days[0], days[-1]) == ("8. september 2026", "16. oktober 2026")
    weeks = list(values(page(answers, WEEKS), "occupancy"))
    assert weeks == ["uge 39 2026", "uge 40 2026", "uge 41 2026"]
    assert "endnu ingen hel periode" in page(answers, MONTH)


def test_each_definition_stands_beside_its_chart(answers: dict[str, httpx.Response]) -> None:
    html = page(answers, ENGLISH)
    for each in DEFINITIONS.on(NOW.date()).values():
        if each.origin is Origin.HISTORY:
            entry = text(chart(html, each.id))
            said = [each.counts, each.excludes, each.source, *([each.per] if each.per else [])]
            assert all(escape(one.en) in entry for one in said), each.id
    assert "More than chance" in html
    assert "Indicators: The whole cluster" in html


def test_a_period_that_cannot_be_read_is_said_to_be_so(
    answers: dict[str, httpx.Response],
) -> None:
    html = page(answers, WRONG)
    assert "Perioden kunne ikke læses" in html
    assert 'value="60"' in html


def test_what_is_not_there_is_not_found(answers: dict[str, httpx.Response]) -> None:
    for path in NOWHERE:
        assert answers[path].status_code == 404, path


def test_the_figures_can_be_carried_away_with_their_definition(
    answers: dict[str, httpx.Response],
) -> None:
    assert "attachment" in answers[CSV].headers["Content-Disposition"]
    lines = list(DictReader(StringIO(answers[CSV].content.decode("utf-8-sig")), delimiter=";"))
    assert [each["period"] for each in lines] == [f"2026-10-{day}" for day in range(12, 17)]
    definition = DEFINITIONS.on(NOW.date())["occupancy"]
    for each in lines:
        assert (each["name"], each["excludes"]) == (definition.name.da, definition.excludes.da)
        assert (each["municipality"], each["step"], each["measured"]) == ("0710", "day", "percent")
        assert float(each["value"]) == 100
        assert each["numerator"] == each["denominator"] == str(10 * 86_400_000)
        assert float(each["unknown"]) == 0
    assert "indicator-export" in page(answers, AUDIT)


def test_the_api_tells_what_the_page_shows(answers: dict[str, httpx.Response]) -> None:
    told = answers[API].json()
    assert (told["first"], told["last"]) == ("2026-09-08", "2026-10-16")
    (found,) = told["indicators"]
    assert found["definition"]["id"] == "occupancy"
    assert found["chart"] == "xmr"
    series = found["series"]
    assert len(series) == 39
    high = [each["period"] for each in series if each["value"] == 100]
    assert high == [f"2026-10-{day}" for day in range(10, 17)], "the seeded change"
    assert {each["signal"]["side"] for each in series if each["period"] in high} == {"above"}
    statuses = [answers[API.partition("?")[0] + each].status_code for each in API_WRONG]
    assert statuses == [422, 422, 422, 404]


def test_a_span_is_of_whole_periods_that_have_figures() -> None:
    first, last = date(2026, 1, 7), date(2026, 3, 31)
    assert span_of("month", 2, first, last) == Span("month", date(2026, 2, 1), last)
    assert span_of("month", 9, first, last) == Span("month", date(2026, 2, 1), last)
    assert span_of("week", 1, first, last) == Span("week", date(2026, 3, 23), date(2026, 3, 29))
    assert span_of("day", 500, first, last) == Span("day", first, last)
    assert span_of("month", 2, first, date(2026, 1, 30)) is None


def shown(route: Route, html: str) -> None:
    """The page as it was answered, with its static files, under the policy it comes with."""
    path = route.request.url.partition("indicators.test")[2].partition("?")[0]
    if path.startswith("/static/"):
        route.fulfill(path=STATIC / path.removeprefix("/static/"))
    else:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        route.fulfill(body=html, content_type="text/html", headers=headers)


@pytest.mark.browser
def test_the_page_in_chromium_wide_narrow_and_on_paper(
    answers: dict[str, httpx.Response], tmp_path: Path
) -> None:
    html = page(answers, WEEKS)
    with chromium() as browser, opened(browser, DESKTOP) as watched:
        look = watched.page
        look.route("**/*", lambda route: shown(route, html))
        look.goto("http://indicators.test/")
        faults = [*accessibility.axe(look), *accessibility.document(look, "da")]
        for name, size in (("wide", DESKTOP), ("narrow", PHONE)):
            look.set_viewport_size({"width": size[0], "height": size[1]})
            faults += [e for e in accessibility.sideways(look) if "div.chart-scroll>" not in e]
            faults += accessibility.targets(look)
            look.screenshot(path=tmp_path / f"{name}.png")
        look.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        beside = look.locator('[data-indicator="occupancy"]')
        picture = beside.locator(".chart").bounding_box()
        definition = beside.locator(".definition").bounding_box()
        assert picture
        assert definition
        assert definition["x"] >= picture["x"] + picture["width"], "beside, not under"
        look.emulate_media(media="print")
        assert not look.locator("form.choose").is_visible()
        assert not look.locator("nav.pages").is_visible(), "a menu is of no use on paper"
        paper = PdfReader(BytesIO(look.pdf(format="A4")))
        assert "Belægning" in "".join(each.extract_text() for each in paper.pages[:3])
    assert not faults
    assert not watched.complaints
