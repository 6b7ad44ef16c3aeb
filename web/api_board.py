"""The board as JSON: as it is, and as it was."""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from capacity.board import Board, BoardUnavailableError, Cursor
from capacity.history import History, HistoryUnavailableError
from capacity.instants import BadInstantError, format_instant, parse_instant
from web.services import Services

CATCH_UP_SECONDS = 3.0
"""How long a question about the past waits for history to have written the present."""

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
        # a "+" that was not escaped arrives as a blank
        instant = parse_instant(re.sub(r" (?=\d{2}:?\d{2}$)", "+", at) if "T" in at else at)
    except BadInstantError as error:
        return problem(422, "at", str(error))
    if instant > services.clock():
        return problem(422, "at", "lies in the future")
    if not await _caught_up(services.board, services.history, cluster):
        return _away("the history (it is catching up)")
    past = await services.history.board_at(cluster, instant)
    return _rows(services, past.cursor, past.rows, at=format_instant(instant))


async def _caught_up(board: Board, history: History, cluster: str) -> bool:
    """Wait until history holds all that the board held when asked; false if it takes too long."""
    goal = await board.cursor(cluster)
    deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
    while True:
        here = await history.position(cluster)
        if goal.epoch == "none" or (
            here is not None and (here.epoch != goal.epoch or here.seq >= goal.seq)
        ):
            return True
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)


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
