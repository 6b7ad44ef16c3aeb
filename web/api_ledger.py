"""The ledger of calls over HTTP, to be carried away: as JSON and as a table."""

from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import format_instant
from capacity.ledger import counts
from web.api_board import problem
from web.auth.trail import note
from web.carrying import carry
from web.history_door import caught_up
from web.ledger_export import TABLE, ledger_json, ledger_rows
from web.ledger_routes import Asked, chosen, desk_of
from web.pages.ledger import Choice
from web.roles import Permission, Scope
from web.services import Services
from web.tables import CARRIED, Answered

router = APIRouter(prefix="/api/v1/ledger", tags=["ledger"])

_Part = Annotated[str, Query(max_length=40)]
_Separator = Literal["comma", "semicolon"]
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
    separator: _Separator = "semicolon",
) -> Response:
    """One line for each call, columns as in docs/exports.md; spreadsheets set to Danish want
    semicolons. The same as `format=csv`.
    """
    return await _answer(
        cluster, request, Asked(request, week, finding, sample, seed), "csv", separator
    )


@router.get("/{cluster}", summary="A week's ledger of calls", responses=_ANSWERS | CARRIED)
async def ledger(
    cluster: str,
    request: Request,
    week: _Part = "",
    finding: _Part = "",
    sample: _Part = "",
    seed: _Part = "",
    format: Answered = "json",
    separator: _Separator = "semicolon",
) -> Response:
    """The calls of an ISO `week` ("2026-W47", by default the present one), oldest first, each with
    its class (`finding`) and the alternatives it rests on; of one `finding` only, or a `sample` of
    so many, drawn by `seed`. `counts` are those of the whole week. As `csv`, `xlsx` or `parquet`
    a line for each call, columns as in docs/exports.md. A call's `master_data` says since when the
    catalogue it is judged by was in force (`in_force_since`), and whether what was in force at its
    moment is `recorded`; if not, it is the first that is.
    """
    return await _answer(
        cluster, request, Asked(request, week, finding, sample, seed), format, separator
    )


async def _answer(
    cluster: str, request: Request, asked: Asked, form: Answered, separator: _Separator
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
    if form != "json":
        return await carry(
            request,
            TABLE,
            form,
            ledger_rows(found, comments),
            cluster=cluster,
            name=f"ledger-{cluster}-{choice.week.name}",
            about={"period": choice.week.name, "choice": _choice(choice)},
            separator="," if separator == "comma" else ";",
        )
    answer = {
        "server_time": format_instant(services.clock()),
        "week": choice.week.name,
        "counts": {str(k): n for k, n in counts(each.case for each in cases).items()},
        "calls": [ledger_json(each, comments.get(each.case.outcome.id, ())) for each in found],
    }
    return Response(orjson.dumps(answer), media_type="application/json")


def _choice(choice: Choice) -> str:
    """What of the week was chosen, as its address says it; nothing where all was."""
    query = choice.query(week="", page="").removeprefix("?")
    return unquote_plus(query)


def _away() -> Response:
    answer = problem(503, "store", "the history is away; try again")
    answer.headers["Retry-After"] = "2"
    return answer
