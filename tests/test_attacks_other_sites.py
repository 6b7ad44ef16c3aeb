"""Attacks of other sites through a browser that is signed in here: requests, reading, live channel.

Every changing route of the application is tried, those added later too.
"""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.besieged import FORM, HERE, UNIT, Besieged, app_of, filled
from tests.support.walking import changing
from web.auth.cookies import PLAIN

pytest_plugins = ["tests.support.besieged_fixtures"]

BY_KEY = {("POST", "/api/v1/feeds/{source}")}
"""Changed by programs: browsers send no key by themselves."""
WHO_CHANGES: dict[str, str] = {
    "/api/v1/units": "nurse",
    "/api/v1/holds": "visitator",
    "/api/v1/outcomes": "visitator",
    "/api/v1/surge": "coordinator",
    "/api/v1/indicators": "coordinator",
    "/indicators": "coordinator",
    "/ledger": "coordinator",
    "/operator": "operator",
    "/admin": "administrator",
    "/account": "visitator",
    "/sign-in": "coordinator elsewhere",
    "/set-up": "coordinator elsewhere",
    "/sign-out": "nurse next door",
}


def is_form(path: str) -> bool:
    return not path.startswith("/api/")


async def test_no_changing_route_takes_orders_from_another_site(place: Besieged) -> None:
    """Each is sent what a foreign page can make a browser send: cookies, but no page token of this
    session, or the token with a foreign origin. Each must refuse, and refuse for that reason."""
    routes = sorted(changing(app_of(place)) - BY_KEY)
    assert len(routes) > 20
    before = await place.standing()
    open_to_others: list[str] = []
    for method, path in routes:
        who = next(who for start, who in WHO_CHANGES.items() if path.startswith(start))
        own, other = place.people[who].csrf, place.people["nurse elsewhere"].csrf
        for token, origin in (
            ("", None), ("x" * 64, None), (other, None), (own, "https://evil.example"),
            (own, "null"), (own, place.service.base.replace("127.0.0.1", "localhost")),
        ):  # fmt: skip
            answer = await forged(place, who, method, filled(path, place.ids), token, origin)
            if answer.status_code != 403:
                open_to_others.append(
                    f"{method} {path}: {answer.status_code} ({token[:4]}, {origin})"
                )
    assert not open_to_others
    assert await place.standing() == before
    # The same requests with the page's own token are not refused for where they come from.
    for method, path in routes:
        who = next(who for start, who in WHO_CHANGES.items() if path.startswith(start))
        token = place.people[who].csrf
        answer = await forged(
            place, who, method, filled(path, place.ids), token, place.service.base
        )
        said = answer.text
        assert "another site" not in said, f"{method} {path}"
        assert "reload it" not in said, f"{method} {path}"


async def forged(
    place: Besieged, who: str, method: str, path: str, token: str, origin: str | None
) -> httpx.Response:
    client = place.people[who].client
    headers = {"Origin": origin} if origin else {}
    if is_form(path):
        return await client.request(method, path, data=FORM | {"csrf": token}, headers=headers)
    headers["X-CSRF-Token"] = token
    return await client.request(method, path, json={"unit": UNIT}, headers=headers)


async def test_simple_requests_of_foreign_pages_change_nothing(place: Besieged) -> None:
    """What a page may send anywhere without asking first: a form, or text that is JSON."""
    before = await place.standing()
    client = place.people["nurse"].client
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        for origin in ({"Origin": "https://evil.example"}, {}):
            answer = await client.post(
                f"/api/v1/units/{UNIT}/report",
                content=b'{"free": 9}',
                headers={"Content-Type": media, "Sec-Fetch-Site": "cross-site"} | origin,
            )
            assert answer.status_code == 403
    assert await place.standing() == before


async def test_no_other_site_is_let_in_by_cors(place: Besieged) -> None:
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method, path in (("GET", "/api/v1/board/randers"), ("OPTIONS", "/api/v1/holds/randers")):
        answer = await place.people["visitator"].client.request(method, path, headers=evil)
        assert not [name for name in answer.headers if name.startswith("access-control")]


# Cross-site WebSockets


async def test_no_other_sites_page_opens_the_live_channel(place: Besieged) -> None:
    url = f"{place.service.live}/{HERE}"
    own = place.service.base
    token = place.people["visitator"].client.cookies[PLAIN]
    cookie = {"Cookie": f"{PLAIN}={token}"}
    foreign = [
        "https://evil.example", "null", "file://", own + ".evil.example", own[:-1], own + "0",
        own.replace("//", "//evil@"), own.replace("127.0.0.1", "127.0.0.1.evil.example"),
        "http://[", "http://127.0.0.1",
    ]  # fmt: skip
    for origin in foreign:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=cookie | {"Origin": origin})
        assert refused.value.response.status_code == 403, origin
    async with connect(url, additional_headers=cookie | {"Origin": own}) as socket:
        assert '"snapshot"' in str(await socket.recv())
