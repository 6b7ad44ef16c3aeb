"""Hostile names in every place that takes one: they find and change nothing."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.support.besieged import CANARY, HERE, UNIT, Besieged, app_of, filled
from tests.support.raw import exchange, statuses
from tests.support.walking import routes_of
from web.auth.cookies import PLAIN

pytest_plugins = ["tests.support.besieged_fixtures"]

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
