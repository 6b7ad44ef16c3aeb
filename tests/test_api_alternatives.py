"""Alternatives over HTTP: the rules' answer for the live board, refusals, and what is kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.alternatives import rank
from capacity.board import Board, EmbeddedServer
from capacity.holds import By, HoldState, QuotaClaim
from capacity.instants import format_instant, utc_now
from capacity.need import Need, Where
from capacity.suitability import TAKING_PART
from capacity.units import danish_day
from tests.support.board_model import until
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer

PATH = "/api/v1/alternatives/randers"
SOURCES = """
[[source]]
id = "municipal"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads", "randers-akutplads-1", "favrskov-akutteam", "syddjurs-akutplads"]
"""
FIELDS = {
    "unit", "name", "kind", "municipality", "organisation", "phone", "verdict", "reasons", "free",
    "held", "state", "freshness", "observed_at", "stale_at", "travel_minutes", "distance_km",
    "response_minutes", "agreement", "holdable",
}  # fmt: skip
VISITATOR = By("visitator", "regionshospitalet-randers", "v1")


class MovableClock:
    """The real time, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, clock: MovableClock
) -> AsyncIterator[Service]:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, sources)
    async with running(settings, clock=clock) as service:
        yield service


async def report(service: Service, **occupied: int) -> None:
    """Tell how many of two places are occupied; returns when the answers know it."""
    told = [
        {
            "unit": unit.replace("_", "-"),
            "observed_at": format_instant(utc_now()),
            "type": "team" if unit.endswith("team") else "place",
            "total": 2,
            "occupied": count,
            **({"on_duty": True} if unit.endswith("team") else {}),
        }
        for unit, count in occupied.items()
    ]
    answer = await service.push("municipal", orjson.dumps(told), key=service.key_for("municipal"))
    assert answer.json()["accepted"] + answer.json()["superseded"] == len(told), answer.text
    await in_step(service)


async def in_step(service: Service) -> None:
    """Wait until this process knows what the store has."""
    cursor = await service.services.board.cursor("randers")
    await until(lambda: service.services.hub.feed("randers").cursor == cursor)


async def ask(service: Service, **params: Any) -> Any:
    answer = await service.client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def first(found: Any, unit: str) -> Any:
    return next(each for each in found["alternatives"] if each["unit"] == unit)


async def test_every_unit_that_takes_part_is_answered_before_any_report(service: Service) -> None:
    found = await ask(service)
    assert set(found) == {
        "cursor", "server_time", "need", "surge", "alternatives", "recheck_at",
    }  # fmt: skip
    units = service.services.catalogue.units_of("randers")
    expected = {unit.id for unit in units if unit.kind in TAKING_PART}
    assert {each["unit"] for each in found["alternatives"]} == expected
    assert len(found["alternatives"]) == len(expected) == 14
    for each in found["alternatives"]:
        assert set(each) == FIELDS
        assert each["verdict"] != "yes"
        assert (each["free"], each["holdable"], each["freshness"]) == (None, False, "unknown")
        assert {"code", "verdict"} <= set(each["reasons"][0])


async def test_the_answer_is_that_of_the_rules_for_the_present_board(service: Service) -> None:
    await report(service, favrskov_akutplads=1, favrskov_akutteam=0, randers_akutplads_1=2)
    params = {
        "municipality": "0710",
        "capability": ["iv_antibiotics", "blood_crp"],
        "within_minutes": "120",
        "where": "either",
    }
    found = await ask(service, **params)
    board = (await service.client.get("/api/v1/board/randers")).json()
    assert found["cursor"] == board["cursor"]
    need = Need("0710", ("iv_antibiotics", "blood_crp"), 120, Where.EITHER)
    assert found["need"] == {
        "municipality": "0710",
        "capabilities": ["iv_antibiotics", "blood_crp"],
        "within_minutes": 120,
        "where": "either",
    }
    now = datetime.fromisoformat(found["server_time"])
    expected = rank(need, board["rows"], service.services.catalogue, now, found["surge"]["level"])
    assert found["alternatives"] == orjson.loads(orjson.dumps(expected.alternatives))
    assert found["recheck_at"] == format_instant(expected.recheck_at)
    place, team = found["alternatives"][:2]
    assert (place["unit"], place["verdict"], place["free"]) == ("favrskov-akutplads", "yes", 1)
    assert place["phone"] == "+45 00 00 00 03"
    assert (place["travel_minutes"], place["distance_km"], place["holdable"]) == (9, 6.0, True)
    assert (team["unit"], team["response_minutes"]) == ("favrskov-akutteam", 60)


async def test_reports_change_the_answer_and_time_alone_does_too(
    service: Service, clock: MovableClock
) -> None:
    await report(service, favrskov_akutplads=1)
    before = await ask(service, municipality="0710")
    await report(service, favrskov_akutplads=2)
    after = await ask(service, municipality="0710")
    assert first(before, "favrskov-akutplads")["verdict"] == "yes"
    assert first(after, "favrskov-akutplads")["verdict"] == "no"
    assert before["cursor"] != after["cursor"]
    await report(service, favrskov_akutplads=0)
    clock.ahead = timedelta(hours=4)  # stale after four hours, and no message has come
    stale = first(await ask(service, municipality="0710"), "favrskov-akutplads")
    assert (stale["verdict"], stale["free"], stale["freshness"]) == ("ask", None, "stale")
    clock.ahead = timedelta(0)  # a clock that was put right shows the present again
    assert first(await ask(service, municipality="0710"), "favrskov-akutplads")["free"] == 2


async def test_what_is_asked_again_is_not_worked_out_again(service: Service) -> None:
    await report(service, favrskov_akutplads=1)
    desk = service.services.alternatives
    need = Need("0710")
    once = await desk.ranking("randers", need)
    assert await desk.ranking("randers", need) is once
    await report(service, favrskov_akutplads=0)
    assert await desk.ranking("randers", need) is not once


async def test_no_more_answers_are_kept_than_may_be(service: Service) -> None:
    desk = service.services.alternatives
    once = await desk.ranking("randers", Need(within_minutes=0))
    for minutes in range(1, 257):
        await desk.ranking("randers", Need(within_minutes=minutes))
    assert await desk.ranking("randers", Need(within_minutes=0)) is not once
    assert len(desk._kept) == 256


async def test_a_crowd_leaves_the_process_time_for_everything_else(service: Service) -> None:
    """Between any two rankings the event loop gets its turn, so that the store is followed."""
    desk = service.services.alternatives
    asked = [desk.ranking("randers", Need(within_minutes=n)) for n in range(40)]
    crowd = asyncio.gather(*asked)
    turns = 0
    while not crowd.done():
        turns += 1
        await asyncio.sleep(0)
    assert len({id(each) for each in await crowd}) == 40
    assert turns >= 40


async def test_a_crowd_with_one_need_is_ranked_for_once(service: Service) -> None:
    desk = service.services.alternatives
    found = await asyncio.gather(*(desk.ranking("randers", Need("0730")) for _ in range(20)))
    assert len({id(each) for each in found}) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("municipality=9999", "municipality"),
        ("municipality=730", "municipality"),
        ("municipality=0101901234", "municipality"),
        ("capability=flying", "capability"),
        ("capability=ecg&capability=010190-1234", "capability"),
        ("within_minutes=soon", "within_minutes"),
        ("within_minutes=-1", "within_minutes"),
        ("where=hospital", "where"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_field(
    service: Service, query: str, field: str
) -> None:
    answer = await service.client.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert "1234" not in answer.text


async def test_an_unknown_cluster_is_not_found(service: Service) -> None:
    answer = await service.client.get("/api/v1/alternatives/nowhere")
    assert (answer.status_code, answer.json()["field"]) == (404, "cluster")
    assert (await service.client.get("/api/v1/alternatives/vest")).status_code == 404


async def test_nobody_unknown_is_answered(tmp_path: Path, valkey_server: EmbeddedServer) -> None:
    settings = settings_for(tmp_path / "data", valkey_server.url)
    async with running(settings, demo=False) as service:
        assert (await service.client.get(PATH)).status_code in (401, 403)


async def test_borrowed_places_are_counted_by_their_holds(service: Service) -> None:
    """Norddjurs may use one place of Syddjurs a day."""
    await report(service, syddjurs_akutplads=0)
    params = {"municipality": "0707", "where": "place"}
    found = await ask(service, **params)
    lent = first(found, "syddjurs-akutplads")
    assert (lent["verdict"], lent["agreement"]) == ("yes", "norddjurs-hos-syddjurs")
    (told,) = [each for each in lent["reasons"] if each["code"] == "agreement"]
    assert (told["used"], told["limit"], told["per"]) == (0, 1, "day")

    day = danish_day(datetime.fromisoformat(found["server_time"]))
    claim = QuotaClaim(f"norddjurs-hos-syddjurs|{day}", 1)
    held = await service.services.board.ask_hold(
        "randers",
        "syddjurs-akutplads",
        timedelta(minutes=30),
        VISITATOR,
        agreement=claim.key.partition("|")[0],
        quota=claim,
    )
    assert held.hold is not None
    await in_step(service)
    used_up = first(await ask(service, **params), "syddjurs-akutplads")
    assert (used_up["verdict"], used_up["holdable"], used_up["held"]) == ("no", False, 1)
    assert used_up["reasons"][0]["code"] == "agreement_quota"

    await service.services.board.move_hold(
        "randers", held.hold["id"], HoldState.CANCELLED, VISITATOR
    )
    await in_step(service)
    assert first(await ask(service, **params), "syddjurs-akutplads")["verdict"] == "yes"


async def test_the_next_best_for_who_lost_the_last_place(service: Service) -> None:
    await report(service, favrskov_akutplads=0, randers_akutplads_1=0, favrskov_akutteam=0)
    desk = service.services.alternatives
    best = await desk.next_best("randers", Need("0710"), "favrskov-akutplads")
    assert best[0].unit == "favrskov-akutteam"
    assert all(each.verdict != "no" for each in best)
    anybody = await desk.next_best("randers", None, "favrskov-akutplads")
    assert {each.verdict for each in anybody} == {"ask"}


async def test_figures_that_stand_still_are_not_ranked(tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    server = StoreServer(tmp_path / "store")
    await asyncio.to_thread(server.start)
    try:
        async with running(settings_for(tmp_path / "data", server.url, sources)) as service:
            await ask(service)
            await asyncio.to_thread(server.kill)
            await until(lambda: not service.services.hub.live)
            for query in ("", "?municipality=0710"):
                answer = await service.client.get(f"{PATH}{query}")
                assert (answer.status_code, answer.json()["field"]) == (503, "store")
                assert answer.headers["Retry-After"] == "2"
            await asyncio.to_thread(server.start)
            await until(lambda: service.services.hub.live)
            assert len((await ask(service))["alternatives"]) == 14
    finally:
        server.close()


async def test_the_description_names_it(service: Service) -> None:
    described = (await service.client.get("/api/openapi.json")).json()
    parameters = described["paths"]["/api/v1/alternatives/{cluster}"]["get"]["parameters"]
    assert {each["name"] for each in parameters} == {
        "cluster", "municipality", "capability", "within_minutes", "where",
    }  # fmt: skip
