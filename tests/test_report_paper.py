"""The monthly report in Chromium, wide, narrow and on paper; and the months that there are."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route
from pypdf import PdfReader

from tests.support import accessibility
from tests.support.chromium import DESKTOP, PHONE, chromium, opened
from tests.support.report_values import report_page, statement_page
from web.headers import CONTENT_SECURITY_POLICY
from web.months import Month, months_with_figures
from web.pages import STATIC
from web.words import Lang

PAGES = {"report": report_page, "statement": statement_page}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def shown(route: Route, html: str) -> None:
    """The page as it was answered, with its static files, under the policy it comes with."""
    path = route.request.url.partition("report.test")[2].partition("?")[0]
    if path.startswith("/static/"):
        route.fulfill(path=STATIC / path.removeprefix("/static/"))
    else:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        route.fulfill(body=html, content_type="text/html", headers=headers)


@pytest.mark.browser
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_it_is_read_wide_and_narrow(browser: Browser, page: Callable[[Lang], str]) -> None:
    html = page("da")
    with opened(browser, DESKTOP) as watched:
        look = watched.page
        look.route("**/*", lambda route: shown(route, html))
        look.goto("http://report.test/")
        faults = [*accessibility.axe(look, contrast=False), *accessibility.document(look, "da")]
        for width, height in (DESKTOP, PHONE):
            look.set_viewport_size({"width": width, "height": height})
            faults += [
                fault for fault in accessibility.sideways(look) if "div.chart-scroll>" not in fault
            ]
            faults += accessibility.targets(look)
            assert look.evaluate("document.documentElement.scrollWidth") <= width
    assert not faults
    assert not watched.complaints


@pytest.mark.browser
def test_on_paper_each_chart_stands_with_its_sentence_and_its_table(
    browser: Browser, tmp_path: Path
) -> None:
    html = report_page("da")
    with opened(browser, DESKTOP) as watched:
        look = watched.page
        look.route("**/*", lambda route: shown(route, html))
        look.goto("http://report.test/")
        paper = look.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    sheets = [" ".join(each.extract_text().split()) for each in PdfReader(BytesIO(paper)).pages]
    width, height = (
        float(each) / 72 * 25.4 for each in PdfReader(BytesIO(paper)).pages[0].mediabox[2:]
    )
    assert (round(width), round(height)) == (210, 297)
    assert "Rapporten er lavet" in sheets[0]
    assert "3. november 2026" in sheets[0]
    assert f"1 / {len(sheets)}" in sheets[0], "pages are numbered"
    assert "Udskriv siden" not in "".join(sheets)
    titles = re.findall(r"<h3>(\d+\. [^<]+)</h3>", html)
    assert len(titles) >= 5
    for title in titles:
        (sheet,) = (each for each in sheets if title in each)
        after = sheet.partition(title)[2]
        own = after[: min((i for t in titles if (i := after.find(t)) >= 0), default=len(after))]
        assert "værdier fra" in own, f"the sentence of {title}"
        assert "1. okt" in own, f"the table of {title}"
        assert "31. okt" in own, f"the end of the table of {title}"


def test_months_are_those_of_the_calendar_that_have_figures() -> None:
    month = Month.parse("2028-02")
    assert month is not None
    assert (month.last, month.before.name, month.after.name) == (
        date(2028, 2, 29), "2028-01", "2028-03",
    )  # fmt: skip
    assert [Month.parse(each) for each in ("2026-00", "1999-01", "2026-1", "٢٠٢٦-01")] == [None] * 4
    known = date(2026, 12, 30), date(2027, 2, 1)
    assert [each.name for each in months_with_figures(known, 9)] == [
        "2027-02",
        "2027-01",
        "2026-12",
    ]
    assert [each.name for each in months_with_figures(known, 1)] == ["2027-02"]
    assert months_with_figures(None, 9) == []
    assert Month.of(known[0]).days(known) == (known[0], date(2026, 12, 31))
    assert Month.of(known[0] - timedelta(days=40)).days(known) is None
