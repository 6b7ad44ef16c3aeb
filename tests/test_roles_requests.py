"""Who may do what: everybody's requests to real routes.

`tests.support.roles.asked` has requests for every permission; each is made by everybody (people of
each role, here and elsewhere, programs and screens with each kind of key, and nobody) and must be
let in, or refused, as the table written by hand says.
"""

from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.besieged import ELSEWHERE, HERE, WHO, Besieged
from tests.support.roles import Somebody, asked, is_wanted
from web.auth.cookies import PLAIN
from web.roles import Permission, Role, Scope

pytest_plugins = ["tests.support.besieged_fixtures", "tests.support.roles_fixtures"]


async def test_every_request_of_everybody_is_let_in_or_refused_as_the_table_says(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    assert {each.actor.role for each in everybody.values() if each.actor} == set(Role)
    requests = list(asked(place))
    assert {each.permission for each in requests} == set(Permission)
    before = await place.standing()
    wrong = []
    for name, somebody in everybody.items():
        for each in requests:
            wanted = somebody.actor is not None and is_wanted(
                somebody.actor, each.permission, each.scope
            )
            if await somebody.may(each) != wanted:
                wrong.append(f"{name}: {each.method} {each.path} should be {wanted}")
    assert wrong == []
    after = await place.standing()
    for name in ("accounts", "holds", "rows", "outcomes", "keys", "surge"):
        assert after[name] == before[name], name


async def test_the_live_channel_opens_for_whoever_may_read_the_board(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    for name, somebody in everybody.items():
        cookie = somebody.client.cookies.get(PLAIN)
        headers = dict(somebody.headers) | ({"Cookie": f"{PLAIN}={cookie}"} if cookie else {})
        for cluster in (HERE, ELSEWHERE):
            wanted = somebody.actor is not None and is_wanted(
                somebody.actor, Permission.READ_BOARD, Scope(cluster)
            )
            address = f"{place.service.live}/{cluster}"
            if wanted:
                async with connect(address, additional_headers=headers) as socket:
                    assert "snapshot" in str(await socket.recv()), name
                continue
            with pytest.raises(InvalidStatus) as refused:
                await connect(address, additional_headers=headers)
            assert refused.value.response.status_code in (401, 403), name


async def test_who_asks_without_a_pages_token_changes_nothing(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    changing = [each for each in asked(place) if each.method != "GET"]
    for who in WHO:
        bare = replace(everybody[who], headers={}, csrf="")
        foreign = replace(everybody[who], headers={"Origin": "https://evil.example"})
        for each in changing:
            if each.permission is not Permission.FEED:
                assert not await bare.may(each), (who, each)
        for each in changing[:3]:
            assert not await foreign.may(each), (who, each)
