"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `everybody`."""

from collections.abc import AsyncIterator

import httpx
import pytest

from capacity.instants import utc_now
from tests.support.besieged import ELSEWHERE, HERE, SOURCE, Besieged
from tests.support.roles import Somebody
from web.key_kinds import KeyKind
from web.roles import Actor, Role

pytest_plugins = ["tests.support.besieged_fixtures"]


@pytest.fixture
async def everybody(place: Besieged) -> AsyncIterator[dict[str, Somebody]]:
    """People with sessions, programs with keys, a wall screen with its link's session, nobody."""
    found: dict[str, Somebody] = {}
    elsewhere = {"visitator elsewhere", "nurse elsewhere", "coordinator elsewhere"}
    for who, person in place.people.items():
        account, role = person.account, Role(person.account.role)
        clusters = frozenset({ELSEWHERE if who in elsewhere else HERE})
        actor = Actor(role, account.id, account.organisation, clusters)
        found[who] = Somebody(actor, person.client, person.headers, person.csrf)
    ring = place.service.services.access.keys
    nobody = place.service.client
    programs = {
        "board key": (KeyKind.BOARD, HERE, Actor(Role.WALL, "", None, frozenset({HERE}))),
        "source key": (KeyKind.SOURCE, SOURCE, Actor(Role.INTEGRATOR, "", source=SOURCE)),
        "metrics key": (KeyKind.METRICS, "all", Actor(Role.MONITOR, "")),
        "operator key": (KeyKind.OPERATOR, "all", Actor(Role.OPERATOR, "")),
    }
    for name, (kind, of, actor) in programs.items():
        bearer = {"Authorization": f"Bearer {ring.make(kind, of, utc_now())}"}
        found[name] = Somebody(actor, nobody, bearer)
    found["nobody"] = Somebody(None, nobody, {})
    found["wrong key"] = Somebody(None, nobody, {"Authorization": "Bearer made-up"})
    async with httpx.AsyncClient(base_url=place.service.base, timeout=60) as screen:
        link = ring.make(KeyKind.BOARD, HERE, utc_now())
        assert (await screen.get(f"/wall-link/{link}")).status_code == 303
        csrf = (await screen.get("/api/v1/session")).json()["csrf"]
        wall = Actor(Role.WALL, "", None, frozenset({HERE}))
        found["wall screen"] = Somebody(wall, screen, {"X-CSRF-Token": csrf}, csrf)
        yield found
