"""Signing in at an identity provider: a certified one, and one that forges what it answers."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from capacity.board import Board, EmbeddedServer
from capacity.config_file import ConfigError
from capacity.instants import utc_now
from capacity.people import Account
from capacity.settings import Settings
from tests.support.board_model import until
from tests.support.demo_process import free_port
from tests.support.forging_provider import ForgingProvider, forging_provider
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider, follow
from tests.support.people import PASSWORD, account_for, csrf_in
from tests.support.service import Service, running, settings_for
from web.auth.claims import RoleRule, check_rules, granted, rules_of
from web.auth.cookies import PLAIN
from web.auth.oidc_routes import BINDING
from web.roles import Role

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
needs_node = pytest.mark.node
ANSWER = "/sign-in/oidc/answer"


def oidc_settings(folder: Path, store: str, issuer: str, port: int) -> Settings:
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


async def enter(service: Service, browser: httpx.AsyncClient, login: str) -> httpx.Response:
    """Sign in as a person does; the page at the end of it."""
    begun = await browser.get("/sign-in/oidc", params={"next": "/board/randers"})
    return await follow(browser, begun, as_login=login)


async def account_of(service: Service, subject: str) -> Account:
    people = service.services.door.people
    provider = service.services.door.provider
    assert provider is not None
    (found,) = [each for each in await people.accounts() if each.subject == subject]
    return found


async def actions_of(service: Service) -> list[str]:
    """What stands on the audit trail, oldest first."""
    door = service.services.door
    await door.copier.copy()
    assert (await door.people.verify_audit()).fault is None
    return [entry.action for entry in reversed(await door.people.audit_entries())]


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


async def is_refused(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/api/v1/board/randers")).status_code == 401


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


# The one that forges


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


# Settings and rules


def _with(**more: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "public_url": "https://akut.example.dk",
        "oidc_issuer": "https://login.example.dk",
        "oidc_client_id": "akut",
        "oidc_roles": RULES,
    }
    return whole | more


def test_whole_settings_are_taken() -> None:
    assert Settings.model_validate(_with()).oidc_issuer == "https://login.example.dk"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"public_url": None}, "AKUTOVERBLIK_PUBLIC_URL"),
        ({"oidc_client_id": ""}, "AKUTOVERBLIK_OIDC_CLIENT_ID"),
        ({"oidc_roles": []}, "AKUTOVERBLIK_OIDC_ROLES"),
        ({"oidc_issuer": None}, "AKUTOVERBLIK_OIDC_ISSUER"),
        ({"oidc_issuer": "http://login.example.dk"}, "must begin with https://"),
        ({"public_url": "http://akut.example.dk"}, "must begin with https://"),
        ({"oidc_scope": "profile"}, "openid"),
    ],
)
def test_half_settings_are_refused_together(change: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Settings.model_validate(_with(**change))


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"OIDC_ISSUER": "https://login.example.dk"}, "needs AKUTOVERBLIK_PUBLIC_URL, "),
        (
            {
                "OIDC_ISSUER": "https://login.example.dk",
                "OIDC_CLIENT_ID": "akut",
                "PUBLIC_URL": "https://akut.example.dk",
                "OIDC_ROLES": '[{"claim": "groups", "value": "x", "role": "king"}]',
            },
            "AKUTOVERBLIK_OIDC_ROLES: rule[0].role: ",
        ),
    ],
)
def test_serve_says_what_is_missing_before_it_starts(
    tmp_path: Path, environment: dict[str, str], word: str
) -> None:
    named = {f"AKUTOVERBLIK_{name}": value for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", "serve"],
        env=os.environ | {"AKUTOVERBLIK_DATA": str(tmp_path / "d")} | named,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_rule_that_fits_decides() -> None:
    rules = rules_of(RULES)
    assert granted({"groups": ["lead", "visitator"]}, rules) == granted(
        {"groups": "visitator"}, rules
    )
    found = granted({"akut": {"role": "nurse"}}, rules)
    assert found is not None
    assert (found.role, found.organisation) == (Role.MUNICIPAL_STAFF, "favrskov-kommune")
    dotted = granted({"akut.role": ["nurse"]}, rules)
    assert dotted == found


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"groups": []},
        {"groups": "visitators"},
        {"groups": ["VISITATOR"]},
        {"groups": {"visitator": True}},
        {"groups": [["visitator"]]},
        {"groups": None},
        {"groups": 1},
        {"akut": "nurse"},
        {"akut": {"role": {"nurse": 1}}},
        {"akut": ["role", "nurse"]},
    ],
)
def test_what_is_not_quite_a_rules_value_grants_nothing(claims: dict[str, object]) -> None:
    assert granted(claims, rules_of(RULES)) is None


@pytest.mark.parametrize(
    "rule",
    [
        {"claim": "", "value": "x", "role": "operator"},
        {"claim": "groups", "value": "", "role": "operator"},
        {"claim": "groups", "value": "x", "role": "wall"},
        {"claim": "groups", "value": "x", "role": "integrator"},
        {"claim": "groups", "value": "x", "role": "operator", "admin": True},
        {"claim": "groups", "value": "x"},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"AKUTOVERBLIK_OIDC_ROLES: rule\[0\]"):
        rules_of([rule])


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"role": "visitator"}, "organisation: is missing"),
        ({"role": "visitator", "organisation": "nowhere"}, "'nowhere' is not in"),
        ({"role": "coordinator", "clusters": ("atlantis",)}, "'atlantis' is not in"),
        ({"role": "coordinator"}, "clusters: is missing"),
    ],
)
def test_rules_must_fit_the_catalogue(rule: dict[str, object], word: str) -> None:
    from capacity.catalogue import builtin_catalogue

    made = RoleRule.model_validate({"claim": "groups", "value": "x", **rule})
    with pytest.raises(ConfigError, match=word):
        check_rules([made], builtin_catalogue())
