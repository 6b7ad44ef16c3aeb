"""Bounds at the edge: how often an address, a key and an account may ask."""

import contextlib
import re
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.bounded import BOARD, HOSPITAL, Start, board_key
from tests.support.live import SOURCE, source_file
from tests.support.people import account_for, signed_in
from tests.support.service import running, settings_for
from tests.support.stores import StoreServer

pytest_plugins = ["tests.support.bounded_fixtures"]


async def test_an_address_may_ask_only_so_often(start: Start) -> None:
    async with start(rate_address=10) as service:
        get = service.client.get
        found = [(await get(BOARD)).status_code for _ in range(13)]
        assert found[:10] == [401] * 10
        assert found[-1] == 429
        refused = await get(BOARD)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json()["field"] == "rate"
        page = await get("/board/randers", headers={"Accept": "text/html"})
        assert page.status_code == 429
        assert "For mange forespørgsler" in page.text
        assert page.headers["Retry-After"]
        with pytest.raises(InvalidStatus) as live:
            await connect(f"{service.live}/randers")
        assert live.value.response.status_code == 429
        for path in ("/healthz", "/readyz", "/static/base.css"):
            assert (await get(path)).status_code == 200
        # A key is counted by itself: a feed goes on though its address asks too much.
        assert (await get(BOARD, headers=board_key(service))).status_code == 200


async def test_a_key_may_ask_only_so_often(start: Start) -> None:
    async with start(rate_key=5) as service:
        keys = [service.key_for(SOURCE) for _ in range(2)]
        document = orjson.dumps([])
        found = [(await service.push(SOURCE, document, key=keys[0])).status_code for _ in range(8)]
        assert 429 not in found[:5]
        assert found[-1] == 429
        refused = await service.push(SOURCE, document, key=keys[0])
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["rejected"][0]["field"] == "rate"
        assert refused.json()["accepted"] == 0
        assert (await service.push(SOURCE, document, key=keys[1])).status_code != 429
        assert (await service.client.get(BOARD)).status_code == 401, "nor does its address suffer"


async def test_a_key_that_nobody_knows_counts_for_its_address(start: Start) -> None:
    async with start(rate_address=5) as service:
        found = [
            (
                await service.client.get(BOARD, headers={"Authorization": f"Bearer guess-{n}"})
            ).status_code
            for n in range(8)
        ]
        assert found[:5] == [401] * 5
        assert found[-1] == 429


async def test_an_account_may_change_only_so_often_wherever_it_sits(start: Start) -> None:
    async with start(rate_account=5) as service:
        account = await account_for(service, "visitator", organisation=HOSPITAL)
        async with signed_in(service, account) as one, signed_in(service, account) as two:
            said: list[int] = []
            for person in (one, two, one, two, one, two, one, two):
                answer = await person.client.post("/api/v1/outcomes/randers", json={})
                said.append(answer.status_code)
            assert 429 not in said[:4]
            assert said[-1] == 429
            for _ in range(10):
                assert (await one.client.get(BOARD)).status_code == 200, "looking goes on"


async def test_zero_is_no_limit(start: Start) -> None:
    async with start(rate_address=0, rate_key=0, rate_account=0) as service:
        found = {(await service.client.get(BOARD)).status_code for _ in range(30)}
        assert found == {401}


async def test_while_nothing_can_be_counted_boards_go_on_and_signing_in_does_not(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    store = StoreServer(tmp_path / "store")
    store.start()
    settings = settings_for(folder, store.url, source_file(folder), rate_address=10)
    with contextlib.closing(store):
        async with running(settings, demo=True) as service:
            form = await service.client.get("/sign-in")
            csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)
            assert csrf is not None
            store.kill()
            tries = {"login": "a", "password": "b", "csrf": csrf[1]}
            said = {
                (await service.client.post("/sign-in", data=tries)).status_code for _ in range(3)
            }
            assert said == {503}
            # More than the limit, and none of them an error of ours or a refusal.
            pages = {(await service.client.get("/sign-in")).status_code for _ in range(15)}
            assert pages == {200}
            boards = {(await service.client.get(BOARD)).status_code for _ in range(15)}
            assert boards <= {200, 503}


async def test_addresses_of_one_household_count_as_one() -> None:
    from web.limits import _network_of

    assert _network_of("2001:db8:1:2:aaaa::1") == _network_of("2001:db8:1:2:bbbb::2")
    assert _network_of("2001:db8:1:3::1") != _network_of("2001:db8:1:2::1")
    assert _network_of("10.0.0.1") != _network_of("10.0.0.2")
