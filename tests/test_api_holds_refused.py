"""Holds over HTTP that cannot be: repeats, lost replies, a store that is away, refusals."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from capacity.holds import REASONS, HoldState
from tests.support.board_model import until
from tests.support.faulty import LossyLine
from tests.support.hold_api import NEED, OTHER, PATH, PLACE, ask, held, move, settings_in, tell
from tests.support.service import Service, running
from tests.support.stores import StoreServer
from web.access import CSRF_HEADER

pytest_plugins = ["tests.support.hold_api_fixtures", "tests.support.store_fixtures"]


async def test_a_repeated_request_gets_the_first_answer(holding: Service) -> None:
    await tell(holding, PLACE, free=5)

    hold = await held(holding, key="k1")
    assert await held(holding, key="k1") == hold
    assert (await held(holding, key="k2"))["id"] != hold["id"]
    # the same key for something else is another request
    assert (await held(holding, key="k1", need=NEED))["id"] != hold["id"]
    accepted = await move(holding, hold, "accept", key="k3")
    await move(holding, hold, "fill", key="k4")
    again = await move(holding, hold, "accept", key="k3")
    assert (again.status_code, again.json()) == (200, accepted.json())
    assert (await move(holding, hold, "accept", key="k5")).status_code == 409


async def test_a_lost_reply_is_503_and_its_repeat_the_answer(
    own_server: StoreServer, tmp_path: Path
) -> None:
    async with (
        LossyLine(own_server.path) as line,
        running(settings_in(tmp_path, line.url)) as holding,
    ):
        holding.client.headers[CSRF_HEADER] = holding.csrf
        await tell(holding, PLACE, free=1)
        line.lose = 1000
        lost = await ask(holding, key="k1")
        line.lose = 0

        assert (lost.status_code, lost.headers["Retry-After"]) == (503, "2")
        hold = await held(holding, key="k1")
        assert [each["id"] for each in (await holding.client.get(PATH)).json()["holds"]] == [
            hold["id"]
        ]


async def test_a_store_that_is_away_is_503_everywhere(
    own_server: StoreServer, tmp_path: Path
) -> None:
    async with running(settings_in(tmp_path, own_server.url)) as holding:
        holding.client.headers[CSRF_HEADER] = holding.csrf
        await tell(holding, PLACE, free=1)
        hold = await held(holding)
        await asyncio.to_thread(own_server.kill)

        for answer in (
            await ask(holding, OTHER),
            await move(holding, hold, "accept"),
            await holding.client.get(PATH),
        ):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")

        await asyncio.to_thread(own_server.start)
        assert (await move(holding, hold, "accept")).status_code == 200


async def test_holds_expire_without_anybody_asking(holding: Service) -> None:
    catalogue = holding.services.catalogue
    changed = replace(catalogue.units[PLACE], hold_for=timedelta(milliseconds=300))
    holding.services.catalogue = replace(catalogue, units={**catalogue.units, PLACE: changed})
    await tell(holding, PLACE, free=1)
    await held(holding)

    async def is_free_again() -> bool:
        return (await holding.rows("randers"))[PLACE]["free"] == 1

    await until(is_free_again)
    [hold] = (await holding.client.get(PATH)).json()["holds"]
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


async def test_a_body_that_cannot_be_used_names_the_field(holding: Service) -> None:
    for body, field in BODIES:
        answer = await holding.client.post(PATH, json=body)

        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert "010190" not in answer.text
    for content, status in ((b"{", 422), (b"x" * 20_000, 413), (b"", 422)):
        assert (await holding.client.post(PATH, content=content)).status_code == status


async def test_reasons_are_from_the_lists(holding: Service) -> None:
    await tell(holding, PLACE, free=9)
    for action, state in (("decline", HoldState.DECLINED), ("cancel", HoldState.CANCELLED)):
        for reason in REASONS[state]:
            done = await move(holding, await held(holding), action, reason=reason)
            assert done.json()["hold"]["reason"] == reason
    hold = await held(holding)
    for action, body in (
        ("decline", {"reason": "because"}),
        ("decline", {"reason": 7}),
        ("accept", {"reason": "other"}),
        ("accept", {"why": "other"}),
    ):
        answer = await move(holding, hold, action, **body)
        assert answer.status_code == 422
    bare = await holding.client.post(f"{PATH}/{hold['id']}/accept")
    assert bare.status_code == 200


async def test_what_cannot_follow_tells_the_state(holding: Service) -> None:
    await tell(holding, PLACE, free=1)
    hold = await held(holding)
    await move(holding, hold, "decline", reason="no_staff")

    answer = await move(holding, hold, "accept")

    assert (answer.status_code, answer.json()["field"], answer.json()["state"]) == (
        409,
        "hold",
        "declined",
    )


async def test_what_is_not_there_is_404(holding: Service) -> None:
    hold = {"id": "6d2f4c54-0000-0000-0000-000000000000"}
    assert (await move(holding, hold, "accept")).json()["field"] == "hold"
    assert (await move(holding, hold, "eat")).json()["field"] == "action"
    for answer in (
        await holding.client.get("/api/v1/holds/nowhere"),
        await holding.client.post("/api/v1/holds/nowhere", json={"unit": PLACE}),
        await holding.client.post(f"/api/v1/holds/nowhere/{hold['id']}/accept"),
    ):
        assert (answer.status_code, answer.json()["field"]) == (404, "cluster")
