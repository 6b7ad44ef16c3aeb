"""Somebody who is signed in: an account with a password, and a browser-like client of theirs."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from capacity.people import Account, NewAccount
from tests.support.service import Service
from web.auth import passwords

PASSWORD = "a sentence for the tests"


@dataclass(frozen=True, slots=True)
class Person:
    """A client with a session's cookie, and the token that its pages carry."""

    account: Account
    client: httpx.AsyncClient
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        """What a page's script sends with a changing request."""
        return {"X-CSRF-Token": self.csrf}


async def account_for(
    service: Service,
    role: str,
    *,
    login: str | None = None,
    organisation: str | None = None,
    clusters: tuple[str, ...] = (),
) -> Account:
    """Make an account that has chosen its password."""
    people = service.services.door.people
    login = login or f"{role.replace('_', '-')}-{len(await people.accounts())}"
    wanted = NewAccount(role=role, login=login, organisation=organisation, clusters=clusters)
    _, token = await people.create(wanted)
    account = await people.redeem_setup(token, await passwords.hashed(PASSWORD))
    assert account is not None
    service.services.access.anybody = True
    return account


@contextlib.asynccontextmanager
async def signed_in(
    service: Service, account: Account, password: str = PASSWORD
) -> AsyncIterator[Person]:
    """Sign in by the form, as a browser does."""
    async with httpx.AsyncClient(base_url=service.base, timeout=30) as client:
        form = await client.get("/sign-in")
        data = {"login": account.login or "", "password": password, "csrf": csrf_in(form.text)}
        answer = await client.post("/sign-in", data=data)
        assert answer.status_code == 303, answer.text
        form = await client.get("/sign-in")
        yield Person(account, client, csrf_in(form.text))


def csrf_in(page: str) -> str:
    """The token that a page's form carries."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found is not None, page
    return found[1]
