"""What one request, and one visitor, may ask of us at the edge.

`RequestBounds` holds a single request to its form and its body to a size. `VisitorLimits` counts:
requests a minute by address, key and account (in Redis/Valkey, for all processes together), and
open live channels in this process. What arrives how slowly is `web.http_protocol`'s business.

While the store is away nothing can be counted. Reading goes on then: a board that shows its last
figures and says so is worth more than a limit. Signing in does not, for guessing passwords must
not be free because something else broke; it counts its tries itself (`web.auth.routes`).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capacity.board import BoardUnavailableError
from capacity.board.rates import Rates
from capacity.model import Reject
from capacity.settings import Settings
from feeds.intake import Receipt
from web.access import Access, has_bearer, session_of
from web.auth.cookies import address_of
from web.errors import message_page
from web.live.connections import when_over

FEEDS = "/api/v1/feeds/"
"""Documents of feeds have a limit of their own, and a route that reads a too large one to its end
so that its sender hears of it."""
_UNCOUNTED = ("/static/", "/healthz", "/readyz")
"""What is the same for everybody, and must answer whoever watches us."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(rb"[A-Za-z0-9._\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_ONCE = frozenset({b"host", b"authorization", b"origin", b"content-type", b"x-csrf-token"})
"""Headers of which a second one could be read by a proxy, and the first one by us."""
STORE_PAUSE = 2.0
"""Seconds for which a store that was away is not asked again."""

EDGE_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "The request is malformed."},
    413: {"description": "The body is too large."},
    429: {"description": "Too many requests; come back after `Retry-After` seconds."},
}
"""Answers that any route may give, for the API's description."""


class RequestBounds:
    """Refuses malformed requests, and bodies over `max_body` bytes."""

    def __init__(self, app: ASGIApp, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is well-formed, its body measured as it is read."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        fault = _fault_of(scope)
        if fault is not None:
            await _read_off(scope, receive, self._max_body)
            await _refusal(400, "request", fault)(scope, receive, send)
        elif scope["type"] == "websocket" or scope["path"].startswith(FEEDS):
            await self._app(scope, receive, send)
        elif _announced(scope) > self._max_body:
            reason = f"is over {self._max_body} bytes"
            await _refusal(413, "body", reason)(scope, receive, send)
        else:
            await self._app(scope, _measured(receive, self._max_body), send)


class VisitorLimits:
    """Counts requests and open live channels, and refuses those beyond the settings' limits."""

    def __init__(self, app: ASGIApp, rates: Rates, access: Access, settings: Settings) -> None:
        self._app = app
        self._rates = rates
        self._access = access
        self._settings = settings
        self._open: Counter[str] = Counter()
        self._ask_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, then pass on or refuse."""
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(_UNCOUNTED):
            await self._app(scope, receive, send)
            return
        visitor = _visitor(HTTPConnection(scope), self._access)
        wait = await self._must_wait(visitor)
        if wait:
            await _too_many(scope, wait)(scope, receive, send)
        elif scope["type"] == "http":
            await self._app(scope, receive, send)
        else:
            await self._let_in(visitor, scope, receive, send)

    async def _must_wait(self, visitor: "Visitor") -> int:
        """Seconds until this visitor may ask again; 0 for now."""
        now = asyncio.get_running_loop().time()
        if now < self._ask_at:
            return 0
        try:
            for what, who, per_minute in self._rates_of(visitor):
                verdict = await self._rates.hit(what, who, per_minute)
                if not verdict.allowed:
                    return verdict.retry_after
        except BoardUnavailableError:
            self._ask_at = now + STORE_PAUSE
        return 0

    def _rates_of(self, visitor: "Visitor") -> Iterator[tuple[str, str, int]]:
        """The limits that the visitor's request counts against: kind, name, requests a minute."""
        settings = self._settings
        if visitor.key is not None:
            if settings.rate_key:
                yield "key", visitor.key, settings.rate_key
            return
        if settings.rate_address:
            yield "address", visitor.address, settings.rate_address
        if visitor.account is not None and visitor.changing and settings.rate_account:
            yield "account", visitor.account, settings.rate_account

    async def _let_in(self, visitor: "Visitor", scope: Scope, receive: Receive, send: Send) -> None:
        """Count a live channel for as long as it is open, if there is room for it."""
        wanted = self._counts_of(visitor)
        if any(self._open[name] >= most for name, most in wanted.items()):
            await _too_many(scope, 60)(scope, receive, send)
            return
        names = tuple(wanted)
        self._open.update(names)
        try:
            await self._app(scope, receive, send)
        finally:
            when_over(scope, partial(self._release, names))

    def _counts_of(self, visitor: "Visitor") -> dict[str, int]:
        """What a visitor's live channel counts for, and how many of each may be open."""
        settings = self._settings
        wanted = {f"address:{visitor.address}": settings.sockets_per_address}
        if visitor.key is not None:
            wanted[f"key:{visitor.key}"] = settings.sockets_per_key
        if visitor.session is not None:
            wanted[f"session:{visitor.session}"] = settings.sockets_per_session
        return wanted

    def _release(self, names: tuple[str, ...]) -> None:
        self._open.subtract(names)
        for name in names:
            if not self._open[name]:
                del self._open[name]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom a request is counted for."""

    address: str
    key: str | None
    session: str | None
    account: str | None
    changing: bool


def _visitor(request: HTTPConnection, access: Access) -> Visitor:
    """A key that nobody knows counts for its address, as guessing does."""
    actor = access.actor(request) if has_bearer(request) else None
    session = session_of(request)
    return Visitor(
        address=_network_of(address_of(request)),
        key=actor.account if actor else None,
        session=session.id if session else None,
        account=session.account if session else None,
        changing=request.scope.get("method", "GET") not in _SAFE_METHODS,
    )


@lru_cache(maxsize=4096)
def _network_of(text: str) -> str:
    """The address; of IPv6 its /64, which is what one household or firm is given."""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return text


def _fault_of(scope: Scope) -> str | None:
    """What makes a request malformed, if anything does."""
    once: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _ONCE:
            if name in once:
                return f"has more than one {name.decode()}"
            once[name] = value
    host = once.get(b"host")
    if host is None and scope["http_version"] != "1.0":
        return "has no host"
    if host is not None and _HOST.fullmatch(host) is None:
        return "has a host that is no name"
    # A live channel's one query word is a place in a stream, and any text that is none is harmless.
    null = scope["type"] == "http" and b"%00" in scope["query_string"]
    if null or not scope["path"].isprintable():
        return "has control characters in its address"
    return None


def _announced(scope: Scope) -> int:
    text = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(text) if text.isdigit() else 0


def _measured(receive: Receive, limit: int) -> Receive:
    """Reads a body up to its limit; the route's reading then ends with an answer of 413."""
    read = 0

    async def measured() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            close = {"Connection": "close"}
            raise HTTPException(413, f"The body is over {limit} bytes.", headers=close)
        return message

    return measured


async def _read_off(scope: Scope, receive: Receive, limit: int) -> None:
    """Take a refused request's body, within the limit: who closes on bytes that nobody has read
    resets the connection, and the answer may be lost with it."""
    read, more = 0, scope["type"] == "http"
    while more and read <= limit:
        message = await receive()
        read += len(message.get("body", b""))
        more = message.get("more_body", False)


def _refusal(status: int, field: str, reason: str) -> Response:
    """The connection ends with it: what else it may carry was never read."""
    body = {"field": field, "reason": reason}
    return JSONResponse(body, status_code=status, headers={"Connection": "close"})


def _too_many(scope: Scope, wait: int) -> ASGIApp:
    headers = {"Retry-After": str(wait)}
    reason = f"too many requests; come back in {wait} seconds"
    if scope["path"].startswith(FEEDS):
        receipt = Receipt(rejected=[Reject("request", "rate", reason)])
        return JSONResponse(receipt.as_json(), status_code=429, headers=headers)
    if scope["type"] == "http" and not scope["path"].startswith("/api/"):
        page = message_page(Request(scope), 429)
        page.headers.update(headers)
        return page
    return JSONResponse({"field": "rate", "reason": reason}, status_code=429, headers=headers)
