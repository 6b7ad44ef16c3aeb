"""Bounds at the edge: sizes of heads, bodies and JSON, against raw sockets."""

import asyncio

import httpx
import pytest

from tests.support.bounded import GET, HOSPITAL, Start, port_of
from tests.support.live import SOURCE
from tests.support.people import account_for, signed_in
from tests.support.raw import exchange, statuses, wire
from web.http_protocol import MAX_HEAD, MAX_HEADERS

pytest_plugins = ["tests.support.bounded_fixtures"]


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
