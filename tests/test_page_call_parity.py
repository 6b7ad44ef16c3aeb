"""Of an alternative, too, the script says exactly what the server says.

Alternatives come from the real rules over the ordinary afternoon for any need, and, so that no
code path of the words is spared, from generated items besides.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from capacity.alternatives import rank
from capacity.instants import format_instant, to_millis
from capacity.model import State, UnitKind
from capacity.need import Need, Where
from tests.support.board_page import BASE, CATALOGUE, ordinary_rows, serving
from tests.support.chromium import chromium, opened
from web.pages.board import for_script
from web.pages.calls import ROOMS, alternative_shown, names_of
from web.pages.cluster import abilities_of
from web.pages.shown import shown
from web.words import Words

pytestmark = pytest.mark.browser

MIRROR = """async ([items, now, given]) => {
  const { alternativeShown } = await import("/static/js/alternative.js");
  const { Words } = await import("/static/js/words.js");
  const words = new Words(given);
  return items.map((item) => alternativeShown(item, now, words));
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with serving(ordinary_rows()) as server, chromium() as browser, opened(browser) as watched:
        watched.page.goto(server.url("/board/randers"))
        yield watched.page


needs = st.builds(
    Need,
    municipality=st.none() | st.sampled_from(["0730", "0710", "0707", "0706", "0751"]),
    capabilities=st.lists(
        st.sampled_from(sorted(CATALOGUE.capabilities)), max_size=3, unique=True
    ).map(tuple),
    within_minutes=st.none() | st.sampled_from([0, 60, 120, 480, 1440]),
    where=st.sampled_from(list(Where)),
)
count = st.none() | st.integers(0, 3)


@st.composite
def items(draw: st.DrawFn, now: datetime) -> dict[str, Any]:
    def near() -> str | None:
        moved = draw(st.none() | st.integers(-90_000_000, 90_000_000))
        return None if moved is None else format_instant(to_millis(now + timedelta(0, 0, 0, moved)))

    return {
        "unit": "u",
        "name": draw(st.text(max_size=9)),
        "kind": draw(st.sampled_from(sorted(kind.value for kind in UnitKind))),
        "municipality": draw(st.sampled_from(["0730", "0999"])),
        "phone": draw(st.none() | st.sampled_from(["+45 12 34 56 78", "112"])),
        "verdict": draw(st.sampled_from(["yes", "ask", "no"])),
        "reasons": [],
        "free": draw(count),
        "held": draw(st.integers(0, 2)),
        "state": draw(st.sampled_from([state.value for state in State])),
        "observed_at": near(),
        "stale_at": near(),
        "travel_minutes": draw(count),
        "distance_km": draw(st.none() | st.floats(0, 300)),
        "holdable": draw(st.booleans()),
    }


def check(page: Page, told: list[dict[str, Any]], now: datetime, lang: str) -> None:
    words = Words(lang)  # type: ignore[arg-type]
    names = names_of(CATALOGUE, "randers", now, words)
    given_words = {
        **words.for_script(*ROOMS),
        **for_script(words, abilities_of(CATALOGUE, "randers", words.lang), names),
    }
    millis = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    mirrored = page.evaluate(MIRROR, [told, millis, given_words])
    assert mirrored == [alternative_shown(item, now, words, names) for item in told]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(needs, st.integers(0, 3), st.integers(0, 7 * 24 * 60), st.sampled_from(["da", "en"]))
def test_alternatives_of_any_need_read_the_same(page, need, surge, minutes, lang):
    now = to_millis(BASE + timedelta(minutes=minutes))
    ranking = rank(need, ordinary_rows(), CATALOGUE, now, surge)
    check(page, orjson.loads(orjson.dumps(ranking.alternatives)), now, lang)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["da", "en"]))
def test_any_item_reads_the_same(page, data, lang):
    check(page, data.draw(st.lists(items(BASE), min_size=1, max_size=8)), BASE, lang)


def test_what_the_list_lets_be_held_its_row_does_too():
    words, offered = Words(), 0
    for row in ordinary_rows():
        need = Need(municipality=row["municipality"])
        for item in rank(need, ordinary_rows(), CATALOGUE, BASE, None).alternatives:
            if item.unit == row["unit"] and item.holdable:
                offered += 1
                assert shown(row, BASE, words, {})["hold"] == "yes"
    assert offered > 3
