"""The live channel: a WebSocket per open board."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, WebSocket
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from capacity.board import Cursor
from capacity.board.sessions import Session
from web.access import Refused, is_same_origin
from web.auth.watch import Watched, token_of
from web.live.connections import connection_of
from web.roles import Permission, Scope, allows
from web.services import Services

router = APIRouter(prefix="/api/v1/live")


@router.websocket("/{cluster}")
async def live(socket: WebSocket, cluster: str, since: str | None = None) -> None:
    """Send the board, or what changed since a cursor, then every change as it happens."""
    services: Services = socket.app.state.services
    refusal = _refusal(socket, services, cluster)
    if refusal is not None:
        await socket.send_denial_response(refusal)
        return
    await socket.accept()
    connection = connection_of(socket)
    member = services.hub.join(cluster, connection, Cursor.parse(since) if since else None)
    watched = Watched(socket, token_of(socket), _judge(socket, services, cluster))
    services.door.watch.add(watched)
    sending = asyncio.create_task(connection.drain())
    try:
        while True:  # whatever a board says is ignored, but reading is what answers its pings
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
    except WebSocketDisconnect:
        pass
    finally:
        services.door.watch.remove(watched)
        services.hub.leave(cluster, member)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


def _refusal(socket: WebSocket, services: Services, cluster: str) -> PlainTextResponse | None:
    if not is_same_origin(socket):
        return PlainTextResponse("The page's origin may not open this channel.", 403)
    try:
        services.access.may_read(socket, cluster)
    except Refused as refused:
        return PlainTextResponse(str(refused.detail), refused.status_code)
    if cluster not in services.catalogue.served_clusters():
        return PlainTextResponse("No such cluster.", 404)
    if not services.hub.can_serve(cluster):
        return PlainTextResponse("The store is away.", 503, headers={"Retry-After": "2"})
    return None


def _judge(socket: WebSocket, services: Services, cluster: str) -> Callable[[Session | None], bool]:
    """Whether the socket may go on, given its session as it is by then; a key may be revoked."""
    by_key = services.access.actor(socket) is not None and token_of(socket) is None

    def still_allowed(session: Session | None) -> bool:
        if session is None:
            return not by_key or services.access.actor(socket) is not None
        actor = services.access.actor_of(session)
        return actor is not None and allows(actor, Permission.READ_BOARD, Scope(cluster))

    return still_allowed
