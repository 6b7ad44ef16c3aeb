"""Outcomes over HTTP, in a real service: logged, corrected, listed, exported, and refused."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection

from capacity.board import Board, EmbeddedServer
from capacity.board.outcomes import Outcomes
from capacity.instants import format_instant, parse_instant, utc_now
from capacity.outcomes import Correction, Logged
from tests.support.board_model import until
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer
from web.api_outcomes import merged
from web.outcome_export import TABLE
from web.tables import guarded

UNIT = "favrskov-akutplads"
URL = "/api/v1/outcomes/randers"
AT = parse_instant("2026-11-22T08:00:00Z")


SOURCES = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    return path


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, sources: Path
) -> AsyncIterator[Service]:
    async with running(settings_for(tmp_path, valkey_server.url, sources)) as service:
        yield service


def csrf(service: Service) -> dict[str, str]:
    """What a page of the service would send along."""
    nobody = HTTPConnection({"type": "http", "headers": []})
    return {"X-CSRF-Token": service.services.access.csrf_token(nobody)}


async def post(
    service: Service, body: Any, *, key: str | None = None, url: str = URL
) -> httpx.Response:
    headers = csrf(service) | ({"Idempotency-Key": key} if key else {})
    return await service.client.post(url, json=body, headers=headers)


async def listed(service: Service, **period: str) -> list[dict[str, Any]]:
    answer = await service.client.get(URL, params=period)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["outcomes"]
    return found


async def until_recorded(service: Service, number: int) -> None:
    await until(lambda: service.services.historian.journal_recorded >= number)


async def test_one_click_is_logged_and_listed_at_once(service: Service) -> None:
    answer = await post(service, {"outcome": "admitted_none_free"}, key="click-1")
    assert answer.status_code == 201, answer.text
    outcome = answer.json()["outcome"]
    until = parse_instant(outcome["correctable_until"])
    assert until - parse_instant(outcome["at"]) == timedelta(hours=1)
    assert outcome | {"id": "", "at": "", "correctable_until": "", "by": {}} == {
        "id": "",
        "at": "",
        "correctable_until": "",
        "by": {},
        "outcome": "admitted_none_free",
        "reason": None,
        "unit": None,
        "hold": None,
        "need": None,
        "took_seconds": None,
        "corrections": [],
    }
    assert (outcome["by"]["role"], set(outcome["by"])) == (
        "visitator",
        {"role", "organisation", "account"},
    )
    again = await post(service, {"outcome": "admitted_none_free"}, key="click-1")
    assert (again.status_code, again.json()["outcome"]) == (201, outcome)
    assert await listed(service) == [outcome]
    await until_recorded(service, 1)
    assert await listed(service) == [outcome]


async def test_without_a_key_every_click_counts(service: Service) -> None:
    for _ in range(2):
        assert (await post(service, {"outcome": "other"})).status_code == 201
    assert len(await listed(service)) == 2


async def test_a_key_that_was_used_for_another_outcome_is_refused(service: Service) -> None:
    await post(service, {"outcome": "other"}, key="k")
    answer = await post(service, {"outcome": "admitted_none_free"}, key="k")
    assert answer.status_code == 422
    assert answer.json()["field"] == "Idempotency-Key"


async def test_a_correction_replaces_the_value_and_leaves_a_trace(service: Service) -> None:
    need = {"municipality": "0710", "capabilities": ["oxygen"], "within_minutes": 60}
    first = {"outcome": "alternative", "unit": UNIT, "need": need, "took_seconds": 80}
    logged = (await post(service, first)).json()["outcome"]
    second = {"outcome": "admitted_despite_free", "reason": "transport", "unit": UNIT}
    url = f"{URL}/{logged['id']}/correct"
    answer = await post(service, second, key="c1", url=url)
    assert answer.status_code == 200, answer.text
    outcome = answer.json()["outcome"]
    assert (outcome["outcome"], outcome["reason"]) == ("admitted_despite_free", "transport")
    assert outcome["at"] == logged["at"]
    (trace,) = outcome["corrections"]
    assert set(trace) == {"at", "by", "before", "after"}
    assert trace["before"]["need"] == need | {"where": "either"}
    assert trace["after"]["unit"] == UNIT
    assert (await post(service, second, key="c1", url=url)).json()["outcome"] == outcome
    assert await listed(service) == [outcome]
    await until_recorded(service, 2)
    assert await listed(service) == [outcome]


async def test_after_the_hour_a_correction_is_refused(
    service: Service, valkey_server: EmbeddedServer
) -> None:
    await service.services.outcomes.stop()
    service.services.outcomes = Outcomes(valkey_server.url, window=timedelta(0))
    logged = (await post(service, {"outcome": "other"})).json()["outcome"]
    await until(lambda: utc_now() > parse_instant(logged["at"]))
    url = f"{URL}/{logged['id']}/correct"
    answer = await post(service, {"outcome": "admitted_none_free"}, url=url)
    assert answer.status_code == 409
    assert answer.json() == {
        "field": "outcome",
        "reason": f"could be corrected until {logged['correctable_until']}",
    }
    assert await listed(service) == [logged]


async def test_an_unknown_outcome_or_cluster_is_not_found(service: Service) -> None:
    answer = await post(service, {"outcome": "other"}, url=f"{URL}/nothing/correct")
    assert (answer.status_code, answer.json()["field"]) == (404, "outcome")
    elsewhere = "/api/v1/outcomes/atlantis"
    for url in (elsewhere, f"{elsewhere}/x/correct"):
        assert (await post(service, {"outcome": "other"}, url=url)).status_code == 404
    for url in (elsewhere, f"{elsewhere}.csv"):
        answer = await service.client.get(url)
        assert (answer.status_code, answer.json()["field"]) == (404, "cluster")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"outcome": "alternative"}, "unit"),
        ({"outcome": "other", "reason": "fordi"}, "reason"),
        ({"outcome": "other", "need": {"municipality": "9999"}}, "need.municipality"),
        ({"outcome": "other", "need": {"municipality": "010190-1234"}}, "need.municipality"),
        ({"outcome": "other", "hold": "010190-1234"}, "hold"),
        ({"outcome": "other", "note": "010190-1234"}, "body"),
        ({"outcome": "other", "took_seconds": 99999}, "took_seconds"),
        (["other"], "body"),
    ],
)
async def test_what_cannot_be_logged_is_refused_by_its_field(
    service: Service, body: Any, field: str
) -> None:
    for url in (URL, f"{URL}/x/correct"):
        answer = await post(service, body, url=url)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert "1234" not in answer.text
    assert await listed(service) == []


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 422), (b"", 422), (b"\xff", 422), (b" " * 20_000, 413)]
)
async def test_what_is_no_json_is_refused(service: Service, content: bytes, status: int) -> None:
    answer = await service.client.post(URL, content=content, headers=csrf(service))
    assert (answer.status_code, answer.json()["field"]) == (status, "body")


async def test_only_a_page_of_ours_may_log(service: Service) -> None:
    for headers in ({}, {"X-CSRF-Token": "guess"}, csrf(service) | {"Origin": "https://evil.dk"}):
        for url in (URL, f"{URL}/x/correct"):
            answer = await service.client.post(url, json={"outcome": "other"}, headers=headers)
            assert answer.status_code == 403
    assert await listed(service) == []


async def test_nobody_gets_in_without_the_demo(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        for url in (URL, f"{URL}.csv"):
            assert (await service.client.get(url)).status_code in (401, 403)
        for url in (URL, f"{URL}/x/correct"):
            assert (await post(service, {"outcome": "other"}, url=url)).status_code in (401, 403)


async def test_a_period_has_its_beginning_and_not_its_end(service: Service) -> None:
    outcomes = [(await post(service, {"outcome": "other"})).json()["outcome"] for _ in range(3)]
    ats = [outcome["at"] for outcome in outcomes]
    assert await listed(service, since=ats[0], until=ats[0]) == []
    assert await listed(service, until=ats[0]) == []
    later = format_instant(parse_instant(ats[-1]) + timedelta(milliseconds=1)) or ""
    assert await listed(service, since=ats[0], until=later) == outcomes
    local = (parse_instant(ats[0]) + timedelta(hours=1)).replace(tzinfo=None)
    assert len(await listed(service, since=f"{local.isoformat()}+01:00", until=later)) == 3


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-11-22T08:00"}, "until"),
        ({"since": "2026-11-22T08:00Z", "until": "2026-11-22T07:00Z"}, "since"),
        ({"since": "2025-01-01T00:00Z", "until": "2026-11-22T07:00Z"}, "since"),
    ],
)
async def test_what_is_no_period_is_refused(
    service: Service, period: dict[str, str], field: str
) -> None:
    for url in (URL, f"{URL}.csv"):
        answer = await service.client.get(url, params=period)
        assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(("separator", "mark"), [("comma", ","), ("semicolon", ";")])
async def test_the_export_is_a_table_that_a_spreadsheet_reads(
    service: Service, separator: str, mark: str
) -> None:
    need = {"municipality": "0710", "capabilities": ["oxygen", "iv_fluid"], "where": "place"}
    chosen = {"outcome": "alternative", "unit": UNIT, "need": need, "took_seconds": 75}
    logged = (await post(service, {"outcome": "other", "reason": "advice_only"})).json()["outcome"]
    await post(service, chosen, url=f"{URL}/{logged['id']}/correct")
    answer = await service.client.get(f"{URL}.csv", params={"separator": separator})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert 'filename="outcomes-randers.csv"' in answer.headers["Content-Disposition"]
    text = answer.content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    assert tuple(row) == TABLE.names
    assert row.pop("at_local").startswith("20")
    assert row == {
        "at": logged["at"],
        "id": logged["id"],
        "outcome": "alternative",
        "reason": "",
        "unit": UNIT,
        "unit_name": service.services.catalogue.units[UNIT].name,
        "hold": "",
        "municipality": "0710",
        "capabilities": "iv_fluid oxygen",
        "within_minutes": "",
        "where": "place",
        "took_seconds": "75",
        "role": "visitator",
        "organisation": logged["by"]["organisation"] or "",
        "corrections": "1",
        "first_outcome": "other",
        "first_reason": "advice_only",
    }


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\t=1", "'\t=1"),
        ("  =1", "'  =1"), ("\r=1", "'\r=1"), ("Sygehus = godt", "Sygehus = godt"),
        (None, ""), (0, "0"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(cell: object, text: str) -> None:
    assert guarded(cell) == text


async def test_the_document_of_the_api_tells_of_it(service: Service) -> None:
    paths = (await service.client.get("/api/openapi.json")).json()["paths"]
    assert {path for path in paths if "outcomes" in path} == {
        "/api/v1/outcomes/{cluster}",
        "/api/v1/outcomes/{cluster}/{outcome}/correct",
        "/api/v1/outcomes/{cluster}.csv",
    }


async def test_a_store_that_is_away_is_told_and_waited_for(tmp_path: Path, sources: Path) -> None:
    store = StoreServer(tmp_path / "store")
    store.start()
    try:
        async with running(settings_for(tmp_path / "data", store.url, sources)) as service:
            logged = (await post(service, {"outcome": "other"}, key="k1")).json()["outcome"]
            store.kill()
            for answer in (
                await post(service, {"outcome": "other"}, key="k2"),
                await post(service, {"outcome": "other"}, url=f"{URL}/{logged['id']}/correct"),
                await service.client.get(URL),
                await service.client.get(f"{URL}.csv"),
            ):
                assert (answer.status_code, answer.json()["field"]) == (503, "store")
                assert int(answer.headers["Retry-After"]) > 0
            store.start()
            after = (await post(service, {"outcome": "other"}, key="k2")).json()["outcome"]
            assert await listed(service) == [logged, after]
    finally:
        store.close()


def test_of_an_outcome_in_both_lists_the_fuller_trace_counts() -> None:
    first = logged_at("a", AT + timedelta(seconds=1))
    corrected = logged_at("a", AT + timedelta(seconds=1), 1)
    other = logged_at("b", AT)
    assert merged([first], [corrected, other]) == [other, corrected]
    assert merged([corrected, other], [first]) == [other, corrected]
    assert merged([], []) == []


def logged_at(outcome: str, at: datetime, corrections: int = 0) -> Logged:
    trace = tuple(Correction(f"c{n}", at, {}, {}, {}) for n in range(corrections))
    return Logged(outcome, at, at + timedelta(hours=1), {}, {}, trace)
