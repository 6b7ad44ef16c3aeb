"""Signing in at a certified identity provider: who gets in, as what, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.board_model import until
from tests.support.demo_process import free_port
from tests.support.identity_provider import IdentityProvider, follow
from tests.support.oidc import (
    ANSWER,
    HOSPITAL,
    account_of,
    actions_of,
    browser_of,
    enter,
    is_refused,
    oidc_settings,
)
from tests.support.people import PASSWORD, account_for, csrf_in
from tests.support.service import Service, running
from web.auth.cookies import PLAIN
from web.auth.oidc_routes import BINDING

needs_node = pytest.mark.node


# The certified provider


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[tuple[IdentityProvider, int]]:
    """The provider, and the port of the service that it knows as its client."""
    port = free_port()
    provider = IdentityProvider(tmp_path, f"http://127.0.0.1:{port}")
    provider.knows("anne", groups=["visitator"])
    await asyncio.to_thread(provider.start)
    yield provider, port
    provider.stop()


@pytest.fixture
async def service(
    board: Board,
    valkey_server: EmbeddedServer,
    tmp_path: Path,
    provider: tuple[IdentityProvider, int],
) -> AsyncIterator[Service]:
    settings = oidc_settings(tmp_path / "data", valkey_server.url, provider[0].issuer, provider[1])
    async with running(settings, demo=False, port=provider[1]) as service:
        yield service


@needs_node
async def test_somebody_signs_in_with_the_role_that_their_claims_give(
    service: Service, provider: tuple[IdentityProvider, int]
) -> None:
    provider[0].knows("bo", akut={"role": ["nurse"]})
    async with browser_of(service) as anne, browser_of(service) as bo:
        assert "Regionens login" in (await anne.get("/sign-in")).text
        page = await enter(service, anne, "anne")
        assert (page.status_code, page.url.path) == (200, "/board/randers")
        assert (await anne.get("/api/v1/board/horsens")).status_code in (403, 404)
        assert BINDING not in anne.cookies
        await enter(service, bo, "bo")
        assert (await bo.get("/unit/favrskov-akutteam")).status_code == 200
        assert (await bo.get("/unit/randers-akutteam")).status_code == 403
    made = await account_of(service, "anne")
    assert (made.role, made.organisation, made.login) == ("visitator", HOSPITAL, None)
    assert (await account_of(service, "bo")).role == "municipal_staff"
    assert await actions_of(service) == ["account-new", "sign-in"] * 2


@needs_node
async def test_what_is_asked_has_a_challenge_a_nonce_and_a_bound_state(service: Service) -> None:
    async with browser_of(service) as browser:
        first, second = [await browser.get("/sign-in/oidc") for _ in range(2)]
        asked = parse_qs(urlsplit(first.headers["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["response_type"] == ["code"]
        others = parse_qs(urlsplit(second.headers["Location"]).query)
        for name in ("code_challenge", "nonce", "state"):
            assert len(asked[name][0]) >= 20
            assert asked[name] != others[name], "made anew each time"
        cookie = first.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/sign-in/oidc" in cookie


@needs_node
async def test_a_role_that_changed_ends_what_was_open_with_the_old_one(
    service: Service, provider: tuple[IdentityProvider, int]
) -> None:
    async with browser_of(service) as before, browser_of(service) as after:
        await enter(service, before, "anne")
        assert (await before.get("/api/v1/board/randers")).status_code == 200
        provider[0].knows("anne", groups=["lead"])
        await enter(service, after, "anne")
        assert (await account_of(service, "anne")).role == "coordinator"
        assert (await after.get("/api/v1/board/randers")).status_code == 200
        await until(lambda: is_refused(before))

        provider[0].knows("anne", groups=[])
        async with browser_of(service) as third:
            page = await enter(service, third, "anne")
            assert page.status_code == 401
            assert "har ingen rolle her" in page.text
            assert PLAIN not in third.cookies
        await until(lambda: is_refused(after))
    assert "account-change" in await actions_of(service)


@needs_node
async def test_who_no_rule_fits_and_who_is_disabled_stay_outside(
    service: Service, provider: tuple[IdentityProvider, int]
) -> None:
    provider[0].knows("carl", groups=["visitators", "Visitator"], role="administrator")
    async with browser_of(service) as browser:
        page = await enter(service, browser, "carl")
        assert page.status_code == 401
        assert "Du er logget ind, men har ingen rolle her" in page.text
        assert (await browser.get("/api/v1/board/randers")).status_code == 401
    assert await service.services.door.people.accounts() == []
    async with browser_of(service) as browser:
        await enter(service, browser, "anne")
    account = await account_of(service, "anne")
    await service.services.door.people.change(account.id, disabled_at=utc_now())
    async with browser_of(service) as browser:
        assert (await enter(service, browser, "anne")).status_code == 401
        assert PLAIN not in browser.cookies
    assert (await actions_of(service)).count("sign-in-failed") == 2


@needs_node
async def test_signing_out_here_signs_out_there(service: Service) -> None:
    async with browser_of(service) as browser:
        await enter(service, browser, "anne")
        csrf = csrf_in((await browser.get("/sign-in")).text)
        page = await browser.post("/sign-out", data={"csrf": csrf})
        assert page.status_code == 200, "a form's redirect to another site would be blocked"
        assert "sendes videre" in page.text
        seconds, _, away = page.headers["Refresh"].partition("; url=")
        assert seconds == "0"
        assert (await browser.get("/api/v1/board/randers")).status_code == 401
        back = await follow(browser, await browser.get(away))
        assert back.url.path == "/sign-in"
        assert "Du er logget ud" in back.text
        # The provider knows her no more: it asks who she is again.
        begun = await browser.get("/sign-in/oidc")
        asks = await browser.get(begun.headers["Location"], follow_redirects=True)
        assert 'name="login"' in asks.text


@needs_node
async def test_new_keys_of_the_provider_are_found_under_new_and_old_names(
    service: Service, provider: tuple[IdentityProvider, int]
) -> None:
    for kid in ("first", "second", "second"):
        await asyncio.to_thread(provider[0].stop)
        await asyncio.to_thread(provider[0].start, kid)
        async with browser_of(service) as browser:
            page = await enter(service, browser, "anne")
            assert page.url.path == "/board/randers", page.text


@needs_node
async def test_without_the_provider_local_accounts_go_on(
    service: Service, provider: tuple[IdentityProvider, int]
) -> None:
    async with browser_of(service) as browser:
        begun = await browser.get("/sign-in/oidc")
        back = await follow(browser, begun, as_login="anne", until_at=ANSWER)
        await asyncio.to_thread(provider[0].stop)
        page = await browser.get(back.headers["Location"])
        assert page.status_code == 503
        assert "Login-tjenesten svarer ikke" in page.text
        assert PLAIN not in browser.cookies
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with browser_of(service) as browser:
        csrf = csrf_in((await browser.get("/sign-in")).text)
        form = {"login": account.login or "", "password": PASSWORD, "csrf": csrf}
        assert (await browser.post("/sign-in", data=form)).status_code == 303
        assert (await browser.get("/api/v1/board/randers")).status_code == 200


@needs_node
async def test_an_answer_is_good_once_and_in_the_browser_that_asked(service: Service) -> None:
    async with browser_of(service) as browser, browser_of(service) as other:
        begun = await browser.get("/sign-in/oidc")
        back = await follow(browser, begun, as_login="anne", until_at=ANSWER)
        address = back.headers["Location"]
        for thief in (other, browser):
            page = await thief.get(address)
            # The thief's try uses the answer up: nobody gets in by it any more.
            assert page.status_code == 401
            assert "Login blev afbrudt" in page.text
            assert PLAIN not in thief.cookies
        begun = await browser.get("/sign-in/oidc")
        back = await follow(browser, begun, as_login="anne", until_at=ANSWER)
        assert (await browser.get(back.headers["Location"])).status_code == 303
        assert (await browser.get(back.headers["Location"])).status_code == 401, "replayed"


@needs_node
async def test_a_code_of_another_sign_in_is_worth_nothing(service: Service) -> None:
    """Code injection: the thief's browser asks, and is given the code that was the victim's."""
    async with browser_of(service) as victim, browser_of(service) as thief:
        begun = await victim.get("/sign-in/oidc")
        stolen = await follow(victim, begun, as_login="anne", until_at=ANSWER)
        code = parse_qs(urlsplit(stolen.headers["Location"]).query)["code"][0]
        asked = await thief.get("/sign-in/oidc")
        state = parse_qs(urlsplit(asked.headers["Location"]).query)["state"][0]
        page = await thief.get(ANSWER, params={"code": code, "state": state})
        assert page.status_code == 401
        assert "gav ikke et gyldigt svar" in page.text
        assert PLAIN not in thief.cookies
