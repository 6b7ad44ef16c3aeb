"""Signing in at an identity provider: OpenID Connect, code flow with PKCE and nonce.

authlib speaks the protocol. What is ours: the state lies in our store, is bound to the browser by
a cookie, and is good once; only asymmetric signatures are taken; the role comes from the claims by
the rules of the settings, at every sign-in anew.
"""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import StarletteOAuth2App
from joserfc.errors import JoseError

from capacity.board.pending import Pending
from capacity.settings import Settings
from web.auth.claims import Granted, RoleRule, granted

log = logging.getLogger(__name__)

WAIT = timedelta(minutes=10)
"""How long somebody may take at the provider."""
PROVIDER_SECONDS = 8.0
CLOCK_SKEW = 60
"""Seconds by which the provider's clock may differ from ours."""
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"})
"""Signatures by a private key that only the provider has; never "none", never a shared secret."""
REFRESH_METADATA = 3600.0


class SignInError(Exception):
    """The provider's answer cannot be used; `word` says which sentence the page shows."""

    def __init__(self, word: str, why: str) -> None:
        self.word = word
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Asked:
    """Where to send the browser, and what binds its answer to it."""

    address: str
    binding: str


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the provider let in, what the rules make of them, and where they wanted to go."""

    issuer: str
    subject: str
    granted: Granted
    next: str


class Provider:
    """The identity provider of the settings."""

    def __init__(self, settings: Settings, pending: Pending) -> None:
        assert settings.oidc_issuer is not None
        assert settings.public_url is not None, "checked with the settings"
        self.name = settings.oidc_name
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._redirect = f"{settings.public_url.rstrip('/')}/sign-in/oidc/answer"
        self._home = f"{settings.public_url.rstrip('/')}/sign-in?out=1"
        self._rules: Sequence[RoleRule] = [
            RoleRule.model_validate(rule) for rule in settings.oidc_roles
        ]
        self._pending = pending
        self._settings = settings
        self._client: Any = None
        self._client_at = 0.0

    async def ask(self, next: str) -> Asked:
        """Begin: an address of the provider, good for one answer from this browser."""
        client = await self._ready()
        asked = await client.create_authorization_url(self._redirect)
        binding = secrets.token_urlsafe(32)
        waits = {
            "nonce": asked["nonce"],
            "code_verifier": asked["code_verifier"],
            "binding": binding,
            "next": next,
        }
        await self._pending.put(f"oidc:{asked['state']}", waits, WAIT)
        return Asked(asked["url"], binding)

    async def answer(self, code: str, state: str, binding: str) -> Told:
        """Finish: exchange the code, judge the token. `SignInError` for whatever does not fit."""
        waits = await self._pending.take(f"oidc:{state}")
        if waits is None or not hmac.compare_digest(waits["binding"], binding):
            raise SignInError("oidc_again", "unknown state, or another browser's")
        client = await self._ready()
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                token = await client.fetch_access_token(
                    redirect_uri=self._redirect, code=code, code_verifier=waits["code_verifier"]
                )
                claims = await client.parse_id_token(
                    token, nonce=waits["nonce"], claims_options=self._wanted(), leeway=CLOCK_SKEW
                )
        except (OAuthError, JoseError, ValueError) as error:
            raise SignInError("oidc_refused", f"{type(error).__name__}: {error}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise SignInError("oidc_away", f"{type(error).__name__}: {error}") from error
        if claims is None:
            raise SignInError("oidc_refused", "the provider gave no id token")
        found = granted(claims, self._rules)
        if found is None:
            raise SignInError("oidc_no_role", "no rule fits the claims")
        return Told(self._issuer, str(claims["sub"]), found, waits["next"])

    async def farewell(self) -> str | None:
        """Where to send the browser so that the provider forgets it too, if it offers that."""
        try:
            client = await self._ready()
        except SignInError as error:
            log.warning("the identity provider could not be told of a sign-out: %s", error)
            return None
        if not client.server_metadata.get("end_session_endpoint"):
            return None
        asked = await client.create_logout_url(
            post_logout_redirect_uri=self._home, client_id=self._settings.oidc_client_id
        )
        return str(asked["url"])

    def _wanted(self) -> dict[str, Any]:
        client_id = self._settings.oidc_client_id
        return {
            "iss": {"essential": True, "value": self._issuer_as_told()},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }

    def _issuer_as_told(self) -> str:
        issuer = str(self._client.server_metadata["issuer"])
        if issuer.rstrip("/") != self._issuer:
            raise SignInError("oidc_refused", "the provider calls itself by another name")
        return issuer

    async def _ready(self) -> Any:
        """The protocol's client with the provider's description, read anew every hour."""
        now = asyncio.get_running_loop().time()
        if self._client is None or now - self._client_at > REFRESH_METADATA:
            client: Any = StarletteOAuth2App(
                None,
                name="oidc",
                client_id=self._settings.oidc_client_id,
                client_secret=self._settings.oidc_client_secret,
                server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
                client_kwargs={
                    "scope": self._settings.oidc_scope,
                    "code_challenge_method": "S256",
                    "timeout": PROVIDER_SECONDS,
                },
            )
            try:
                async with asyncio.timeout(PROVIDER_SECONDS):
                    described = await client.load_server_metadata()
            except (httpx.HTTPError, TimeoutError, ValueError) as error:
                raise SignInError("oidc_away", f"{type(error).__name__}: {error}") from error
            offered = described.get("id_token_signing_alg_values_supported") or ["RS256"]
            described["id_token_signing_alg_values_supported"] = sorted(ALGORITHMS & set(offered))
            self._client, self._client_at = client, now
        return self._client
