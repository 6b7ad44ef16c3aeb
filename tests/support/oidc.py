"""Signing in at an identity provider in tests: the service's settings, a browser's way there."""

from pathlib import Path

import httpx

from capacity.people import Account
from capacity.settings import Settings
from tests.support.identity_provider import CLIENT, SECRET, follow
from tests.support.service import Service, settings_for

HOSPITAL = "regionshospitalet-randers"
RULES: list[dict[str, object]] = [
    {"claim": "groups", "value": "visitator", "role": "visitator", "organisation": HOSPITAL},
    {
        "claim": "akut.role",
        "value": "nurse",
        "role": "municipal_staff",
        "organisation": "favrskov-kommune",
    },
    {"claim": "groups", "value": "lead", "role": "coordinator", "clusters": ["randers"]},
]
ANSWER = "/sign-in/oidc/answer"


def oidc_settings(folder: Path, store: str, issuer: str, port: int) -> Settings:
    """Settings of a service that listens on `port` and asks the provider at `issuer`."""
    return settings_for(
        folder,
        store,
        public_url=f"http://127.0.0.1:{port}",
        oidc_issuer=issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Regionens login",
        oidc_roles=RULES,
    )


def browser_of(service: Service) -> httpx.AsyncClient:
    """A browser that nobody has used yet."""
    return httpx.AsyncClient(base_url=service.base, timeout=30)


async def actions_of(service: Service) -> list[str]:
    """What stands on the audit trail, oldest first."""
    door = service.services.door
    await door.copier.copy()
    assert (await door.people.verify_audit()).fault is None
    return [entry.action for entry in reversed(await door.people.audit_entries())]


async def enter(service: Service, browser: httpx.AsyncClient, login: str) -> httpx.Response:
    """Sign in as a person does; the page at the end of it."""
    begun = await browser.get("/sign-in/oidc", params={"next": "/board/randers"})
    return await follow(browser, begun, as_login=login)


async def account_of(service: Service, subject: str) -> Account:
    """The account that a subject of the provider has."""
    people = service.services.door.people
    provider = service.services.door.provider
    assert provider is not None
    (found,) = [each for each in await people.accounts() if each.subject == subject]
    return found


async def is_refused(browser: httpx.AsyncClient) -> bool:
    """Whether the browser is signed in no more."""
    return (await browser.get("/api/v1/board/randers")).status_code == 401
