"""The indicators of a cluster by hour of the week, over HTTP: as JSON and as a table."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import format_instant
from capacity.units import danish_day
from web.api_board import problem
from web.auth.trail import note
from web.carrying import carry, words_of
from web.indicator_export import definition_cells, definition_json
from web.pages.indicators import municipalities, place_name
from web.profile_desk import MOST, USUAL, Profile, ProfileDesk
from web.roles import Permission, Scope
from web.services import Services
from web.tables import CARRIED, Answered, Column, Form, Holds, Row, Table

router = APIRouter(prefix="/api/v1/indicators", tags=["indicators"])

TABLE = Table(
    "profile",
    (
        Column("indicator"),
        Column("name"),
        Column("cluster"),
        Column("municipality"),
        Column("since", Holds.DAY),
        Column("until", Holds.DAY),
        Column("weekday", Holds.WHOLE),
        Column("hour", Holds.WHOLE),
        Column("value", Holds.NUMBER),
        Column("measured"),
        Column("numerator", Holds.WHOLE),
        Column("denominator", Holds.WHOLE),
        Column("unknown", Holds.NUMBER),
        Column("counts"),
        Column("per"),
        Column("excludes"),
        Column("source"),
    ),
)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in, and no valid key."},
    403: {"description": "Not for this cluster."},
    404: {"description": "No such cluster or municipality."},
    503: {"description": "The history is away; come back after `Retry-After` seconds."},
}


@router.get(
    "/{cluster}/profile",
    summary="The indicators by hour of the week",
    responses=_ANSWERS | CARRIED,
)
async def profile(
    cluster: str,
    request: Request,
    last: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
    municipality: Annotated[str, Query(max_length=10)] = "",
    format: Answered = "json",
) -> Response:
    """Over the `last` whole days: of every indicator that can be told so its `definition` and a
    figure for each of the 168 `hours` of the week, by `weekday` (1 is Monday) and the `hour` that
    clocks in Denmark show; `value` is null where nothing is known, which is never zero.

    Of one `municipality` (a four-digit code) only those that can be told for one. As `csv`, `xlsx`
    or `parquet` a line for each hour, columns as in docs/exports.md.
    """
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    known = municipalities(services.catalogue, cluster, danish_day(services.clock()))
    if municipality and municipality not in known:
        return problem(404, "municipality", "is not one of the cluster's")
    desk = ProfileDesk(services.history, services.rollups.definitions, cluster)
    try:
        days = await desk.days(last)
        found = await desk.read(*days, municipality or None) if days else []
        if format != "json":
            detail = {"format": format, "table": "profile", "days": last}
            await note(services, request, actor, "indicator-export", cluster, detail)
            return await _table(request, (cluster, municipality), format, found, days)
    except (BoardUnavailableError, HistoryUnavailableError):
        answer = problem(503, "store", "the history is away; try again")
        answer.headers["Retry-After"] = "2"
        return answer
    told = {
        "server_time": format_instant(services.clock()),
        "cluster": cluster,
        "municipality": municipality or None,
        "first": days[0].isoformat() if days else None,
        "last": days[1].isoformat() if days else None,
        "indicators": [_json(each) for each in found],
    }
    return Response(orjson.dumps(told), media_type="application/json")


async def _table(
    request: Request,
    of: tuple[str, str],
    form: Form,
    found: Iterable[Profile],
    days: tuple[date, date] | None,
) -> Response:
    services: Services = request.app.state.services
    cluster, municipality = of
    words = words_of(request)
    first, last = days or ("", "")
    return await carry(
        request,
        TABLE,
        form,
        _rows(found, of, days, words.lang) if days else (),
        cluster=cluster,
        name="-".join(("profile", cluster, *([municipality] if municipality else ()))),
        about={
            "place": place_name(services.catalogue, municipality or None, words),
            "period": words.text("table_period_told", first=first, last=last) if days else "",
        },
    )


def _rows(
    found: Iterable[Profile], of: tuple[str, str], days: tuple[date, date], lang: str
) -> Iterator[Row]:
    place = {"cluster": of[0], "municipality": of[1] or None, "since": days[0], "until": days[1]}
    for each in found:
        told = place | definition_cells(each.definition, lang)
        for hour in _json(each)["hours"]:
            cells = told | hour
            yield [cells.get(name) for name in TABLE.names]


def _json(profile: Profile) -> dict[str, Any]:
    return {
        "definition": definition_json(profile.definition),
        "hours": [
            {
                "weekday": weekday + 1,
                "hour": hour,
                "value": figure.value,
                "numerator": figure.numerator,
                "denominator": figure.denominator,
                "unknown": figure.unknown,
            }
            for (weekday, hour), figure in sorted(profile.hours.items())
        ],
    }
