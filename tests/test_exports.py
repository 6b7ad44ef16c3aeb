"""Every table over HTTP in every form: each tells what its JSON tells, with its definition."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.need import Need, Where
from tests.support.databases import kept_beside
from tests.support.installed import ROOT
from tests.support.past import Past
from tests.support.service import Service, running, settings_for
from tests.support.tables import READERS, alike, defined, parquet_rows, xlsx_rows
from tests.support.walking import trail
from web import (
    api_profile,
    board_export,
    import_export,
    indicator_export,
    ledger_export,
    outcome_export,
    statement_export,
)
from web.tables import FORMS, Form, Table, making

NOON = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
"""In the hour that clocks show twice that night."""
NOW = NOON + timedelta(hours=8)
NEED = Need("0710", ("oxygen",), 120, Where.PLACE)
HERE = "favrskov-akutplads"
PERIOD = {"from": "2024-10-27T00:00:00Z", "to": "2024-10-27T08:00:00Z"}


def told() -> Past:
    """A night: a place is free, full, silent until it is stale, and gone; and two calls."""
    past = Past()
    past.say(NOON, HERE, total=2, free=1, note="=HYPERLINK(1)")
    past.outcome(NOON + timedelta(minutes=5), "admitted_despite_free", NEED, reason="transport")
    past.say(NOON + timedelta(hours=1), HERE, total=2, free=0)
    past.say(NOON + timedelta(hours=1, minutes=1), HERE, total=2, free=0)
    past.outcome(NOON + timedelta(hours=1, minutes=5), "admitted_none_free", None)
    past.leave(NOON + timedelta(hours=7), HERE)
    return past


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    await told().record_at(kept_beside(tmp_path))
    sources = tmp_path / "sources.toml"
    sources.touch()
    settings = settings_for(tmp_path, valkey_server.url, sources, run_feeds=False)
    async with running(settings, clock=lambda: NOW) as service:
        yield service


async def files(service: Service, path: str, query: Mapping[str, str]) -> dict[Form, bytes]:
    """The three files of an address."""
    found: dict[Form, bytes] = {}
    for form in FORMS:
        answer = await service.client.get(path, params={**query, "format": form})
        assert answer.status_code == 200, answer.text
        assert f'.{form}"' in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Type"] == making.MEDIA[form]
        found[form] = answer.content
    return found


async def told_of(service: Service, path: str, query: Mapping[str, str]) -> Any:
    answer = await service.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_name(raw: bytes) -> list[dict[str, Any]]:
    head, *rows = parquet_rows(raw)
    return [dict(zip(head, row, strict=True)) for row in rows]


async def checked(
    service: Service, table: Table, path: str, query: Mapping[str, str], separator: str = ";"
) -> list[dict[str, Any]]:
    """The rows, once all forms were seen to tell the same, with a definition in both languages."""
    found = await files(service, path, query)
    alike(table, found, separator)
    for lang, title in (("da", "Tabel"), ("en", "Table")):
        answer = await service.client.get(path, params={**query, "format": "xlsx", "lang": lang})
        definition = xlsx_rows(answer.content, 1)
        assert definition[0][0] == title
        assert {row[0] for row in definition} >= set(table.names)
    assert {each["name"] for each in defined(found["parquet"])["columns"]} == set(table.names)
    return by_name(found["parquet"])


async def test_the_outcomes(service: Service) -> None:
    path, period = "/api/v1/outcomes/randers", {"since": PERIOD["from"], "until": PERIOD["to"]}
    rows = await checked(service, outcome_export.TABLE, path, period, ",")
    wanted = (await told_of(service, path, period))["outcomes"]
    assert [row["id"] for row in rows] == [each["id"] for each in wanted]
    assert [row["reason"] for row in rows] == ["transport", None]
    assert [row["within_minutes"] for row in rows] == [120, None]
    assert [f"{row['at_local']:%H:%M}" for row in rows] == ["02:35", "02:35"], "the hour was twice"


async def test_the_ledger(service: Service) -> None:
    path, week = "/api/v1/ledger/randers", {"week": "2024-W43"}
    rows = await checked(service, ledger_export.TABLE, path, week)
    wanted = (await told_of(service, path, week))["calls"]
    assert [row["finding"] for row in rows] == [each["finding"] for each in wanted]
    assert [row["finding"] for row in rows] == ["missed", "not_judged"]
    chosen = await files(service, path, week | {"finding": "missed"})
    assert ["Udvalg", "finding=missed"] in defined(chosen["parquet"])["lines"]
    assert len(by_name(chosen["parquet"])) == 1


async def test_the_changes_with_the_figures_from_then_on(service: Service) -> None:
    path = "/api/v1/history/randers/changes"
    rows = await checked(service, board_export.CHANGES, path, PERIOD)
    wanted = (await told_of(service, path, PERIOD))["changes"]
    assert [(row["unit"], row["change"], row["cursor"]) for row in rows] == [
        (each["unit"], each["kind"], each["cursor"]) for each in wanted
    ]
    here = [row for row in rows if row["unit"] == HERE]
    assert [row["change"] for row in here] == ["figures", "figures", "confirmed", "stale", "left"]
    assert [row["free"] for row in here] == [1, 0, 0, None, None], "stale is not 0, gone is not 0"
    assert [row["freshness"] for row in here] == ["fresh", "fresh", "fresh", "stale", None]
    assert here[0]["note"] == "=HYPERLINK(1)"


async def test_the_board_of_a_moment(service: Service) -> None:
    path = "/api/v1/board/randers"
    for at, free, freshness in ((PERIOD["to"], None, None), ("2024-10-27T02:00:00Z", 0, "fresh"),
                                ("2024-10-27T07:00:00Z", None, "stale")):  # fmt: skip
        rows = await checked(service, board_export.BOARD, path, {"at": at})
        wanted = {row["unit"]: row for row in (await told_of(service, path, {"at": at}))["rows"]}
        assert {row["unit"] for row in rows} == set(wanted)
        here = [row for row in rows if row["unit"] == HERE]
        assert [(row["free"], row["freshness"]) for row in here] == (
            [(free, freshness)] if freshness else []
        )
    for at, reason in (("never", "422"), ("2999-01-01T00:00:00Z", "422")):
        answer = await service.client.get(path, params={"at": at, "format": "csv"})
        assert (str(answer.status_code), answer.json()["field"]) == (reason, "at")
    now = await service.client.get(path, params={"format": "parquet"})
    present = await told_of(service, path, {})
    assert len(by_name(now.content)) == len(present["rows"])


async def test_what_is_too_long_for_a_file_is_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "MOST_ROWS", 2)
    answer = await service.client.get(
        "/api/v1/history/randers/changes", params={**PERIOD, "format": "xlsx"}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "from")


async def test_what_is_carried_away_is_noted(service: Service) -> None:
    await files(service, "/api/v1/history/randers/changes", PERIOD)
    await files(service, "/api/v1/board/randers", {})
    noted = [(each.action, orjson.loads(each.detail)["format"]) for each in await trail(service)]
    assert noted == [(f"{what}-export", form) for what in ("history", "board") for form in FORMS]


TABLES = (
    indicator_export.TABLE, api_profile.TABLE, statement_export.TABLE, import_export.TABLE,
    outcome_export.TABLE, ledger_export.TABLE, board_export.CHANGES, board_export.BOARD,
)  # fmt: skip


def test_the_documents_name_every_column() -> None:
    document = (ROOT / "docs" / "exports.md").read_text("utf-8").partition("## Columns")[2]
    told = {
        name: tuple(re.findall(r"`([^`]+)`", columns))
        for name, columns in re.findall(r"^- \*\*(\w+)\*\*: (.+)$", document, re.MULTILINE)
    }
    assert told == {each.id: each.names for each in TABLES}


async def test_forms_that_are_none_are_refused(service: Service) -> None:
    for path in ("history/randers/changes", "board/randers", "ledger/randers", "outcomes/randers"):
        answer = await service.client.get(f"/api/v1/{path}", params={"format": "pdf"})
        assert answer.status_code == 422, path
    assert set(READERS) == set(FORMS)
