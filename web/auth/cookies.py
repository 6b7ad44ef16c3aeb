"""The one cookie that says who is there, and what of a request tells where it came from."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

PLAIN = "akutoverblik"
SECURE = "__Host-akutoverblik"
"""Browsers keep a cookie of this prefix to this very host, and to TLS."""


def token_of(request: HTTPConnection) -> str | None:
    """The session token that the request carries."""
    if not any(name == b"cookie" for name, _ in request.scope["headers"]):
        return None  # as of every program, which need not wait for cookies to be read
    return request.cookies.get(SECURE if is_secure(request) else PLAIN)


def is_secure(request: HTTPConnection) -> bool:
    """Whether the visitor's side of the connection is TLS (a trusted proxy may say so)."""
    return request.scope.get("scheme", "http") in ("https", "wss")


def keep(response: Response, request: HTTPConnection, token: str) -> None:
    """Give the session's token to the browser: no script reads it, no other site sends it along
    with a changing request."""
    secure = is_secure(request)
    response.set_cookie(
        SECURE if secure else PLAIN, token, httponly=True, samesite="lax", secure=secure, path="/"
    )


def clear(response: Response, request: HTTPConnection) -> None:
    """Take the token back."""
    secure = is_secure(request)
    response.delete_cookie(
        SECURE if secure else PLAIN, httponly=True, samesite="lax", secure=secure, path="/"
    )


def address_of(request: HTTPConnection) -> str:
    """Where the request came from, for the audit trail and for limits.

    The server in front of us is believed only if the settings trust it (`web.commands.serve`).
    """
    return request.client.host if request.client else "unknown"


def agent_of(request: HTTPConnection) -> str:
    """What the browser calls itself, shortened, for a person's own list of sessions."""
    agent = request.headers.get("User-Agent", "")
    return "".join(c for c in agent if c.isprintable())[:200]
