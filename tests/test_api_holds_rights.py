"""Holds over HTTP: each may do what is theirs, and nothing from elsewhere."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from capacity.board import Board, EmbeddedServer
from tests.support.hold_api import PATH, PLACE, held, settings_in, tell
from tests.support.people import Person, account_for, signed_in
from tests.support.service import Service, running
from web.access import CSRF_HEADER

pytest_plugins = ["tests.support.hold_api_fixtures"]


@contextlib.asynccontextmanager
async def somebody(holding: Service, role: str, **of: Any) -> AsyncIterator[Person]:
    account = await account_for(holding, role, **of)
    async with signed_in(holding, account) as person:
        yield person


async def post(person: Person, path: str, **body: Any) -> int:
    return (await person.client.post(path, json=body, headers=person.headers)).status_code


async def test_each_may_do_what_is_theirs(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    here = {"clusters": ("randers",)}
    hospital = "regionshospitalet-randers"
    async with (
        running(settings_in(tmp_path, valkey_server.url), demo=False) as holding,
        somebody(holding, "visitator", organisation=hospital, **here) as asker,
        somebody(holding, "visitator", organisation=hospital, **here) as colleague,
        somebody(holding, "visitator", organisation="elsewhere", **here) as stranger,
        somebody(holding, "municipal_staff", organisation="favrskov-kommune", **here) as nurse,
        somebody(holding, "municipal_staff", organisation="randers-kommune", **here) as neighbour,
        somebody(holding, "coordinator", **here) as coordinator,
        httpx.AsyncClient(base_url=holding.base, timeout=30) as nobody,
    ):
        await tell(holding, PLACE, free=9)

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


async def test_a_request_from_elsewhere_changes_nothing(holding: Service) -> None:
    await tell(holding, PLACE, free=2)
    hold = await held(holding)
    for headers in ({CSRF_HEADER: "x"}, {"Origin": "https://evil.example"}):
        path = f"{PATH}/{hold['id']}/accept"
        assert (await holding.client.post(path, headers=headers)).status_code == 403
        answer = await holding.client.post(PATH, json={"unit": PLACE}, headers=headers)
        assert answer.status_code == 403
