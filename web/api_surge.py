"""The surge level of a cluster: read it, set it by hand with a reason and an end, lift that."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response

from capacity.board import BoardUnavailableError
from capacity.board.surge import Override, OverrideIsPastError
from capacity.holds import By
from capacity.instants import BadInstantError, format_instant, parse_instant
from capacity.privacy import CPR_REASON, holds_cpr
from capacity.surge import LEVELS
from web.api_board import problem
from web.auth.trail import note
from web.json_body import BodyError, json_body
from web.roles import Actor, Permission, Scope
from web.services import Services
from web.store_away import store_away

LONGEST = timedelta(hours=24)
"""How far ahead an override may end; whoever needs more sets it again, and looks again."""
LONGEST_REASON = 200

_AWAY = "the store is away; try again"
router = APIRouter(prefix="/api/v1/surge", tags=["surge"])

_Key = Annotated[str | None, Header(max_length=128)]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in."},
    403: {"description": "Not this role's, or not a page of ours."},
    404: {"description": "No such cluster."},
    503: {"description": "Not possible now; come back after `Retry-After` seconds."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["level", "reason", "until"],
                    "additionalProperties": False,
                    "properties": {
                        "level": {"type": "integer", "minimum": 0, "maximum": 3},
                        "reason": {"type": "string", "minLength": 1, "maxLength": LONGEST_REASON},
                        "until": {"type": "string", "format": "date-time"},
                    },
                }
            }
        },
    }
}


class _RefusedError(ValueError):
    """A body that cannot be used; `code` is for a page to put into words."""

    def __init__(self, field: str, code: str, reason: str) -> None:
        self.field = field
        self.code = code
        self.reason = reason
        super().__init__(f"{field}: {reason}")


@router.get("/{cluster}", summary="A cluster's surge level", responses=_ANSWERS)
async def surge(cluster: str, request: Request) -> Response:
    """The level that counts and the computed one, the figures they follow from with the
    thresholds that these have crossed, and the override that stands, if any. The same object
    travels in every frame of the live channel.
    """
    services: Services = request.app.state.services
    services.access.may_read(request, cluster)
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    if not services.hub.can_serve(cluster):
        return store_away(BoardUnavailableError(), _AWAY)
    return _surge(services, cluster)


@router.post(
    "/{cluster}",
    summary="Set the surge level by hand",
    responses=_ANSWERS
    | {422: {"description": "`field` cannot be used, for the `reason` given; `code` names it."}},
    openapi_extra=_BODY,
)
async def set_surge(cluster: str, request: Request, idempotency_key: _Key = None) -> Response:
    """A coordinator's level counts instead of the computed one until `until`, at most 24 hours.

    It takes the place of one that stands. The same `Idempotency-Key` again changes nothing.
    """
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.OVERRIDE_SURGE, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        override = _override(await json_body(request), actor, services.clock())
        detail = {"level": override.level, "until": format_instant(override.until)}
        await note(services, request, actor, "surge-override", cluster, detail)
        await services.surge.override(cluster, override, _request_id(actor, idempotency_key))
    except BodyError as error:
        return problem(error.status, "body", error.reason)
    except _RefusedError as error:
        return _refusal(error)
    except OverrideIsPastError:
        return _refusal(_RefusedError("until", "past", "lies in the past"))
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    return _surge(services, cluster)


@router.delete("/{cluster}", summary="Let the computed surge level count", responses=_ANSWERS)
async def lift_surge(cluster: str, request: Request, idempotency_key: _Key = None) -> Response:
    """End the override that stands; harmless where none does."""
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.OVERRIDE_SURGE, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        await note(services, request, actor, "surge-lift", cluster)
        await services.surge.lift(cluster, _by(actor), _request_id(actor, idempotency_key))
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    return _surge(services, cluster)


def _override(body: object, actor: Actor, now: datetime) -> Override:
    if not isinstance(body, dict):
        raise _RefusedError("body", "shape", "is not an object")
    for name in body:
        if name not in ("level", "reason", "until"):
            raise _RefusedError("body", "shape", "has a field that is not known")
    return Override(
        level=_level(body.get("level")),
        reason=_reason(body.get("reason")),
        until=_until(body.get("until"), now),
        by=_by(actor),
    )


def _level(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in LEVELS:
        raise _RefusedError("level", "level", "must be 0, 1, 2 or 3")
    return value


def _reason(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _RefusedError("reason", "missing", "is missing")
    text = value.strip()
    if len(text) > LONGEST_REASON:
        raise _RefusedError("reason", "long", f"is over {LONGEST_REASON} characters")
    if holds_cpr(text):
        raise _RefusedError("reason", "cpr", CPR_REASON)
    if not text.isprintable():
        raise _RefusedError("reason", "shape", "must be one line of plain text")
    return text


def _until(value: object, now: datetime) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise _RefusedError("until", "instant", "must be an ISO 8601 instant")
    try:
        until = parse_instant(value)
    except BadInstantError as error:
        raise _RefusedError("until", "instant", str(error)) from error
    if until <= now:
        raise _RefusedError("until", "past", "lies in the past")
    if until - now > LONGEST:
        raise _RefusedError("until", "far", "lies more than 24 hours ahead")
    return until


def _by(actor: Actor) -> By:
    return By(actor.role.value, actor.organisation, actor.account)


def _request_id(actor: Actor, key: str | None) -> str:
    """A key belongs to who sent it; without one a repeat is a request of its own."""
    return f"{actor.account}:{key}" if key else uuid.uuid4().hex


def _surge(services: Services, cluster: str) -> Response:
    return Response(orjson.dumps(services.surge.of(cluster)), media_type="application/json")


def _refusal(error: _RefusedError) -> Response:
    content = {"field": error.field, "reason": error.reason, "code": error.code}
    return JSONResponse(content, status_code=422)
