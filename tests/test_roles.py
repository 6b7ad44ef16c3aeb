"""Who may do what, cell by cell: the table itself, against one written by hand."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.people import NewAccount
from capacity.units import Dated, danish_day
from tests.support.besieged import ELSEWHERE, HERE, UNIT, Besieged
from tests.support.live import source_file
from tests.support.roles import ORDER, WANTED, Asked, Somebody, cell, is_wanted
from tests.support.service import running, settings_for
from web.auth.signing_in import clusters_of
from web.role_table import role_table
from web.roles import TABLE, Actor, Permission, Role, Scope, allows

pytest_plugins = ["tests.support.besieged_fixtures", "tests.support.roles_fixtures"]

DOCS = Path(__file__).resolve().parents[1] / "docs" / "access.md"


# The table


def test_the_table_is_the_wanted_one() -> None:
    assert set(WANTED) == {each.value for each in Permission}
    assert set(ORDER) == set(Role)
    for permission in Permission:
        wanted = {role for role in Role if cell(permission, role) != "-"}
        assert TABLE[permission] == wanted, permission


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_cell_in_scope_out_of_scope_and_with_nothing(
    permission: Permission, role: Role
) -> None:
    inside = Scope("here", frozenset({"own", "other"}), "mine")
    bound = Actor(role, "x", "own", frozenset({"here"}), "mine")
    loose = Actor(role, "x")
    scopes = [
        inside,
        replace(inside, cluster="elsewhere"),
        replace(inside, organisations=frozenset({"other"})),
        replace(inside, source="another"),
        Scope(),
    ]
    for scope in scopes:
        assert allows(bound, permission, scope) == is_wanted(bound, permission, scope)
    everywhere = cell(permission, role) == "+"
    for scope in scopes:
        assert allows(loose, permission, scope) == everywhere


def test_the_documented_table_is_made_from_the_one_in_use() -> None:
    assert role_table() in DOCS.read_text(encoding="utf-8")


async def test_a_unit_is_its_organisations_and_whose_runs_it_today(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    services = place.service.services
    today = danish_day(services.clock())
    unit = services.catalogue.units[UNIT]
    ask = Asked(Permission.REPORT, Scope(), "POST", f"/api/v1/units/{UNIT}/report", {})
    for since, wanted in ((today + timedelta(days=1), False), (today, True)):
        operator = Dated(((date.min, "favrskov-kommune"), (since, "norddjurs-kommune")))
        units = {**services.catalogue.units, UNIT: replace(unit, operator=operator)}
        services.catalogue = replace(services.catalogue, units=units)
        assert await everybody["nurse next door"].may(ask) == wanted
        assert await everybody["nurse"].may(ask)
        assert not await everybody["nurse elsewhere"].may(ask)


async def test_the_clusters_that_an_account_sees_follow_from_what_it_is(place: Besieged) -> None:
    services = place.service.services
    people, catalogue = services.door.people, services.catalogue

    async def seen(**of: Any) -> tuple[str, ...]:
        login = f"x{len(await people.accounts())}"
        account, _ = await people.create(NewAccount(login=login, **of))
        return clusters_of(services.catalogue, account, services)

    hospital, town = "regionshospitalet-randers", "norddjurs-kommune"
    assert await seen(role="visitator", organisation=hospital) == (HERE,)
    assert await seen(role="visitator", organisation="regionshospitalet-horsens") == (ELSEWHERE,)
    assert await seen(role="visitator", organisation=town) == ()
    assert await seen(role="municipal_staff", organisation=town) == (HERE,)
    assert await seen(role="municipal_staff", organisation=hospital) == (HERE,), "it has units"
    assert await seen(role="coordinator", clusters=(ELSEWHERE,)) == (ELSEWHERE,)
    assert await seen(role="operator") == ()
    unit = catalogue.units[UNIT]
    elsewhere = replace(unit, operator=Dated(((date.min, "horsens-kommune"),)))
    services.catalogue = replace(catalogue, units={**catalogue.units, UNIT: elsewhere})
    runs = await seen(role="municipal_staff", organisation="horsens-kommune")
    assert set(runs) == {HERE, ELSEWHERE}


async def test_everybody_begins_where_their_work_is(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    wanted = {
        "visitator": "/board/randers",
        "visitator elsewhere": "/board/horsens",
        "nurse": "/units",
        "coordinator": "/board/randers",
        "operator": "/operator",
        "administrator": "/admin",
        "wall screen": "/wall/randers",
        "operator key": "/operator",
        "nobody": "/sign-in",
    }
    for who, address in wanted.items():
        somebody = everybody[who]
        answer = await somebody.client.get("/", headers=somebody.headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, address), who
        if who not in ("wall screen", "nobody"):
            there = await somebody.client.get(address, headers=somebody.headers)
            assert there.status_code == 200, who
    for who in ("visitator", "operator", "administrator"):
        answer = await everybody[who].client.get("/units")
        assert answer.headers["Location"] == "/", who
    own = (await everybody["nurse"].client.get("/units")).text
    assert f"/unit/{UNIT}" in own
    assert "/unit/norddjurs-akutplads" not in own


async def test_the_demos_visitor_is_everybody_and_others_of_its_machine_are_not(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, valkey_server.url, source_file(tmp_path))
    async with running(settings) as service:
        client = service.client
        for path in ("/board/randers", "/units", "/operator", "/admin", "/metrics"):
            assert (await client.get(path)).status_code == 200, path
        rebound = {"Host": "evil.example"}
        for path in ("/board/randers", "/admin", "/api/v1/session"):
            answer = await client.get(path, headers=rebound)
            assert answer.status_code in (303, 401, 403), path
        assert (await client.post("/api/v1/feeds/any")).status_code == 401
        assert (await client.get("/account")).status_code == 303
        wrong = {"Authorization": "Bearer made-up"}
        assert (await client.get("/api/v1/board/randers", headers=wrong)).status_code == 401
        told = (await client.get("/api/v1/session")).json()
        assert (told["account"], told["csrf"]) == (None, service.csrf)
