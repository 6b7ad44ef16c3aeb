"""The statement of how the acute functions are used, over HTTP, to be read by programs."""

from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.indicators.figures import Step
from capacity.indicators.statement import Statement
from capacity.instants import format_instant
from capacity.units import danish_day
from web.api_board import problem
from web.auth.trail import note
from web.carrying import carry, words_of
from web.indicator_desk import MOST, USUAL, IndicatorDesk, span_of
from web.months import Month
from web.pages.indicators import municipalities, place_name
from web.roles import Permission, Scope
from web.services import Services
from web.statement_desk import StatementDesk
from web.statement_export import TABLE, statement_json, statement_rows
from web.tables import CARRIED, Answered, Form

router = APIRouter(prefix="/api/v1/indicators", tags=["indicators"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in, and no valid key."},
    403: {"description": "Not for this cluster."},
    404: {"description": "No such cluster or municipality, or no figures of that month."},
    422: {"description": "`field` cannot be used, for the `reason` given."},
    503: {"description": "The history is away; come back after `Retry-After` seconds."},
}


@router.get(
    "/{cluster}/statement",
    summary="How the acute functions are used",
    responses=_ANSWERS | CARRIED,
)
async def use_of_functions(
    cluster: str,
    request: Request,
    step: Step = "day",
    last: Annotated[int | None, Query(ge=1, le=max(MOST.values()))] = None,
    month: Annotated[str, Query(max_length=10)] = "",
    municipality: Annotated[str, Query(max_length=10)] = "",
    format: Answered = "json",
) -> Response:
    """Of the whole days of one `month` ("2026-10"), or of the `last` whole days, weeks or months
    (`step`): of each acute function what was offered, used, asked for and answered, and how its
    figures were kept; sums by kind; the use of agreements by the borrowing municipality; outcomes
    by the citizen's (null: not said); and the hours of each surge level. `definitions` say what
    each figure counts. Shares are 0 to 1, and null where nothing is known, which is never zero.

    Of one `municipality` (a four-digit code) only what can be told for one. As `csv`, `xlsx` or
    `parquet` a line for each unit, columns as in docs/exports.md.
    """
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    known = municipalities(services.catalogue, cluster, danish_day(services.clock()))
    if municipality and municipality not in known:
        return problem(404, "municipality", "is not one of the cluster's")
    asked = Month.parse(month)
    if month and asked is None:
        return problem(422, "month", "is no month, such as 2026-10")
    try:
        days = await _days(services, cluster, asked, step, last)
        if days is None and asked is not None:
            return problem(404, "month", "has no figures")
        desk = StatementDesk(services.history, services.catalogue, cluster)
        told = await desk.read(*days) if days else Statement([])
        told = told.of(municipality) if municipality else told
        if format != "json":
            detail = {"format": format, "table": "statement", "month": month}
            await note(services, request, actor, "indicator-export", cluster, detail)
    except (BoardUnavailableError, HistoryUnavailableError):
        answer = problem(503, "store", "the history is away; try again")
        answer.headers["Retry-After"] = "2"
        return answer
    if format != "json":
        return await _table(request, cluster, municipality, format, told, days)
    found = {
        "server_time": format_instant(services.clock()),
        "cluster": cluster,
        "municipality": municipality or None,
        "first": days[0].isoformat() if days else None,
        "last": days[1].isoformat() if days else None,
    }
    content = found | statement_json(told, services.catalogue)
    return Response(orjson.dumps(content), media_type="application/json")


async def _days(
    services: Services, cluster: str, month: Month | None, step: Step, last: int | None
) -> tuple[date, date] | None:
    """The first and last day that are asked for, of those that there are figures of."""
    desk = IndicatorDesk(services.history, services.rollups.definitions, cluster)
    known = await desk.whole_days()
    if month is not None:
        return month.days(known)
    span = span_of(step, min(last or USUAL[step], MOST[step]), *known) if known else None
    return (span.first, span.last) if span else None


async def _table(
    request: Request,
    cluster: str,
    municipality: str,
    form: Form,
    told: Statement,
    days: tuple[date, date] | None,
) -> Response:
    catalogue, words = request.app.state.services.catalogue, words_of(request)
    period = {"first": str(days[0]), "last": str(days[1])} if days else {}
    parts = ("statement", cluster, municipality, *(period.values()))
    return await carry(
        request,
        TABLE,
        form,
        statement_rows(told, catalogue, cluster, days),
        cluster=cluster,
        name="-".join(part for part in parts if part),
        about={
            "place": place_name(catalogue, municipality or None, words),
            "period": words.text("table_period_told", **period) if days else "",
        },
    )
