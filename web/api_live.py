"""The live channel: a WebSocket per open board.

A plain route without the framework's resolving of arguments, for thousands of boards may come
back at once. Once a board is accepted its connection goes on by itself (`web.live.line`): this
call ends, and what it kept in hand is given back when the board has gone.
"""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from capacity.board import Cursor
from capacity.board.sessions import Session
from web.access import Refused, bearer_of, is_same_origin
from web.auth.watch import Watched, token_of
from web.live.connections import connection_of
from web.roles import Permission, Scope, allows
from web.services import Services

LIVE = "/api/v1/live/"


async def live(socket: WebSocket) -> None:
    """Send the board, or what changed since a cursor, then every change as it happens."""
    services: Services = socket.app.state.services
    cluster: str = socket.path_params["cluster"]
    refusal = _refusal(socket, services, cluster)
    if refusal is not None:
        await socket.send_denial_response(refusal)
        return
    since = socket.query_params.get("since")
    watched_token, still_allowed = token_of(socket), _judge(socket, services, cluster)
    await socket.accept()
    connection = connection_of(socket)
    member = services.hub.join(cluster, connection, Cursor.parse(since) if since else None)
    watched = Watched(connection.goodbye, watched_token, still_allowed)
    services.door.watch.add(watched)

    def leave() -> None:
        services.door.watch.remove(watched)
        services.hub.leave(cluster, member)

    await connection.see_out(leave)


live_route = WebSocketRoute(LIVE + "{cluster}", live)
router = APIRouter(routes=[live_route])


def _refusal(socket: WebSocket, services: Services, cluster: str) -> PlainTextResponse | None:
    if not is_same_origin(socket):
        return PlainTextResponse("The page's origin may not open this channel.", 403)
    try:
        services.access.may_read(socket, cluster)
    except Refused as refused:
        return PlainTextResponse(str(refused.detail), refused.status_code)
    if not services.hub.knows(cluster):
        return PlainTextResponse("No such cluster.", 404)
    if not services.hub.can_serve(cluster):
        return PlainTextResponse("The store is away.", 503, headers={"Retry-After": "2"})
    return None


def _judge(socket: WebSocket, services: Services, cluster: str) -> Callable[[Session | None], bool]:
    """Whether the socket may go on, given its session as it is by then; a key may be revoked.

    Of the request it keeps the key at most: boards stay open for weeks.
    """
    access = services.access
    by_key = access.actor(socket) is not None and token_of(socket) is None
    key = bearer_of(socket) if by_key else None

    def still_allowed(session: Session | None) -> bool:
        if session is None:
            return key is None or access.actor_with(key) is not None
        actor = access.actor_of(session)
        return actor is not None and allows(actor, Permission.READ_BOARD, Scope(cluster))

    return still_allowed
