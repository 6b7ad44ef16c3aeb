"""The ledger of calls over HTTP, to be carried away: as JSON and as CSV."""

import asyncio
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import format_instant
from capacity.ledger import counts
from web.api_board import problem
from web.auth.trail import note
from web.history_door import caught_up
from web.ledger_export import ledger_csv, ledger_json
from web.ledger_routes import Asked, chosen, desk_of
from web.roles import Permission, Scope
from web.services import Services

router = APIRouter(prefix="/api/v1/ledger", tags=["ledger"])

_Part = Annotated[str, Query(max_length=40)]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in."},
    403: {"description": "Not this role's."},
    404: {"description": "No such cluster."},
    422: {"description": "`field` cannot be used, for the `reason` given."},
    503: {"description": "Not possible now; come back after `Retry-After` seconds."},
}


@router.get("/{cluster}.csv", summary="A week's ledger of calls as CSV", responses=_ANSWERS)
async def export(
    cluster: str,
    request: Request,
    week: _Part = "",
    finding: _Part = "",
    sample: _Part = "",
    seed: _Part = "",
    separator: Literal["comma", "semicolon"] = "semicolon",
) -> Response:
    """One line for each call, columns as in docs/replay.md; spreadsheets set to Danish want
    semicolons.
    """
    asked = Asked(request, week, finding, sample, seed)
    return await _answer(cluster, request, asked, "csv", "," if separator == "comma" else ";")


@router.get("/{cluster}", summary="A week's ledger of calls", responses=_ANSWERS)
async def ledger(
    cluster: str,
    request: Request,
    week: _Part = "",
    finding: _Part = "",
    sample: _Part = "",
    seed: _Part = "",
) -> Response:
    """The calls of an ISO `week` ("2026-W47", by default the present one), oldest first, each with
    its class (`finding`) and the alternatives it rests on; of one `finding` only, or a `sample` of
    so many, drawn by `seed`. `counts` are those of the whole week.
    """
    return await _answer(cluster, request, Asked(request, week, finding, sample, seed), "json", "")


async def _answer(
    cluster: str, request: Request, asked: Asked, form: str, separator: str
) -> Response:
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.REVIEW, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    if asked.is_wrong_week:
        return problem(422, "week", "is no week, such as 2026-W47")
    desk, choice = desk_of(services, cluster), asked.choice
    try:
        if not await caught_up(services.board, services.history, cluster):
            return _away()
        cases = await desk.week(choice.week)
        found = chosen(cases, choice)
        comments = await desk.comments(found)
        detail = {"format": form, "week": choice.week.name, "calls": len(found)}
        await note(services, request, actor, "ledger-export", cluster, detail)
    except (BoardUnavailableError, HistoryUnavailableError):
        return _away()
    if form == "csv":
        document = await asyncio.to_thread(ledger_csv, found, comments, separator)
        name = f'attachment; filename="ledger-{cluster}-{choice.week.name}.csv"'
        return Response(
            document,
            media_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": name},
        )
    answer = {
        "server_time": format_instant(services.clock()),
        "week": choice.week.name,
        "counts": {str(k): n for k, n in counts(each.case for each in cases).items()},
        "calls": [ledger_json(each, comments.get(each.case.outcome.id, ())) for each in found],
    }
    return Response(orjson.dumps(answer), media_type="application/json")


def _away() -> Response:
    answer = problem(503, "store", "the history is away; try again")
    answer.headers["Retry-After"] = "2"
    return answer
