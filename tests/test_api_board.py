"""The board over HTTP: now, as it was, and described."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import format_instant, parse_instant, utc_now
from capacity.row import Row
from tests.support.service import Service, running, settings_for
from web.asyncapi import describe, row_schema

SOURCES = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]
freshness = { ageing_after = "1 min", stale_after = "2 min" }
"""
CONTRACT_FIELDS = (
    "unit", "name", "kind", "organisation", "municipality", "total", "staffed", "occupied",
    "reserved", "closed", "held", "free", "state", "capabilities", "note", "observed_at",
    "received_at", "stale_at", "source",
)  # fmt: skip


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    async with running(settings_for(tmp_path / "data", valkey_server.url, sources)) as service:
        yield service


async def push(service: Service, key: str, occupied: int) -> None:
    report = {
        "unit": "favrskov-akutplads",
        "observed_at": format_instant(utc_now()),
        "total": 2,
        "occupied": occupied,
    }
    answer = await service.push("favrskov", orjson.dumps([report]), key=key)
    assert answer.json()["accepted"] == 1


async def test_every_unit_has_a_row_of_unknowns_before_any_report(service: Service) -> None:
    answer = await service.client.get("/api/v1/board/randers")
    body = answer.json()
    assert set(body) == {"cursor", "server_time", "rows"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(body["rows"]) == 18
    for row in body["rows"]:
        assert set(CONTRACT_FIELDS) <= set(row)
        assert set(row) == set(Row.__annotations__)
        assert row["state"] == "unknown"
        assert row["free"] is row["total"] is row["observed_at"] is row["stale_at"] is None


async def test_the_past_is_answered_from_history(service: Service) -> None:
    key = service.key_for("favrskov")
    moments = []
    for occupied in (0, 1, 2):
        await push(service, key, occupied)
        await asyncio.sleep(0.01)  # the store's clock moves on, so each change has its own instant
        moments.append(format_instant(utc_now()))
        await asyncio.sleep(0.01)
    for occupied, moment in enumerate(moments):
        rows = await service.rows("randers", at=moment)
        assert rows["favrskov-akutplads"]["occupied"] == occupied
        assert len(rows) == 18
    now = await service.rows("randers")
    assert now == await service.rows("randers", at=moments[-1])
    before = format_instant(utc_now() - timedelta(days=1))
    assert await service.rows("randers", at=before) == {}


async def test_questions_that_make_no_sense_are_refused_by_field(service: Service) -> None:
    get = service.client.get
    ahead = format_instant(utc_now() + timedelta(hours=1))
    for at in ("yesterday", "2026-01-01T12:00:00", ahead, "2026-13-01T00:00:00Z", "x" * 50):
        answer = await get("/api/v1/board/randers", params={"at": at})
        assert answer.status_code == 422, at
        assert answer.json()["field"] == "at"
    assert (await get("/api/v1/board/nowhere")).status_code == 404


async def test_a_sources_own_freshness_decides_when_its_figures_go_stale(
    service: Service,
) -> None:
    await push(service, service.key_for("favrskov"), 1)
    row = (await service.rows("randers"))["favrskov-akutplads"]
    observed, stale = (parse_instant(str(row[name])) for name in ("observed_at", "stale_at"))
    assert stale - observed == timedelta(minutes=2)


async def test_the_descriptions_name_what_there_is(service: Service) -> None:
    described = (await service.client.get("/api/openapi.json")).json()
    assert {"/api/v1/feeds/{source}", "/api/v1/board/{cluster}", "/healthz", "/readyz"} <= set(
        described["paths"]
    )
    live = (await service.client.get("/api/asyncapi.json")).json()
    assert live == describe(live["info"]["version"], ["randers"])
    assert set(live["components"]["messages"]) == {"snapshot", "rows", "heartbeat"}
    assert set(row_schema()["properties"]) == set(Row.__annotations__)


async def test_metrics_tell_of_boards_sources_and_history(service: Service) -> None:
    await push(service, service.key_for("favrskov"), 1)
    text = (await service.client.get("/metrics")).text
    assert 'akutoverblik_source_reports_total{fate="accepted",source="favrskov"} 1.0' in text
    assert "akutoverblik_boards_open 0.0" in text
    assert 'akutoverblik_source_data_age_seconds{source="favrskov"}' in text


async def test_every_page_forbids_foreign_code_frames_and_caches(service: Service) -> None:
    for path in ("/board/randers", "/wall/randers", "/nowhere", "/api/v1/board/randers"):
        headers = (await service.client.get(path, headers={"Accept": "text/html"})).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "require-trusted-types-for 'script'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
