"""Bounds at the edge: sizes, times, connections and rates, against raw sockets."""

import asyncio
import contextlib
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.board_model import until
from tests.support.live import SOURCE, source_file
from tests.support.people import account_for, signed_in
from tests.support.raw import exchange, statuses, wire
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer
from web.auth.cookies import PLAIN
from web.http_protocol import MAX_HEAD, MAX_HEADERS
from web.key_kinds import KeyKind
from web.live.line import MAX_INCOMING

HOSPITAL = "regionshospitalet-randers"
ATTACK_SECONDS = 12
BOARD = "/api/v1/board/randers"
GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
Start = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def start(board: Board, valkey_server: EmbeddedServer, tmp_path: Path) -> Start:
    """Starts a service with settings that differ."""

    @contextlib.asynccontextmanager
    async def begin(**more: object) -> AsyncIterator[Service]:
        settings = settings_for(tmp_path, valkey_server.url, source_file(tmp_path), **more)
        async with running(settings, demo=False) as service:
            service.key_for("another")  # an installation without keys tells how to begin
            yield service

    return begin


def port_of(service: Service) -> int:
    return int(service.base.rpartition(":")[2])


def board_key(service: Service) -> dict[str, str]:
    key = service.services.access.keys.make(KeyKind.BOARD, "randers", utc_now())
    return {"Authorization": f"Bearer {key}"}


# Sizes


def head_of(size: int) -> bytes:
    """A request whose head has about so many bytes."""
    return GET[:-2] + b"X-Any: " + b"x" * (size - len(GET) - 9) + b"\r\n\r\n"


async def test_a_head_has_a_size(start: Start) -> None:
    async with start() as service:
        port = port_of(service)
        assert statuses(await exchange(port, head_of(MAX_HEAD - 200))) == [200]
        assert statuses(await exchange(port, head_of(MAX_HEAD + 200))) == [431]
        many = b"".join(b"X-%d: 1\r\n" % n for n in range(MAX_HEADERS + 1))
        assert statuses(await exchange(port, GET[:-2] + many + b"\r\n")) == [431]
        long = b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: h\r\n\r\n"
        assert statuses(await exchange(port, long)) == [431]


async def test_a_malformed_request_is_read_so_that_its_answer_arrives(start: Start) -> None:
    """Bytes that come after we have hung up would reset the connection under the answer."""
    body = b"x" * 200_000
    head = b"POST /api/v1/surge/%%1A HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with start() as service, wire(port_of(service)) as connection:
        await connection.say(head)
        for begin in range(0, len(body), 10_000):
            await connection.say(body[begin : begin + 10_000])
            await asyncio.sleep(0.01)
        assert statuses(await connection.one()) == [400]
        assert await connection.rest() == b""


async def test_a_head_without_end_is_ended_by_its_size_not_by_memory(start: Start) -> None:
    """Neither the address, a header's name nor its value has to be whole to be counted."""
    async with start() as service:
        port = port_of(service)
        for begun in (b"GET /", GET[:-2] + b"X", GET[:-2] + b"X-Any: "):
            sent = 0
            async with wire(port) as connection:
                await connection.say(begun)
                for _ in range(1000):
                    await connection.say(b"x" * 4096)
                    sent += 4096
                    if connection.reader.at_eof() or connection.writer.is_closing():
                        break
                    await asyncio.sleep(0)
                assert set(statuses(await connection.rest())) <= {431}
            assert sent < 4_000_000, "the server hung up"


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/outcomes/randers", "/nowhere", "/operator"])
async def test_every_body_has_a_size(start: Start, path: str) -> None:
    async with start(max_body_bytes=2000) as service:
        async with httpx.AsyncClient(base_url=service.base, timeout=30) as client:
            announced = await client.post(path, content=b"x" * 2001)
            assert announced.status_code == 413
            assert announced.json()["field"] == "body"
            small = await client.post(path, content=b"x" * 2000)
            assert small.status_code in (401, 403, 404, 405, 422)
        head = (
            b"POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" % path.encode()
        )
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        said = await exchange(port_of(service), head, *[chunk] * 200)
        # A route that has no use for the body refuses without reading it.
        assert set(statuses(said)) <= {413, 401, 403, 404, 405}


async def test_an_endless_body_is_read_no_further_than_its_limit(start: Start) -> None:
    """Where the body is read: a form that anybody may send."""
    async with start(max_body_bytes=10_000) as service:
        head = (
            b"POST /sign-in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        async with wire(port_of(service)) as connection:
            await connection.say(head)
            chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
            for _ in range(5000):
                await connection.say(chunk)
                if connection.reader.at_eof():
                    break
                await asyncio.sleep(0)
            said = await connection.rest()
        assert statuses(said) in ([413], [])  # the answer may be lost where we were still sending
        assert statuses(await exchange(port_of(service), GET)) == [200]


@pytest.mark.parametrize(
    "body", [b"[" * 1000 + b"]" * 1000, b'{"a":' * 2500 + b"1" + b"}" * 2500, b"[" * 8000]
)
async def test_json_has_a_depth(start: Start, body: bytes) -> None:
    async with start() as service:
        account = await account_for(service, "visitator", organisation=HOSPITAL)
        async with signed_in(service, account) as person:
            for path in ("/api/v1/outcomes/randers", "/api/v1/holds/randers"):
                answer = await person.client.post(
                    path,
                    content=body,
                    headers=person.headers | {"Idempotency-Key": "k"},
                )
                assert answer.status_code == 422, answer.text
        key = service.key_for(SOURCE)
        assert (await service.push(SOURCE, body, key=key)).status_code == 422


# Times


async def test_a_head_has_a_time_however_it_trickles(start: Start) -> None:
    async with start(head_seconds=1.0) as service:
        port = port_of(service)
        for begun in (b"GET /", GET[:-2], GET[:-2] + b"X-Any: "):
            began = time.monotonic()
            async with wire(port) as connection:
                rest = asyncio.create_task(connection.rest())
                await connection.say(begun)
                while not rest.done():  # each byte is progress, and none of it buys time
                    await connection.say(b"X")
                    await asyncio.sleep(0.1)
                assert statuses(await rest) == [408]
            assert 0.9 < time.monotonic() - began < 20
        async with wire(port) as silent:
            assert await silent.rest() == b"", "browsers connect ahead of need: that is no error"


async def test_a_connection_that_is_kept_has_the_same_time_for_its_next_head(start: Start) -> None:
    async with start(head_seconds=1.0) as service, wire(port_of(service)) as connection:
        await connection.say(GET.replace(b"Connection: close\r\n", b""))
        assert statuses(await connection.one()) == [200]
        rest = asyncio.create_task(connection.rest())
        while not rest.done():
            await connection.say(b"\r\n")  # nothing begins, and yet it is not idle
            await asyncio.sleep(0.1)
        assert statuses(await rest) == [408]


async def test_a_body_has_a_time_however_it_trickles(start: Start) -> None:
    async with start(body_seconds=1.0) as service:
        for more in (b"Content-Length: 5000\r\n", b"Transfer-Encoding: chunked\r\n"):
            head = (
                b"POST /sign-in HTTP/1.1\r\nHost: h\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n" + more + b"\r\n"
            )
            async with wire(port_of(service)) as connection:
                rest = asyncio.create_task(connection.rest())
                await connection.say(head)
                while not rest.done():
                    await connection.say(b"1\r\na\r\n")
                    await asyncio.sleep(0.1)
                assert statuses(await rest) == [408]


async def test_what_is_answered_early_does_not_keep_the_rest_coming(start: Start) -> None:
    """A route that refuses without reading: the body after it buys little time."""
    async with start(head_seconds=1.0) as service:
        head = b"POST /nowhere HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        async with wire(port_of(service)) as connection:
            rest = asyncio.create_task(connection.rest())
            await connection.say(head)
            while not rest.done():
                await connection.say(b"1\r\na\r\n")
                await asyncio.sleep(0.1)
            assert len(statuses(await rest)) == 1


async def test_a_chunk_extension_without_end_is_a_body_that_does_not_come(start: Start) -> None:
    async with start(body_seconds=1.0) as service:
        head = b"POST /sign-in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;"
        async with wire(port_of(service)) as connection:
            rest = asyncio.create_task(connection.rest())
            await connection.say(head)
            while not rest.done():
                await connection.say(b"x" * 1000)
                await asyncio.sleep(0.05)
            assert set(statuses(await rest)) <= {400, 408, 422}


async def test_a_client_that_reads_nothing_is_dropped(start: Start) -> None:
    async with start(unread_seconds=1.0) as service:
        ask = b"GET /static/js/board.js HTTP/1.1\r\nHost: h\r\n\r\n"
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        raw.connect(("127.0.0.1", port_of(service)))
        raw.setblocking(False)
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            await ask_for_ever(raw, ask)
        assert time.monotonic() - began < 50
        raw.close()
        assert statuses(await exchange(port_of(service), GET)) == [200]


async def ask_for_ever(raw: socket.socket, ask: bytes) -> None:
    """Send the same request again and again, and read nothing."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60):
        while True:
            await loop.sock_sendall(raw, ask)
            await asyncio.sleep(0.05)


async def test_an_answer_that_is_read_slowly_but_surely_arrives(start: Start) -> None:
    async with start(unread_seconds=5.0) as service:
        asked = b"GET /static/js/board.js HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        async with wire(port_of(service)) as connection:
            await connection.say(asked)
            said = b""
            while piece := await connection.reader.read(512):
                said += piece
                await asyncio.sleep(0.01)
        assert statuses(said) == [200]


# Connections and live channels


async def test_a_process_has_only_so_many_connections(start: Start) -> None:
    async with start(max_connections=8) as service, AsyncExitStack() as stack:
        port = port_of(service)
        for _ in range(9):
            await stack.enter_async_context(wire(port))
        full = await exchange(port, GET)
        assert statuses(full) == [503]
        assert b"retry-after" in full.lower()
        await stack.aclose()

        async def has_room() -> bool:
            return statuses(await exchange(port, GET)) == [200]

        await until(has_room)


async def test_live_channels_are_counted_by_session_key_and_address(start: Start) -> None:
    limits = {"sockets_per_session": 2, "sockets_per_key": 3, "sockets_per_address": 6}
    async with start(**limits) as service, AsyncExitStack() as stack:
        url = f"{service.live}/randers"

        async def open_all(headers: dict[str, str], most: int) -> None:
            for _ in range(most):
                await stack.enter_async_context(connect(url, additional_headers=headers))
            await refused(headers)

        async def refused(headers: dict[str, str]) -> None:
            with pytest.raises(InvalidStatus) as full:
                await connect(url, additional_headers=headers)
            assert full.value.response.status_code == 429
            assert full.value.response.headers["Retry-After"]

        account = await account_for(service, "visitator", organisation=HOSPITAL)
        async with signed_in(service, account) as person:
            cookie = {"Cookie": f"{PLAIN}={person.client.cookies[PLAIN]}"}
            await open_all(cookie, 2)
            await open_all(board_key(service), 3)
            await open_all(board_key(service), 1)
            await stack.aclose()

            async def is_free() -> bool:
                try:
                    async with connect(url, additional_headers=cookie):
                        return True
                except InvalidStatus:
                    return False

            await until(is_free)


async def test_a_board_that_talks_without_end_is_dropped(start: Start) -> None:
    async with start() as service:
        headers = board_key(service)
        url = f"{service.live}/randers"
        async with connect(url, additional_headers=headers, ping_interval=None) as socket_:
            with pytest.raises(Exception, match=r"close|reset|frame|broken"):  # noqa: PT012
                for _ in range(2 * MAX_INCOMING // 100):
                    await socket_.send("x" * 100)
                    await asyncio.sleep(0)
                async with asyncio.timeout(30):
                    while True:
                        await socket_.recv()


# Rates


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


# The program that such attacks are made with


@pytest.mark.slowhttptest
@pytest.mark.parametrize(
    "mode",
    [
        ["-H", "-i", "1", "-u", "/sign-in"],
        ["-B", "-i", "1", "-s", "60000", "-t", "POST", "-u", "/sign-in"],
    ],
    ids=["headers", "body"],
)
async def test_slow_clients_do_not_keep_others_out(start: Start, mode: list[str]) -> None:
    """Twice as many slow connections as the process takes: it rids itself of them, and goes on."""
    bounds = {"head_seconds": 2.0, "body_seconds": 2.0, "unread_seconds": 2.0}
    async with start(max_connections=75, **bounds) as service:
        *options, path = mode
        command = ["slowhttptest", *options, f"{service.base}{path}"]
        command += ["-c", "150", "-r", "75", "-l", str(ATTACK_SECONDS), "-p", "3", "-v", "1"]
        began = time.monotonic()
        attack = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        ended = asyncio.create_task(attack.wait())
        served: list[float] = []
        while not ended.done():
            async with httpx.AsyncClient(timeout=30) as client:
                if await is_served(client, service.base) and not ended.done():
                    served.append(time.monotonic() - began)
            await asyncio.sleep(0.1)
        assert await ended == 0
        # It ends before its time where none of its connections is left.
        repelled = time.monotonic() - began < ATTACK_SECONDS - 3
        late = [at for at in served if at > ATTACK_SECONDS / 2]
        assert repelled or len(late) >= 3, served


async def is_served(client: httpx.AsyncClient, base: str) -> bool:
    """Whether somebody else is answered now."""
    try:
        return (await client.get(f"{base}/healthz")).status_code == 200
    except httpx.TransportError:
        return False
