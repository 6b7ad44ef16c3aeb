"""A unit's own word over HTTP: what is applied, what is refused, and what a repeat does.

Hazards answered: a tap that counts twice; an old tap that overwrites a newer report; a stranger who
speaks for a unit; a figure that was never made durable but is called saved.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import format_instant
from tests.support.board_model import all_changes, all_late
from tests.support.feeding import HandClock
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer

UNIT = "favrskov-akutplads"
PUSHED = f"""
[[source]]
id = "favrskov-omsorg"
cluster = "randers"
format = "json"
transport = "push"
attribution = "Favrskov Kommune, omsorgsjournal"
units = ["{UNIT}"]
"""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, clock: HandClock
) -> AsyncIterator[Service]:
    path = tmp_path / "sources.toml"
    path.write_text(PUSHED, encoding="utf-8")
    async with running(
        settings_for(tmp_path / "data", valkey_server.url, path), clock=clock
    ) as service:
        yield service


async def token(service: Service, unit: str = UNIT) -> dict[str, str]:
    """The header that the unit's page sends with what changes something."""
    page = await service.client.get(f"/unit/{unit}")
    value = page.text.partition('name="csrf-token" content="')[2].partition('"')[0]
    assert value
    return {"X-CSRF-Token": value, "Origin": service.base}


async def tap(
    service: Service, body: object, *, unit: str = UNIT, key: str | None = None, **headers: str
) -> httpx.Response:
    headers |= await token(service)
    if key is not None:
        headers["Idempotency-Key"] = key
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await service.client.post(
        f"/api/v1/units/{unit}/report", content=content, headers=headers
    )


async def feed(service: Service, clock: HandClock, **fields: Any) -> None:
    document = {"unit": UNIT, "observed_at": format_instant(clock()), "total": 2} | fields
    key = service.key_for("favrskov-omsorg")
    answer = await service.push("favrskov-omsorg", orjson.dumps(document), key=key)
    assert answer.json()["accepted"] == 1, answer.text


async def test_a_tap_stands_on_the_board_at_once(service: Service, clock: HandClock) -> None:
    answer = await tap(service, {"free": 1})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["outcome"] == "applied"
    assert (said["row"]["free"], said["row"]["total"], said["row"]["occupied"]) == (1, 2, 1)
    assert said["row"]["source"] == "nurse"
    assert said["row"]["observed_at"] == said["row"]["received_at"] == format_instant(clock())
    assert (await service.rows("randers"))[UNIT] == said["row"]
    told = (await service.client.get(f"/api/v1/units/{UNIT}")).json()
    assert told == {
        "cluster": "randers",
        "server_time": format_instant(clock()),
        "row": said["row"],
    }


async def test_everything_else_is_carried_over(service: Service, clock: HandClock) -> None:
    await feed(service, clock, occupied=2, note="Kun stuen", capabilities_off=["oxygen"])
    clock.move(minutes=5)
    row = (await tap(service, {"free": 1})).json()["row"]
    assert (row["note"], row["capabilities_off"], row["occupied"]) == ("Kun stuen", ["oxygen"], 1)
    clock.move(minutes=1)
    row = (await tap(service, {"close": {"reason": "infection"}})).json()["row"]
    assert (row["state"], row["closure_reason"], row["free_before_holds"]) == (
        "closed", "smitte", 1,
    )  # fmt: skip
    clock.move(minutes=1)
    row = (await tap(service, {"open": True, "free": 2})).json()["row"]
    assert (row["state"], row["free"], row["note"]) == ("free", 2, "Kun stuen")


async def test_a_stale_figure_is_young_again_once_confirmed(
    service: Service, clock: HandClock
) -> None:
    await feed(service, clock, occupied=1)
    clock.move(hours=5)
    row = (await tap(service, {"confirm": True})).json()["row"]
    assert row["free"] == 1
    assert row["stale_at"] == format_instant(clock() + timedelta(hours=4))


async def test_the_same_tap_again_is_done_once(service: Service, clock: HandClock) -> None:
    body = {"free": 1, "observed_at": format_instant(clock())}
    first = await tap(service, body, key="tap-1")
    clock.move(seconds=30)
    newer = {"free": 0, "observed_at": format_instant(clock())}
    assert (await tap(service, newer, key="tap-2")).json()["outcome"] == "applied"
    again = await tap(service, body, key="tap-1")
    assert first.json()["outcome"] == again.json()["outcome"] == "applied"
    assert again.json()["row"]["free"] == 0  # what stands is told, not what once stood
    changes = await all_changes(service.services.board, "randers")
    assert sum(change.unit == UNIT and b'"nurse"' in change.row for change in changes) == 2
    # Without an id the moment is what makes a repeat harmless.
    assert (await tap(service, newer)).json()["outcome"] == "unchanged"


async def test_an_id_used_again_for_another_tap_loses_nothing(
    service: Service, clock: HandClock
) -> None:
    await tap(service, {"free": 1}, key="same")
    clock.move(seconds=1)
    assert (await tap(service, {"free": 2}, key="same")).json()["row"]["free"] == 2


async def test_a_tap_that_comes_late_gives_way_and_the_nurse_is_told_what_stands(
    service: Service, clock: HandClock
) -> None:
    made_at = format_instant(clock())
    clock.move(minutes=20)
    await feed(service, clock, occupied=2)
    clock.move(minutes=10)
    answer = (await tap(service, {"free": 1, "observed_at": made_at})).json()
    assert answer["outcome"] == "superseded"
    assert answer["row"]["source"] == "favrskov-omsorg"
    assert answer["row"]["free"] == 0
    late = await all_late(service.services.board, "randers")
    assert [(each.unit, orjson.loads(each.row)["source"]) for each in late] == [(UNIT, "nurse")]


async def test_a_tap_that_comes_late_but_is_the_newest_counts_from_when_it_was_made(
    service: Service, clock: HandClock
) -> None:
    await feed(service, clock, occupied=2)
    clock.move(minutes=10)
    made_at = format_instant(clock())
    clock.move(hours=2)
    row = (await tap(service, {"free": 1, "observed_at": made_at})).json()["row"]
    assert row["observed_at"] == made_at
    assert row["received_at"] == format_instant(clock())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        ({}, "body"),
        ({"free": -1}, "free"),
        ({"free": 1, "who": "x"}, "(field name)"),
        ({"free": 1, "observed_at": "2030-01-01T00:00:00Z"}, "observed_at"),
        ({"close": {"reason": "010190-1234"}}, "close"),
        ({"capabilities_off": ["flying"]}, "capabilities_off"),
        ({"on_duty": True}, "on_duty"),
    ],
)
async def test_what_cannot_be_used_names_its_field(service: Service, body: Any, field: str) -> None:
    answer = await tap(service, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "1234" not in answer.text
    assert (await service.rows("randers"))[UNIT]["observed_at"] is None


async def test_what_does_not_stand_cannot_be_confirmed(service: Service) -> None:
    answer = await tap(service, {"confirm": True})
    assert (answer.status_code, answer.json()["field"]) == (409, "confirm")


async def test_an_endless_body_and_an_endless_id_are_refused(service: Service) -> None:
    assert (await tap(service, b" " * 17_000)).status_code == 413
    assert (await tap(service, {"free": 1}, key="k" * 200)).status_code == 422


async def test_unknown_units_are_said_to_be_unknown(service: Service) -> None:
    assert (await tap(service, {"free": 1}, unit="nowhere")).status_code == 404
    assert (await service.client.get("/api/v1/units/nowhere")).status_code == 404
    assert (await service.client.get("/unit/nowhere")).status_code == 404


async def test_only_a_page_of_ours_may_speak_for_a_unit(service: Service) -> None:
    url, body = f"/api/v1/units/{UNIT}/report", {"free": 1}
    assert (await service.client.post(url, json=body)).status_code == 403
    headers = await token(service) | {"Origin": "https://elsewhere.example"}
    assert (await service.client.post(url, json=body, headers=headers)).status_code == 403
    foreign = {"Host": "elsewhere.example"}
    assert (await service.client.get(f"/unit/{UNIT}", headers=foreign)).status_code in (303, 401)
    assert (await service.rows("randers"))[UNIT]["observed_at"] is None


@pytest.mark.parametrize(("configured", "status"), [(False, 403), (True, 401)])
async def test_a_stranger_speaks_for_no_unit_and_learns_of_none(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, configured: bool, status: int
) -> None:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        if configured:
            service.key_for("any")
        client = service.client
        for unit in (UNIT, "nowhere"):
            url = f"/api/v1/units/{unit}"
            assert (await client.post(f"{url}/report", json={"free": 1})).status_code == status
            assert (await client.get(url)).status_code == status
        for path in (f"/unit/{UNIT}", f"/unit/{UNIT}/shell", "/units", "/unit/nowhere"):
            answer = await client.get(path)
            assert answer.status_code == (303 if configured else 403), path
            if configured:
                assert answer.headers["Location"].startswith("/sign-in?next=")


async def test_a_store_that_is_away_is_not_called_saved(tmp_path: Path) -> None:
    store = StoreServer(tmp_path / "store")
    store.start()
    sources = tmp_path / "sources.toml"
    sources.write_text(PUSHED, encoding="utf-8")
    try:
        async with running(settings_for(tmp_path / "data", store.url, sources)) as service:
            headers = await token(service)
            store.kill()
            url = f"/api/v1/units/{UNIT}"
            answer = await service.client.post(f"{url}/report", json={"free": 1}, headers=headers)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert (await service.client.get(url)).status_code == 503
            assert (await service.client.get(f"/unit/{UNIT}")).status_code == 503
            assert (await service.client.get(f"/unit/{UNIT}/shell")).status_code == 200
            store.start()
            answer = await service.client.post(f"{url}/report", json={"free": 1}, headers=headers)
            assert answer.status_code == 200, answer.text
    finally:
        store.close()


async def test_history_and_the_feeds_health_are_left_alone(
    service: Service, clock: HandClock
) -> None:
    await feed(service, clock, occupied=2)
    before = await service.services.feed_health.read()
    clock.move(minutes=1)
    await tap(service, {"free": 1})
    assert await service.services.feed_health.read() == before
    assert set(before) == {"favrskov-omsorg"}
