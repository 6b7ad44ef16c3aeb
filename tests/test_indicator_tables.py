"""Indicators, their week's hours and figures of registers in every form, equal to their JSON."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.catalogue import builtin_catalogue
from capacity.history import History, Roller
from capacity.imports import Document, Imports, Key, Told
from capacity.indicators.day import Scope
from capacity.indicators.days import begin
from tests.support.databases import kept_beside
from tests.support.raw_days import World
from tests.support.service import running, settings_for
from tests.support.tables import alike, csv_rows, defined, parquet_rows, xlsx_rows
from web import api_profile, import_export, indicator_export
from web.tables import FORMS, Form, Table

CATALOGUE = builtin_catalogue()
FIRST = date(2026, 10, 19)
"""A Monday; the last Sunday of the nine days has an hour twice."""
DAYS = 10
NOW = begin(FIRST + timedelta(days=DAYS)) + timedelta(hours=3)
HERE, THERE = "randers-akutplads-1", "favrskov-akutplads"
PAGE, API = "/indicators/randers", "/api/v1/indicators/randers"
ADDRESSES = (
    (f"{PAGE}?step=day&last=9", indicator_export.TABLE),
    (f"{PAGE}/0710?step=day&last=9", indicator_export.TABLE),
    (f"{API}?step=day&last=9", indicator_export.TABLE),
    (f"{API}/profile?last=7", api_profile.TABLE),
    (f"{API}/profile?municipality=0710", api_profile.TABLE),
    (f"{API}/imports?indicator=acute_admissions", import_export.TABLE),
)
JSON = (f"{API}?step=day&last=9", f"{API}/profile?last=7", f"{API}/imports", PAGE)
Answers = Mapping[str, httpx.Response]


def seeded() -> World:
    """Nine days and a bit: free by day, full by night, and one place that falls silent."""
    world = World(CATALOGUE)
    for number in range(DAYS):
        for hour in (6, 18):
            at = begin(FIRST + timedelta(days=number)) + timedelta(hours=hour)
            world.report(HERE, at, stale_after=14 * 60, total=2, occupied=0 if hour == 6 else 2)
            if number < 4:
                world.report(THERE, at + timedelta(minutes=1), stale_after=60, total=3, occupied=3)
    return world


async def seed(folder: Path) -> None:
    history = History(kept_beside(folder))
    await history.start()
    try:
        await seeded().record(history)
        await Roller(history).roll_up(Scope("randers", CATALOGUE), NOW)
        imports = Imports(history, lambda: NOW)
        for number, count in enumerate((90, 95)):
            key = Key("acute_admissions", "0730", "month", date(2026, 9, 1))
            told = Told(key, count, 100_000, "=LPR")
            document = Document(f"{number}", (told,), 0)
            await imports.bring_in("randers", document, "a_1", "coordinator")
    finally:
        await history.stop()


def formed(address: str, form: Form) -> str:
    return f"{address}{'&' if '?' in address else '?'}format={form}"


@pytest.fixture(scope="module")
def answers(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, httpx.Response]:
    """What the service answers to every address in every form."""
    folder = tmp_path_factory.mktemp("tables")
    Redis.from_url(valkey_server.url).flushall()
    (folder / "sources.toml").touch()

    async def ask() -> dict[str, httpx.Response]:
        await seed(folder)
        settings = settings_for(folder, valkey_server.url, folder / "sources.toml")
        async with running(settings, clock=lambda: NOW) as service:
            paths = [*JSON, *(formed(each, form) for each, _ in ADDRESSES for form in FORMS)]
            return {path: await service.client.get(path) for path in paths}

    return asyncio.run(ask())


def rows_of(answers: Answers, address: str) -> list[dict[str, Any]]:
    head, *rows = parquet_rows(answers[formed(address, "parquet")].content)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize(("address", "table"), ADDRESSES)
def test_every_form_tells_the_same(answers: Answers, address: str, table: Table) -> None:
    files: dict[Form, bytes] = {}
    for form in FORMS:
        answer = answers[formed(address, form)]
        assert answer.status_code == 200, answer.text
        assert f'.{form}"' in answer.headers["Content-Disposition"]
        files[form] = answer.content
    assert alike(table, files) > 0
    assert {row[0] for row in xlsx_rows(files["xlsx"], 1)} >= set(table.names)
    lines = dict(defined(files["parquet"])["lines"])
    assert lines["Klynge"].startswith("Randers")
    assert "aldrig 0" in lines["Tom celle"]


def test_indicators_tell_what_their_json_tells(answers: Answers) -> None:
    found = {
        (row["indicator"], row["period"].isoformat()): row for row in rows_of(answers, JSON[0])
    }
    series = [
        (each["definition"], point)
        for each in answers[JSON[0]].json()["indicators"]
        for point in each["series"]
    ]
    assert len(found) == len(series)
    for definition, point in series:
        row = found[definition["id"], point["period"]]
        for name in ("value", "numerator", "denominator", "unknown", "centre", "lower", "upper"):
            assert row[name] == point[name], (definition["id"], name)
        assert (row["excludes"], row["counts"]) == (
            definition["excludes"]["da"], definition["counts"]["da"],
        )  # fmt: skip
    assert any(point["value"] is None for _, point in series), "something is not known"


def test_hours_of_the_week_are_those_of_the_reports(answers: Answers) -> None:
    told = {each["definition"]["id"]: each for each in answers[JSON[1]].json()["indicators"]}
    hours = {(each["weekday"], each["hour"]): each["value"] for each in told["occupancy"]["hours"]}
    assert len(hours) == 7 * 24
    # Seven whole days up to Wednesday; the place elsewhere was silent by then.
    assert {hours[weekday, 12] for weekday in range(1, 8)} == {0}
    assert {hours[weekday, 22] for weekday in range(1, 8)} == {100}
    rows = [row for row in rows_of(answers, f"{API}/profile?last=7")]
    assert Counter(row["indicator"] for row in rows) == dict.fromkeys(told, 168)
    (twice,) = [
        row for row in rows
        if (row["indicator"], row["weekday"], row["hour"]) == ("occupancy", 7, 2)
    ]  # fmt: skip
    assert twice["denominator"] == 2 * 2 * 3_600_000, "two places, an hour that there was twice"
    assert (twice["since"], twice["until"]) == (date(2026, 10, 22), date(2026, 10, 28))
    elsewhere = rows_of(answers, f"{API}/profile?municipality=0710")
    assert {row["municipality"] for row in elsewhere} == {"0710"}
    monday = [r for r in elsewhere if (r["indicator"], r["weekday"]) == ("occupancy", 1)]
    assert [row["value"] for row in monday].count(None) == 24, "the day before history, and silent"


def test_figures_of_registers_have_a_line_for_each_version(answers: Answers) -> None:
    rows = rows_of(answers, f"{API}/imports?indicator=acute_admissions")
    assert [(row["version"], row["current"], row["numerator"]) for row in rows] == [
        (1, 0, 90), (2, 1, 95),
    ]  # fmt: skip
    (figure,) = answers[f"{API}/imports"].json()["figures"]
    assert [row["value"] for row in rows] == [each["value"] for each in figure["versions"]]
    assert [row["imported_at"] for row in rows] == [NOW, NOW]
    assert {row["approved_at"] for row in rows} == {None}
    text = csv_rows(answers[formed(f"{API}/imports?indicator=acute_admissions", "csv")].content)
    assert text[1][text[0].index("register")] == "'=LPR"
    assert rows[0]["register"] == "=LPR"


def test_the_page_leads_to_every_form(answers: Answers) -> None:
    html = answers[PAGE].text
    for form in FORMS:
        assert f"last=60&amp;format={form}" in html
        assert f"/profile?format={form}" in html
