"""Signing in at an identity provider: OpenID Connect, code flow with PKCE and nonce.

authlib speaks the protocol. What is ours: the state lies in our store, is bound to the browser by
a cookie, and is good once; only asymmetric signatures are taken; the role comes from the claims by
the rules of the settings, at every sign-in anew.
"""

import asyncio
import hmac
import logging
import secrets
import warnings
from collections.abc import Mapping
from typing import Any

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from joserfc.errors import BadSignatureError, JoseError
from pydantic import BaseModel, ValidationError, field_validator

from capacity.board.pending import Pending
from capacity.settings import Settings, is_confidential
from web.auth.claims import granted, rules_of
from web.auth.told import WAIT, Asked, SignInError, Told

# authlib would rather have httpx's successor, and says so when it is loaded; it works with either.
warnings.filterwarnings("ignore", "The httpx module is deprecated", AuthlibDeprecationWarning)

from authlib.integrations.base_client import OAuthError  # noqa: E402
from authlib.integrations.starlette_client import StarletteOAuth2App  # noqa: E402

log = logging.getLogger(__name__)

PROVIDER_SECONDS = 8.0
CLOCK_SKEW = 60
"""Seconds by which the provider's clock may differ from ours."""
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"})
"""Signatures by a private key that only the provider has; never "none", never a shared secret."""
REFRESH_METADATA = 3600.0
LONGEST_SUBJECT = 255
"""Characters of a subject (OpenID Connect Core 1.0, section 2)."""


class _Described(BaseModel):
    """What we need of a provider's description of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]

    @field_validator("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
    @classmethod
    def _is_confidential(cls, address: str | None) -> str | None:
        if address is not None and not is_confidential(address):
            raise ValueError("must be an address with TLS")
        return address


class Provider:
    """The identity provider of the settings; `ConfigError` when its rules cannot be used."""

    def __init__(self, settings: Settings, pending: Pending) -> None:
        assert settings.oidc_issuer is not None
        assert settings.public_url is not None, "checked with the settings"
        self.name = settings.oidc_name
        self.rules = rules_of(settings.oidc_roles)
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._redirect = f"{settings.public_url.rstrip('/')}/sign-in/oidc/answer"
        self._home = f"{settings.public_url.rstrip('/')}/sign-in?out=1"
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

    async def answer(self, code: str, state: str, binding: str, issuer: str = "") -> Told:
        """Finish: exchange the code, judge the token. `SignInError` for whatever does not fit.

        `issuer` is who says to have sent the browser back, if anybody does (RFC 9207).
        """
        waits = await self._pending.take(f"oidc:{state}")
        if waits is None or not hmac.compare_digest(waits["binding"].encode(), binding.encode()):
            raise SignInError("oidc_again", "unknown state, or another browser's")
        if issuer and issuer.rstrip("/") != self._issuer:
            raise SignInError("oidc_refused", "the answer names another provider")
        client = await self._ready()
        claims = await self._claims(client, code, waits)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise SignInError("oidc_refused", "the subject is no text of 1 to 255 characters")
        return Told(self._issuer, subject, granted(claims, self.rules), waits["next"])

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

    async def _claims(
        self, client: Any, code: str, waits: Mapping[str, Any]
    ) -> Mapping[str, object]:
        """What the id token says, once it has been judged."""
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                token = await client.fetch_access_token(
                    redirect_uri=self._redirect, code=code, code_verifier=waits["code_verifier"]
                )
                if not isinstance(token, Mapping) or not isinstance(token.get("id_token"), str):
                    raise SignInError("oidc_refused", "the provider gave no id token")
                return await self._judged(client, token, waits["nonce"])
        except (httpx.HTTPError, TimeoutError) as error:
            raise SignInError("oidc_away", _why(error)) from error
        # Whatever a provider may answer that is neither a refusal nor a token: no JSON, or JSON
        # of another shape. authlib looks into it before we can.
        except (OAuthError, JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise SignInError("oidc_refused", _why(error)) from error

    async def _judged(
        self, client: Any, token: Mapping[str, Any], nonce: str
    ) -> Mapping[str, object]:
        """The claims of a token that is the provider's, for us, fresh, and for this sign-in.

        Keys that we do not know are fetched by authlib. A provider that was given new keys under
        an old name shows as a signature that does not fit: the keys are fetched once more.
        """
        judge = {"nonce": nonce, "claims_options": self._wanted(client), "leeway": CLOCK_SKEW}
        try:
            claims = await client.parse_id_token(token, **judge)
        except BadSignatureError:
            await client.fetch_jwk_set(force=True)
            claims = await client.parse_id_token(token, **judge)
        found: Mapping[str, object] = claims
        return found

    def _wanted(self, client: Any) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": str(client.server_metadata["issuer"])},
            "aud": {"essential": True, "value": self._settings.oidc_client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }

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
            await self._describe(client)
            self._client, self._client_at = client, now
        return self._client

    async def _describe(self, client: Any) -> None:
        """Let the client read the provider's description, and hold it to what we take."""
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                described = await client.load_server_metadata()
            known = _Described.model_validate(described)
        except (httpx.HTTPError, TimeoutError) as error:
            raise SignInError("oidc_away", _why(error)) from error
        except (ValidationError, ValueError, TypeError) as error:
            raise SignInError("oidc_away", f"it cannot be read: {_why(error)}") from error
        if known.issuer.rstrip("/") != self._issuer:
            raise SignInError("oidc_refused", "the provider calls itself by another name")
        offered = ALGORITHMS & set(known.id_token_signing_alg_values_supported)
        if not offered:
            raise SignInError("oidc_refused", "the provider offers no signature that we take")
        described["id_token_signing_alg_values_supported"] = sorted(offered)


def _why(error: Exception) -> str:
    """For the log; never what was exchanged, which may open something."""
    return f"{type(error).__name__}: {error}"[:300]
