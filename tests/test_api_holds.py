"""Holds over HTTP: a whole service over real stores, as pages and integrators see it."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from capacity.instants import parse_instant, utc_now
from capacity.model import Closure
from capacity.opening import Opening
from tests.support.board_model import until
from tests.support.hold_api import (
    CLINIC,
    LINE,
    NEED,
    OTHER,
    PATH,
    PLACE,
    TEAM,
    ask,
    held,
    move,
    tell,
)
from tests.support.service import Service

pytest_plugins = ["tests.support.hold_api_fixtures"]


async def test_from_ask_to_filled(holding: Service) -> None:
    await tell(holding, PLACE, total=2, occupied=0, free=2)

    hold = await held(holding, need=NEED)

    assert (hold["state"], hold["need"], hold["unit"]) == ("asked", NEED, PLACE)
    assert hold["by"] == {
        "role": "visitator",
        "organisation": "regionshospitalet-randers",
        "account": "demo",
    }
    found = (await holding.rows("randers"))[PLACE]
    assert (found["holds"], found["held"], found["free"]) == ([hold], 1, 1)
    accepted = (await move(holding, hold, "accept")).json()["hold"]
    assert accepted["state"] == "accepted"
    filled = await move(holding, hold, "fill")
    assert (filled.status_code, filled.json()["hold"]["state"]) == (200, "filled")
    listed = (await holding.client.get(PATH)).json()
    assert listed["holds"] == [filled.json()["hold"]]
    assert abs(parse_instant(listed["server_time"]) - utc_now()) < timedelta(minutes=1)


async def test_a_hold_waits_as_long_as_the_unit_says(holding: Service) -> None:
    catalogue = holding.services.catalogue
    changed = replace(catalogue.units[PLACE], hold_for=timedelta(minutes=12))
    holding.services.catalogue = replace(catalogue, units={**catalogue.units, PLACE: changed})
    await tell(holding, PLACE, free=2)

    hold = await held(holding)

    kept = parse_instant(hold["expires_at"]) - parse_instant(hold["asked_at"])
    assert kept == timedelta(minutes=12)


async def test_a_team_and_a_slot_can_be_held_too(holding: Service) -> None:
    await tell(holding, TEAM, free=1, on_duty=True)
    await tell(holding, "rhr-subakut-medicin", free=1)

    assert (await held(holding, TEAM))["unit"] == TEAM
    assert (await held(holding, "rhr-subakut-medicin"))["state"] == "asked"


# The last place


async def test_the_one_who_was_slower_is_told_what_else_there_is(holding: Service) -> None:
    await tell(holding, OTHER, free=1)
    for unit in (PLACE, "randers-akutplads-2", "norddjurs-akutplads"):
        await tell(holding, unit, free=3)
    need = NEED | {"municipality": "0730"}

    answers = await asyncio.gather(*(ask(holding, OTHER, need=need) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["field"], refused["code"]) == ("unit", "taken")
    best = refused["next"][0]
    assert (best["unit"], best["verdict"], best["holdable"]) == ("randers-akutplads-2", "yes", True)
    assert 1 <= len(refused["next"]) <= 3
    assert all(each["unit"] != OTHER and each["verdict"] != "no" for each in refused["next"])
    listed = (await holding.client.get("/api/v1/alternatives/randers?where=place")).json()
    assert refused["next"][0].keys() == listed["alternatives"][0].keys()


async def test_what_cannot_be_held_says_why(holding: Service) -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        (PLACE, {"free": 2, "minutes_old": 60 * 24}, "stale"),
        (PLACE, {"minutes_old": 3}, "unknown"),
        (PLACE, {"free": 0, "minutes_old": 2}, "taken"),
        (PLACE, {"free": 2, "closure": Closure("Sygdom")}, "closed"),
        (LINE, {"on_duty": True}, "not_holdable"),
        (CLINIC, {"waiting": 1}, "not_holdable"),
    ]
    for unit, figures, code in refused:
        await tell(holding, unit, **figures)

        answer = await ask(holding, unit)

        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert all(each["unit"] != unit for each in answer.json()["next"])
    assert (await holding.client.get(PATH)).json()["holds"] == []


async def test_a_unit_that_never_reported_cannot_be_held(holding: Service) -> None:
    assert (await ask(holding)).json()["code"] == "unknown"


async def test_outside_its_hours_a_unit_cannot_be_held(holding: Service) -> None:
    catalogue = holding.services.catalogue
    tomorrow = frozenset({(utc_now().weekday() + 2) % 7})
    changed = replace(catalogue.units[PLACE], opening=(Opening(tomorrow, time(8), time(9)),))
    holding.services.catalogue = replace(catalogue, units={**catalogue.units, PLACE: changed})
    await tell(holding, PLACE, free=2)

    assert (await ask(holding)).json()["code"] == "closed"


# Agreements


async def test_a_neighbours_place_takes_an_agreement_and_its_quota(holding: Service) -> None:
    """Norddjurs may use one place a day of Syddjurs; Favrskov none, and Randers in a surge only."""
    lent = "syddjurs-akutplads"
    await tell(holding, lent, free=5)
    await tell(holding, PLACE, free=5)

    first = await held(holding, lent, need=NEED | {"municipality": "0707"})
    assert first["agreement"] == "norddjurs-hos-syddjurs"
    second = await ask(holding, lent, need=NEED | {"municipality": "0707"})
    assert (second.status_code, second.json()["code"]) == (409, "quota")
    none = (await ask(holding, lent, need=NEED)).json()
    assert (none["code"], none["why"]["code"]) == ("agreement", "agreement_none")
    surge = (await ask(holding, PLACE, need=NEED | {"municipality": "0730"})).json()
    assert (surge["code"], surge["why"]["code"]) == ("agreement", "agreement_surge")
    assert surge["why"]["level"] == 2

    assert (await move(holding, first, "cancel")).status_code == 200
    again = await held(holding, lent, need=NEED | {"municipality": "0707"})
    assert again["agreement"] == "norddjurs-hos-syddjurs"
    own = await held(holding, lent, need=NEED | {"municipality": "0706"})
    assert own["agreement"] is None


async def test_where_one_agreement_is_used_up_the_next_one_counts(holding: Service) -> None:
    lent, need = "syddjurs-akutplads", NEED | {"municipality": "0707"}
    await tell(holding, lent, free=5)
    catalogue = holding.services.catalogue
    first = catalogue.agreements["norddjurs-hos-syddjurs"]
    more = replace(first, id="norddjurs-hos-syddjurs-2")
    agreements = {**catalogue.agreements, more.id: more}
    holding.services.catalogue = replace(catalogue, agreements=agreements)

    used = []
    for _ in range(2):
        hold = await held(holding, lent, need=need)
        used.append(hold["agreement"])
        seen, name = holding.services.hub.feed("randers"), hold["id"].encode()
        await until(lambda name=name, seen=seen: name in seen.rows[lent])
    assert used == [first.id, more.id]
    refused = (await ask(holding, lent, need=need)).json()
    assert (refused["code"], refused["why"]["code"]) == ("quota", "agreement_quota")


async def test_an_ask_that_was_granted_stays_granted_when_the_conditions_change(
    holding: Service,
) -> None:
    await tell(holding, "syddjurs-akutplads", free=5)
    need = NEED | {"municipality": "0707"}
    first = await held(holding, "syddjurs-akutplads", need=need, key="k1")
    catalogue = holding.services.catalogue
    holding.services.catalogue = replace(catalogue, agreements={})

    assert await held(holding, "syddjurs-akutplads", need=need, key="k1") == first
    assert (await ask(holding, "syddjurs-akutplads", need=need, key="k2")).status_code == 409
