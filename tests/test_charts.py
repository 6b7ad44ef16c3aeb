"""Charts: each point where its value is, each signal by its shape, all of it told in words."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Route
from pypdf import PdfReader

from capacity.spc import Better, Chart, control_chart, p_chart, run_chart, xmr
from tests.support import accessibility
from tests.support.chromium import chromium, opened
from web.charts import Change, ChartView, Step, figure
from web.charts.numbers import number, period
from web.charts.scale import Scale, round_steps, some_of
from web.charts.svg import element
from web.headers import CONTENT_SECURITY_POLICY
from web.pages import STATIC
from web.pages.indicators import possible
from web.words import Lang, Words

DA, EN = Words("da"), Words("en")
SVG = "{http://www.w3.org/2000/svg}"
SHIFTED = [70.0, 72.0] * 8 + [60.0, 62.0] * 7
"""Sixteen weeks at one level, fourteen at another."""
NARROW = (320, 700)


def weeks(n: int) -> list[date]:
    return [date(2026, 3, 2) + timedelta(weeks=index) for index in range(n)]


def view_of(chart: Chart, **more: Any) -> ChartView:
    given = {"id": "c", "title": "Belægning", "step": Step.WEEK, "days": weeks(len(chart.points))}
    return ChartView(chart=chart, **given | more)


def picture(view: ChartView, words: Words = DA) -> Element:
    found = re.search(r'<svg class="chart-picture".*?</svg>', figure(view, words), re.S)
    assert found
    root: Element = fromstring(found[0])
    return root


def shapes(root: Element, name: str) -> list[Element]:
    return [each for each in root.iter() if name in each.get("class", "").split()]


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def told(view: ChartView, words: Words = DA) -> str:
    found = re.search(r'<p class="chart-told">(.*?)</p>', figure(view, words), re.S)
    assert found
    return text(found[1])


def test_points_lie_by_their_values_and_a_missing_one_breaks_the_line() -> None:
    root = picture(view_of(xmr([10, 20, None, 15, 30])))
    dots = shapes(root, "chart-point")
    places = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in dots]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    heights = [y for _, y in places]
    assert heights[0] - heights[1] == pytest.approx(2 * (heights[0] - heights[2]), abs=0.3)
    assert heights[3] == min(heights)
    assert len(shapes(root, "chart-values")) == 2


def test_a_special_cause_has_a_shape_of_its_own_by_what_is_better() -> None:
    chart = xmr([10, 13] * 8 + [30])
    for better, name in ((Better.LOWER, "concern"), (Better.HIGHER, "improvement")):
        root = picture(view_of(chart, better=better))
        (special,) = shapes(root, f"chart-{name}")
        assert special.tag == "path"
        assert len(shapes(root, "chart-common")) == 16
        assert all(dot.tag == "circle" for dot in shapes(root, "chart-common"))
    assert shapes(picture(view_of(chart)), "chart-high")


def test_lines_begin_anew_at_a_rebase_and_provisional_ones_look_so() -> None:
    chart = control_chart(SHIFTED, rebase=(16, 26))
    changes = [Change(16, "Start", rebase=True), Change(26, "Ny aftale", rebase=True)]
    view = view_of(chart, changes=changes, target=65.0, better=Better.LOWER)
    root = picture(view)
    assert len(shapes(root, "chart-centre")) == 3
    assert len(shapes(root, "chart-limit")) == 6
    assert len(shapes(root, "chart-provisional")) == 6  # two segments of 10 and 4
    assert [each.text for each in shapes(root, "chart-badge-text")] == ["1", "2"]
    html = text(figure(view, DA))
    assert "Ny aftale (grænserne beregnes forfra herfra)" in html
    assert "foreløbige" in told(view)
    assert "Siden grænserne sidst blev beregnet forfra" in told(view)
    medians = view_of(run_chart([1, 2, 3, 4], rebase=(2,)))
    assert "Since the median was last made anew it is 3.5" in told(medians, EN)


def test_names_of_lines_do_not_lie_on_each_other() -> None:
    view = view_of(xmr([50.0, 50.1] * 10), target=50.05, better=Better.LOWER)
    names = shapes(picture(view), "chart-line-name")
    places = [float(name.get("y", 0)) for name in names]
    assert len(places) == 4
    assert min(b - a for a, b in pairwise(places)) >= 14.9


def test_no_limit_is_shown_where_no_figure_can_be() -> None:
    """Of seldom events the statistics alone put one below zero."""
    chart = xmr([0, 2] * 8 + [9])
    assert chart.points[0].lower is not None
    assert chart.points[0].lower < 0
    shown = possible(chart)
    assert {point.lower for point in shown.points} == {0}
    assert [point.signals for point in shown.points] == [p.signals for p in chart.points]
    assert possible(xmr([50, 51] * 8)) == xmr([50, 51] * 8)
    assert "usual is 0.0 to" in told(view_of(shown), EN)


def test_the_picture_is_told_in_danish_and_english() -> None:
    view = view_of(
        control_chart([*[70.0, 75.0] * 8, 99.0, None]), unit="%", better=Better.LOWER, target=10.0,
        drafts=frozenset({16}),
    )  # fmt: skip
    danish, english = told(view), told(view, EN)
    for part in (
        "17 værdier fra uge 10 2026 til uge 27 2026.", "1 værdi er ukendt.",
        "Mere end tilfældigt: uge 26 2026, over den øvre grænse (bekymring).",
        "Målet 10,0 % nås aldrig, medmindre noget ændres.", "1 værdi er en kladde",
    ):  # fmt: skip
        assert part in danish
    for part in ("17 values from week 10 2026", "above the upper limit (concern)", "never met"):
        assert part in english
    root = picture(view)
    assert root.get("aria-labelledby") == "c-title c-desc"
    described = {each.get("id"): each.text for each in root if each.get("id")}
    assert described["c-title"] == "Belægning"
    assert text(described["c-desc"] or "") == danish


def test_no_signal_few_values_and_none_are_said() -> None:
    assert "Intet er mere end tilfældig variation." in told(view_of(control_chart(SHIFTED[:16])))
    assert "for få værdier" in told(view_of(control_chart([1, 2, 3])))
    assert "på én side af midterlinjen" in told(view_of(run_chart([1] * 10 + [9] * 10)))
    assert told(view_of(control_chart([None, None]))) == "Ingen kendte værdier."
    assert told(view_of(control_chart([]))) == "Ingen kendte værdier."


def test_the_table_has_every_point_with_its_lines_and_remarks() -> None:
    chart = xmr([10, 13] * 8 + [30, None])
    view = view_of(chart, decimals=0, changes=[Change(3, "Aftale")], drafts=frozenset({0}))
    rows = re.findall(r"<tr role=\"row\">\s*<th role=\"rowheader\".*?</tr>", figure(view, DA), re.S)
    lines = [text(row) for row in rows]
    assert len(lines) == 18
    assert lines[0].startswith("uge 10 2026 10 kladde 12,6")
    assert lines[3].endswith("Aftale")
    assert lines[16].endswith("over den øvre grænse")
    assert re.fullmatch(r"uge 27 2026 – 12,6 .* ukendt", lines[17])


HOSTILE = "<script>alert(1)</script>\" onload='x' & <b>"


def test_whatever_a_title_holds_stays_text() -> None:
    view = view_of(
        control_chart(SHIFTED), title=HOSTILE, unit="<i>", notes=[HOSTILE],
        changes=[Change(2, HOSTILE)],
    )  # fmt: skip
    html = figure(view, DA)
    assert "<script" not in html
    assert "<b>" not in html
    names = {name for each in fromstring(html).iter() for name in each.attrib}
    assert not {name for name in names if name.startswith(("style", "on", "src", "href"))}
    (title,) = [each for each in picture(view) if each.get("id") == "c-title"]
    assert title.text == HOSTILE


@pytest.mark.parametrize("name", ["style", "onclick", "href"])
def test_the_builder_refuses_what_the_policy_would(name: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        element("path", **{name: "x"})


def test_a_day_for_each_point() -> None:
    with pytest.raises(ValueError, match="one day"):
        view_of(xmr([1, 2]), days=weeks(3))


numbers = st.floats(-1e9, 1e9).filter(lambda value: abs(value) > 1e-6 or value == 0)


@settings(deadline=None)
@given(st.lists(numbers, max_size=20))
def test_marks_are_few_evenly_apart_and_hold_all_values(values: list[float]) -> None:
    marks = round_steps(values)
    assert 2 <= len(marks) <= 8
    step = marks[1] - marks[0]
    assert all(b - a == pytest.approx(step, rel=1e-6) for a, b in pairwise(marks))
    for value in values:
        assert marks[0] - 1e-6 * step <= value <= marks[-1] + 1e-6 * step
    scale = Scale(marks[0], marks[-1], 100, 0)
    assert scale(marks[0]) == 100
    assert scale(marks[-1]) == pytest.approx(0, abs=1e-6)


def test_labels_are_few_and_begin_at_the_beginning() -> None:
    assert some_of(5, 9) == (0, 1, 2, 3, 4)
    assert some_of(24, 9) == (0, 3, 6, 9, 12, 15, 18, 21)
    assert some_of(0, 9) == ()


@pytest.mark.parametrize(
    ("value", "decimals", "danish", "english"),
    [
        (0.05, 1, "0,1", "0.1"),
        (-0.04, 1, "0,0", "0.0"),
        (-12.34, 1, "−12,3", "−12.3"),
        (2.5, 0, "3", "3"),
        (1234.0, 0, "1234", "1234"),
        (12345.678, 2, "12.345,68", "12,345.68"),
        (99.995, 1, "100,0", "100.0"),
    ],
)
def test_numbers_are_written_as_people_write_them(
    value: float, decimals: int, danish: str, english: str
) -> None:
    assert (number(DA, value, decimals), number(EN, value, decimals)) == (danish, english)


def test_periods_are_written_by_their_step() -> None:
    day = date(2027, 1, 1)
    assert period(DA, day, Step.DAY) == "1. januar 2027"
    assert period(EN, day, Step.DAY, short=True) == "1 Jan"
    assert period(DA, day, Step.WEEK) == "uge 53 2026"
    assert period(DA, day, Step.MONTH, short=True) == "jan 2027"


def page_of(views: Sequence[ChartView], words: Words) -> str:
    figures = "".join(figure(view, words) for view in views)
    return (
        f'<!doctype html><html lang="{words.lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Diagram</title>'
        '<link rel="stylesheet" href="/static/base.css">'
        '<link rel="stylesheet" href="/static/charts.css"></head>'
        f"<body><main><h1>Diagram</h1><h2>Alle</h2>{figures}</main></body></html>"
    )


def answer(route: Route, html: str) -> None:
    path = route.request.url.partition("charts.test")[2]
    if path.startswith("/static/"):
        route.fulfill(path=STATIC / path.removeprefix("/static/"))
    else:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        route.fulfill(body=html, content_type="text/html", headers=headers)


VIEWS = [
    view_of(
        control_chart([*SHIFTED[:9], 99.0, *SHIFTED[10:]], rebase=(16,)), unit="%", target=65.0,
        better=Better.LOWER, changes=[Change(16, "Prøvehandlingen begyndte", rebase=True)],
        drafts=frozenset({29}),
    ),
    view_of(p_chart([9, 4, 8], [10, 50, 60]), id="p", title="Andel", better=Better.HIGHER),
]  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["da", "en"])
def test_in_a_browser_and_on_paper(lang: Lang, tmp_path: Any) -> None:
    """Under the strict policy, at the narrowest width, without colour, and as a PDF."""
    html = page_of(VIEWS, Words(lang))
    with chromium() as browser, opened(browser, NARROW) as watched:
        page = watched.page
        page.route("**/*", lambda route: answer(route, html))
        page.goto("http://charts.test/")
        faults = [
            *accessibility.axe(page), *accessibility.pale(page),
            # A picture too small to be read is no help: it scrolls, and nothing else does.
            *(each for each in accessibility.sideways(page) if "div.chart-scroll>" not in each),
            *accessibility.keyboard(page), *accessibility.document(page, lang),
        ]  # fmt: skip
        assert not faults
        drawn = page.locator("#c .chart-concern").first.bounding_box()
        assert drawn
        assert drawn["width"] > 4
        page.emulate_media(media="print")
        used = page.evaluate(
            """() => [...new Set([...document.querySelectorAll('.chart-picture *')].flatMap(
                each => { const s = getComputedStyle(each); return [s.fill, s.stroke] }))]"""
        )
        assert all(is_grey(colour) for colour in used), used
        page.pdf(path=tmp_path / "chart.pdf", format="A4")
        assert not watched.complaints
    printed = " ".join(each.extract_text() for each in PdfReader(tmp_path / "chart.pdf").pages)
    assert Words(lang).text("chart_remark") in printed
    assert "uge 39 2026" in printed or "week 39 2026" in printed


def is_grey(colour: str) -> bool:
    parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    return not parts or max(parts) - min(parts) < 16
