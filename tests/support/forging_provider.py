"""An identity provider that answers whatever a test wants, forged or not, over real HTTP."""

import asyncio
import base64
import contextlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT = "akutoverblik"
Forge = Callable[[str], str]
"""Makes an id token, given the nonce that was asked for."""


class ForgingProvider:
    """`issuer` is its address; `forge` makes its id tokens, `key` signs the honest ones."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = _key()
        self.stranger = _key()
        self.described: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }
        self.nonce = ""
        self.forge: Forge = self.honest
        self.raw: Response | None = None
        self.asked: list[dict[str, str]] = []

    def claims(self, nonce: str, /, **other: object) -> dict[str, Any]:
        """What an honest token says; `other` claims differ, those of ``None`` are left out."""
        now = int(time.time())
        said = {
            "iss": self.issuer, "sub": "somebody", "aud": CLIENT, "iat": now, "exp": now + 60,
            "nonce": nonce, "groups": ["visitator"],
        }  # fmt: skip
        return {name: value for name, value in (said | other).items() if value is not None}

    def signed(self, claims: dict[str, Any], *, key: RSAKey | None = None, **header: str) -> str:
        """A token signed by a private key."""
        head = {"alg": "RS256", "kid": str(self.key.kid)} | header
        return jwt.encode(head, claims, key or self.key, algorithms=["RS256"])

    def honest(self, nonce: str) -> str:
        """As it should be."""
        return self.signed(self.claims(nonce))

    def unsigned(self, nonce: str) -> str:
        """``alg: none``."""
        return f"{_part({'alg': 'none'})}.{_part(self.claims(nonce))}."

    def signed_with_the_public_key(self, nonce: str) -> str:
        """HS256, with what everybody knows as its secret."""
        text = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(self.claims(nonce))}"
        mac = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{_base64(mac)}"

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            self.asked.append({name: str(value) for name, value in form.items()})
        if self.raw is not None:
            return self.raw
        token = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60}
        return JSONResponse(token | {"id_token": self.forge(self.nonce)})

    async def _described(self, _request: Request) -> Response:
        return JSONResponse(self.described)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    @property
    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._described),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )


@contextlib.asynccontextmanager
async def forging_provider() -> AsyncIterator[ForgingProvider]:
    """Run one on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    provider = ForgingProvider(listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(provider.app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield provider
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
