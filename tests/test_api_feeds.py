"""HTTP push against the whole service: every answer of the contract, and what it costs others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import format_instant, utc_now
from tests.support.service import Service, running, settings_for

SOURCES = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads", "favrskov-akutteam"]

[[source]]
id = "norddjurs"
cluster = "randers"
format = "csv"
transport = "push"
attribution = "test"
units = { "N1" = "norddjurs-akutplads" }
"""


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, sources)
    async with running(settings) as service:
        yield service


def report(**fields: object) -> dict[str, object]:
    return {
        "unit": "favrskov-akutplads",
        "observed_at": format_instant(utc_now()),
        "total": 2,
        "occupied": 1,
        "reserved": 0,
        "closed": 0,
    } | fields


def document(*reports: object) -> bytes:
    return orjson.dumps({"reports": reports})


async def test_a_report_reaches_the_board_with_every_field(service: Service) -> None:
    key = service.key_for("favrskov")
    answer = await service.push("favrskov", document(report(note="to sygeplejersker")), key=key)
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 1, "unchanged": 0, "superseded": 0, "rejected": []}
    row = (await service.rows("randers"))["favrskov-akutplads"]
    wanted = {"total": 2, "occupied": 1, "free": 1, "held": 0, "state": "free", "staffed": None}
    assert wanted.items() <= row.items()
    assert row["source"] == "favrskov"
    assert row["note"] == "to sygeplejersker"
    assert row["municipality"] == "0710"


async def test_repeated_and_older_reports_are_counted_as_such(service: Service) -> None:
    key = service.key_for("favrskov")
    now = utc_now()
    newest = document(report(observed_at=format_instant(now)))
    older = document(report(observed_at=format_instant(now - timedelta(minutes=1)), occupied=2))
    same_time = document(report(observed_at=format_instant(now), occupied=2))
    assert (await service.push("favrskov", newest, key=key)).json()["accepted"] == 1
    assert (await service.push("favrskov", newest, key=key)).json()["unchanged"] == 1
    assert (await service.push("favrskov", older, key=key)).json()["superseded"] == 1
    assert (await service.push("favrskov", same_time, key=key)).json()["superseded"] == 1
    assert (await service.rows("randers"))["favrskov-akutplads"]["occupied"] == 1


async def test_a_repeated_delivery_with_an_idempotency_key_gets_the_first_answer(
    service: Service,
) -> None:
    headers = {
        "Authorization": f"Bearer {service.key_for('favrskov')}",
        "Idempotency-Key": "delivery-1",
        "Content-Type": "application/json",
    }
    body = document(report())
    first = await service.client.post("/api/v1/feeds/favrskov", content=body, headers=headers)
    again = await service.client.post("/api/v1/feeds/favrskov", content=body, headers=headers)
    assert first.json() == again.json() == {
        "accepted": 1, "unchanged": 0, "superseded": 0, "rejected": [],
    }  # fmt: skip
    assert len(await service.services.board.changes_after("randers", "0-0", 10_000)) == 18 + 1


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (report(total=-1), "total"),
        (report(occupied="3"), "occupied"),
        (report(occupied=True), "occupied"),
        (report(total=2.5), "total"),
        (report(observed_at="2099-01-01T00:00:00Z"), "observed_at"),
        (report(observed_at="2026-02-30T00:00:00Z"), "observed_at"),
        (report(observed_at="2026-01-01T12:00:00"), "observed_at"),
        (report(unit="no-such-unit"), "unit"),
        (report(unit="randers-akutplads-1"), "unit"),
        (report(note="ring om 010170-1234"), "note"),
        (report(note="ring om 0101701234"), "note"),
        (report(colour="red"), "colour"),
        (report(unit="favrskov-akutteam"), "type"),
        (report(capabilities_off=["flying"]), "capabilities_off"),
        ("not a report", "report"),
    ],
)
async def test_a_bad_report_is_named_by_field_and_a_good_one_beside_it_survives(
    service: Service, bad: object, field: str
) -> None:
    if isinstance(bad, dict) and field == "type":
        bad["type"] = "load"
    key = service.key_for("favrskov")
    alone = await service.push("favrskov", document(bad), key=key)
    assert alone.status_code == 422
    rejected = alone.json()["rejected"]
    assert len(rejected) == 1
    assert set(rejected[0]) == {"where", "field", "reason"}
    if field != "report":
        assert rejected[0]["field"] == field
    assert "010170" not in alone.text

    beside = await service.push("favrskov", document(bad, report()), key=key)
    assert beside.status_code == 200
    assert beside.json()["accepted"] == 1
    assert len(beside.json()["rejected"]) == 1
    assert (await service.rows("randers"))["favrskov-akutplads"]["free"] == 1


@pytest.mark.parametrize("broken", [b"", b"{", b"<html>error</html>", b"\x00\xff", b"[[[", b"7"])
async def test_a_broken_document_is_refused_whole(service: Service, broken: bytes) -> None:
    answer = await service.push("favrskov", broken, key=service.key_for("favrskov"))
    assert answer.status_code == 422
    assert answer.json()["accepted"] == 0
    assert answer.json()["rejected"][0]["reason"]


async def test_keys_open_their_own_source_only(service: Service) -> None:
    own, other = service.key_for("favrskov"), service.key_for("norddjurs")
    body = document(report())
    bare = await service.client.post("/api/v1/feeds/favrskov", content=body)
    assert bare.status_code == 401
    assert bare.headers["WWW-Authenticate"] == "Bearer"
    assert (await service.push("favrskov", body, key="wrong")).status_code == 401
    assert (await service.push("favrskov", body, key=other)).status_code == 403
    assert (await service.push("nowhere", body, key=own)).status_code == 403
    assert (await service.push("favrskov", body, key=own)).status_code == 200


async def test_large_and_foreign_documents_are_refused_before_they_are_read(
    service: Service,
) -> None:
    key = service.key_for("favrskov")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def large(mebibytes: int) -> AsyncIterator[bytes]:
        for _ in range(mebibytes):
            yield b" " * 2**20

    answer = await service.client.post("/api/v1/feeds/favrskov", content=large(50), headers=headers)
    assert answer.status_code == 413
    with pytest.raises((httpx.WriteError, httpx.ReadError)):  # the line is cut in the end
        await service.client.post("/api/v1/feeds/favrskov", content=large(1000), headers=headers)
    announced = await service.client.post(
        "/api/v1/feeds/favrskov", content=b" " * (50 * 2**20), headers=headers
    )
    assert announced.status_code == 413
    assert announced.json()["rejected"][0]["field"] == "body"
    typed = await service.push("favrskov", document(report()), key=key, media="image/png")
    assert typed.status_code == 415
    packed = await service.client.post(
        "/api/v1/feeds/favrskov",
        content=document(report()),
        headers=headers | {"Content-Encoding": "gzip"},
    )
    assert packed.status_code == 415
    assert (await service.push("favrskov", document(report()), key=key)).status_code == 200


async def test_a_store_that_is_away_is_said_with_503(
    tmp_path: Path,
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    try:
        async with running(settings_for(tmp_path / "data", store.url, sources)) as service:
            key = service.key_for("favrskov")
            body = document(report())
            await asyncio.to_thread(store.stop)
            answer = await service.push("favrskov", body, key=key)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert (await service.client.get("/readyz")).status_code == 503
            assert (await service.client.get("/healthz")).status_code == 200
            assert (await service.client.get("/api/v1/board/randers")).status_code == 503
            await asyncio.to_thread(store.start)
            again = await service.push("favrskov", body, key=key)
            assert again.json()["accepted"] == 1
    finally:
        await asyncio.to_thread(store.stop)


async def test_the_csv_of_a_source_goes_through_its_mapping(service: Service) -> None:
    text = "unit,observed_at,total,occupied,reserved,closed\n"
    text += f"N1,{format_instant(utc_now())},1,ukendt,0,0\nXX,{format_instant(utc_now())},1,0,0,0\n"
    answer = await service.push(
        "norddjurs", text.encode(), key=service.key_for("norddjurs"), media="text/csv"
    )
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["field"] == "unit"
    row = (await service.rows("randers"))["norddjurs-akutplads"]
    assert row["occupied"] is None
    assert row["free"] is None
    assert row["state"] == "unknown"


async def test_what_is_unusual_about_a_push_is_answered_too(service: Service) -> None:
    headers = {"Authorization": f"Bearer {service.key_for('favrskov')}"}
    body = document(report())
    post = service.client.post
    long = {**headers, "Idempotency-Key": "x" * 129}
    refused = await post("/api/v1/feeds/favrskov", content=body, headers=long)
    assert refused.status_code == 422
    assert refused.json()["field"] == "idempotency-key"
    assert (await service.client.get("/api/v1/feeds/favrskov", headers=headers)).status_code == 405
    assert (await post("/api/v1/feeds/a%2Fb", content=body, headers=headers)).status_code == 404
    assert (await post("/api/v1/feeds/", content=body, headers=headers)).status_code == 404
    longest = {**headers, "Idempotency-Key": "x" * 128}
    taken = await post("/api/v1/feeds/favrskov", content=body, headers=longest)
    assert taken.json()["accepted"] == 1
