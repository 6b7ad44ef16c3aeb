"""The operator's page is for those who may, asked from its own pages, and for no others."""

from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.feeding import HandClock
from tests.support.operator_page import SOURCE, SOURCES, open_ids, push, report
from tests.support.people import account_for, signed_in
from tests.support.service import Service, running, settings_for
from web.key_kinds import KeyKind

pytest_plugins = ["tests.support.feeding_fixtures", "tests.support.operator_fixtures"]

FOREIGN = [
    ({}, False),
    ({"Origin": "null"}, True),
    ({"Origin": "https://evil.example"}, True),
    ({"Origin": "http://[evil"}, True),
    ({"Referer": "https://evil.example/operator"}, False),
]


@pytest.mark.parametrize(("headers", "with_token"), FOREIGN, ids=str)
async def test_a_form_from_elsewhere_is_refused(
    operated: Service, clock: HandClock, headers: dict[str, str], with_token: bool
) -> None:
    await push(operated, report(clock, "nowhere"))
    ids = await open_ids(operated)
    for what in ("dismiss", "replay"):
        answer = await operated.client.post(
            f"/operator/{SOURCE}/{what}",
            data={"by": "x", "id": ids, "csrf": operated.csrf if with_token else "guessed"},
            headers=headers,
        )
        assert answer.status_code == 403
    assert await open_ids(operated) == ids


async def test_the_demo_opens_it_to_its_own_machine_by_its_own_name(operated: Service) -> None:
    operated.key_for(SOURCE)
    port = operated.base.rpartition(":")[2]
    for host, status in ((f"localhost:{port}", 200), ("rebound.example", 303)):
        answer = await operated.client.get("/operator", headers={"Host": host})
        assert answer.status_code == status


async def test_outside_the_demo_it_takes_an_operator_key(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, path)
    paths = ("/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}/x.1", "/operator/documents/x")
    async with running(settings, demo=False) as operated:
        for address in paths:
            assert (await operated.client.get(address)).status_code == 403
        keys = operated.services.access.keys
        key = keys.make(KeyKind.OPERATOR, "all", utc_now())
        others = [
            keys.make(KeyKind.BOARD, "randers", utc_now()),
            keys.make(KeyKind.SOURCE, SOURCE, utc_now()),
            keys.make(KeyKind.METRICS, "all", utc_now()),
        ]
        for address in paths:
            answer = await operated.client.get(address)
            assert answer.status_code == 303
            assert answer.headers["Location"] == f"/sign-in?next={address}"
            for other in others:
                bearer = {"Authorization": f"Bearer {other}"}
                assert (await operated.client.get(address, headers=bearer)).status_code == 403
        form = {"by": "x", "id": "x"}
        origin = {"Origin": operated.base}
        post = f"/operator/{SOURCE}/dismiss"
        assert (await operated.client.post(post, data=form, headers=origin)).status_code == 401
        bearer = {"Authorization": f"Bearer {key}"}
        assert (await operated.client.post(post, data=form, headers=bearer)).status_code == 303
        account = await account_for(operated, "operator")
        async with signed_in(operated, account) as operator:
            client = operator.client
            assert (await client.get("/operator")).status_code == 200
            assert (await client.post(post, data=form)).status_code == 403
            form["csrf"] = operator.csrf
            assert (await client.post(post, data=form, headers=origin)).status_code == 303
