"""The operator's page in Chromium: legible at every width, and whole without script."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from capacity.board.quarantine import State
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.feeding import START, HandClock
from tests.support.operator_page import SOURCE, open_ids, push, report
from tests.support.service import Service
from tests.test_page_look import CUT, PALE, SMALL, SPACING

pytest_plugins = ["tests.support.feeding_fixtures", "tests.support.operator_fixtures"]


def with_page(size: tuple[int, int], visit: Callable[[Watched], None], **options: object) -> None:
    with chromium() as browser, opened(browser, size, **options) as watched:
        visit(watched)


async def crowd(operated: Service, clock: HandClock) -> None:
    """One of everything: entries of all kinds, a long name, a failing and a silent source."""
    key = operated.key_for(SOURCE)
    await push(operated, report(clock), report(clock, "nowhere"), key=key)
    for _ in range(3):
        await operated.push(SOURCE, b"<html>Service unavailable</html>", key=key)
    await push(operated, report(clock, note="ring 010170-1234"), key=key)
    await push(operated, report(clock, capabilities_off=["x" * 150]), key=key)
    ids = await open_ids(operated)
    quarantine = operated.services.quarantine
    await quarantine.close(SOURCE, ids[:1], State.DISMISSED, "driftsvagt", clock())
    clock.move(minutes=11)


def looks_right(page: Page) -> None:
    for stage in (None, SPACING):
        if stage:
            page.evaluate(stage)
        assert page.evaluate(CUT) == [], stage
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, stage
    assert page.evaluate(PALE) == []
    assert page.evaluate(SMALL) == []
    levels = page.evaluate("() => [...document.querySelectorAll('h1,h2,h3')].map((h) => h.tagName)")
    assert levels[:1] == ["H1"]
    assert levels.count("H1") == 1
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('input:not([type=hidden]), button, a')]"
        ".filter((e) => !(e.labels?.length || e.textContent.trim())).map((e) => e.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 640)], ids=["desktop", "phone", "narrow"])
async def test_the_pages_are_legible_at_every_width(
    operated: Service, clock: HandClock, size: tuple[int, int]
) -> None:
    await crowd(operated, clock)
    ids = await open_ids(operated)

    def visit(watched: Watched) -> None:
        for path in ("", f"/{SOURCE}", f"/{SOURCE}?closed=1", *(f"/{SOURCE}/{i}" for i in ids[:2])):
            for lang in ("da", "en"):
                mark = "&" if "?" in path else "?"
                watched.page.goto(f"{operated.base}/operator{path}{mark}lang={lang}")
                looks_right(watched.page)
        assert watched.complaints == []

    await asyncio.to_thread(with_page, size, visit)


@pytest.mark.browser
async def test_everything_works_without_script(operated: Service, clock: HandClock) -> None:
    assert clock.now == START
    await push(operated, report(clock, "nowhere"), report(clock, total=-1))

    def visit(watched: Watched) -> None:
        page = watched.page
        page.goto(f"{operated.base}/operator")
        page.get_by_role("link", name="2 åbne").click()
        page.get_by_label("Udført af (funktion)").fill("driftsvagt")
        page.get_by_role("checkbox", name="Vælg reports[0], total").or_(
            page.get_by_role("checkbox", name="Vælg reports[1], total")
        ).check()
        page.get_by_role("button", name="Afvis de valgte").click()
        assert page.get_by_role("status").inner_text() == "1 poster afvist."
        page.get_by_role("link", name="Vis reports[0], unit").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Hent råteksten").click()
        assert download.value.suggested_filename.startswith(f"{SOURCE}.")
        page.get_by_role("button", name="Kør igen").click()
        assert "1 fejl er der stadig" in page.get_by_role("status").inner_text()
        rows = page.get_by_role("table").get_by_role("row")
        assert rows.count() == 2
        page.get_by_role("link", name="English").click()
        assert page.get_by_role("button", name="Dismiss the chosen").is_visible()

    await asyncio.to_thread(with_page, DESKTOP, visit, java_script_enabled=False)
