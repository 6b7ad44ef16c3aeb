"""Holds over HTTP: keep a place for a caller, answer, and end it one way or another."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Request
from fastapi.responses import Response

from capacity.agreements import Allowed, agreement_for
from capacity.agreements import Refusal as NotLent
from capacity.board import BoardUnavailableError
from capacity.board.holds import DONE, HELD, UNKNOWN, hold_id_of
from capacity.holds import REASONS, By, HoldState, QuotaClaim, Refusal, is_holdable
from capacity.instants import format_instant
from capacity.need import Need, NeedError, parse_need
from capacity.units import Unit, danish_day
from web.access import Refused
from web.api_board import problem
from web.auth.trail import note
from web.json_body import BodyError, json_body
from web.roles import Actor, Permission, Scope
from web.services import Services
from web.store_away import store_away

_AWAY = "the store is away; send it again with the same key"
router = APIRouter(prefix="/api/v1/holds", tags=["holds"])

ACTIONS: Final[Mapping[str, HoldState]] = {
    "accept": HoldState.ACCEPTED,
    "decline": HoldState.DECLINED,
    "cancel": HoldState.CANCELLED,
    "fill": HoldState.FILLED,
    "release": HoldState.RELEASED,
}
_SAID: Final[Mapping[Refusal, str]] = {
    Refusal.TAKEN: "has nothing free any more: another was quicker",
    Refusal.CLOSED: "is closed now",
    Refusal.STALE: "has no fresh figure: ring it",
    Refusal.UNKNOWN: "has not said how many it has free: ring it",
    Refusal.NOT_HOLDABLE: "has nothing that can be kept for somebody: ring it",
    Refusal.AGREEMENT: "may not be used for citizens of that municipality now",
    Refusal.QUOTA: "may not be used more often in this period under the agreement",
}

_Key = Annotated[str | None, Header(max_length=128)]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in."},
    403: {"description": "Not this role's, or not a page of ours."},
    404: {"description": "No such cluster, or no such hold (any more)."},
    422: {"description": "`field` cannot be used, for the `reason` given."},
    503: {"description": "Not possible now; repeat it with the same key after `Retry-After`."},
}


def _body(required: list[str], **properties: object) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }
    return {
        "requestBody": {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        }
    }


class _RefusedError(ValueError):
    """A body that cannot be used: the status, and the field with the reason."""

    def __init__(self, status: int, field: str, reason: str) -> None:
        self.answer = problem(status, field, reason)
        super().__init__(f"{field} {reason}")


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked for, by whom; `request_id` names it if it is repeated."""

    unit: Unit
    need: Need | None
    by: By
    request_id: str | None


@router.get("/{cluster}", summary="Live holds, and those that ended lately", responses=_ANSWERS)
async def holds(cluster: str, request: Request) -> Response:
    """The holds that the cluster's rows show, the oldest first, and the server's time."""
    services: Services = request.app.state.services
    services.access.require(request, Permission.READ_BOARD, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        found = await services.board.holds(cluster)
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    found.sort(key=lambda hold: (hold["asked_at"], hold["id"]))
    return _json({"server_time": format_instant(services.clock()), "holds": found}, 200)


@router.post(
    "/{cluster}",
    summary="Keep a place, or a visit, for a caller",
    status_code=201,
    responses=_ANSWERS
    | {409: {"description": "It cannot be held now: `code` says why, `next` what else there is."}},
    openapi_extra=_body(["unit"], unit={"type": "string"}, need={"type": ["object", "null"]}),
)
async def ask(cluster: str, request: Request, idempotency_key: _Key = None) -> Response:
    """Ask for one of what `unit` has free, for a `need` (as alternatives have it; optional).

    Of two that ask for the last place one gets 201 and the hold, the other 409. The same
    `Idempotency-Key` with the same body gets the first answer.
    """
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.HOLD, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        wanted = _wanted(services, cluster, await _object(request), actor, idempotency_key)
        await note(services, request, actor, "hold-ask", wanted.unit.id, {"cluster": cluster})
        return await _asked(services, cluster, wanted)
    except _RefusedError as refused:
        return refused.answer
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)


@router.post(
    "/{cluster}/{hold}/{action}",
    summary="Accept, decline, cancel, fill or release a hold",
    responses=_ANSWERS | {409: {"description": "Not from the `state` that it is in by now."}},
    openapi_extra=_body([], reason={"type": ["string", "null"]}),
)
async def move(
    cluster: str, hold: str, action: str, request: Request, idempotency_key: _Key = None
) -> Response:
    """`accept` and `decline` are the unit's, `cancel` is the visitator's; `fill` (the citizen
    came) and `release` (after it was accepted) may be done by either.

    `reason` is one of the codes that docs/holds.md lists for the action. The same
    `Idempotency-Key` gets the first answer.
    """
    services: Services = request.app.state.services
    services.access.require(request, Permission.READ_BOARD, Scope(cluster=cluster))
    state = ACTIONS.get(action)
    if cluster not in services.catalogue.served_clusters() or state is None:
        return problem(404, "cluster" if state else "action", "is not known here")
    try:
        standing = await services.board.hold(cluster, hold)
        if standing is None:
            return problem(404, "hold", "is not known here (any more)")
        actor = _mover(services, request, standing, state)
        reason = _reason(await _object(request), state)
        told = (cluster, hold, action, reason or "")
        detail = {"cluster": cluster, "unit": standing["unit"], "reason": reason}
        await note(services, request, actor, f"hold-{action}", hold, detail)
        answer = await services.board.move_hold(
            cluster,
            hold,
            state,
            _by(actor),
            reason=reason,
            request_id=_request_id(actor, idempotency_key, *told),
        )
    except _RefusedError as refused:
        return refused.answer
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    if answer.code == UNKNOWN or answer.hold is None:
        return problem(404, "hold", "is not known here (any more)")
    if answer.code == DONE:
        return _json({"hold": answer.hold}, 200)
    said = f"is {answer.hold['state']}: {action} cannot follow that"
    return _json({"field": "hold", "reason": said, "state": answer.hold["state"]}, 409)


async def _asked(services: Services, cluster: str, wanted: _Ask) -> Response:
    used = await services.alternatives.used(cluster, wanted.need or Need())
    allowed = _allowed(services, wanted, used)
    if not isinstance(allowed, Allowed):
        # An ask that was granted stays granted, also if its repeat comes too late.
        known = await _granted_before(services, cluster, wanted)
        return known or await _conflict(services, cluster, wanted, *allowed)
    quota = None
    if allowed.usage_key is not None and allowed.limit is not None:
        quota = QuotaClaim(allowed.usage_key, allowed.limit)
    answer = await services.board.ask_hold(
        cluster,
        wanted.unit.id,
        wanted.unit.hold_for,
        wanted.by,
        need=wanted.need.as_json() if wanted.need else None,
        agreement=allowed.agreement.id if allowed.agreement else None,
        quota=quota,
        request_id=wanted.request_id,
    )
    if answer.code != HELD:
        return await _conflict(services, cluster, wanted, Refusal(answer.code))
    services.sweeper.wake(cluster)
    return _json({"hold": answer.hold}, 201)


def _allowed(
    services: Services, wanted: _Ask, used: Mapping[str, int]
) -> Allowed | tuple[Refusal] | tuple[Refusal, NotLent]:
    """What the store cannot know: kinds, opening hours, agreements.

    `used` chooses among several agreements; the quota of the chosen one the store counts itself.
    """
    unit, now = wanted.unit, services.clock()
    if not is_holdable(unit):
        return (Refusal.NOT_HOLDABLE,)
    if not unit.is_open(now):
        return (Refusal.CLOSED,)
    level = services.surge.level(unit.cluster)
    judged = agreement_for(services.catalogue, wanted.need or Need(), unit, now, level, used)
    if isinstance(judged, Allowed):
        return judged
    used_up = judged.code == "agreement_quota"
    return Refusal.QUOTA if used_up else Refusal.AGREEMENT, judged


async def _granted_before(services: Services, cluster: str, wanted: _Ask) -> Response | None:
    if wanted.request_id is None:
        return None
    hold_id = hold_id_of(cluster, wanted.request_id)
    hold = await services.board.hold(cluster, hold_id, confirmed=True)
    return None if hold is None else _json({"hold": hold}, 201)


async def _conflict(
    services: Services, cluster: str, wanted: _Ask, code: Refusal, not_lent: NotLent | None = None
) -> Response:
    """409: why, and the next best; ``why`` tells more where an agreement stands in the way."""
    try:
        others = await services.alternatives.next_best(cluster, wanted.need, wanted.unit.id)
    except BoardUnavailableError:
        others = []  # to say no is what matters; what else there is, her page has on it
    content: dict[str, object] = {"field": "unit", "reason": _SAID[code], "code": code.value}
    if not_lent is not None:
        content["why"] = {"code": not_lent.code, **not_lent.params}
    return _json(content | {"next": others}, 409)


def _wanted(
    services: Services, cluster: str, body: Mapping[str, object], actor: Actor, key: str | None
) -> _Ask:
    if set(body) - {"unit", "need"}:
        raise _RefusedError(422, "body", "has a field that an ask does not have")
    name, need = body.get("unit"), body.get("need")
    unit = services.catalogue.units.get(name) if isinstance(name, str) else None
    if unit is None or unit.cluster != cluster:
        raise _RefusedError(422, "unit", "is no unit of this cluster")
    try:
        read = _need(services, need)
    except NeedError as error:
        raise _RefusedError(422, f"need.{error.field}", error.reason) from error
    told = orjson.dumps(read.as_json() if read else None).decode()
    return _Ask(unit, read, _by(actor), _request_id(actor, key, cluster, unit.id, told))


def _need(services: Services, need: object) -> Need | None:
    if need is None:
        return None
    if not isinstance(need, dict):
        raise _RefusedError(422, "need", "must be an object or null")
    return parse_need(need, services.catalogue)


def _reason(body: Mapping[str, object], state: HoldState) -> str | None:
    if set(body) - {"reason"}:
        raise _RefusedError(422, "body", "has a field other than reason")
    reason, known = body.get("reason"), REASONS.get(state, ())
    if reason is None:
        return None
    if not isinstance(reason, str) or reason not in known:
        raise _RefusedError(422, "reason", f"must be one of: {', '.join(known) or 'none'}")
    return reason


def _mover(
    services: Services, request: Request, hold: Mapping[str, Any], state: HoldState
) -> Actor:
    """Who moves it, if they may; raises `Refused`. Its own visitation counts as who asked."""
    unit = services.catalogue.units.get(hold["unit"])
    if unit is None:
        raise _RefusedError(404, "hold", "is of a unit that is no longer known here")
    of_cluster = Scope(cluster=unit.cluster)
    of_unit = Scope(unit.cluster, unit.organisations(danish_day(services.clock())))
    if state in (HoldState.ACCEPTED, HoldState.DECLINED):
        return services.access.require(request, Permission.ANSWER, of_unit)
    if state is not HoldState.CANCELLED and not services.access.allows(
        request, Permission.HOLD, of_cluster
    ):
        return services.access.require(request, Permission.ANSWER, of_unit)
    actor = services.access.require(request, Permission.HOLD, of_cluster)
    if not _is_own(actor, hold["by"]):
        raise Refused(403, "This hold was asked for by others.")
    return actor


def _is_own(actor: Actor, by: Mapping[str, str | None]) -> bool:
    """Asked for by the same account, or by a colleague of the same organisation."""
    same = actor.organisation is not None and actor.organisation == by["organisation"]
    return same or actor.account == by["account"]


def _request_id(actor: Actor, key: str | None, *told: str) -> str | None:
    """Names one request: who, what, and the page's id for it; a reused id loses nothing."""
    if key is None:
        return None
    return hashlib.sha256("\0".join((actor.account, *told, key)).encode()).hexdigest()[:32]


def _by(actor: Actor) -> By:
    return By(actor.role.value, actor.organisation, actor.account)


async def _object(request: Request) -> Mapping[str, object]:
    """The body's object; nothing at all counts as an empty one."""
    headers = request.headers
    if "transfer-encoding" not in headers and headers.get("content-length", "0") == "0":
        return {}
    try:
        body = await json_body(request)
    except BodyError as error:
        raise _RefusedError(error.status, "body", error.reason) from error
    if not isinstance(body, dict):
        raise _RefusedError(422, "body", "must be an object")
    return body


def _json(content: object, status: int) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
