"""The script says of any row exactly what the server says: two writers of one page never differ.

Rows are generated; `web/pages/shown.py`, `totals.py` and `times.py` are held against their mirrors
in `static/js`, which run in Chromium.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from capacity.instants import format_instant, to_millis
from capacity.model import REPORT_TYPE_OF_KIND, Freshness, Inconsistency, State, UnitKind
from capacity.row import Row
from tests.support.board_page import BASE, CATALOGUE, ordinary_rows, row, serving
from tests.support.chromium import chromium, opened
from web.pages.shown import shown
from web.pages.totals import total_of, total_shown
from web.pages.wall import stale_names
from web.words import Words

pytestmark = pytest.mark.browser

ABILITIES = {"ecg": "EKG", "oxygen": "ilt"}
MIRROR = """async ([rows, now, given]) => {
  const { shown } = await import("/static/js/shown.js");
  const { totalShown, staleNames } = await import("/static/js/totals.js");
  const { Words } = await import("/static/js/words.js");
  const words = new Words(given);
  return {
    shown: rows.map((row) => shown(row, now, words)),
    total: totalShown(rows, now, words),
    stale: staleNames(rows.map((row) => shown(row, now, words)), words),
  };
}"""

count = st.none() | st.integers(0, 3) | st.integers(0, 100_000)
text = st.none() | st.text(max_size=12) | st.sampled_from(["{time}", "$&", "  ", "<b>"])
shift = st.none() | st.integers(-3 * 86400, 3 * 86400).map(lambda s: timedelta(seconds=s))
NIGHTS = [
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
]
nows = st.sampled_from(NIGHTS) | st.integers(0, 3 * 365 * 86_400_000).map(
    lambda millis: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
)


@st.composite
def holds_at(draw: st.DrawFn, now: datetime) -> dict[str, object]:
    """Any hold, in any state."""

    def near(seconds: int) -> str | None:
        moved = timedelta(milliseconds=draw(st.integers(-1000 * seconds, 1000 * seconds)))
        return format_instant(to_millis(now + moved))

    return {
        "id": draw(st.text("abc", min_size=1, max_size=3)),
        "state": draw(
            st.sampled_from(
                ["asked", "accepted", "declined", "cancelled", "expired", "filled", "released"]
            )
        ),
        "asked_at": near(3600),
        "expires_at": near(3600),
        "ended_at": near(90000),
        "counts": draw(st.booleans()),
    }


@st.composite
def rows_at(draw: st.DrawFn, now: datetime) -> Row:
    """Any row, also such as no rule would make."""

    def near() -> str | None:
        moved = draw(shift)
        return None if moved is None else format_instant(to_millis(now + moved))

    made: dict[str, object] = dict(row("randers-akutplads-1"))
    for name in ("total", "staffed", "occupied", "reserved", "closed", "free", "waiting"):
        made[name] = draw(count)
    made |= {
        "name": draw(st.text(max_size=12)),
        "kind": draw(st.sampled_from(sorted(kind.value for kind in UnitKind))),
        "held": draw(st.integers(0, 2)),
        "wait_minutes": draw(count),
        "state": draw(st.sampled_from([state.value for state in State])),
        "on_duty": draw(st.none() | st.booleans()),
        "reopens_itself": draw(st.booleans()),
        "inconsistencies": draw(st.lists(st.sampled_from([i.value for i in Inconsistency]))),
        "capabilities": draw(st.lists(st.sampled_from(["ecg", "oxygen", "odd"]))),
        "capabilities_off": draw(st.lists(st.sampled_from(["ecg", "odd"]))),
        "phone": draw(st.none() | st.sampled_from(["+45 12 34 56 78", "112", "+4512345678", " "])),
    }
    made["holds"] = draw(st.lists(holds_at(now), max_size=4, unique_by=lambda hold: hold["id"]))
    made["free_before_holds"] = draw(count)
    for name in ("note", "closure_reason", "source"):
        made[name] = draw(text)
    for name in ("observed_at", "ageing_at", "stale_at", "reopens_at", "next_free_at"):
        made[name] = near()
    if draw(st.booleans()):
        made["disputed"] = {
            "source": draw(st.sampled_from(["nurse", "feed-1"])),
            "free": draw(count),
            "state": draw(st.sampled_from([state.value for state in State])),
            "observed_at": near(),
        }
    if made["occupied"] is None or made["total"] is None:
        made["inconsistencies"] = [Inconsistency.FREE_OVER_TOTAL.value]
    return cast(Row, made)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Row], datetime, str]:
    now = draw(nows)
    rows = draw(st.lists(rows_at(now), min_size=1, max_size=12))
    return rows, now, draw(st.sampled_from(["da", "en"]))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with serving(ordinary_rows()) as server, opened(browser) as watched:
        watched.page.goto(server.url("/board/randers"))
        yield watched.page


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases())
@example((ordinary_rows(), BASE, "da"))
@example((ordinary_rows(), BASE + timedelta(hours=9), "en"))
def test_the_script_says_what_the_server_says(page, case):
    rows, now, lang = case
    words = Words(lang)
    given_words = {
        **words.for_script(),
        "abilities": ABILITIES,
        "shapes": {kind.value: shape.value for kind, shape in REPORT_TYPE_OF_KIND.items()},
    }
    millis = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    mirrored = page.evaluate(MIRROR, [rows, millis, given_words])
    texts = [shown(r, now, words, ABILITIES) for r in rows]
    assert mirrored == {
        "shown": texts,
        "total": total_shown(total_of(rows, now), words),
        "stale": stale_names(texts, words),
    }
    dashes = sum(t["number"] == "–" and t["mark"] not in ("closed", "free") for t in texts)
    assert mirrored["stale"].startswith(f"{dashes} " if dashes else "")
    assert bool(mirrored["stale"]) == bool(dashes)


READ = """() => [...document.querySelectorAll(
  "[data-unit], [data-total-of], [data-empty], [data-stale-names], .group")]
  .map((element) => [
    element.dataset.unit ?? element.dataset.totalOf ?? element.dataset.group ?? "",
    element.dataset.mark ?? "",
    element.dataset.freshness ?? "",
    element.hidden,
    element.matches("[data-stale-names]") ? element.textContent : "",
    element.querySelector("use")?.getAttribute("href") ?? "",
    element.querySelector("a.phone")?.getAttribute("href") ?? "",
    element.matches("[data-unit], [data-total-of]")
      ? [...element.querySelectorAll("[data-slot]")].map((slot) => [
          slot.dataset.slot, slot.textContent, slot.hidden || slot.parentElement.hidden,
        ])
      : [],
  ])"""


@pytest.mark.parametrize("path", ["/board/randers", "/wall/randers", "/board/randers?lang=en"])
def test_a_page_patched_to_new_rows_equals_a_page_rendered_from_them(browser, path):
    with serving([]) as server, opened(browser) as live:
        live.page.goto(server.url(path))
        live.page.wait_for_selector('[data-link="live"]')
        server.tell(*ordinary_rows())
        live.page.wait_for_selector('[data-unit="norddjurs-akutplads"][data-mark="stale"]')
        with opened(browser, java_script_enabled=False) as fresh:
            fresh.page.goto(server.url(path))
            rendered = fresh.page.locator("main").evaluate(READ)
        assert live.page.evaluate(READ) == rendered
        assert live.complaints == []


def test_the_wall_names_every_unit_without_a_figure_and_no_closed_one(browser):
    untold = row("favrskov-akutplads", minutes_old=1, total=2)  # fresh, but its figure is unknown
    assert untold["state"] == "unknown"
    with serving([*ordinary_rows(), untold]) as server, opened(browser, (1920, 1080)) as live:
        live.page.goto(server.url("/wall/randers"))
        names = live.page.locator("[data-stale-names]")
        told = "2 tilbud har forældede eller ukendte tal: Akutpladser Favrskov, Akutplads Norddjurs"
        with opened(browser, java_script_enabled=False) as still:
            still.page.goto(server.url("/wall/randers"))
            assert still.page.locator("[data-stale-names]").inner_text() == told
        live.page.wait_for_selector('[data-link="live"]')
        assert names.inner_text() == told
        server.tell(row("favrskov-akutplads", total=2, free=2))
        live.page.wait_for_selector('[data-unit="favrskov-akutplads"][data-mark="free"]')
        assert names.inner_text() == told.replace("2", "1").replace("Akutpladser Favrskov, ", "")
        server.tell(row("randers-akutteam", on_duty=None))
        live.page.wait_for_selector('[data-unit="randers-akutteam"][data-mark="unknown"]')
        assert "2 tilbud" in names.inner_text()
        assert "Akutteam Randers" in names.inner_text()


def test_the_start_of_the_script_changes_nothing(browser):
    with serving(ordinary_rows()) as server:
        with opened(browser, java_script_enabled=False) as fresh:
            fresh.page.goto(server.url("/board/randers?capability=oxygen&municipality=0730"))
            rendered = fresh.page.locator("main").evaluate(READ)
        with opened(browser) as live:
            live.page.goto(server.url("/board/randers?capability=oxygen&municipality=0730"))
            live.page.wait_for_selector('[data-link="live"]')
            assert live.page.evaluate(READ) == rendered


def test_a_unit_missing_from_a_snapshot_becomes_unknown(browser):
    able = [r for r in ordinary_rows() if not r["capabilities_off"]]
    with serving(able) as server, opened(browser) as live:
        live.page.goto(server.url("/board/randers"))
        live.page.wait_for_selector('[data-link="live"]')
        server.rows = {}
        server.answer = "snapshot"
        server.drop()
        live.page.wait_for_selector('[data-unit="randers-akutplads-1"][data-mark="unknown"]')
        with opened(browser, java_script_enabled=False) as fresh:
            fresh.page.goto(server.url("/board/randers"))
            rendered = fresh.page.locator("main").evaluate(READ)
        assert live.page.evaluate(READ) == rendered
        assert CATALOGUE.units["randers-akutplads-1"].name in live.page.inner_text("main")


def test_freshness_words_are_the_rules_own():
    assert {f.value for f in Freshness} == {"fresh", "ageing", "stale", "unknown"}
