"""Finds the session of each request before any route runs, so that routes decide without waiting.

Pure ASGI, for HTTP and WebSockets. With a cookie and the store away the answer is 503: nobody is
let in, or taken for somebody else, because we could not look. Tokens are exchanged every hour.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capacity.board import BoardUnavailableError
from capacity.board.sessions import Session, Sessions
from capacity.instants import Clock, epoch_millis
from web.auth import cookies

REMEMBER = timedelta(seconds=1)
"""How long a session that was found is taken to go on; far below the five seconds promised."""
REMEMBER_AT_MOST = 5_000
ROTATE_AFTER = timedelta(hours=1)
_OPEN = ("/static/", "/healthz", "/readyz")
"""What is the same for everybody and must not wait for the store."""


class SessionMiddleware:
    """Puts ``scope["state"]["session"]`` (a `Session` or ``None``) and its token there."""

    def __init__(self, app: ASGIApp, sessions: Sessions, clock: Clock) -> None:
        self._app = app
        self._sessions = sessions
        self._clock = clock
        self._known: OrderedDict[str, tuple[datetime, Session]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look, then pass on."""
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(_OPEN):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        state = scope.setdefault("state", {})
        token = cookies.token_of(request)
        state["session"], state["session_token"] = None, token
        if token is None:
            await self._app(scope, receive, send)
            return
        try:
            session = await self._find(token)
            fresh = await self._rotated(token, session) if scope["type"] == "http" else None
        except BoardUnavailableError:
            await _away(scope, receive, send)
            return
        state["session"] = session
        if fresh is None:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _giving(fresh, request, send))

    def forget(self, token: str | None) -> None:
        """Look anew at the next request: the session was ended here."""
        self._known.pop(token or "", None)

    async def _find(self, token: str) -> Session | None:
        now = self._clock()
        known = self._known.get(token)
        if known and timedelta() <= now - known[0] < REMEMBER:
            return known[1]
        session = await self._sessions.find(token)
        self._known.pop(token, None)
        if session is not None:
            self._known[token] = (now, session)
            while len(self._known) > REMEMBER_AT_MOST:
                self._known.popitem(last=False)
        return session

    async def _rotated(self, token: str, session: Session | None) -> str | None:
        if session is None:
            return None
        age = epoch_millis(self._clock()) - session.rotated_ms
        if age < ROTATE_AFTER.total_seconds() * 1000:
            return None
        self._known.pop(token, None)
        present = await self._sessions.find(token)  # what we remember may have ended meanwhile
        return await self._sessions.rotate(token, present) if present else None


def _giving(token: str, request: HTTPConnection, send: Send) -> Send:
    """Sends the answer with the new token in its cookie."""
    carrier = Response()
    cookies.keep(carrier, request, token)
    header = next(pair for pair in carrier.raw_headers if pair[0] == b"set-cookie")

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), header]
        await send(message)

    return send_with_cookie


async def _away(scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse(
        {"field": "store", "reason": "the store is away; try again"},
        status_code=503,
        headers={"Retry-After": "2"},
    )
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await send({"type": "websocket.close", "code": 1013})
        return
    await answer(scope, receive, send)
