"""A unit's own word over HTTP: what somebody there says of it by hand, and how it stands."""

import hashlib
from datetime import datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError, Reading
from capacity.board.store import NURSE
from capacity.hand_report import NothingStandsError, report_of
from capacity.hand_word import CLOSING_REASONS, Word, read_word
from capacity.instants import epoch_millis, format_instant
from capacity.model import Report
from capacity.reading import MAX_COUNT, FieldError
from capacity.row import Row, digest_of, encode_row, row_of
from capacity.units import Unit, danish_day
from web.api_board import problem
from web.auth.trail import note
from web.json_body import BodyError, json_body
from web.roles import Permission, Scope
from web.services import Services
from web.store_away import store_away

_INSTANT = {"type": "string", "format": "date-time"}
_FREE = {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
_CLOSE = {
    "type": "object",
    "required": ["reason"],
    "additionalProperties": False,
    "properties": {
        "reason": {"enum": list(CLOSING_REASONS)},
        "reopens_at": {**_INSTANT, "type": ["string", "null"]},
        "reopens_itself": {"type": "boolean"},
    },
}
_SAID = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "free": _FREE,
        "confirm": {"const": True},
        "close": _CLOSE,
        "open": {"const": True},
        "capabilities_off": {"type": "array", "items": {"type": "string"}},
        "on_duty": {"type": "boolean"},
        "next_free_at": {**_INSTANT, "type": ["string", "null"]},
        "observed_at": _INSTANT,
    },
}

_AWAY = "cannot make it durable now; send it again"
router = APIRouter(prefix="/api/v1/units", tags=["units"])


def unit_scope(unit: Unit, now: datetime) -> Scope:
    """Who answers for a unit today: the organisation it belongs to and the one that runs it."""
    operator = unit.operator.on(danish_day(now))
    return Scope(unit.cluster, frozenset(filter(None, (unit.organisation, operator))))


def refuse_strangers(request: Request) -> None:
    """Raise `Refused` for whoever is nobody: what does not exist is told to those who may ask."""
    access = request.app.state.services.access
    if access.actor(request) is None and not access.allows(request, Permission.REPORT):
        access.require(request, Permission.REPORT)


@router.get(
    "/{unit}",
    summary="One unit's row",
    responses={
        401: {"description": "No valid key."},
        403: {"description": "The key does not open the unit's cluster."},
        404: {"description": "No such unit."},
        503: {"description": "The store is away."},
    },
)
async def read(unit: str, request: Request) -> Response:
    """The row as it stands, the unit's cluster, and the server's time."""
    services: Services = request.app.state.services
    known = services.catalogue.units.get(unit)
    if known is None:
        refuse_strangers(request)
        return problem(404, "unit", "is not known here")
    services.access.may_read(request, known.cluster)
    try:
        row = await standing_row(services, known)
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    time = format_instant(services.clock())
    return _json({"cluster": known.cluster, "server_time": time, "row": row})


@router.post(
    "/{unit}/report",
    summary="Say by hand how a unit stands",
    responses={
        200: {"description": "What became of it (applied, unchanged, superseded), and the row."},
        401: {"description": "Not signed in."},
        403: {"description": "Not somebody of this unit, or not a page of ours."},
        404: {"description": "No such unit."},
        409: {"description": "There is no figure that could be confirmed."},
        413: {"description": "The body is too large."},
        422: {"description": "`field` cannot be used, for the `reason` given."},
        503: {"description": "Not durable now; come back after `Retry-After` seconds."},
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": _SAID}}}
    },
)
async def report(
    unit: str,
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=128)] = None,
) -> Response:
    """Take one of `free`, `confirm`, `close`, `open`, `capabilities_off` or `on_duty`.

    Everything else stays as it stands. `observed_at` is when it was said (default: now), at most
    24 hours ago; if something newer stands by then it is superseded, and the answer's row is what
    stands. The same `Idempotency-Key` with the same body gets the first outcome.
    """
    services: Services = request.app.state.services
    known = services.catalogue.units.get(unit)
    if known is None:
        refuse_strangers(request)
        return problem(404, "unit", "is not known here")
    scope = unit_scope(known, services.clock())
    actor = services.access.require(request, Permission.REPORT, scope)
    try:
        body = await json_body(request)
        word = read_word(body, services.clock())
        await note(services, request, actor, "report", known.id, {"says": word.action})
        request_id = _request_id(known, body, idempotency_key) if idempotency_key else None
        return await _take(services, known, word, request_id)
    except BodyError as error:
        return problem(error.status, "body", error.reason)
    except FieldError as error:
        return problem(422, error.field, error.reason)
    except NothingStandsError as error:
        return problem(409, "confirm", str(error))
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)


async def standing_row(services: Services, unit: Unit) -> Row:
    """The unit's row on the board; a row of unknowns where the board has none yet."""
    standing = await services.board.standing(unit.cluster, [unit.id], [])
    stored = standing.rows.get(unit.id)
    if stored is None:
        return row_of(unit, None, today=danish_day(services.clock()))
    row: Row = orjson.loads(stored.row)
    return row


async def _take(services: Services, unit: Unit, word: Word, request_id: str | None) -> Response:
    now = services.clock()
    said = report_of(unit, await standing_row(services, unit), word, now)
    applied = await services.board.apply(unit.cluster, [_reading(unit, said, now)], request_id)
    outcome = applied.outcomes[0].value
    return _json({"outcome": outcome, "row": await standing_row(services, unit)})


def _reading(unit: Unit, said: Report, now: datetime) -> Reading:
    row = row_of(unit, said, received_at=now, source=NURSE, today=danish_day(now))
    return Reading(
        unit=unit.id,
        observed_ms=epoch_millis(said.observed_at),
        digest=digest_of(row),
        row=encode_row(row),
        received_ms=epoch_millis(now),
        stale_ms=epoch_millis(said.observed_at + unit.freshness.stale_after),
        channel="nurse",
    )


def _request_id(unit: Unit, body: object, key: str) -> str:
    """Names one tap: the page's id and what it says, so that a reused id loses nothing."""
    said = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    told = b"\0".join((NURSE.encode(), unit.id.encode(), key.encode(), said))
    return hashlib.sha256(told).hexdigest()[:32]


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
