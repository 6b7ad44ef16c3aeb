"""The board as JSON: as it is, and as it was."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from capacity.board import BoardUnavailableError, Cursor
from capacity.history import HistoryUnavailableError
from capacity.instants import BadInstantError, format_instant
from web.history_door import caught_up, instant_of
from web.services import Services

router = APIRouter(prefix="/api/v1/board", tags=["board"])


@router.get(
    "/{cluster}",
    summary="A cluster's board, now or at an instant",
    responses={
        401: {"description": "No valid key."},
        403: {"description": "The key does not open this cluster."},
        404: {"description": "No such cluster."},
        422: {"description": "`at` is no instant, or lies ahead."},
        503: {"description": "The store or the history is away."},
    },
)
async def board(
    cluster: str, request: Request, at: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """Rows, the cursor they stand for, and the server's time.

    A row says when it was observed and when it goes stale (`stale_at`), never whether it is: that
    depends on the moment of looking.
    """
    services: Services = request.app.state.services
    services.access.may_read(request, cluster)
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        if at is None:
            return await _present(services, cluster)
        return await _past(services, cluster, at)
    except BoardUnavailableError:
        return _away("the store")
    except HistoryUnavailableError:
        return _away("the history")


async def _present(services: Services, cluster: str) -> Response:
    snapshot = await services.board.snapshot(cluster)
    return _rows(services, snapshot.cursor, [stored.row for stored in snapshot.rows])


async def _past(services: Services, cluster: str, at: str) -> Response:
    try:
        instant = instant_of(at)
    except BadInstantError as error:
        return problem(422, "at", str(error))
    if instant > services.clock():
        return problem(422, "at", "lies in the future")
    if not await caught_up(services.board, services.history, cluster):
        return _away("the history (it is catching up)")
    past = await services.history.board_at(cluster, instant)
    return _rows(services, past.cursor, past.rows, at=format_instant(instant))


def _rows(
    services: Services, cursor: Cursor | None, rows: list[bytes], at: str | None = None
) -> Response:
    body = b'{"cursor":%s,"server_time":"%s",%s"rows":[%s]}' % (
        b"null" if cursor is None else b'"%s"' % str(cursor).encode(),
        (format_instant(services.clock()) or "").encode(),
        b'"at":"%s",' % at.encode() if at else b"",
        b",".join(rows),
    )
    return Response(body, media_type="application/json")


def problem(status: int, field: str, reason: str) -> Response:
    """A refusal that names the field at fault."""
    return JSONResponse({"field": field, "reason": reason}, status_code=status)


def _away(what: str) -> Response:
    return JSONResponse(
        {"field": "store", "reason": f"{what} is away; try again"},
        status_code=503,
        headers={"Retry-After": "2"},
    )
