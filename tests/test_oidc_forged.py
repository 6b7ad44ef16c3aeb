"""Signing in at an identity provider that forges its answers: only what is honest is believed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from capacity.board import Board, EmbeddedServer
from tests.support.demo_process import free_port
from tests.support.forging_provider import ForgingProvider, forging_provider
from tests.support.identity_provider import CLIENT
from tests.support.oidc import ANSWER, browser_of, oidc_settings
from tests.support.service import Service, running
from web.auth.cookies import PLAIN
from web.auth.oidc_routes import BINDING


@pytest.fixture
async def forger() -> AsyncIterator[ForgingProvider]:
    async with forging_provider() as provider:
        yield provider


@pytest.fixture
async def believer(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, forger: ForgingProvider
) -> AsyncIterator[Service]:
    """A service that asks the forging provider."""
    port = free_port()
    settings = oidc_settings(tmp_path, valkey_server.url, forger.issuer, port)
    async with running(settings, demo=False, port=port) as service:
        yield service


Come = Callable[[], Awaitable[httpx.Response]]


async def come_back(
    service: Service, forger: ForgingProvider, **extra: str
) -> tuple[httpx.Response, bool]:
    """Sign in up to what the provider answers; the page, and whether a session began."""
    async with browser_of(service) as browser:
        begun = await browser.get("/sign-in/oidc")
        asked = parse_qs(urlsplit(begun.headers["Location"]).query)
        forger.nonce = asked["nonce"][0]
        words = {"code": "c", "state": asked["state"][0]} | extra
        page = await browser.get(ANSWER, params=words)
        return page, PLAIN in browser.cookies


async def test_what_is_honest_is_believed(believer: Service, forger: ForgingProvider) -> None:
    """Or every refusal below would prove nothing."""
    page, entered = await come_back(believer, forger)
    assert (page.status_code, entered) == (303, True)
    assert forger.asked[0]["code_verifier"]
    assert (await come_back(believer, forger, iss=forger.issuer))[1]


NOW = time.time


def _claims(**other: object) -> Callable[[ForgingProvider], None]:
    def set_up(forger: ForgingProvider) -> None:
        forger.forge = lambda nonce: forger.signed(forger.claims(nonce, **other))

    return set_up


def _late(**seconds: int) -> Callable[[ForgingProvider], None]:
    """Claims that are instants, in seconds from now."""

    def set_up(forger: ForgingProvider) -> None:
        forger.forge = lambda nonce: forger.signed(
            forger.claims(nonce, **{name: int(NOW()) + off for name, off in seconds.items()})
        )

    return set_up


def _forge(make: Callable[[ForgingProvider, str], str]) -> Callable[[ForgingProvider], None]:
    def set_up(forger: ForgingProvider) -> None:
        forger.forge = lambda nonce: make(forger, nonce)

    return set_up


def _raw(answer: Callable[[], Response]) -> Callable[[ForgingProvider], None]:
    def set_up(forger: ForgingProvider) -> None:
        forger.raw = answer()

    return set_up


def _other_payload(forger: ForgingProvider, nonce: str) -> str:
    """An honest signature under words that were changed."""
    head, _, signature = forger.honest(nonce).split(".")
    payload = forger.signed(forger.claims(nonce, sub="the administrator")).split(".")[1]
    return f"{head}.{payload}.{signature}"


FORGERIES: dict[str, Callable[[ForgingProvider], None]] = {
    "alg none": _forge(ForgingProvider.unsigned),
    "HS256 with the public key": _forge(ForgingProvider.signed_with_the_public_key),
    "signed by a stranger": _forge(lambda f, n: f.signed(f.claims(n), key=f.stranger)),
    "an unknown key": _forge(
        lambda f, n: f.signed(f.claims(n), key=f.stranger, kid=str(f.stranger.kid))
    ),
    "changed words": _forge(_other_payload),
    "no signature": _forge(lambda f, n: f.honest(n).rpartition(".")[0] + "."),
    "wrong issuer": _claims(iss="https://evil.example"),
    "no issuer": _claims(iss=None),
    "wrong audience": _claims(aud="another-client"),
    "no audience": _claims(aud=None),
    "an audience of strangers": _claims(aud=["another-client", "a-third"]),
    "made for another party": _claims(aud=[CLIENT, "another-client"], azp="another-client"),
    "swapped nonce": _claims(nonce="another sign-in's"),
    "no nonce": _claims(nonce=None),
    "no subject": _claims(sub=None),
    "an empty subject": _claims(sub=""),
    "a subject that is no text": _claims(sub={"admin": True}),
    "an endless subject": _claims(sub="x" * 256),
    "no expiry": _claims(exp=None),
    "expired": _late(exp=-61, iat=-600),
    "not yet": _late(nbf=+120),
    "issued in the future": _late(iat=+120, exp=+300),
    "an access token of another sign-in": _claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no token at all": _raw(lambda: JSONResponse({"access_token": "a", "token_type": "Bearer"})),
    "a number": _raw(lambda: JSONResponse({"id_token": 7, "access_token": "a"})),
    "a list": _raw(lambda: JSONResponse([1, 2])),
    "null": _raw(lambda: JSONResponse(None)),
    "no JSON": _raw(lambda: PlainTextResponse("<html>")),
    "a refusal": _raw(lambda: JSONResponse({"error": "invalid_grant"}, status_code=400)),
    "three dots": _forge(lambda _f, _n: "..."),
    "nothing": _forge(lambda _f, _n: ""),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_is_forged_is_not_believed(
    believer: Service, forger: ForgingProvider, forgery: str
) -> None:
    FORGERIES[forgery](forger)
    page, entered = await come_back(believer, forger)
    assert (page.status_code, entered) == (401, False), page.text
    assert "gav ikke et gyldigt svar" in page.text
    assert await believer.services.door.people.accounts() == []


@pytest.mark.parametrize("skew", [{"exp": -50}, {"iat": +50}, {"nbf": +50}])
async def test_a_clock_that_is_a_little_off_does_no_harm(
    believer: Service, forger: ForgingProvider, skew: dict[str, int]
) -> None:
    _late(**skew)(forger)
    assert (await come_back(believer, forger))[1]


async def test_an_answer_that_names_another_provider_is_refused(
    believer: Service, forger: ForgingProvider
) -> None:
    page, entered = await come_back(believer, forger, iss="https://evil.example")
    assert (page.status_code, entered) == (401, False)
    assert forger.asked == [], "the code went nowhere"


@pytest.mark.parametrize(
    ("said", "words"),
    [("access_denied", "Login blev afbrudt"), ("<script>", "gav ikke et gyldigt svar")],
)
async def test_what_the_provider_refuses_is_told_in_our_words(
    believer: Service, forger: ForgingProvider, said: str, words: str
) -> None:
    page, entered = await come_back(believer, forger, error=said)
    assert (page.status_code, entered) == (401, False)
    assert words in page.text
    assert said not in page.text


@pytest.mark.parametrize("binding", ["", "x", "\u00e6\u00f8\u00e5"])
async def test_a_made_up_binding_opens_nothing(
    believer: Service, forger: ForgingProvider, binding: str
) -> None:
    async with browser_of(believer) as browser, browser_of(believer) as thief:
        begun = await browser.get("/sign-in/oidc")
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        cookie = {b"Cookie": f"{BINDING}={binding}".encode("latin-1")}
        page = await thief.get(ANSWER, params={"code": "c", "state": state}, headers=cookie)
        assert page.status_code == 401
    assert forger.asked == []


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"issuer": "https://evil.example"}, 503, "gav ikke et gyldigt svar"),
        ({"token_endpoint": "http://evil.example/token"}, 503, "svarer ikke"),
        ({"jwks_uri": "http://evil.example/keys"}, 503, "svarer ikke"),
        ({"authorization_endpoint": "javascript:alert(1)"}, 503, "svarer ikke"),
        ({"issuer": None}, 503, "svarer ikke"),
        (
            {"id_token_signing_alg_values_supported": ["none", "HS256"]},
            503,
            "gav ikke et gyldigt svar",
        ),
    ],
)
async def test_a_description_that_leads_elsewhere_is_refused(
    believer: Service,
    forger: ForgingProvider,
    change: dict[str, object],
    status: int,
    words: str,
) -> None:
    forger.described |= change
    page = await believer.client.get("/sign-in/oidc")
    assert page.status_code == status
    assert words in page.text


async def test_where_to_go_on_stays_on_this_site(
    believer: Service, forger: ForgingProvider
) -> None:
    for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"):
        async with browser_of(believer) as browser:
            begun = await browser.get("/sign-in/oidc", params={"next": wanted})
            asked = parse_qs(urlsplit(begun.headers["Location"]).query)
            forger.nonce = asked["nonce"][0]
            page = await browser.get(ANSWER, params={"code": "c", "state": asked["state"][0]})
            assert page.headers["Location"] == "/"


async def test_two_browsers_of_one_new_person_make_one_account(
    believer: Service, forger: ForgingProvider
) -> None:
    async def enter() -> int:
        async with browser_of(believer) as browser:
            begun = await browser.get("/sign-in/oidc")
            asked = parse_qs(urlsplit(begun.headers["Location"]).query)
            nonce = asked["nonce"][0]
            code = {"code": nonce, "state": asked["state"][0]}
            return (await browser.get(ANSWER, params=code)).status_code

    # The nonce comes back as the code, so that sign-ins at the same time keep apart.
    forger.forge = lambda _: forger.honest(forger.asked[-1]["code"])
    assert await asyncio.gather(*(enter() for _ in range(6))) == [303] * 6
    assert len(await believer.services.door.people.accounts()) == 1
