"""The indicators of a cluster over HTTP, to be read by programs."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.indicators.figures import Step
from capacity.instants import format_instant
from capacity.units import danish_day
from web.api_board import problem
from web.auth.trail import note
from web.indicator_desk import MOST, USUAL
from web.indicator_export import indicators_json
from web.indicator_tables import indicator_table
from web.pages.indicators import municipalities
from web.register_desk import look
from web.roles import Permission, Scope
from web.services import Services
from web.tables import CARRIED, Answered

router = APIRouter(prefix="/api/v1/indicators", tags=["indicators"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in, and no valid key."},
    403: {"description": "Not for this cluster."},
    404: {"description": "No such cluster or municipality."},
    422: {"description": "`field` cannot be used, for the `reason` given."},
    503: {"description": "The history is away; come back after `Retry-After` seconds."},
}


@router.get("/{cluster}", summary="The indicators of a cluster", responses=_ANSWERS | CARRIED)
async def indicators(
    cluster: str,
    request: Request,
    step: Step = "day",
    last: Annotated[int | None, Query(ge=1, le=max(MOST.values()))] = None,
    municipality: Annotated[str, Query(max_length=10)] = "",
    indicator: Annotated[str, Query(max_length=60)] = "",
    format: Answered = "json",
) -> Response:
    """Of the `last` whole days, weeks or months (`step`): every indicator's `definition`, and a
    `series` with one figure a period: its `value` (null where nothing is known, which is never
    zero), what it is made of, the share of time that is `unknown` (0 to 1), the chart's `centre`
    and limits there, and the `signal`: why it is more than chance, null where it is not.

    `runs` says that the whole series is not spread about its centre as chance would spread it.
    Of one `municipality` (a four-digit code) only those that can be told for one; of one
    `indicator` by its id. `first` and `last` are null where there is no whole period yet.

    As `csv`, `xlsx` or `parquet` a line for each period of each indicator, columns as in
    docs/indicators.md.
    """
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    known = municipalities(services.catalogue, cluster, danish_day(services.clock()))
    if municipality and municipality not in known:
        return problem(404, "municipality", "is not one of the cluster's")
    if indicator and indicator not in services.rollups.definitions.indicators:
        return problem(422, "indicator", "is no indicator")
    n = min(last or USUAL[step], MOST[step])
    try:
        looked = await look(services, cluster, step, n, municipality or None, only=indicator)
        if format != "json":
            detail = {"format": format, "step": step, "periods": n}
            await note(services, request, actor, "indicator-export", cluster, detail)
            place = municipality or None
            return await indicator_table(request, cluster, place, format, step, looked.told)
    except (BoardUnavailableError, HistoryUnavailableError):
        answer = problem(503, "store", "the history is away; try again")
        answer.headers["Retry-After"] = "2"
        return answer
    span = looked.span
    found = {
        "server_time": format_instant(services.clock()),
        "cluster": cluster,
        "municipality": municipality or None,
        "step": step,
        "first": span.first.isoformat() if span else None,
        "last": span.last.isoformat() if span else None,
        "indicators": [indicators_json(each) for each in looked.told],
    }
    return Response(orjson.dumps(found), media_type="application/json")
