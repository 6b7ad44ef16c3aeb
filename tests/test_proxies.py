"""Forwarding headers are believed from trusted proxies only, and nothing slips past beside them."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.settings import Settings
from tests.support.live import source_file
from tests.support.people import PASSWORD, account_for, csrf_in
from tests.support.raw import exchange, statuses
from tests.support.service import Service, running, settings_for
from web.auth.cookies import PLAIN, SECURE
from web.proxies import TrustedProxies

HOSPITAL = "regionshospitalet-randers"
PROXY = "10.1.2.3"


async def seen(
    trusted: list[str], peer: str, headers: list[tuple[str, str]], kind: str = "http"
) -> dict[str, Any]:
    """What the application is told of a request that came from `peer`."""
    found: dict[str, Any] = {}

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.update(scope)

    async def receive() -> Message:
        raise AssertionError("nothing is to be read")

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is to be answered")

    scope = {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "client": (peer, 4711),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }
    await TrustedProxies(app, trusted)(scope, receive, send)
    return found


async def visitor(trusted: list[str], peer: str, *hops: str) -> str:
    """Whose request it is said to be, when each of `hops` is a header of its own."""
    found = await seen(trusted, peer, [("X-Forwarded-For", hop) for hop in hops])
    return str(found["client"][0])


@pytest.mark.parametrize(
    ("trusted", "peer", "hops", "who"),
    [
        ([], "127.0.0.1", ["9.9.9.9"], "127.0.0.1"),
        ([], PROXY, ["9.9.9.9"], PROXY),
        ([PROXY], "10.1.2.4", ["9.9.9.9"], "10.1.2.4"),
        ([PROXY], PROXY, ["9.9.9.9"], "9.9.9.9"),
        (["10.1.0.0/16"], PROXY, ["9.9.9.9"], "9.9.9.9"),
        # What the visitor wrote itself stands before what the proxy added, and counts for nothing.
        ([PROXY], PROXY, ["1.1.1.1, 9.9.9.9"], "9.9.9.9"),
        ([PROXY], PROXY, ["1.1.1.1", "9.9.9.9"], "9.9.9.9"),
        ([PROXY], PROXY, [f"1.1.1.1, {PROXY}, 9.9.9.9"], "9.9.9.9"),
        (["10.1.0.0/16"], PROXY, ["1.1.1.1, 9.9.9.9, 10.1.7.7"], "9.9.9.9"),
        (["10.1.0.0/16"], PROXY, ["10.1.7.7"], "10.1.7.7"),
        ([PROXY], PROXY, ["9.9.9.9:51234"], "9.9.9.9"),
        ([PROXY], PROXY, ["[2001:db8::1]:51234"], "2001:db8::1"),
        ([PROXY], PROXY, ["2001:db8::1"], "2001:db8::1"),
        ([PROXY], PROXY, ["::ffff:9.9.9.9"], "9.9.9.9"),
        ([PROXY], f"::ffff:{PROXY}", ["9.9.9.9"], "9.9.9.9"),
        # No addresses: who cannot be named is the proxy that said so.
        ([PROXY], PROXY, ["unknown"], PROXY),
        ([PROXY], PROXY, ["<script>"], PROXY),
        ([PROXY], PROXY, ["127.0.0.1\x00"], PROXY),
        ([PROXY], PROXY, [""], PROXY),
        ([PROXY], PROXY, [",,,"], PROXY),
    ],
)
async def test_who_asks(trusted: list[str], peer: str, hops: list[str], who: str) -> None:
    assert await visitor(trusted, peer, *hops) == who


@pytest.mark.parametrize(
    ("trusted", "said", "scheme"),
    [
        ([], ["https"], "http"),
        (["10.1.2.4"], ["https"], "http"),
        ([PROXY], ["https"], "https"),
        ([PROXY], ["HTTPS"], "https"),
        ([PROXY], ["https", "http"], "http"),
        ([PROXY], ["https, http"], "http"),
        ([PROXY], ["ftp"], "http"),
        ([PROXY], [""], "http"),
    ],
)
async def test_over_what(trusted: list[str], said: list[str], scheme: str) -> None:
    headers = [("X-Forwarded-Proto", each) for each in said]
    assert (await seen(trusted, PROXY, headers))["scheme"] == scheme
    live = await seen(trusted, PROXY, headers, "websocket")
    assert live["scheme"] == scheme.replace("http", "ws")


@pytest.mark.parametrize(("trusted", "host"), [([], "inside:8000"), ([PROXY], "akut.example.dk")])
async def test_by_what_name(trusted: list[str], host: str) -> None:
    headers = [("Host", "inside:8000"), ("X-Forwarded-Host", "akut.example.dk")]
    found = await seen(trusted, PROXY, headers)
    assert [value for name, value in found["headers"] if name == b"host"] == [host.encode()]


@pytest.mark.parametrize("trusted", [[], [PROXY]])
async def test_no_forwarding_header_is_seen_further_in(trusted: list[str]) -> None:
    claims = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP",
              "X-Forwarded-Prefix", "X-Original-URL", "X-Rewrite-URL")  # fmt: skip
    found = await seen(trusted, PROXY, [("Host", "h"), *((name, "1.1.1.1") for name in claims)])
    assert [name for name, _ in found["headers"]] == [b"host"]


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.1/33", "0.0.0.0/0", "::/0", ""])
def test_proxies_that_would_be_anybody_are_refused_at_start(proxy: str) -> None:
    with pytest.raises(ValueError, match=r"no address or network|believe everybody"):
        Settings(trusted_proxies=[proxy])


# The whole service behind a proxy


def behind(folder: Path, store: str, *trusted: str) -> Settings:
    return settings_for(folder, store, trusted_proxies=list(trusted))


BY_TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9"}


async def sign_in(service: Service, headers: dict[str, str]) -> httpx.Response:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with httpx.AsyncClient(base_url=service.base, headers=headers, timeout=30) as client:
        csrf = csrf_in((await client.get("/sign-in")).text)
        form = {"login": account.login or "", "password": PASSWORD, "csrf": csrf}
        return await client.post("/sign-in", data=form)


async def test_behind_tls_cookies_are_secure_and_browsers_keep_to_tls(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    settings = behind(tmp_path, valkey_server.url, "127.0.0.1")
    async with running(settings, demo=False) as service:
        answer = await sign_in(service, BY_TLS)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(f"{SECURE}=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
        (session,) = await service.services.door.sessions.of(await only_account(service))
        assert session.address == "9.9.9.9"
        # The same token by the name that has no TLS opens nothing, and the other way about.
        token = cookie.partition(";")[0].partition("=")[2]
        for name, headers, status in (
            (SECURE, BY_TLS, 200),
            (SECURE, {}, 401),
            (PLAIN, BY_TLS, 401),
        ):
            client = httpx.AsyncClient(base_url=service.base, headers=headers, timeout=30)
            async with client:
                path = "/api/v1/board/randers"
                found = await client.get(path, headers={"Cookie": f"{name}={token}"})
                assert found.status_code == status


async def only_account(service: Service) -> str:
    (account,) = await service.services.door.people.accounts()
    return account.id


async def test_without_settings_this_machine_is_believed_no_more_than_others(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with running(behind(tmp_path, valkey_server.url), demo=False) as service:
        answer = await sign_in(service, BY_TLS)
        assert answer.headers["Set-Cookie"].startswith(f"{PLAIN}=")
        assert "Strict-Transport-Security" not in answer.headers
        (session,) = await service.services.door.sessions.of(await only_account(service))
        assert session.address == "127.0.0.1"


async def test_the_demo_is_not_opened_by_a_header(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    """Behind a proxy the demo's visitor is whom the proxy saw."""
    settings = settings_for(
        tmp_path, valkey_server.url, source_file(tmp_path), trusted_proxies=["127.0.0.1"]
    )
    async with running(settings, demo=True) as service:
        get = service.client.get
        assert (await get("/api/v1/board/randers")).status_code == 200
        far = {"X-Forwarded-For": "9.9.9.9"}
        assert (await get("/api/v1/board/randers", headers=far)).status_code in (401, 403)
        lie = {"X-Forwarded-For": "127.0.0.1, 9.9.9.9"}
        assert (await get("/api/v1/board/randers", headers=lie)).status_code in (401, 403)
        with pytest.raises(InvalidStatus):
            await connect(f"{service.live}/randers", additional_headers=far)


async def test_pages_of_the_name_that_the_proxy_has_may_open_the_live_channel(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    settings = behind(tmp_path, valkey_server.url, "127.0.0.1")
    async with running(settings, demo=False) as service:
        from capacity.instants import utc_now
        from web.key_kinds import KeyKind

        key = service.services.access.keys.make(KeyKind.BOARD, "randers", utc_now())
        said = {"Authorization": f"Bearer {key}", "X-Forwarded-Host": "akut.example.dk"}
        origin: Any = "https://akut.example.dk"
        url = f"{service.live}/randers"
        async with connect(url, additional_headers=said, origin=origin) as socket:
            assert '"snapshot"' in str(await socket.recv())
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=said, origin="https://evil.example")  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403


# Smuggling: one request to the proxy, two to us. Every answer is one refusal, or harmless.


GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
"""Answered 401 or 404, should it ever be taken for a request: no attempt may yield that."""


def _post(*headers: bytes, body: bytes = b"") -> bytes:
    lines = [b"POST /healthz HTTP/1.1", b"Host: h", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHUNKED = b"0\r\n\r\n" + SMUGGLED
REFUSED: dict[str, bytes] = {
    "length and chunks": _post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=CHUNKED),
    "chunks and length": _post(b"Transfer-Encoding: chunked", b"Content-Length: 60", body=CHUNKED),
    "two lengths": _post(b"Content-Length: 0", b"Content-Length: 60", body=SMUGGLED),
    "two lengths in one": _post(b"Content-Length: 0, 60", body=SMUGGLED),
    "a signed length": _post(b"Content-Length: +0", body=SMUGGLED),
    "a hexadecimal length": _post(b"Content-Length: 0x0", body=SMUGGLED),
    "a length with a space in it": _post(b"Content-Length: 1 0", body=SMUGGLED),
    "a huge length": _post(b"Content-Length: 99999999999999999999999", body=SMUGGLED),
    "a space before the colon": _post(b"Transfer-Encoding : chunked", body=CHUNKED),
    "a tab in the name": _post(b"Transfer\t-Encoding: chunked", body=CHUNKED),
    "a folded header": _post(
        b"Transfer-Encoding:", b" chunked", b"Content-Length: 0", body=CHUNKED
    ),
    "an unknown encoding": _post(b"Transfer-Encoding: xchunked", body=CHUNKED),
    "chunks that are not last": _post(b"Transfer-Encoding: chunked, identity", body=CHUNKED),
    "a vertical tab": _post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED),
    "a null byte": _post(b"X-Any: a\x00b", body=SMUGGLED),
    "a bare carriage return": _post(b"X-Any: a\rX-Other: b", body=SMUGGLED),
    "a bad chunk size": _post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + SMUGGLED),
    "a chunk size that runs over": _post(
        b"Transfer-Encoding: chunked", body=b"fffffffffffffffff\r\n" + SMUGGLED
    ),
    "a chunk longer than it says": _post(
        b"Transfer-Encoding: chunked", body=b"1\r\nxx\r\n0\r\n\r\n" + SMUGGLED
    ),
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: h\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a host that is none": b"GET /healthz HTTP/1.1\r\nHost: h/@evil.example\r\n\r\n",
    "a host with a space": b"GET /healthz HTTP/1.1\r\nHost: h evil\r\n\r\n",
    "two authorizations": (
        b"GET /healthz HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"
    ),
    "a header without a name": b"GET /healthz HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "another version": b"GET /healthz HTTP/3.7\r\nHost: h\r\n\r\n",
    "HTTP/2 in the clear": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a control character": b"GET /heal\x01thz HTTP/1.1\r\nHost: h\r\n\r\n",
    "an encoded null byte": b"GET /healthz%00 HTTP/1.1\r\nHost: h\r\n\r\n",
    "an encoded line end": b"GET /healthz%0d%0aX:1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.fixture
async def port(board: Board, valkey_server: EmbeddedServer, tmp_path: Path) -> Any:
    settings = behind(tmp_path, valkey_server.url)
    settings = settings.model_copy(update={"head_seconds": 2.0, "body_seconds": 2.0})
    async with running(settings, demo=False) as service:
        yield int(service.base.rpartition(":")[2])


async def test_requests_that_proxies_could_read_otherwise_are_refused(port: int) -> None:
    assert statuses(await exchange(port, GET)) == [200]
    told: dict[str, list[int]] = {}
    for name, attempt in REFUSED.items():
        told[name] = statuses(await exchange(port, attempt))
    wrong = {name: found for name, found in told.items() if found not in ([400], [405, 400], [408])}
    assert not wrong


async def test_trailers_reach_neither_this_request_nor_the_next(port: int) -> None:
    """A header after the body is one that no proxy has looked at."""
    for trailer in (b"Authorization: Bearer x", b"Host: evil.example", b"X-Forwarded-For: 1.1.1.1"):
        first = _post(
            b"Transfer-Encoding: chunked",
            b"Authorization: Bearer y",
            body=b"0\r\n" + trailer + b"\r\n\r\n",
        )
        next_one = (
            b"GET /healthz HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer z\r\n"
            b"Connection: close\r\n\r\n"
        )
        # A second Host or Authorization anywhere would be refused with 400.
        assert statuses(await exchange(port, first + next_one)) == [405, 200]


async def test_what_follows_a_refused_upgrade_is_not_a_request(port: int) -> None:
    upgrade = (
        b"GET /api/v1/live/randers HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert statuses(await exchange(port, upgrade + SMUGGLED)) == [403]
    wrong = upgrade.replace(b"Version: 13", b"Version: 777")
    (status,) = statuses(await exchange(port, wrong + SMUGGLED))
    assert status in (400, 426)
    plain = upgrade.replace(b"websocket\r\n", b"h2c\r\nConnection: close\r\n", 1)
    assert statuses(await exchange(port, plain + SMUGGLED)) != [101]
