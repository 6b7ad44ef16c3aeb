"""Bounds at the edge: connections and live channels, and slow clients that keep nobody out."""

import asyncio
import subprocess
import time
from contextlib import AsyncExitStack

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.board_model import until
from tests.support.bounded import ATTACK_SECONDS, GET, HOSPITAL, Start, board_key, port_of
from tests.support.people import account_for, signed_in
from tests.support.raw import exchange, statuses, wire
from web.auth.cookies import PLAIN
from web.live.line import MAX_INCOMING

pytest_plugins = ["tests.support.bounded_fixtures"]


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
