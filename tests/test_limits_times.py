"""Bounds at the edge: times, however a head or a body trickles, against raw sockets."""

import asyncio
import socket
import time

import pytest

from tests.support.bounded import GET, Start, port_of
from tests.support.raw import exchange, statuses, wire
from tests.support.stopwatch import stopwatch

pytest_plugins = ["tests.support.bounded_fixtures"]


async def test_a_head_has_a_time_however_it_trickles(start: Start) -> None:
    async with start(head_seconds=1.0) as service:
        port = port_of(service)
        for begun in (b"GET /", GET[:-2], GET[:-2] + b"X-Any: "):
            began = time.monotonic()
            with stopwatch() as watch:
                async with wire(port) as connection:
                    rest = asyncio.create_task(connection.rest())
                    await connection.say(begun)
                    while not rest.done():  # each byte is progress, and none of it buys time
                        await connection.say(b"X")
                        await asyncio.sleep(0.1)
                    assert statuses(await rest) == [408]
            assert time.monotonic() - began > 0.9
            assert watch.seconds < 10
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


async def test_a_head_that_began_behind_another_request_has_its_time_too(start: Start) -> None:
    whole = GET.replace(b"Connection: close\r\n", b"")
    async with start(head_seconds=1.0) as service, wire(port_of(service)) as connection:
        await connection.say(whole + b"GET /")
        with stopwatch() as watch:
            assert statuses(await connection.rest()) == [200, 408]
        assert watch.seconds < 4, "what an idle connection is given has not run out"


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
        with pytest.raises(ConnectionError):  # else it ends in a TimeoutError
            await ask_for_ever(raw, ask)
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
