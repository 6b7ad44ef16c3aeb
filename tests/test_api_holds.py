"""Holds over HTTP: a whole service over real stores, as pages and integrators see it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.store import reading_of
from capacity.holds import REASONS, HoldState
from capacity.instants import parse_instant, utc_now
from capacity.model import Closure
from capacity.opening import Opening
from capacity.row import digest_of, encode_row
from capacity.settings import Settings
from tests.support.board_model import until
from tests.support.board_page import row
from tests.support.faulty import LossyLine
from tests.support.live import source_file
from tests.support.people import Person, account_for, signed_in
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer
from web.access import CSRF_HEADER

PATH = "/api/v1/holds/randers"
PLACE, OTHER, TEAM = "favrskov-akutplads", "randers-akutplads-1", "favrskov-akutteam"
LINE, CLINIC = "rhr-geriatri-raad", "akutklinik-grenaa"
NEED = {"municipality": "0710", "capabilities": [], "within_minutes": 120, "where": "place"}
Answer = httpx.Response


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    async with running(settings_in(tmp_path, valkey_server.url)) as service:
        service.client.headers[CSRF_HEADER] = service.csrf
        yield service


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoreServer]:
    """A Valkey of the test's own."""
    server = StoreServer(tmp_path / "store")
    server.start()
    yield server
    server.close()


def settings_in(folder: Path, redis_url: str) -> Settings:
    """A process without feeds of its own."""
    return settings_for(folder, redis_url, source_file(folder), run_feeds=False)


async def tell(service: Service, unit: str, minutes_old: float = 0, **figures: Any) -> None:
    """A report straight onto the board, and wait until the hub has it."""
    told = row(unit, minutes_old, now=utc_now(), **figures)
    applied = await service.services.board.apply(
        "randers", [reading_of(told, encode_row(told), digest_of(told))]
    )
    feed = service.services.hub.feed("randers")
    await until(lambda: feed.cursor.seq >= applied.cursor.seq)


async def ask(service: Service, unit: str = PLACE, key: str | None = None, **more: Any) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return await service.client.post(PATH, json={"unit": unit, **more}, headers=headers)


async def held(service: Service, unit: str = PLACE, **more: Any) -> dict[str, Any]:
    answer = await ask(service, unit, **more)
    assert answer.status_code == 201, answer.text
    hold: dict[str, Any] = answer.json()["hold"]
    return hold


async def move(
    service: Service, hold: dict[str, Any], action: str, key: str | None = None, **body: Any
) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return await service.client.post(f"{PATH}/{hold['id']}/{action}", json=body, headers=headers)


# From ask to filled


async def test_from_ask_to_filled(service: Service) -> None:
    await tell(service, PLACE, total=2, occupied=0, free=2)

    hold = await held(service, need=NEED)

    assert (hold["state"], hold["need"], hold["unit"]) == ("asked", NEED, PLACE)
    assert hold["by"] == {
        "role": "visitator",
        "organisation": "regionshospitalet-randers",
        "account": "demo",
    }
    found = (await service.rows("randers"))[PLACE]
    assert (found["holds"], found["held"], found["free"]) == ([hold], 1, 1)
    accepted = (await move(service, hold, "accept")).json()["hold"]
    assert accepted["state"] == "accepted"
    filled = await move(service, hold, "fill")
    assert (filled.status_code, filled.json()["hold"]["state"]) == (200, "filled")
    listed = (await service.client.get(PATH)).json()
    assert listed["holds"] == [filled.json()["hold"]]
    assert abs(parse_instant(listed["server_time"]) - utc_now()) < timedelta(minutes=1)


async def test_a_hold_waits_as_long_as_the_unit_says(service: Service) -> None:
    catalogue = service.services.catalogue
    changed = replace(catalogue.units[PLACE], hold_for=timedelta(minutes=12))
    service.services.catalogue = replace(catalogue, units={**catalogue.units, PLACE: changed})
    await tell(service, PLACE, free=2)

    hold = await held(service)

    kept = parse_instant(hold["expires_at"]) - parse_instant(hold["asked_at"])
    assert kept == timedelta(minutes=12)


async def test_a_team_and_a_slot_can_be_held_too(service: Service) -> None:
    await tell(service, TEAM, free=1, on_duty=True)
    await tell(service, "rhr-subakut-medicin", free=1)

    assert (await held(service, TEAM))["unit"] == TEAM
    assert (await held(service, "rhr-subakut-medicin"))["state"] == "asked"


# The last place


async def test_the_one_who_was_slower_is_told_what_else_there_is(service: Service) -> None:
    await tell(service, OTHER, free=1)
    for unit in (PLACE, "randers-akutplads-2", "norddjurs-akutplads"):
        await tell(service, unit, free=3)
    need = NEED | {"municipality": "0730"}

    answers = await asyncio.gather(*(ask(service, OTHER, need=need) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["field"], refused["code"]) == ("unit", "taken")
    best = refused["next"][0]
    assert (best["unit"], best["verdict"], best["holdable"]) == ("randers-akutplads-2", "yes", True)
    assert 1 <= len(refused["next"]) <= 3
    assert all(each["unit"] != OTHER and each["verdict"] != "no" for each in refused["next"])
    listed = (await service.client.get("/api/v1/alternatives/randers?where=place")).json()
    assert refused["next"][0].keys() == listed["alternatives"][0].keys()


async def test_what_cannot_be_held_says_why(service: Service) -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        (PLACE, {"free": 2, "minutes_old": 60 * 24}, "stale"),
        (PLACE, {"minutes_old": 3}, "unknown"),
        (PLACE, {"free": 0, "minutes_old": 2}, "taken"),
        (PLACE, {"free": 2, "closure": Closure("Sygdom")}, "closed"),
        (LINE, {"on_duty": True}, "not_holdable"),
        (CLINIC, {"waiting": 1}, "not_holdable"),
    ]
    for unit, figures, code in refused:
        await tell(service, unit, **figures)

        answer = await ask(service, unit)

        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert all(each["unit"] != unit for each in answer.json()["next"])
    assert (await service.client.get(PATH)).json()["holds"] == []


async def test_a_unit_that_never_reported_cannot_be_held(service: Service) -> None:
    assert (await ask(service)).json()["code"] == "unknown"


async def test_outside_its_hours_a_unit_cannot_be_held(service: Service) -> None:
    catalogue = service.services.catalogue
    tomorrow = frozenset({(utc_now().weekday() + 2) % 7})
    changed = replace(catalogue.units[PLACE], opening=(Opening(tomorrow, time(8), time(9)),))
    service.services.catalogue = replace(catalogue, units={**catalogue.units, PLACE: changed})
    await tell(service, PLACE, free=2)

    assert (await ask(service)).json()["code"] == "closed"


# Agreements


async def test_a_neighbours_place_takes_an_agreement_and_its_quota(service: Service) -> None:
    """Norddjurs may use one place a day of Syddjurs; Favrskov none, and Randers in a surge only."""
    lent = "syddjurs-akutplads"
    await tell(service, lent, free=5)
    await tell(service, PLACE, free=5)

    first = await held(service, lent, need=NEED | {"municipality": "0707"})
    assert first["agreement"] == "norddjurs-hos-syddjurs"
    second = await ask(service, lent, need=NEED | {"municipality": "0707"})
    assert (second.status_code, second.json()["code"]) == (409, "quota")
    none = (await ask(service, lent, need=NEED)).json()
    assert (none["code"], none["why"]["code"]) == ("agreement", "agreement_none")
    surge = (await ask(service, PLACE, need=NEED | {"municipality": "0730"})).json()
    assert (surge["code"], surge["why"]["code"]) == ("agreement", "agreement_surge")
    assert surge["why"]["level"] == 2

    assert (await move(service, first, "cancel")).status_code == 200
    again = await held(service, lent, need=NEED | {"municipality": "0707"})
    assert again["agreement"] == "norddjurs-hos-syddjurs"
    own = await held(service, lent, need=NEED | {"municipality": "0706"})
    assert own["agreement"] is None


async def test_where_one_agreement_is_used_up_the_next_one_counts(service: Service) -> None:
    lent, need = "syddjurs-akutplads", NEED | {"municipality": "0707"}
    await tell(service, lent, free=5)
    catalogue = service.services.catalogue
    first = catalogue.agreements["norddjurs-hos-syddjurs"]
    more = replace(first, id="norddjurs-hos-syddjurs-2")
    agreements = {**catalogue.agreements, more.id: more}
    service.services.catalogue = replace(catalogue, agreements=agreements)

    used = []
    for _ in range(2):
        hold = await held(service, lent, need=need)
        used.append(hold["agreement"])
        seen, name = service.services.hub.feed("randers"), hold["id"].encode()
        await until(lambda name=name, seen=seen: name in seen.rows[lent])
    assert used == [first.id, more.id]
    refused = (await ask(service, lent, need=need)).json()
    assert (refused["code"], refused["why"]["code"]) == ("quota", "agreement_quota")


async def test_an_ask_that_was_granted_stays_granted_when_the_conditions_change(
    service: Service,
) -> None:
    await tell(service, "syddjurs-akutplads", free=5)
    need = NEED | {"municipality": "0707"}
    first = await held(service, "syddjurs-akutplads", need=need, key="k1")
    catalogue = service.services.catalogue
    service.services.catalogue = replace(catalogue, agreements={})

    assert await held(service, "syddjurs-akutplads", need=need, key="k1") == first
    assert (await ask(service, "syddjurs-akutplads", need=need, key="k2")).status_code == 409


# Repeats and faults


async def test_a_repeated_request_gets_the_first_answer(service: Service) -> None:
    await tell(service, PLACE, free=5)

    hold = await held(service, key="k1")
    assert await held(service, key="k1") == hold
    assert (await held(service, key="k2"))["id"] != hold["id"]
    # the same key for something else is another request
    assert (await held(service, key="k1", need=NEED))["id"] != hold["id"]
    accepted = await move(service, hold, "accept", key="k3")
    await move(service, hold, "fill", key="k4")
    again = await move(service, hold, "accept", key="k3")
    assert (again.status_code, again.json()) == (200, accepted.json())
    assert (await move(service, hold, "accept", key="k5")).status_code == 409


async def test_a_lost_reply_is_503_and_its_repeat_the_answer(
    server: StoreServer, tmp_path: Path
) -> None:
    async with LossyLine(server.path) as line, running(settings_in(tmp_path, line.url)) as service:
        service.client.headers[CSRF_HEADER] = service.csrf
        await tell(service, PLACE, free=1)
        line.lose = 1000
        lost = await ask(service, key="k1")
        line.lose = 0

        assert (lost.status_code, lost.headers["Retry-After"]) == (503, "2")
        hold = await held(service, key="k1")
        assert [each["id"] for each in (await service.client.get(PATH)).json()["holds"]] == [
            hold["id"]
        ]


async def test_a_store_that_is_away_is_503_everywhere(server: StoreServer, tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, server.url)) as service:
        service.client.headers[CSRF_HEADER] = service.csrf
        await tell(service, PLACE, free=1)
        hold = await held(service)
        await asyncio.to_thread(server.kill)

        for answer in (
            await ask(service, OTHER),
            await move(service, hold, "accept"),
            await service.client.get(PATH),
        ):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")

        await asyncio.to_thread(server.start)
        assert (await move(service, hold, "accept")).status_code == 200


async def test_holds_expire_without_anybody_asking(service: Service) -> None:
    catalogue = service.services.catalogue
    changed = replace(catalogue.units[PLACE], hold_for=timedelta(milliseconds=300))
    service.services.catalogue = replace(catalogue, units={**catalogue.units, PLACE: changed})
    await tell(service, PLACE, free=1)
    await held(service)

    async def is_free_again() -> bool:
        return (await service.rows("randers"))[PLACE]["free"] == 1

    await until(is_free_again, within=5)
    [hold] = (await service.client.get(PATH)).json()["holds"]
    assert hold["state"] == "expired"


# What is refused


BODIES: list[tuple[object, str]] = [
    ({}, "unit"),
    ({"unit": "nobody"}, "unit"),
    ({"unit": 7}, "unit"),
    ({"unit": ["a"]}, "unit"),
    ({"unit": PLACE, "need": 3}, "need"),
    ({"unit": PLACE, "need": {"municipality": "9999"}}, "need.municipality"),
    ({"unit": PLACE, "need": {"name": "x"}}, "need.need"),
    ({"unit": PLACE, "need": {"capabilities": ["010190-1234"]}}, "need.capabilities"),
    ({"unit": PLACE, "note": "x"}, "body"),
    ([], "body"),
]


async def test_a_body_that_cannot_be_used_names_the_field(service: Service) -> None:
    for body, field in BODIES:
        answer = await service.client.post(PATH, json=body)

        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert "010190" not in answer.text
    for content, status in ((b"{", 422), (b"x" * 20_000, 413), (b"", 422)):
        assert (await service.client.post(PATH, content=content)).status_code == status


async def test_reasons_are_from_the_lists(service: Service) -> None:
    await tell(service, PLACE, free=9)
    for action, state in (("decline", HoldState.DECLINED), ("cancel", HoldState.CANCELLED)):
        for reason in REASONS[state]:
            done = await move(service, await held(service), action, reason=reason)
            assert done.json()["hold"]["reason"] == reason
    hold = await held(service)
    for action, body in (
        ("decline", {"reason": "because"}),
        ("decline", {"reason": 7}),
        ("accept", {"reason": "other"}),
        ("accept", {"why": "other"}),
    ):
        answer = await move(service, hold, action, **body)
        assert answer.status_code == 422
    bare = await service.client.post(f"{PATH}/{hold['id']}/accept")
    assert bare.status_code == 200


async def test_what_cannot_follow_tells_the_state(service: Service) -> None:
    await tell(service, PLACE, free=1)
    hold = await held(service)
    await move(service, hold, "decline", reason="no_staff")

    answer = await move(service, hold, "accept")

    assert (answer.status_code, answer.json()["field"], answer.json()["state"]) == (
        409,
        "hold",
        "declined",
    )


async def test_what_is_not_there_is_404(service: Service) -> None:
    hold = {"id": "6d2f4c54-0000-0000-0000-000000000000"}
    assert (await move(service, hold, "accept")).json()["field"] == "hold"
    assert (await move(service, hold, "eat")).json()["field"] == "action"
    for answer in (
        await service.client.get("/api/v1/holds/nowhere"),
        await service.client.post("/api/v1/holds/nowhere", json={"unit": PLACE}),
        await service.client.post(f"/api/v1/holds/nowhere/{hold['id']}/accept"),
    ):
        assert (answer.status_code, answer.json()["field"]) == (404, "cluster")


# Who may do what


@contextlib.asynccontextmanager
async def somebody(service: Service, role: str, **of: Any) -> AsyncIterator[Person]:
    account = await account_for(service, role, **of)
    async with signed_in(service, account) as person:
        yield person


async def post(person: Person, path: str, **body: Any) -> int:
    return (await person.client.post(path, json=body, headers=person.headers)).status_code


async def test_each_may_do_what_is_theirs(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    here = {"clusters": ("randers",)}
    hospital = "regionshospitalet-randers"
    async with (
        running(settings_in(tmp_path, valkey_server.url), demo=False) as service,
        somebody(service, "visitator", organisation=hospital, **here) as asker,
        somebody(service, "visitator", organisation=hospital, **here) as colleague,
        somebody(service, "visitator", organisation="elsewhere", **here) as stranger,
        somebody(service, "municipal_staff", organisation="favrskov-kommune", **here) as nurse,
        somebody(service, "municipal_staff", organisation="randers-kommune", **here) as neighbour,
        somebody(service, "coordinator", **here) as coordinator,
        httpx.AsyncClient(base_url=service.base) as nobody,
    ):
        await tell(service, PLACE, free=9)

        async def a_hold() -> str:
            answer = await asker.client.post(PATH, json={"unit": PLACE}, headers=asker.headers)
            assert answer.status_code == 201, answer.text
            assert answer.json()["hold"]["by"]["organisation"] == hospital
            return f"{PATH}/{answer.json()['hold']['id']}"

        for person in (nurse, neighbour, coordinator):
            assert await post(person, PATH, unit=PLACE) == 403
        assert (await nobody.post(PATH, json={"unit": PLACE})).status_code == 401
        assert (await nobody.get(PATH)).status_code == 401
        assert (await nurse.client.get(PATH)).status_code == 200
        # without the page's token nothing is changed
        assert (await asker.client.post(PATH, json={"unit": PLACE})).status_code == 403

        hold = await a_hold()
        for person in (asker, colleague, stranger, neighbour, coordinator):
            for action in ("accept", "decline"):
                assert await post(person, f"{hold}/{action}") == 403
        assert (await nobody.post(f"{hold}/accept")).status_code == 401
        for person in (stranger, nurse, neighbour, coordinator):
            assert await post(person, f"{hold}/cancel") == 403
        for person in (stranger, neighbour, coordinator):
            assert await post(person, f"{hold}/fill") == 403
        assert await post(nurse, f"{hold}/accept") == 200
        assert await post(nurse, f"{hold}/fill") == 200

        hold = await a_hold()
        assert await post(nurse, f"{hold}/accept") == 200
        assert await post(nurse, f"{hold}/release", reason="place_lost") == 200
        hold = await a_hold()
        assert await post(nurse, f"{hold}/accept") == 200
        assert await post(colleague, f"{hold}/release", reason="citizen_did_not_come") == 200
        assert await post(colleague, f"{await a_hold()}/cancel", reason="other_chosen") == 200
        assert await post(asker, f"{await a_hold()}/fill") == 200


async def test_a_request_from_elsewhere_changes_nothing(service: Service) -> None:
    await tell(service, PLACE, free=2)
    hold = await held(service)
    for headers in ({CSRF_HEADER: "x"}, {"Origin": "https://evil.example"}):
        path = f"{PATH}/{hold['id']}/accept"
        assert (await service.client.post(path, headers=headers)).status_code == 403
        answer = await service.client.post(PATH, json={"unit": PLACE}, headers=headers)
        assert answer.status_code == 403
