"""The surge level over HTTP and in live frames, with real stores and several processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import connect

from capacity.board import START, Board, EmbeddedServer
from capacity.board.store import reading_of
from capacity.instants import format_instant, parse_instant, utc_now
from capacity.row import encode_row
from capacity.settings import Settings
from tests.support.board_model import until
from tests.support.board_page import row
from tests.support.live import source_file
from tests.support.service import Service, running, settings_for
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer
from web.access import CSRF_HEADER
from web.asyncapi import surge_schema

PATH = "/api/v1/surge/randers"
VISITATION = "rhr-visitation"
DEPARTMENT = "rhr-akutafdeling"


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    async with running(settings_in(tmp_path, valkey_server.url)) as service:
        service.client.headers[CSRF_HEADER] = service.csrf
        yield service


def settings_in(folder: Path, redis_url: str) -> Settings:
    """A process without feeds of its own."""
    return settings_for(folder, redis_url, source_file(folder), run_feeds=False)


async def tell(service: Service, unit: str, **figures: int) -> None:
    """A report, a moment ago, straight onto the board."""
    told = row(unit, now=utc_now(), **figures)
    digest = f"{figures}"
    board = service.services.board
    await board.apply("randers", [reading_of(told, encode_row(told), digest)])


async def surge(service: Service) -> dict[str, Any]:
    answer = await service.client.get(PATH)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def level_is(service: Service, level: int) -> Callable[[], bool]:
    return lambda: service.services.surge.level("randers") == level


def body(**changed: object) -> dict[str, object]:
    ends = format_instant(utc_now() + timedelta(hours=2))
    return {"level": 3, "reason": "Strømsvigt på afsnittet", "until": ends} | changed


async def journal(service: Service) -> list[tuple[str, dict[str, Any]]]:
    found = await service.services.board.journal_after("randers", START, 1000)
    return [
        (entry.kind, orjson.loads(entry.data))
        for entry in found.entries
        if entry.kind.startswith("surge")
    ]


class Frames:
    """What a board hears, frame by frame."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    @contextlib.asynccontextmanager
    async def of(self, service: Service) -> AsyncIterator["Frames"]:
        async with connect(f"{service.live}/randers") as socket:

            async def read() -> None:
                async for text in socket:
                    self.all.append(orjson.loads(text))

            reading = asyncio.create_task(read())
            await until(lambda: bool(self.all))
            yield self
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_figures_become_a_level_with_its_reasons(service: Service) -> None:
    before = await surge(service)
    assert (before["level"], before["computed"], before["override"]) == (0, 0, None)
    assert before["unknown_since"] is not None

    await tell(service, DEPARTMENT, total=50, occupied=49)
    await tell(service, VISITATION, waiting=6, wait_minutes=4)
    await until(level_is(service, 2))

    found = await surge(service)
    facts = {fact["code"]: fact for fact in found["facts"]}
    assert found["unknown_since"] is None
    assert facts["load"] == {
        "code": "load", "value": 98, "crosses": 2, "up": 98, "down": 93, "occupied": 49, "of": 50,
    }  # fmt: skip
    assert (facts["waiting"]["crosses"], facts["waiting"]["value"]) == (1, 6)
    assert (facts["wait"]["crosses"], facts["wait"]["up"]) == (0, None)
    assert (facts["free"]["value"], facts["free"]["unknown"], facts["free"]["units"]) == (
        None,
        5,
        5,
    )
    await until(lambda: service.services.surge.of("randers")["level"] == 2)
    changes = [(entry["from"], entry["level"]) for _, entry in await journal(service)]
    assert changes[0] == (None, 0)
    assert changes[-1][1] == 2
    assert all(was != now for was, now in changes)


async def test_a_level_that_waits_to_fall_says_when(service: Service) -> None:
    await tell(service, DEPARTMENT, total=50, occupied=49)
    await until(level_is(service, 2))
    await tell(service, DEPARTMENT, total=50, occupied=10)

    await until(lambda: service.services.surge.of("randers")["may_fall_at"] is not None)

    found = await surge(service)
    assert found["level"] == 2
    waits = parse_instant(found["may_fall_at"]) - parse_instant(found["since"])
    assert waits == timedelta(minutes=30)


async def test_every_frame_carries_the_level_and_a_change_is_told_at_once(
    service: Service,
) -> None:
    async with Frames().of(service) as frames:
        assert frames.all[0]["type"] == "snapshot"
        await tell(service, DEPARTMENT, total=50, occupied=49)
        with stopwatch() as watch:
            await until(lambda: frames.all[-1]["surge"]["level"] == 2)
        assert watch.seconds < 4
        last = frames.all[-1]
        with stopwatch() as watch:
            answer = await service.client.post(PATH, json=body(level=1))
            await until(lambda: frames.all[-1]["surge"]["level"] == 1)
        assert watch.seconds < 2

    assert last["type"] == "heartbeat"
    assert answer.status_code == 200
    assert frames.all[-1]["surge"] == answer.json()
    assert {"snapshot", "rows", "heartbeat"} == {frame["type"] for frame in frames.all}
    schema = surge_schema()
    for frame in frames.all:
        assert set(frame["surge"]) == set(schema["properties"])
        for fact in frame["surge"]["facts"]:
            assert set(schema["properties"]["facts"]["items"]["properties"]) <= set(fact)


async def test_a_coordinator_sets_a_level_and_lifts_it_again(service: Service) -> None:
    wanted = body(reason="  Strømsvigt på afsnittet ")
    answer = await service.client.post(PATH, json=wanted)

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found == await surge(service)
    assert (found["level"], found["computed"]) == (3, 0)
    assert found["since"] == found["override"]["at"]
    assert found["override"] == {
        "level": 3,
        "reason": "Strømsvigt på afsnittet",
        "until": wanted["until"],
        "at": found["override"]["at"],
        "by": {"role": "coordinator", "organisation": None},
    }
    assert service.services.surge.level("randers") == 3

    lifted = await service.client.delete(PATH)
    again = await service.client.delete(PATH)

    assert lifted.status_code == again.status_code == 200
    assert (lifted.json()["level"], lifted.json()["override"]) == (0, None)
    events = [entry for kind, entry in await journal(service) if kind == "surge_override"]
    assert [entry["event"] for entry in events] == ["set", "lifted"]
    assert events[0]["by"]["account"] == "demo"


async def test_the_same_request_again_changes_nothing(service: Service) -> None:
    key = {"Idempotency-Key": "4f8a"}
    first = await service.client.post(PATH, json=body(), headers=key)
    await service.client.delete(PATH)
    again = await service.client.post(PATH, json=body(), headers=key)

    assert first.json()["level"] == 3
    assert (again.status_code, again.json()["level"]) == (200, 0)
    events = [entry["event"] for kind, entry in await journal(service) if kind == "surge_override"]
    assert events == ["set", "lifted"]


async def test_an_override_ends_by_itself(service: Service) -> None:
    ends = format_instant(utc_now() + timedelta(seconds=4))
    async with Frames().of(service) as frames:
        await service.client.post(PATH, json=body(until=ends))
        assert service.services.surge.level("randers") == 3
        await until(lambda: frames.all[-1]["surge"]["override"] is None)

    assert (await surge(service))["level"] == 0
    events = [entry["event"] for kind, entry in await journal(service) if kind == "surge_override"]
    assert events == ["set", "expired"]


UNUSABLE: list[tuple[dict[str, object], str, str]] = [
    ({"level": 4}, "level", "level"),
    ({"level": -1}, "level", "level"),
    ({"level": True}, "level", "level"),
    ({"level": "2"}, "level", "level"),
    ({"level": None}, "level", "level"),
    ({"reason": ""}, "reason", "missing"),
    ({"reason": " \u00a0 "}, "reason", "missing"),
    ({"reason": 7}, "reason", "missing"),
    ({"reason": "x" * 201}, "reason", "long"),
    ({"reason": "borger 010190-1234"}, "reason", "cpr"),
    ({"reason": "to\nlinjer"}, "reason", "shape"),
    ({"until": None}, "until", "instant"),
    ({"until": "2026-11-24T12:00:00"}, "until", "instant"),
    ({"until": "i morgen"}, "until", "instant"),
    ({"until": "2" * 99}, "until", "instant"),
    ({"until": "2020-01-01T00:00:00Z"}, "until", "past"),
    ({"until": "9999-01-01T00:00:00Z"}, "until", "far"),
    ({"until": format_instant(utc_now() + timedelta(days=2))}, "until", "far"),
    ({"more": 1}, "body", "shape"),
]


async def test_what_cannot_be_used_is_named(service: Service) -> None:
    for changed, field, code in UNUSABLE:
        answer = await service.client.post(PATH, json=body(**changed))

        assert answer.status_code == 422, (changed, answer.text)
        assert answer.json().keys() == {"field", "reason", "code"}
        assert (answer.json()["field"], answer.json()["code"]) == (field, code), changed
        assert "010190" not in answer.text
    for content in (b"", b"[]", b"{", b"\xff", b"null"):
        answer = await service.client.post(PATH, content=content)
        assert (answer.status_code, answer.json()["field"]) == (422, "body"), content
    assert (await surge(service))["override"] is None


async def test_a_whole_day_ahead_and_a_long_reason_are_allowed(service: Service) -> None:
    ends = format_instant(utc_now() + timedelta(hours=24))

    answer = await service.client.post(PATH, json=body(until=ends, reason="æ" * 200))

    assert answer.status_code == 200


async def test_only_a_page_of_ours_and_a_known_cluster(service: Service) -> None:
    client = service.client
    assert (await client.get("/api/v1/surge/nowhere")).status_code == 404
    assert (await client.post("/api/v1/surge/nowhere", json=body())).status_code == 404
    assert (await client.delete("/api/v1/surge/nowhere")).status_code == 404
    for headers in ({CSRF_HEADER: "x"}, {"Origin": "https://evil.example"}):
        assert (await client.post(PATH, json=body(), headers=headers)).status_code == 403
        assert (await client.delete(PATH, headers=headers)).status_code == 403
    assert (await surge(service))["override"] is None


async def test_without_a_sign_in_nothing_is_told_or_set(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        for answer in (
            await service.client.get(PATH),
            await service.client.post(PATH, json=body()),
            await service.client.delete(PATH),
        ):
            assert answer.status_code in (401, 403)


async def test_two_processes_agree_and_a_third_starts_where_they_are(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    settings = [settings_in(tmp_path / name, valkey_server.url) for name in "abc"]
    async with running(settings[0]) as one, running(settings[1]) as two:
        await tell(one, DEPARTMENT, total=50, occupied=53)
        await until(lambda: level_is(one, 3)() and level_is(two, 3)())
        one.client.headers[CSRF_HEADER] = one.csrf
        await one.client.post(PATH, json=body(level=1))
        assert level_is(one, 1)()
        await until(level_is(two, 1))
        assert one.services.surge.of("randers") == two.services.surge.of("randers")
        changes = [e["level"] for kind, e in await journal(one) if kind == "surge"]
        since = (await surge(two))["since"]
    assert changes == [0, 3]

    async with running(settings[2]) as three:
        found = await surge(three)
        assert (found["level"], found["computed"], found["since"]) == (1, 3, since)
        changes = [e["level"] for kind, e in await journal(three) if kind == "surge"]
    assert changes == [0, 3]


async def test_a_store_that_is_away_is_said_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = StoreServer(tmp_path / "store")
    server.start()
    settings = settings_in(tmp_path, server.url)
    try:
        async with running(settings) as service:
            service.client.headers[CSRF_HEADER] = service.csrf
            await service.client.post(PATH, json=body(level=2))
            await asyncio.to_thread(server.kill)
            await until(lambda: not service.services.hub.live)
            await until(lambda: "surge levels stand still" in caplog.text)
            for answer in (
                await service.client.get(PATH),
                await service.client.post(PATH, json=body()),
                await service.client.delete(PATH),
            ):
                assert answer.status_code == 503
                assert answer.headers["Retry-After"] == "2"
            await asyncio.to_thread(server.start)
            await until(lambda: service.services.hub.live)
            await until(lambda: "surge levels are kept again" in caplog.text)
            assert (await surge(service))["level"] == 2
            assert (await service.client.delete(PATH)).json()["level"] == 0
        assert caplog.text.count("surge levels stand still") == 1
    finally:
        server.close()


async def test_the_descriptions_name_it(service: Service) -> None:
    described = (await service.client.get("/api/openapi.json")).json()
    assert set(described["paths"]["/api/v1/surge/{cluster}"]) == {"get", "post", "delete"}
    live = (await service.client.get("/api/asyncapi.json")).json()
    for message in live["components"]["messages"].values():
        assert message["payload"]["properties"]["surge"]["$ref"] == "#/components/schemas/surge"
