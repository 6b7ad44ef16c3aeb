"""The board as JSON or as a table: as it is, and as it was."""

from datetime import datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from capacity.board import BoardUnavailableError, Cursor
from capacity.history import HistoryUnavailableError
from capacity.instants import BadInstantError, format_instant
from web.auth.trail import note
from web.board_export import BOARD, board_rows
from web.carrying import carry
from web.history_door import caught_up, instant_of, master_data
from web.services import Services
from web.tables import CARRIED, Answered, Form

router = APIRouter(prefix="/api/v1/board", tags=["board"])


@router.get(
    "/{cluster}",
    summary="A cluster's board, now or at an instant",
    responses=CARRIED
    | {
        401: {"description": "No valid key."},
        403: {"description": "The key does not open this cluster."},
        404: {"description": "No such cluster."},
        422: {"description": "`at` is no instant, or lies ahead."},
        503: {"description": "The store or the history is away."},
    },
)
async def board(
    cluster: str,
    request: Request,
    at: Annotated[str | None, Query(max_length=40)] = None,
    format: Answered = "json",
) -> Response:
    """Rows, the cursor they stand for, and the server's time.

    A row says when it was observed and when it goes stale (`stale_at`), never whether it is: that
    depends on the moment of looking. As `csv`, `xlsx` or `parquet` (columns as in docs/exports.md)
    that moment is the one asked for. Of the past `master_data` says since when the catalogue of
    then was in force (`in_force_since`), and whether that is `recorded`; if not, it is the first
    that is.
    """
    services: Services = request.app.state.services
    actor = services.access.may_read(request, cluster)
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        if format != "json":
            await note(services, request, actor, "board-export", cluster, {"format": format})
            return await _table(request, cluster, at, format)
        if at is None:
            return await _present(services, cluster)
        return await _past(services, cluster, at)
    except BadInstantError as error:
        return problem(422, "at", str(error))
    except BoardUnavailableError:
        return _away("the store")
    except HistoryUnavailableError:
        return _away("the history")


async def _present(services: Services, cluster: str) -> Response:
    snapshot = await services.board.snapshot(cluster)
    return _rows(services, snapshot.cursor, [stored.row for stored in snapshot.rows])


async def _past(services: Services, cluster: str, at: str) -> Response:
    instant = _instant(at, services)
    if not await caught_up(services.board, services.history, cluster):
        return _away("the history (it is catching up)")
    past = await services.history.board_at(cluster, instant)
    master = master_data(await services.catalogues.at(cluster, instant))
    return _rows(services, past.cursor, past.rows, at=format_instant(instant), master_data=master)


async def _table(request: Request, cluster: str, at: str | None, form: Form) -> Response:
    services: Services = request.app.state.services
    instant = services.clock()
    if at is None:
        rows = [stored.row for stored in (await services.board.snapshot(cluster)).rows]
    else:
        instant = _instant(at, services)
        if not await caught_up(services.board, services.history, cluster):
            return _away("the history (it is catching up)")
        rows = (await services.history.board_at(cluster, instant)).rows
    return await carry(
        request,
        BOARD,
        form,
        board_rows((orjson.loads(row) for row in rows), instant),
        cluster=cluster,
        name=f"board-{cluster}",
        about={"moment": format_instant(instant) or ""},
    )


def _instant(at: str, services: Services) -> datetime:
    instant = instant_of(at)
    if instant > services.clock():
        raise BadInstantError("lies in the future")
    return instant


def _rows(services: Services, cursor: Cursor | None, rows: list[bytes], **more: object) -> Response:
    body = b'{"cursor":%s,"server_time":"%s",%s"rows":[%s]}' % (
        b"null" if cursor is None else b'"%s"' % str(cursor).encode(),
        (format_instant(services.clock()) or "").encode(),
        b"".join(b'"%s":%s,' % (name.encode(), orjson.dumps(told)) for name, told in more.items()),
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
