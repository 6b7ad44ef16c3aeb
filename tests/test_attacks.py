"""What attackers are known to try, tried: each attack of docs/security.md against a whole service.

Forged tokens are in test_oidc.py, passwords and sessions in test_sign_in.py, proxies and smuggling
in test_proxies.py, sizes, times and rates in test_limits.py.
"""

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.instants import format_instant, utc_now
from capacity.people import NewAccount
from tests.support.besieged import (
    CANARY,
    ELSEWHERE,
    HERE,
    SHEET,
    SOURCE,
    UNIT,
    WHO,
    XML,
    Besieged,
    besieged,
)
from tests.support.chromium import chromium, opened
from tests.support.raw import exchange, statuses
from tests.support.walking import changing, routes_of
from tests.support.workbooks import package, workbook
from web.auth.cookies import PLAIN
from web.key_kinds import KeyKind


@pytest.fixture
async def place(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Besieged]:
    async with besieged(tmp_path, valkey_server.url) as place:
        yield place


def app_of(place: Besieged) -> FastAPI:
    """The application's routes, whatever runs it."""
    from web.app import create_app

    return create_app(place.service.services)


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A route's path with ids in it; one that is not known is made up."""
    return re.sub(r"{(\w+)}", lambda found: ids.get(found[1], "none"), path)


# Cross-site request forgery

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
FORM = {
    "login": "somebody", "password": "a new password", "repeat": "a new password",
    "present": "wrong", "code": "000000", "role": "operator", "kind": "metrics", "of": "all",
    "id": "e", "by": "me", "label": "x", "next": "/",
}  # fmt: skip


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


# Other people's things, by their ids


async def test_a_hold_is_moved_by_those_it_concerns_only(place: Besieged) -> None:
    before = await place.standing()
    hold = place.ids["hold"]
    mine = f"/api/v1/holds/{HERE}/{hold}"
    for who in WHO:
        for action in ("accept", "decline", "cancel", "fill", "release"):
            if (who, action) in {
                ("visitator", "cancel"),
                ("visitator", "fill"),
                ("visitator", "release"),
                ("nurse", "accept"),
                ("nurse", "decline"),
                ("nurse", "fill"),
                ("nurse", "release"),
            }:
                continue  # fmt: skip
            answer = await place.send(who, "POST", f"{mine}/{action}", {}, key=f"{who}{action}")
            assert answer.status_code == 403, (who, action, answer.text)
    for who in ("visitator", "visitator elsewhere", "nurse elsewhere", "coordinator elsewhere"):
        answer = await place.send(who, "POST", f"/api/v1/holds/{ELSEWHERE}/{hold}/cancel", {})
        assert answer.status_code in (403, 404), "the same id by another cluster's address"
    assert await place.standing() == before
    assert (await place.send("nurse", "POST", f"{mine}/accept", {})).status_code == 200


async def test_what_belongs_to_a_cluster_is_read_by_its_own_people_only(place: Besieged) -> None:
    outside = ("visitator elsewhere", "nurse elsewhere", "coordinator elsewhere", "operator")
    paths = [f"/api/v1/board/{HERE}", f"/api/v1/holds/{HERE}", f"/api/v1/surge/{HERE}",
             f"/api/v1/alternatives/{HERE}", f"/api/v1/outcomes/{HERE}",
             f"/api/v1/outcomes/{HERE}.csv", f"/api/v1/units/{UNIT}", f"/board/{HERE}",
             f"/wall/{HERE}", f"/print/{HERE}",
             f"/api/v1/board/{HERE}?at={format_instant(utc_now())}"]  # fmt: skip
    for path in paths:
        assert (await place.get("visitator", path)).status_code == 200, path
        for who in outside:
            answer = await place.get(who, path)
            assert answer.status_code == 403, (who, path)
            assert UNIT not in answer.text.replace(path, "")
    for who in outside:
        token = place.people[who].client.cookies[PLAIN]
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"{place.service.live}/{HERE}", additional_headers={"Cookie": f"{PLAIN}={token}"}
            )
        assert refused.value.response.status_code == 403
    wall = {"Authorization": f"Bearer {place.keys[HERE]}"}
    get = place.service.client.get
    assert (await get(f"/api/v1/board/{HERE}", headers=wall)).status_code == 200
    assert (await get(f"/api/v1/board/{ELSEWHERE}", headers=wall)).status_code == 403


async def test_an_outcome_is_corrected_by_its_own_cluster_only(place: Besieged) -> None:
    before = await place.standing()
    body = {"outcome": "other"}
    for who in WHO:
        for cluster in (HERE, ELSEWHERE):
            if (who, cluster) == ("visitator", HERE):
                continue
            path = f"/api/v1/outcomes/{cluster}/{place.ids['outcome']}/correct"
            answer = await place.send(who, "POST", path, body, key=f"{who}{cluster}")
            assert answer.status_code in (403, 404), (who, cluster, answer.text)
    assert await place.standing() == before


async def test_a_unit_is_spoken_for_by_its_own_people_only(place: Besieged) -> None:
    before = await place.standing()
    subscription = place.ids["subscription"]
    mine = f"/api/v1/units/{UNIT}"
    for who in WHO:
        if who == "nurse":
            continue
        said = await place.send(who, "POST", f"{mine}/report", {"free": 9}, key=who)
        assert said.status_code == 403, who
        assert (await place.send(who, "GET", f"{mine}/push")).status_code == 403, who
        gone = await place.send(who, "DELETE", f"{mine}/push/{subscription}")
        assert gone.status_code == 403, who
        assert (await place.get(who, f"/unit/{UNIT}")).status_code == 403, who
    # Their own unit's address with the id of another's subscription.
    theirs = "/api/v1/units/norddjurs-akutplads/push"
    await place.send("nurse next door", "DELETE", f"{theirs}/{subscription}")
    sent = await place.send("nurse next door", "POST", f"{theirs}/{subscription}/test")
    assert sent.status_code == 404
    assert await place.standing() == before


async def test_quarantine_is_open_to_operators_only_and_by_the_right_source(
    place: Besieged,
) -> None:
    before = await place.standing()
    ids = place.ids
    for who in WHO:
        if who in ("operator", "administrator"):
            continue
        for path in ("/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}/{ids['entry_id']}",
                     f"/operator/documents/{ids['document']}"):  # fmt: skip
            assert (await place.get(who, path)).status_code == 403, (who, path)
        form = {"csrf": place.people[who].csrf, "id": ids["entry_id"], "by": "me"}
        for action in ("replay", "dismiss"):
            answer = await place.people[who].client.post(f"/operator/{SOURCE}/{action}", data=form)
            assert answer.status_code == 403, (who, action)
    right = await place.get("operator", f"/operator/{SOURCE}/{ids['entry_id']}")
    assert right.status_code == 200
    wrong = await place.get("operator", f"/operator/{SHEET}/{ids['entry_id']}")
    assert wrong.status_code == 404
    form = {"csrf": place.people["operator"].csrf, "id": ids["entry_id"], "by": "me"}
    await place.people["operator"].client.post(f"/operator/{SHEET}/dismiss", data=form)
    assert await place.standing() == before


async def test_accounts_sessions_and_keys_are_their_owners_and_the_administrators(
    place: Besieged,
) -> None:
    before = await place.standing()
    ids = place.ids
    paths = [path for method, path in routes_of(app_of(place)) if path.startswith("/admin")]
    assert len(paths) > 8
    for who in WHO:
        if who == "administrator":
            continue
        for method, path in routes_of(app_of(place)):
            if not path.startswith("/admin"):
                continue
            for action in ("disable", "erase", "change", "sign-out"):
                address = filled(path, ids | {"action": action})
                form = FORM | {"csrf": place.people[who].csrf}
                answer = await place.people[who].client.request(
                    method, address, data=form if method != "GET" else None
                )
                assert answer.status_code == 403, (who, method, address, answer.status_code)
        # Another's session by its id.
        if who != "visitator":
            await place.people[who].client.post(
                f"/account/sessions/{ids['ended']}/end", data={"csrf": place.people[who].csrf}
            )
    assert await place.standing() == before


async def test_a_key_feeds_its_own_source_only(place: Besieged) -> None:
    for source in (SHEET, XML, "nowhere"):
        answer = await place.service.push(source, b"[]", key=place.keys[SOURCE])
        assert answer.status_code == 403
    for who in WHO:
        answer = await place.send(who, "POST", f"/api/v1/feeds/{SOURCE}", [])
        assert answer.status_code in (401, 403), "a person's session is no source's key"


# Hostile names, in every place that takes one

TRAVERSALS = [
    "../../secret-notes.txt", "..%2f..%2fsecret-notes.txt", "..%252f..%252fsecret-notes.txt",
    "%2e%2e/%2e%2e/secret-notes.txt", "....//....//secret-notes.txt", "..%5c..%5csecret-notes.txt",
    "..;/..;/secret-notes.txt", "%c0%ae%c0%ae/secret-notes.txt", "/etc/passwd", "%2fetc%2fpasswd",
    "file:///etc/passwd", "keys.toml", "../data/keys.toml", "..%2fdata%2fkeys.toml",
]  # fmt: skip
INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE account; --", '" OR ""="', "1) UNION SELECT login FROM account--",
    "\\'; DELETE FROM audit; --", "]] redis.call('FLUSHALL') --", '"}) redis.call("FLUSHALL") --',
    "*", "{randers}", "randers}:{x", "akutoverblik:{randers}:rows", "$(reboot)", "`id`", "{{7*7}}",
    "%s%n", "\u202e", "\u00e6" * 300, "-1", "0", "NaN", "null", "[]", "a:b", "epoch-1",
]  # fmt: skip
HEADERS = [
    "x%0d%0aSet-Cookie:%20evil=1", "x%0aEvil:%201", "x%0d%0a%0d%0a<script>alert(1)</script>",
    "%E5%98%8A%E5%98%8DSet-Cookie:evil=1", "x%00y",
]  # fmt: skip
SCRIPTS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'",
    "javascript:alert(1)", "</script><svg onload=alert(1)>", "<!--", "{{constructor}}",
]  # fmt: skip
QUERIES = ("lang", "next", "at", "since", "until", "closed", "municipality", "capability", "where",
           "within_minutes", "did", "told", "code", "state", "iss", "error", "out", "account",
           "before", "action", "q")  # fmt: skip
ELEMENTS = ("<script>alert", "<img src=x", "<svg onload")
"""What a page would hold if a hostile text had become part of it."""


def hostile() -> Iterator[str]:
    """Hostile names as they stand in an address."""
    yield from TRAVERSALS
    yield from (quote(text, safe="") for text in INJECTIONS)
    yield from HEADERS
    yield from (quote(text, safe="") for text in SCRIPTS)
    yield "A" * 4000


def raw(method: str, address: str, cookie: str) -> bytes:
    """A request that no client has tidied up."""
    return (
        f"{method} {address} HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n"
        f"Cookie: {PLAIN}={cookie}\r\nConnection: close\r\n\r\n"
    ).encode()


def faults_of(answer: bytes, secrets: list[str]) -> list[str]:
    """What is wrong with an answer to a hostile request."""
    head, _, body = answer.partition(b"\r\n\r\n")
    text = body.decode(errors="replace")
    found = [f"status {status}" for status in statuses(answer) if status >= 500]
    found += ["no answer"] if not statuses(answer) else []
    found += [f"leaks {secret[:12]}" for secret in secrets if secret in text]
    found += [f"holds {element}" for element in ELEMENTS if element in text]
    found += ["a header of theirs"] if re.search(rb"(?im)^(evil|set-cookie: ?evil)", head) else []
    leads = re.search(rb"(?im)^location: *(.*?)\r$", head)
    own = leads is None or re.match(rb"(/(?![/\\])|http://h/)", leads[1]) is not None
    found += [] if own or leads is None else [f"leads to {leads[1]!r}"]
    telling = ("Traceback", "sqlite3", "psycopg", "SELECT ", "redis.exceptions", "jinja2", '.py"')
    return found + [f"tells {word}" for word in telling if word in text]


def secrets_of(place: Besieged) -> list[str]:
    """What no answer may hold."""
    folder = place.service.services.settings.data
    keys = (folder / "keys.toml").read_text(encoding="utf-8")
    return [CANARY, "root:x:0", *re.findall(r'sha256 = "(\w+)"', keys)]


@pytest.mark.parametrize("who", ["administrator", "operator", "visitator", "nurse"])
async def test_hostile_names_in_addresses_find_nothing(place: Besieged, who: str) -> None:
    """Every id of every route that can be looked at, as somebody who may."""
    before = await place.standing()
    cookie = place.people[who].client.cookies[PLAIN]
    secrets = secrets_of(place)
    paths = {path for method, path in routes_of(app_of(place)) if method == "GET"}
    named = sorted(path for path in paths if "{" in path)
    assert len(named) > 15
    wrong: list[str] = []
    for path in [*named, "/static/{name}", "/{name}"]:
        names = re.findall(r"{(\w+)}", path)
        for bad in hostile():
            for name in names:
                address = filled(path, place.ids | {name: bad})
                answer = await exchange(place.port, raw("GET", address, cookie))
                wrong += [f"{address}: {fault}" for fault in faults_of(answer, secrets)]
    assert not wrong
    assert await place.standing() == before


async def test_hostile_words_in_queries_come_to_nothing(place: Besieged) -> None:
    cookie = place.people["visitator"].client.cookies[PLAIN]
    chief = place.people["administrator"].client.cookies[PLAIN]
    secrets = secrets_of(place)
    paths = sorted({path for method, path in routes_of(app_of(place)) if method == "GET"})
    wrong: list[str] = []
    for path in paths:
        address = filled(path, place.ids)
        for bad in [*TRAVERSALS[:3], *map(quote, INJECTIONS[:4]), *HEADERS, *map(quote, SCRIPTS),
                    "//evil.example", "https://evil.example", "/%5Cevil.example"]:  # fmt: skip
            query = "&".join(f"{name}={bad}" for name in QUERIES)
            for token in (cookie, chief):
                answer = await exchange(place.port, raw("GET", f"{address}?{query}", token))
                wrong += [f"{address}?…{bad}: {fault}" for fault in faults_of(answer, secrets)]
    for name in QUERIES:  # and one at a time, for what one bad word hides of another
        for path in ("/sign-in", "/", f"/board/{HERE}", "/operator", "/admin/audit"):
            for bad in (*HEADERS, *map(quote, SCRIPTS)):
                answer = await exchange(place.port, raw("GET", f"{path}?{name}={bad}", chief))
                wrong += [f"{path}?{name}={bad}: {fault}" for fault in faults_of(answer, secrets)]
    assert not wrong


async def test_hostile_names_in_bodies_and_changing_addresses_change_nothing(
    place: Besieged,
) -> None:
    texts = [*INJECTIONS, *SCRIPTS, "../../secret-notes.txt", "x\r\nEvil: 1", "x\0y", "A" * 4000]
    before = await place.standing()
    sent = [
        ("visitator", f"/api/v1/holds/{HERE}", lambda t: {"unit": t}),
        ("visitator", f"/api/v1/holds/{HERE}", lambda t: {"unit": UNIT, "need": {"where": t}}),
        ("visitator", f"/api/v1/holds/{HERE}", lambda t: {"unit": UNIT, "need": t}),
        ("visitator", f"/api/v1/outcomes/{HERE}", lambda t: {"outcome": t}),
        ("visitator", f"/api/v1/outcomes/{HERE}", lambda t: {"outcome": "other", "unit": t}),
        ("visitator", f"/api/v1/outcomes/{HERE}", lambda t: {"outcome": "other", "hold": t}),
        ("nurse", f"/api/v1/units/{UNIT}/report", lambda t: {"capabilities_off": [t]}),
        ("nurse", f"/api/v1/units/{UNIT}/report", lambda t: {"close": {"reason": t}}),
        ("nurse", f"/api/v1/units/{UNIT}/report", lambda t: {"free": t}),
        ("nurse", f"/api/v1/units/{UNIT}/push", lambda t: {"endpoint": t, "keys": {"auth": t}}),
    ]  # fmt: skip
    for who, path, body in sent:
        for number, text in enumerate(texts):
            answer = await place.send(who, "POST", path, body(text), key=f"n{number}")
            assert 400 <= answer.status_code < 500, (path, text, answer.text)
            assert CANARY not in answer.text
    for text in texts:
        name = quote(text, safe="")
        for who, method, path in (
            ("visitator", "POST", f"/api/v1/holds/{HERE}/{name}/cancel"),
            ("visitator", "POST", f"/api/v1/holds/{name}"),
            ("visitator", "POST", f"/api/v1/outcomes/{HERE}/{name}/correct"),
            ("nurse", "POST", f"/api/v1/units/{name}/report"),
            ("coordinator", "POST", f"/api/v1/surge/{name}"),
        ):
            answer = await place.send(who, method, path, {"outcome": "other"})
            assert 400 <= answer.status_code < 500, (path, answer.text)
    for text in texts:
        form = {"login": text[:200], "password": text[:200], "csrf": await csrf_of_nobody(place)}
        async with httpx.AsyncClient(base_url=place.service.base, timeout=60) as nobody:
            answer = await nobody.post("/sign-in", data=form)
            assert answer.status_code in (401, 422, 429), text
            assert PLAIN not in nobody.cookies
    assert await place.standing() == before


async def csrf_of_nobody(place: Besieged) -> str:
    return place.service.csrf


async def test_an_idempotency_key_reaches_only_ones_own_answers(place: Besieged) -> None:
    """Somebody else's key with the same request: a new request of theirs, not the first answer."""
    body = {"outcome": "other"}
    path = f"/api/v1/outcomes/{HERE}"
    first = await place.send("visitator", "POST", path, body, key="shared")
    assert first.status_code == 201
    account, _ = await place.service.services.door.people.create(
        NewAccount(role="visitator", login="colleague", organisation="regionshospitalet-randers")
    )
    before = await place.standing()
    for odd in ("x" * 128, "{randers}", "' OR 1=1", "*", "a:b"):
        answer = await place.send("visitator", "POST", path, {"outcome": "nothing"}, key=odd)
        assert answer.status_code == 422
    assert account.id in before["accounts"]
    assert await place.standing() == before


# Scripts in texts

HOSTILE = (
    "<img id=xss src=x onerror=document.title='xss'></script>"
    "<script>document.title='xss'</script>\"'"
)


async def plant(place: Besieged) -> None:
    """Hostile texts wherever a text is taken and shown."""
    report: dict[str, Any] = {
        "unit": "favrskov-akutteam",
        "observed_at": format_instant(utc_now()),
        "total": 2,
        "free": 1,
        "note": HOSTILE,
    }
    closed = report | {
        "unit": UNIT,
        "free": 0,
        "closed": 2,
        "closure": {"reason": HOSTILE, "reopens_at": None},
    }
    wrong = [
        {"unit": HOSTILE, "observed_at": HOSTILE, "total": HOSTILE, "note": HOSTILE},
        {HOSTILE: HOSTILE},
        HOSTILE,
    ]
    document = orjson.dumps({"reports": [report, closed, *wrong]})
    answer = await place.service.push(SOURCE, document, key=place.keys[SOURCE])
    assert answer.status_code == 200, answer.text
    keys = place.service.services.access.keys
    keys.make(KeyKind.BOARD, HERE, utc_now(), label=HOSTILE[:60])
    until_ = format_instant(utc_now() + timedelta(hours=1))
    override = {"level": 2, "reason": HOSTILE[:100], "until": until_}
    await place.send("coordinator", "POST", f"/api/v1/surge/{HERE}", override)
    # The audit trail shows what a browser called itself, and which names it asked for.
    client = place.people["administrator"].client
    await client.post(
        "/admin/accounts",
        data={"login": HOSTILE, "role": "operator", "csrf": place.people["administrator"].csrf},
        headers={"User-Agent": HOSTILE},
    )


PAGES = {
    "visitator": (f"/board/{HERE}", f"/print/{HERE}", f"/wall/{HERE}", "/account"),
    "nurse": (f"/unit/{UNIT}", "/unit/favrskov-akutteam", "/units"),
    "operator": ("/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}?closed=1"),
    "administrator": ("/admin", "/admin/keys", "/admin/audit", "/admin/accounts/new"),
}


@pytest.mark.browser
async def test_no_text_becomes_part_of_a_page(place: Besieged) -> None:
    """Rendered here, and put in by script there: neither runs anything, and both show the text."""
    await plant(place)
    entries = await place.service.services.quarantine.entries(SOURCE)
    pages = {**PAGES, "operator": (*PAGES["operator"],
             *(f"/operator/{SOURCE}/{entry.id}" for entry in entries))}  # fmt: skip
    shown = 0
    for who, paths in pages.items():
        for path in paths:
            answer = await place.get(who, path)
            assert answer.status_code == 200, (who, path)
            assert "<img id=xss" not in answer.text, path
            assert "<script>document" not in answer.text, path
            shown += "img id=xss" in answer.text
    assert shown >= 5, "or nothing was proved"
    cookies = {who: place.people[who].client.cookies[PLAIN] for who in pages}
    found = await asyncio.to_thread(look, place.service.base, pages, cookies)
    for path, (title, elements, _, complaints) in found.items():
        assert title != "xss", path
        assert elements == 0, path
        assert not complaints, (path, complaints)
    assert sum(texts for _, _, texts, _ in found.values()) >= 4, "the texts are to be seen"


Seen = tuple[str, int, int, list[str]]


def look(
    base: str, pages: Mapping[str, tuple[str, ...]], cookies: Mapping[str, str]
) -> dict[str, Seen]:
    """Each page in a browser: title, elements of theirs, whether their text is seen, complaints."""
    found: dict[str, Seen] = {}
    with chromium() as browser:
        for who, paths in pages.items():
            with opened(browser) as watched:
                cookie = {"name": PLAIN, "value": cookies[who], "url": base}
                watched.page.context.add_cookies([cookie])  # type: ignore[list-item]
                for path in paths:
                    watched.complaints.clear()
                    watched.page.goto(base + path)
                    watched.page.wait_for_load_state("load")
                    watched.page.wait_for_timeout(300)
                    elements = watched.page.locator("#xss").count()
                    texts = int("img id=xss" in watched.page.inner_text("body"))
                    title = watched.page.title()
                    found[path] = (title, elements, texts, list(watched.complaints))
    return found


@pytest.mark.browser
async def test_a_text_that_comes_while_the_page_is_open_is_a_text_too(place: Besieged) -> None:
    cookie = place.people["visitator"].client.cookies[PLAIN]
    began, planted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> tuple[int, str, list[str]]:
        with chromium() as browser, opened(browser) as watched:
            page = watched.page
            page.context.add_cookies([{"name": PLAIN, "value": cookie, "url": place.service.base}])
            page.goto(f"{place.service.base}/board/{HERE}")
            page.wait_for_selector("[data-unit]")
            loop.call_soon_threadsafe(began.set)
            asyncio.run_coroutine_threadsafe(planted.wait(), loop).result(60)
            page.wait_for_function(
                "() => document.body.innerText.includes('img id=xss')", timeout=60_000
            )
            return page.locator("#xss").count(), page.title(), list(watched.complaints)

    watching = asyncio.create_task(asyncio.to_thread(watch))
    waiting = asyncio.create_task(began.wait())
    await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await plant(place)
    planted.set()
    elements, title, complaints = await watching
    waiting.cancel()
    assert (elements, complaints) == (0, [])
    assert title != "xss"


async def test_every_page_forbids_what_is_not_ours(place: Besieged) -> None:
    """The second wall behind the first: even a text that became part of a page could not run."""
    for who, paths in PAGES.items():
        for path in paths:
            answer = await place.get(who, path)
            policy = answer.headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'",
                         "require-trusted-types-for 'script'", "base-uri 'none'",
                         "form-action 'self'"):  # fmt: skip
                assert rule in policy, (path, rule)
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store", path
            scripts = re.findall(r"<script([^>]*)>", answer.text)
            assert all("src=" in each or "application/json" in each for each in scripts), path
            assert not re.search(r"<[^>]+\son\w+=", answer.text), path
            assert not re.search(r"<[^>]+\sstyle=", answer.text), path


async def test_a_document_is_handed_out_as_a_download_never_as_a_page(place: Besieged) -> None:
    page = b"<html><script>document.title='xss'</script>"
    await place.service.push(SOURCE, page, key=place.keys[SOURCE])
    entries = await place.service.services.quarantine.entries(SOURCE)
    got = 0
    for entry in entries:
        answer = await place.get("operator", f"/operator/documents/{entry.document}")
        if answer.status_code == 200:
            got += 1
            assert "text/html" not in answer.headers["Content-Type"]
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert got


# Bombs


def zip_bomb() -> bytes:
    """A workbook of about a megabyte with a gigabyte of sheet in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook({"S": [["a"]]}))) as plain:
        parts = {name: plain.read(name) for name in plain.namelist()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            if not name.endswith("sheet1.xml"):
                archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(1024):
                sheet.write(b" " * 1024 * 1024)
    return out.getvalue()


def lying_zip() -> bytes:
    """The same, in a directory that says it is small."""
    bomb = bytearray(zip_bomb())
    at = bomb.find(b"PK\x01\x02")
    while at >= 0:
        bomb[at + 24 : at + 28] = (1000).to_bytes(4, "little")
        at = bomb.find(b"PK\x01\x02", at + 1)
    return bytes(bomb)


def nested_zip() -> bytes:
    inner = package({f"{n}.txt": b"0" * 10_000_000 for n in range(20)})
    return package({f"{n}.zip": inner for n in range(20)})


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10))
    + b"]><l>&k;</l>"
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>'
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOMBS = {
    "a gigabyte in a megabyte": (SHEET, XLSX, zip_bomb),
    "one that lies about it": (SHEET, XLSX, lying_zip),
    "zips in a zip": (SHEET, XLSX, nested_zip),
    "laughs": (XML, "application/xml", lambda: BILLION_LAUGHS),
    "an entity from outside": (XML, "application/xml", lambda: OUTSIDE),
    "elements without end": (XML, "application/xml", lambda: b"<a>" * 2_000_000),
    "brackets without end": (SOURCE, "application/json", lambda: b"[" * 9_000_000),
    "a number without end": (SOURCE, "application/json", lambda: b"[" + b"9" * 9_000_000 + b"]"),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_costs_its_sender_an_answer_and_us_little(place: Besieged, bomb: str) -> None:
    source, media, make = BOMBS[bomb]
    document = await asyncio.to_thread(make)
    key = place.keys[source]
    before = await place.standing()
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text(
        "5", encoding="ascii"
    )  # begin to measure the peak anew
    present = _kilobytes(status, "VmRSS")
    pushing = asyncio.create_task(place.service.push(source, document, key=key, media=media))
    others = [await place.service.client.get("/healthz") for _ in range(5)]
    answer = await pushing
    assert answer.status_code == 422, answer.text[:300]
    assert "root:" not in answer.text
    assert all(each.status_code == 200 for each in others)
    peak = _kilobytes(status, "VmHWM") - present
    assert peak < 400_000, f"{peak} KB"
    after = await place.standing()
    assert {k: v for k, v in after.items() if k != "quarantine"} == {
        k: v for k, v in before.items() if k != "quarantine"
    }


def _kilobytes(status: Path, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text(encoding="ascii"))
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip"])
async def test_packed_bodies_are_not_unpacked(place: Besieged, encoding: str) -> None:
    answer = await place.service.client.post(
        f"/api/v1/feeds/{SOURCE}",
        content=b"\x1f\x8b" + b"\0" * 100,
        headers={
            "Authorization": f"Bearer {place.keys[SOURCE]}",
            "Content-Type": "application/json",
            "Content-Encoding": encoding,
        },
    )
    assert answer.status_code == 415


async def test_the_siege_is_noticed(place: Besieged) -> None:
    """Or `standing` would prove nothing: each of its parts moves when something is done."""
    before = await place.standing()
    await place.send("nurse", "POST", f"/api/v1/holds/{HERE}/{place.ids['hold']}/accept", {})
    await place.send("visitator", "POST", f"/api/v1/outcomes/{HERE}", {"outcome": "other"}, key="2")
    await place.send("nurse", "POST", f"/api/v1/units/{UNIT}/report", {"free": 1}, key="2")
    gone = f"/api/v1/units/{UNIT}/push/{place.ids['subscription']}"
    await place.send("nurse", "DELETE", gone)
    form = {"csrf": place.people["operator"].csrf, "id": place.ids["entry_id"], "by": "me"}
    await place.people["operator"].client.post(f"/operator/{SOURCE}/dismiss", data=form)
    until_ = format_instant(utc_now() + timedelta(hours=1))
    override = {"level": 2, "reason": "because", "until": until_}
    await place.send("coordinator", "POST", f"/api/v1/surge/{HERE}", override)
    people = place.service.services.door.people
    await people.change(place.ids["account"], disabled_at=utc_now())
    await place.service.services.door.sessions.end(place.ids["account"])
    place.service.services.access.keys.revoke(place.ids["key"], utc_now())

    after = await place.standing()
    still = [name for name in before if name != "trail" and before[name] == after[name]]
    assert not still
