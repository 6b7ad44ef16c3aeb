"""The live channel: a WebSocket per open board."""

import asyncio
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from capacity.board import Cursor
from web.access import Refused
from web.live.connections import connection_of
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
    sending = asyncio.create_task(connection.drain())
    try:
        while True:  # whatever a board says is ignored, but reading is what answers its pings
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
    except WebSocketDisconnect:
        pass
    finally:
        services.hub.leave(cluster, member)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


def _refusal(socket: WebSocket, services: Services, cluster: str) -> PlainTextResponse | None:
    if not _same_origin(socket):
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


def _same_origin(socket: WebSocket) -> bool:
    """Browsers state the origin of the page; other programs state none and are let in by key."""
    origin = socket.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == socket.headers.get("Host")
    except ValueError:  # no address at all, such as an unclosed bracket
        return False
