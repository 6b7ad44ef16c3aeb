"""The printed page: complete on paper, out of date at once and saying so, without colour.

Hazards answered: an old sheet taken for the present; the number of a full ward read as free places;
a sheet that has lost its head, and with it the time it is from.
"""

import io
import re
from collections.abc import Iterator
from datetime import time
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser
from pypdf import PdfReader

from capacity.opening import Hours, Opening
from tests.support.board_page import BASE, CATALOGUE, ordinary_rows, row
from tests.support.chromium import DESKTOP, chromium, opened
from tests.test_page_board import Elements
from web.pages import STATIC, render_print
from web.pages.hours import in_words
from web.words import LANGUAGES, Words

DANISH, ENGLISH = Words("da"), Words("en")
WEEKDAYS = frozenset(range(5))
SURGE = {
    "level": 1,
    "computed": 1,
    "since": "2026-11-24T12:10:00Z",
    "unknown_since": None,
    "override": None,
}


def paper(rows: Any = None, lang: Any = "da", **more: Any) -> str:
    rows = ordinary_rows() if rows is None else rows
    return render_print(CATALOGUE, "randers", rows, BASE, lang, **more)


def words_of(page: str, unit: str) -> str:
    match = re.search(rf'<tbody[^>]*data-unit="{unit}".*?</tbody>', page, re.S)
    assert match, unit
    return " ".join(re.sub(r"<[^>]+>", " ", match[0]).split())


# --- what it says --------------------------------------------------------------------------------


def test_every_unit_is_there_with_all_that_a_call_needs():
    page = paper()
    units = Elements(page).attributes("data-unit")
    assert sorted(u or "" for u in units) == sorted(u.id for u in CATALOGUE.units_of("randers"))
    line = words_of(page, "favrskov-akutplads")
    assert line.startswith("Akutpladser Favrskov akutplads 1 af 2 0 Én ledig kl. 14.02 3 min")
    assert "00 00 00 03" in line
    assert "Åbent: døgnet rundt." in line
    assert "Kan: iv-antibiotika," in line
    assert "„Kun stuen, lift i brug“" in line


def test_the_time_and_that_it_is_out_of_date_stand_in_the_head_that_each_sheet_repeats():
    head = paper(surge=SURGE).split("</thead>")[0]
    assert "24. november 2026 kl. 14.05" in head
    assert "Forældes straks" in head
    assert "Ring til enheden, før du visiterer" in head
    assert "Beredskabstrin 1 af 3: presset siden kl. 13.10" in head
    assert "Beredskabstrin" not in paper()


def test_how_many_lie_or_wait_is_never_under_free():
    page = paper()
    for unit, said in (("rhr-akutafdeling", "52 af 50 belagt"), ("rhr-visitation", "3 venter")):
        body = re.search(rf'data-unit="{unit}".*?</tbody>', page, re.S)
        assert body
        assert '<td role="cell" class="free" data-label="Ledige"></td>' in body[0]
        assert said in words_of(page, unit)


def test_a_stale_figure_is_a_dash_and_a_hold_is_told():
    stale = words_of(paper(), "norddjurs-akutplads")
    assert "– 0 Forældet sidst meldt kl. 09.05" in stale
    held = row("favrskov-akutplads", total=2, free=1) | {"held": 1}
    assert "1 af 2 1 holdt Én ledig" in words_of(paper([held]), "favrskov-akutplads")


def test_nothing_is_a_link_to_dial_and_hostile_texts_stay_texts():
    hostile = "<img src=x onerror=alert(1)>"
    page = paper([row("favrskov-akutplads", free=1, note=hostile)])
    tags = Elements(page).tags
    assert "img" not in {tag for tag, _ in tags}
    assert hostile in "".join(Elements(page).text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_cluster_without_units_is_a_page_too(lang):
    page = render_print(CATALOGUE, "horsens", [], BASE, lang)
    assert Words(lang).text("no_units") in page


def test_marks_are_shapes_in_the_colour_of_the_text():
    sheet = (STATIC / "print.css").read_text(encoding="utf-8")
    assert "fill: currentColor" in sheet
    assert "--free" not in sheet


# --- opening hours -------------------------------------------------------------------------------


def hours(*openings: tuple[frozenset[int], time, time], **more: Any) -> Hours:
    return Hours(tuple(Opening(*each) for each in openings), **more)


@pytest.mark.parametrize(
    ("given_hours", "danish", "english"),
    [
        (Hours(), "døgnet rundt", "round the clock"),
        (Hours(()), "lukket", "closed"),
        (
            hours((WEEKDAYS, time(8), time(15, 30))),
            "man–fre 08.00–15.30",
            "Mon–Fri 08:00–15:30",
        ),
        (
            hours((frozenset({0, 2, 3}), time(16), time(0)), (frozenset({6}), time(9), time(9))),
            "man, ons–tor 16.00–24.00, søn hele døgnet",
            "Mon, Wed–Thu 16:00–24:00, Sun all day",
        ),
        (
            hours((frozenset(range(7)), time(16), time(8)), holiday=()),
            "alle dage 16.00–08.00; helligdage lukket",
            "every day 16:00–08:00; public holidays closed",
        ),
        (
            hours((WEEKDAYS, time(8), time(0, 30)), holiday=(Opening(frozenset(range(7)), time(8),
                  time(8)),), also=frozenset({(12, 24), (6, 5)})),
            "man–fre 08.00–00.30; helligdage og 5. jun, 24. dec hele døgnet",
            "Mon–Fri 08:00–00:30; public holidays and 5 Jun, 24 Dec all day",
        ),
    ],
)  # fmt: skip
def test_opening_hours_read_like_the_sign_on_a_door(given_hours, danish, english):
    assert in_words(given_hours, DANISH) == danish
    assert in_words(given_hours, ENGLISH) == english


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_every_weekday_that_is_open_is_named_or_lies_in_a_run(weekdays):
    said = in_words(hours((weekdays, time(8), time(9))), DANISH).removesuffix(" 08.00–09.00")
    names = ["man", "tir", "ons", "tor", "fre", "lør", "søn"]
    if said == "alle dage":
        assert len(weekdays) == 7
        return
    meant: set[int] = set()
    for run in said.split(", "):
        first, _, last = run.partition("–")
        meant |= set(range(names.index(first), names.index(last or first) + 1))
    assert meant == weekdays


# --- on paper ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def sheets(browser: Browser, html: str) -> list[str]:
    """The text of each sheet that the page is printed on."""
    with opened(browser, DESKTOP) as watched:

        def answer(route: Any) -> None:
            name = route.request.url.partition("/static/")[2].partition("?")[0]
            if name:
                route.fulfill(path=STATIC / name)
            else:
                route.fulfill(body=html, content_type="text/html")

        watched.page.route("http://paper.test/**", answer)
        watched.page.goto("http://paper.test/print/randers")
        printed = PdfReader(io.BytesIO(watched.page.pdf(prefer_css_page_size=True)))
        assert watched.complaints == []
    for sheet in printed.pages:
        assert [round(float(side)) for side in sheet.mediabox[2:]] == [595, 842]  # A4 portrait
    return [normalize("NFKC", sheet.extract_text()) for sheet in printed.pages]  # no ligatures


@pytest.mark.browser
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sheet_says_when_it_is_from_and_no_unit_is_split(browser, lang):
    texts = sheets(browser, paper(lang=lang, demo=True, surge=SURGE))
    words = Words(lang)
    assert len(texts) == 2
    for place, text in enumerate(texts, start=1):
        assert words.text("print_expires").upper() in text.upper()
        assert "24. november 2026 kl. 14.05" in text or "24 November 2026 at 14:05" in text
        assert words.text("print_ring") in " ".join(text.split())
        assert f"{place} / {len(texts)}" in text
        assert words.text("print_phone") in text
    for unit in CATALOGUE.units_of("randers"):
        number = (unit.phone or "").removeprefix("+45 ")
        [place] = [i for i, text in enumerate(texts) if number in text]
        flat = " ".join(texts[place].split())
        after = flat[flat.index(number) :]
        assert re.match(rf"{number} (\S+ ){{0,2}}{words.text('print_hours')}: ", after), unit.id


@pytest.mark.browser
def test_the_way_about_the_site_is_not_printed(browser):
    [first, *_] = sheets(browser, paper())
    assert "English" not in first
    assert "Udskriv" not in first
