"""What came of calls: logged in one click, corrected within the hour, listed and exported."""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.board.outcomes import ReusedRequestError, TooLateError, UnknownOutcomeError
from capacity.history import HistoryUnavailableError
from capacity.holds import By
from capacity.instants import BadInstantError, format_instant, parse_instant
from capacity.outcomes import Logged, OutcomeError, OutcomeValue, parse_outcome
from web.api_board import problem
from web.auth.trail import note
from web.carrying import carry
from web.json_body import BodyError, json_body
from web.outcome_export import TABLE, outcome_rows
from web.roles import Actor, Permission, Scope
from web.services import Services
from web.store_away import store_away
from web.tables import CARRIED, Answered

LONGEST_PERIOD = timedelta(days=400)
"""A year and a month; whoever needs more asks twice."""
USUAL_PERIOD = timedelta(days=1)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What our ids of outcomes look like."""

router = APIRouter(prefix="/api/v1/outcomes", tags=["outcomes"])

_Key = Annotated[str | None, Header(max_length=128)]
_Instant = Annotated[str | None, Query(max_length=40)]
_Separator = Literal["comma", "semicolon"]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in."},
    403: {"description": "Not this role's, or not a page of ours."},
    404: {"description": "No such cluster, or no such outcome."},
    422: {"description": "`field` cannot be used, for the `reason` given."},
    503: {"description": "Not possible now; come back after `Retry-After` seconds."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["outcome"],
                    "additionalProperties": False,
                    "properties": {
                        "outcome": {"type": "string"},
                        "reason": {"type": ["string", "null"]},
                        "unit": {"type": ["string", "null"]},
                        "hold": {"type": ["string", "null"]},
                        "need": {"type": ["object", "null"]},
                        "took_seconds": {"type": ["integer", "null"]},
                    },
                }
            }
        },
    }
}


class _Refusal(Exception):  # noqa: N818 - an answer on its way, not a fault
    """Carries the answer out of whatever found that there is nothing more to do."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        super().__init__()


@router.post(
    "/{cluster}",
    summary="Log what a call led to",
    status_code=201,
    responses=_ANSWERS,
    openapi_extra=_BODY,
)
async def log_outcome(cluster: str, request: Request, idempotency_key: _Key = None) -> Response:
    """Log one outcome; the same `Idempotency-Key` logs it once and is answered with what stands.

    An outcome is choices and numbers only: `outcome` and its `reason` (docs/outcomes.md), the
    `unit` chosen, the `hold`, the `need`, and how many seconds the call took.
    """
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.LOG_OUTCOME, Scope(cluster=cluster))
    try:
        value = await _value(services, cluster, request)
        detail = {"outcome": value.outcome}
        await note(services, request, actor, "outcome-log", cluster, detail)
        logged = await services.outcomes.log(
            cluster, value, _by(actor), idempotency_key or uuid.uuid4().hex
        )
    except _Refusal as refusal:
        return refusal.answer
    except ReusedRequestError:
        return problem(422, "Idempotency-Key", "was used for another outcome")
    except BoardUnavailableError as error:
        return store_away(error, "the store is away; try again")
    return _json({"outcome": logged.as_json()}, 201)


@router.post(
    "/{cluster}/{outcome}/correct",
    summary="Correct an outcome within an hour",
    responses=_ANSWERS | {409: {"description": "The hour is over."}},
    openapi_extra=_BODY,
)
async def correct_outcome(
    cluster: str, outcome: str, request: Request, idempotency_key: _Key = None
) -> Response:
    """Replace the whole value; what it was, when and by whom it was changed stay in its trace."""
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.LOG_OUTCOME, Scope(cluster=cluster))
    try:
        value = await _value(services, cluster, request)
        detail = {"cluster": cluster, "outcome": value.outcome}
        subject = outcome if _ID.fullmatch(outcome) else "unknown"
        await note(services, request, actor, "outcome-correct", subject, detail)
        logged = await services.outcomes.correct(
            cluster, outcome, value, _by(actor), idempotency_key or uuid.uuid4().hex
        )
    except _Refusal as refusal:
        return refusal.answer
    except UnknownOutcomeError:
        return problem(404, "outcome", "is not known, or was logged more than a day ago")
    except TooLateError as error:
        until = format_instant(error.logged.correctable_until)
        return problem(409, "outcome", f"could be corrected until {until}")
    except BoardUnavailableError as error:
        return store_away(error, "the store is away; try again")
    return _json({"outcome": logged.as_json()}, 200)


@router.get("/{cluster}.csv", summary="Outcomes of a period as CSV", responses=_ANSWERS)
async def export(
    cluster: str,
    request: Request,
    since: _Instant = None,
    until: _Instant = None,
    separator: _Separator = "comma",
) -> Response:
    """One line for each outcome, columns as in docs/exports.md; the same as `format=csv`.

    Spreadsheets set to Danish want `separator=semicolon`.
    """
    return await _answer(cluster, request, (since, until), "csv", separator)


@router.get("/{cluster}", summary="Outcomes of a period", responses=_ANSWERS | CARRIED)
async def outcomes(
    cluster: str,
    request: Request,
    since: _Instant = None,
    until: _Instant = None,
    format: Answered = "json",
    separator: _Separator = "comma",
) -> Response:
    """Outcomes logged from `since` until before `until` (default: the last day), oldest first,
    each with its present value and the trace of its corrections. As `csv`, `xlsx` or `parquet` a
    line for each, columns as in docs/exports.md.
    """
    return await _answer(cluster, request, (since, until), format, separator)


async def _answer(
    cluster: str,
    request: Request,
    period: tuple[str | None, str | None],
    form: Answered,
    separator: _Separator,
) -> Response:
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.READ_OUTCOMES, Scope(cluster=cluster))
    try:
        start, end = _period(services, cluster, *period)
        found = await _of_period(services, cluster, start, end)
        await _note_export(services, request, actor, cluster, form, found)
    except _Refusal as refusal:
        return refusal.answer
    except BoardUnavailableError as error:
        return store_away(error, "the store is away; try again")
    if form == "json":
        time = format_instant(services.clock())
        return _json({"server_time": time, "outcomes": [each.as_json() for each in found]}, 200)
    return await carry(
        request,
        TABLE,
        form,
        outcome_rows(found, services.catalogue),
        cluster=cluster,
        name=f"outcomes-{cluster}",
        about={"period": f"{format_instant(start)} – {format_instant(end)}"},
        separator="," if separator == "comma" else ";",
    )


async def _note_export(
    services: Services,
    request: Request,
    actor: Actor,
    cluster: str,
    form: str,
    found: list[Logged],
) -> None:
    detail = {"format": form, "outcomes": len(found)}
    if found:
        detail |= {"first": format_instant(found[0].at), "last": format_instant(found[-1].at)}
    await note(services, request, actor, "outcome-export", cluster, detail)


async def _value(services: Services, cluster: str, request: Request) -> OutcomeValue:
    _served(services, cluster)
    try:
        return parse_outcome(await json_body(request), cluster, services.catalogue)
    except BodyError as error:
        raise _Refusal(problem(error.status, "body", error.reason)) from error
    except OutcomeError as error:
        raise _Refusal(problem(422, error.field, error.reason)) from error


def _period(
    services: Services, cluster: str, since: str | None, until: str | None
) -> tuple[datetime, datetime]:
    _served(services, cluster)
    # The store's clock may be ahead of ours; what was just logged must not be missing.
    end = services.clock() + timedelta(minutes=1) if until is None else _instant("until", until)
    start = end - USUAL_PERIOD if since is None else _instant("since", since)
    if not timedelta(0) <= end - start <= LONGEST_PERIOD:
        reason = f"must be before `until`, by {LONGEST_PERIOD.days} days at most"
        raise _Refusal(problem(422, "since", reason))
    return start, end


async def _of_period(
    services: Services, cluster: str, start: datetime, end: datetime
) -> list[Logged]:
    """From history, and from the store what history does not have yet."""
    try:
        # The store first: what leaves it in between is in history by then.
        recent = await services.outcomes.recent(cluster)
        recorded = await services.history.outcomes(cluster, start, end)
    except BoardUnavailableError as error:
        raise _Refusal(_away("the store")) from error
    except HistoryUnavailableError as error:
        raise _Refusal(_away("the history")) from error
    return merged(recorded, (each for each in recent if start <= each.at < end))


def merged(recorded: Iterable[Logged], recent: Iterable[Logged]) -> list[Logged]:
    """Both lists as one, oldest first; of an outcome in both the one with more corrections."""
    found: dict[str, Logged] = {each.id: each for each in recorded}
    for each in recent:
        known = found.get(each.id)
        if known is None or len(each.corrections) > len(known.corrections):
            found[each.id] = each
    return sorted(found.values(), key=lambda each: (each.at, each.id))


def _served(services: Services, cluster: str) -> None:
    if cluster not in services.catalogue.served_clusters():
        raise _Refusal(problem(404, "cluster", "is not known here"))


def _instant(name: str, text: str) -> datetime:
    # a "+" that was not escaped arrives as a blank
    whole = re.sub(r" (?=\d{2}:?\d{2}$)", "+", text) if "T" in text else text
    try:
        return parse_instant(whole)
    except BadInstantError as error:
        raise _Refusal(problem(422, name, str(error))) from error


def _by(actor: Actor) -> By:
    return By(actor.role.value, actor.organisation, actor.account)


def _json(content: object, status: int) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def _away(what: str) -> Response:
    answer = problem(503, "store", f"{what} is away; try again")
    answer.headers["Retry-After"] = "2"
    return answer
