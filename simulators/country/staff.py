"""The people of the country: an administrator who makes their accounts, and each one's browser."""

import asyncio
import re
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from simulators.people.board import LiveBoard

_FORM_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
_LINK = re.compile(r"/set-up/([A-Za-z0-9_\-]+)")
TRIES = 10


class StaffError(ValueError):
    """Somebody could not be let in; says at which step."""


@dataclass(slots=True)
class Person:
    """Somebody who is signed in; `client` keeps the session's cookie."""

    login: str
    client: httpx.AsyncClient
    address: str | None

    @property
    def cookie(self) -> str:
        """The session, as a WebSocket has to send it."""
        return "; ".join(f"{each.name}={each.value}" for each in self.client.cookies.jar)

    @asynccontextmanager
    async def open_board(self, target: str, cluster: str) -> AsyncIterator[LiveBoard]:
        """A page of the cluster's board that is kept up to date until the block ends."""
        board = LiveBoard()
        address = f"{target.replace('http', 'ws', 1)}/api/v1/live/{cluster}"
        local: dict[str, Any] = {"local_addr": (self.address, 0)} if self.address else {}
        headers = {"Cookie": self.cookie}
        async with connect(
            address, max_size=None, additional_headers=headers, compression=None, **local
        ) as socket:
            keeping = asyncio.create_task(_keep(board, socket))
            try:
                if not await board.until(lambda: bool(board.cursor), 20):
                    raise StaffError(f"{self.login} gets no board of {cluster}")
                yield board
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)


async def _keep(board: LiveBoard, socket: ClientConnection) -> None:
    async for text in socket:
        await board.take(orjson.loads(text))


def browser(target: str, address: str | None) -> httpx.AsyncClient:
    """A client with cookies of its own, from a network address of its own where it has one."""
    transport = httpx.AsyncHTTPTransport(verify=_trust(), local_address=address)
    return httpx.AsyncClient(base_url=target, timeout=30, transport=transport, trust_env=False)


@cache
def _trust() -> ssl.SSLContext:
    """Whom we believe over TLS; making it takes longer than all else about a client."""
    return ssl.create_default_context()


class Office:
    """An administrator at work."""

    def __init__(self, admin: Person, target: str) -> None:
        self._admin, self._target = admin, target
        self._token = ""

    @classmethod
    async def open(cls, target: str, invitation: str, address: str | None) -> "Office":
        """Take up an administrator's set-up link (good once)."""
        found = _LINK.search(urlsplit(invitation).path)
        if found is None:
            raise StaffError("this is no set-up link")
        office = cls(await _enter(target, "landets-administrator", found[1], address), target)
        page = await office._admin.client.get("/admin/accounts/new")
        office._token = _token_of(page, "the administrator's page")
        return office

    async def close(self) -> None:
        """Close the administrator's browser."""
        await self._admin.client.aclose()

    async def hire(self, login: str, role: str, organisation: str, address: str | None) -> Person:
        """Make an account for somebody, who takes it up at once."""
        form = {"csrf": self._token, "login": login, "role": role, "organisation": organisation}
        page = await _post(self._admin.client, "/admin/accounts", form)
        found = _LINK.search(page.text)
        if page.status_code != 200 or found is None:
            raise StaffError(f"no account for {login}: {page.status_code}")
        return await _enter(self._target, login, found[1], address)


async def _enter(target: str, login: str, token: str, address: str | None) -> Person:
    """Choose a password by the link, and sign in with it."""
    client = browser(target, address)
    try:
        page = await client.get(f"/set-up/{token}")
        csrf, password = _token_of(page, f"{login}'s set-up page"), secrets.token_urlsafe(18)
        chosen = {"csrf": csrf, "password": password, "repeat": password}
        await _post(client, f"/set-up/{token}", chosen)
        # Where the answer was 503 the link may be used up all the same; the sign-in tells.
        page = await client.get("/sign-in")
        form = {"csrf": _token_of(page, f"{login}'s sign-in"), "login": login, "password": password}
        page = await _post(client, "/sign-in", form)
        if page.status_code != 303:
            raise StaffError(f"{login} cannot sign in: {page.status_code}")
    except BaseException:
        await client.aclose()
        raise
    return Person(login, client, address)


async def _post(client: httpx.AsyncClient, path: str, form: dict[str, str]) -> httpx.Response:
    """A form, sent again for as long as the service says to come back later."""
    for _ in range(TRIES):
        page = await client.post(path, data=form)
        if page.status_code not in (429, 503):
            return page
        await asyncio.sleep(min(60.0, float(page.headers.get("Retry-After", "1"))))
    raise StaffError(f"{path} goes on answering {page.status_code}")


def _token_of(page: httpx.Response, what: str) -> str:
    found = _FORM_TOKEN.search(page.text)
    if page.status_code != 200 or found is None:
        raise StaffError(f"{what} answers {page.status_code} and has no form")
    return found[1]
