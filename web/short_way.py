"""Brings plain pushes and boards to their routes past the framework's routing.

That costs a push more than judging a report and making it durable, and a board a fifth of letting
it in. What is unusual about a request is left to the framework's routes, which answer everything;
the layers around both are the same, so nothing is checked less.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from web.api_feeds import KEY_LENGTH, take_push
from web.api_live import LIVE, live_route
from web.errors import refused
from web.limits import FEEDS


class ShortWay:
    """Takes what is plain, and passes on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a push or a board, or pass on what is neither."""
        if scope.get("root_path"):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._push(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._board(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _push(self, scope: Scope, receive: Receive, send: Send) -> None:
        source = _last_of(scope["path"], FEEDS)
        if source is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        key = request.headers.get("Idempotency-Key")
        if key is not None and len(key) > KEY_LENGTH:
            await self._app(scope, receive, send)
            return
        try:
            response = await take_push(request, source, key)
        except HTTPException as error:
            response = await refused(request, error)
        await response(scope, receive, send)

    async def _board(self, scope: Scope, receive: Receive, send: Send) -> None:
        cluster = _last_of(scope["path"], LIVE)
        if cluster is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = {"cluster": cluster}
        await live_route.app(scope, receive, send)


def _last_of(path: str, prefix: str) -> str | None:
    """What follows the prefix, if that is one name."""
    name = path.removeprefix(prefix)
    return name if name and name != path and "/" not in name else None
