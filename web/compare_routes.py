"""Comparisons of indicators: the page with its two forms, and the same for programs."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, cast
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.comparison import Side, Span
from capacity.history import HistoryUnavailableError
from capacity.indicators.figures import Step
from capacity.instants import format_instant
from capacity.units import danish_day
from web.access import Refused
from web.api_board import problem
from web.compare_desk import Compared, Place, Wished, can_be_of, compared, is_too_long
from web.errors import message_page
from web.indicator_desk import USUAL, Told
from web.indicator_export import definition_json, indicators_json
from web.pages.compare import Frame, render_compare
from web.pages.indicators import Looker, municipalities
from web.roles import Permission, Scope
from web.services import Services
from web.visiting import visitor_of
from web.words import Words, choose_language

router = APIRouter()

NAMES: Final = (
    "indicator", "step", "place", "other", "first_from", "first_to", "second_from", "second_to",
)  # fmt: skip
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Not signed in, and no valid key."},
    403: {"description": "Not for this cluster, or the other one."},
    404: {"description": "No such cluster."},
    422: {"description": "`field` cannot be used, for the `reason` given."},
    503: {"description": "The history is away; come back after `Retry-After` seconds."},
}
_Word = Annotated[str, Query(max_length=80)]


class WrongError(ValueError):
    """A field that cannot be used; its second argument says why, and is a key of words too."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason


REASONS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "unknown": "is not known here",
    "split": "is not told for a municipality",
    "day": "is no day (yyyy-mm-dd)",
    "order": "is before the first day",
    "long": "makes the period longer than can be compared",
    "same": "is the place itself; compare two periods of it instead",
    "both": "is not asked for where two places are compared",
}
"""Why a field cannot be used, by its key in the words of pages."""


@router.get("/indicators/{cluster}/compare", include_in_schema=False)
async def compare_page(cluster: str, request: Request) -> Response:
    """Two forms, and below them what the one that was sent comes to."""
    services: Services = request.app.state.services
    try:
        services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    except Refused as refused:
        if refused.status_code != 401:
            raise
        here = quote(f"{request.url.path}?{request.url.query}".rstrip("?"))
        return RedirectResponse(f"/sign-in?next={here}", status_code=303)
    if cluster not in services.catalogue.served_clusters():
        return message_page(request, 404)
    asked = {name: request.query_params.get(name, "")[:80] for name in NAMES}
    found, wrong = None, None
    try:
        if asked["indicator"]:
            found = await compared(services, _wished(request, services, cluster, asked))
    except WrongError as error:
        wrong = (error.field, error.reason)
    except (BoardUnavailableError, HistoryUnavailableError):
        return message_page(request, 503)
    return _page(request, services, cluster, asked, found, wrong)


@router.get(
    "/api/v1/indicators/{cluster}/compare",
    tags=["indicators"],
    summary="Two periods or two places compared",
    responses=_ANSWERS,
)
async def compare(
    cluster: str,
    request: Request,
    indicator: _Word = "",
    step: Step = "month",
    place: _Word = "",
    other: _Word = "",
    first_from: _Word = "",
    first_to: _Word = "",
    second_from: _Word = "",
    second_to: _Word = "",
) -> Response:
    """Whether an `indicator` differs by more than chance: between two periods of a place
    (`first_from` to `first_to` and `second_from` to `second_to`, days, both included), or with
    `other` between two places over the first period. `place` is a municipality's code, nothing is
    the whole cluster; `other` is `CLUSTER` or `CLUSTER/CODE`.

    `finding` is `higher` or `lower` (of the second), `not_seen`: no difference of `least` or more,
    or `refused` for all of the `reasons`: what has `n` of them. `cautions` go with a conclusion.
    `first` and `second` have every point and its limits, as the indicators themselves.
    """
    services: Services = request.app.state.services
    services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    asked = dict(
        zip(
            NAMES,
            (indicator, step, place, other, first_from, first_to, second_from, second_to),
            strict=True,
        )
    )
    try:
        found = await compared(services, _wished(request, services, cluster, asked))
    except WrongError as error:
        return problem(422, error.field, REASONS[error.reason])
    except HistoryUnavailableError:
        answer = problem(503, "store", "the history is away; try again")
        answer.headers["Retry-After"] = "2"
        return answer
    told = {"server_time": format_instant(services.clock()), **_json(found)}
    return Response(orjson.dumps(told), media_type="application/json")


def _wished(request: Request, services: Services, cluster: str, asked: Mapping[str, str]) -> Wished:
    """What is asked for; raises `WrongError`, or `Refused` for a place that is not the caller's."""
    definitions = services.rollups.definitions.indicators
    if asked["indicator"] not in definitions:
        raise WrongError("indicator", "unknown" if asked["indicator"] else "missing")
    step = asked["step"] or "month"
    if step not in USUAL:
        raise WrongError("step", "unknown")
    chosen = cast("Step", step)
    place = _place(services, "place", f"{cluster}/{asked['place']}")
    first = _span(asked, "first", chosen)
    other, second = None, None
    if asked["other"]:
        if asked["second_from"] or asked["second_to"]:
            raise WrongError("second_from", "both")
        other = _place(services, "other", asked["other"])
        scope = Scope(cluster=other.cluster)
        services.access.require(request, Permission.READ_INDICATORS, scope)
        if other == place:
            raise WrongError("other", "same")
    else:
        second = _span(asked, "second", chosen)
    definition = definitions[asked["indicator"]].values[-1][1]
    if not all(can_be_of(definition, each) for each in (place, other) if each is not None):
        raise WrongError("indicator", "split")
    return Wished(asked["indicator"], chosen, place, first, second, other)


def _place(services: Services, field: str, text: str) -> Place:
    cluster, _, code = text.partition("/")
    if cluster not in services.catalogue.served_clusters():
        raise WrongError(field, "unknown")
    today = danish_day(services.clock())
    if code and code not in municipalities(services.catalogue, cluster, today):
        raise WrongError(field, "unknown")
    return Place(cluster, code or None)


def _span(asked: Mapping[str, str], which: str, step: Step) -> Span:
    first, last = (_day(f"{which}_{end}", asked[f"{which}_{end}"]) for end in ("from", "to"))
    if last < first:
        raise WrongError(f"{which}_to", "order")
    if is_too_long(Span(first, last), step):
        raise WrongError(f"{which}_to", "long")
    return Span(first, last)


def _day(field: str, text: str) -> date:
    if not text:
        raise WrongError(field, "missing")
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise WrongError(field, "day") from error
    if len(text) != 10 or not 1990 <= found.year <= 2999:
        raise WrongError(field, "day")
    return found


def _page(
    request: Request,
    services: Services,
    cluster: str,
    asked: Mapping[str, str],
    found: Compared | None,
    wrong: tuple[str, str] | None,
) -> Response:
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
    catalogue, access = services.catalogue, services.access
    may = [
        each
        for each in catalogue.served_clusters()
        if access.allows(request, Permission.READ_INDICATORS, Scope(cluster=each))
    ]
    looker = Looker(services.demo, access.csrf_token(request), visitor_of(request))
    frame = Frame(
        words=Words(lang),
        catalogue=catalogue,
        definitions=services.rollups.definitions,
        cluster=cluster,
        clusters=may,
        now=services.clock(),
        looker=looker,
        asked=asked,
        wrong=wrong,
    )
    response = HTMLResponse(render_compare(frame, found), status_code=422 if wrong else 200)
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


def _json(found: Compared) -> dict[str, Any]:
    wished, answer = found.wished, found.answer
    spans = (wished.first, wished.second or wished.first)
    places = (wished.place, wished.other or wished.place)
    first, second = (
        _side(told, side, span, place)
        for told, side, span, place in zip(
            (found.first, found.second), (answer.first, answer.second), spans, places, strict=True
        )
    )
    return {
        "definition": definition_json(found.second.definition),
        "of": "places" if wished.other else "periods",
        "finding": answer.finding.value,
        "difference": answer.difference,
        "least": answer.least,
        "reasons": [{"reason": each.value, "n": n} for each, n in answer.reasons.items()],
        "cautions": [each.value for each in answer.cautions],
        "first": first,
        "second": second,
    }


def _side(told: Told, side: Side, span: Span, place: Place) -> dict[str, Any]:
    return {
        "cluster": place.cluster,
        "municipality": place.municipality,
        "from": span.first.isoformat(),
        "to": span.last.isoformat(),
        "points": side.points,
        "known": side.known,
        "mean": side.mean,
        **indicators_json(told),
    }
