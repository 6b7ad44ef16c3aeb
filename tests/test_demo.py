"""The demonstration end to end, in a real browser: it fills, moves, goes stale, and recovers."""

import os
import signal
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import chromium, opened
from tests.support.demo_process import DemoProcess, command_of, until

SILENT = "rhr-status"
SILENT_UNITS = ("rhr-subakut-medicin", "rhr-subakut-geriatri")
SHORT = 'freshness = { ageing_after = "12 s", stale_after = "24 s" }\n'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    folder = tmp_path_factory.mktemp("the demo")  # a space in the path, as people have
    shipped = Path(str(files("feeds").joinpath("data", "demo-sources.toml")))
    sources = folder / "sources.toml"
    before, at, after = shipped.read_text(encoding="utf-8").partition(f'id = "{SILENT}"\n')
    sources.write_text(before + at + SHORT + after, encoding="utf-8")
    process = DemoProcess(folder, AKUTOVERBLIK_SOURCES=f'["{sources}"]')
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.end()


def has_ended(pid: int, command: str) -> None:
    """Wait until a process is gone (its id may serve another program by then)."""
    until(lambda: command_of(pid) != command, f"{command} ends")


def rows(demo: DemoProcess) -> dict[str, dict[str, Any]]:
    answer = httpx.get(f"{demo.base}/api/v1/board/randers", timeout=10)
    return {row["unit"]: row for row in answer.json()["rows"]}


def test_every_unit_gets_its_first_figures_by_itself(demo: DemoProcess) -> None:
    until(
        lambda: all(row["observed_at"] for row in rows(demo).values()),
        "every unit has been reported",
    )
    assert {row["source"] for row in rows(demo).values()} == {
        "randers-omsorg", "favrskov-omsorg", "norddjurs-omsorg", "syddjurs-omsorg",
        "rhr-fhir", "rhr-status", "region-status",
    }  # fmt: skip


def test_the_board_moves(demo: DemoProcess) -> None:
    before = rows(demo)
    until(
        lambda: sum(rows(demo)[u]["occupied"] != r["occupied"] for u, r in before.items()) >= 2,
        "two units change their figures",
        seconds=180,  # the demo begins at this hour of the day, and nights are quiet
    )


def test_keys_are_told_of_by_path_and_never_shown(demo: DemoProcess) -> None:
    keys = demo.folder / "data" / "keys"
    assert {path.name for path in keys.iterdir()} == {
        "favrskov-omsorg", "norddjurs-omsorg", "rhr-fhir",
    }  # fmt: skip
    for path in keys.iterdir():
        assert path.read_text(encoding="utf-8").strip() not in demo.log
        assert path.stat().st_mode & 0o077 == 0
    assert demo.base in demo.log


@pytest.mark.browser
def test_a_silent_source_goes_stale_on_time_and_a_killed_web_process_comes_back(
    demo: DemoProcess,
) -> None:
    with chromium() as browser, opened(browser) as watched:
        page = watched.page
        page.goto(f"{demo.base}/board/randers")
        for unit in SILENT_UNITS:
            expect(_unit(page, unit)).not_to_have_attribute("data-freshness", "stale")
        control = f"{demo.simulators()}/control/{SILENT}/fault"
        assert httpx.post(control, json={"kind": "silent"}, timeout=10).status_code == 200
        for unit in SILENT_UNITS:
            expect(_unit(page, unit)).to_have_attribute("data-freshness", "stale", timeout=60_000)
            row = rows(demo)[unit]
            assert row["state"] == "free"
            number = _unit(page, unit).locator("[data-slot=number]")
            assert number.inner_text() == "–", "never a number once it is stale"
        assert httpx.post(control, json={"kind": "none"}, timeout=10).status_code == 200
        for unit in SILENT_UNITS:
            expect(_unit(page, unit)).not_to_have_attribute(
                "data-freshness", "stale", timeout=60_000
            )

        killed = demo.child("web.cli serve")
        os.kill(killed, signal.SIGKILL)
        expect(page.get_by_role("alert")).to_be_visible(timeout=30_000)
        expect(page.get_by_role("alert")).to_be_hidden(timeout=60_000)
        assert demo.child("web.cli serve") != killed
        until(lambda: _shown(page) == _wanted(demo), "the page shows what the board holds")


def _unit(page: Page, unit: str) -> Any:
    return page.locator(f'[data-unit="{unit}"]')


def _shown(page: Page) -> dict[str, str | None]:
    """The observation time that the page shows of each unit, on the machine-readable side."""
    found: dict[str, str | None] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-unit]")].map(
            unit => [unit.dataset.unit,
                     unit.querySelector("[data-slot=age]").getAttribute("datetime")]))"""
    )
    return found


def _wanted(demo: DemoProcess) -> dict[str, str | None]:
    return {unit: row["observed_at"] for unit, row in rows(demo).items()}


def test_ctrl_c_ends_the_whole_tree_and_leaves_only_data(demo: DemoProcess) -> None:
    children = demo.children()
    assert len(children) == 3, children
    assert demo.interrupt() == 0, demo.log
    for pid, command in children.items():
        has_ended(pid, command)
    assert not list((demo.folder / "data" / "valkey").glob("*.sock"))
    assert "Traceback" not in demo.log, demo.log


def test_a_killed_supervisor_takes_everything_with_it(tmp_path: Path) -> None:
    process = DemoProcess(tmp_path)
    try:
        process.wait_until_ready()
        children = process.children()
        assert len(children) == 3, children
        os.kill(process.process.pid, signal.SIGKILL)
        process.process.wait()
        for pid, command in children.items():
            has_ended(pid, command)
        again = DemoProcess(tmp_path)
        try:
            again.wait_until_ready()
            assert again.interrupt() == 0
        finally:
            again.end()
    finally:
        process.end()
