"""Push notices of a unit: which browsers get them, for the people of that unit only."""

import re

from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from capacity.board import BoardUnavailableError
from capacity.board.subscriptions import Subscription
from capacity.instants import format_instant
from capacity.units import Unit
from web.api_board import problem
from web.api_units import refuse_strangers, unit_scope
from web.auth.trail import note
from web.json_body import BodyError, json_body
from web.notify import messages
from web.notify.outgoing import Hosts, NotAllowedError
from web.notify.push import UnitPushes
from web.notify.push_key import decode, encode
from web.roles import Actor, Permission
from web.services import Services
from web.store_away import store_away
from web.words import LANGUAGES

_AWAY = "the store is away; try again"
router = APIRouter(prefix="/api/v1", tags=["push"])

MAX_BODY = 4 * 1024
MAX_ENDPOINT = 1024
_ID = re.compile(r"[0-9a-f]{32}")
_REFUSALS: dict[int | str, dict[str, object]] = {
    401: {"description": "Not signed in."},
    403: {"description": "Not somebody of this unit, or not a page of ours."},
    404: {"description": "No such unit, or push is not set up."},
    503: {"description": "The store is away; come back after `Retry-After` seconds."},
}


class _FieldError(ValueError):
    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


@router.get(
    "/push/key",
    summary="The key that subscriptions must be made for",
    responses={401: _REFUSALS[401], 403: {"description": "Not somebody who may see a board."}},
)
async def key(request: Request) -> Response:
    """The public part of the key that signs pushes (VAPID), as base64url of the point.

    ``null`` where push is not set up.
    """
    services: Services = request.app.state.services
    clusters = list(services.catalogue.served_clusters())
    if not services.access.readable(request, clusters):
        services.access.may_read(request, next(iter(clusters), ""))
    pushes = services.notifier.pushes
    return JSONResponse({"key": None if pushes is None else pushes.pusher.key.public})


@router.get(
    "/units/{unit}/push", summary="Which browsers get a unit's notices", responses=_REFUSALS
)
async def subscriptions(unit: str, request: Request) -> Response:
    """Each by its id (a hash of its address), with when a notice last reached it."""
    services, _, known, pushes = _open(request, unit)
    if pushes is None or known is None:
        return problem(404, "unit" if known is None else "push", "is not known here")
    try:
        found = await pushes.subscriptions.of(known.cluster, known.id)
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    listed = [
        {"id": each.subscription.id, "last_reached": format_instant(each.last_reached)}
        for each in found
        if each.subscription.server_key == pushes.pusher.key.public
    ]
    return JSONResponse({"subscriptions": listed, "most": services.notifier.subscriptions.most})


@router.post(
    "/units/{unit}/push",
    status_code=201,
    summary="Let a browser have a unit's notices",
    responses=_REFUSALS
    | {
        409: {"description": "The unit has as many browsers as it may."},
        413: {"description": "The body is too large."},
        422: {"description": "`field` cannot be used, for the `reason` given."},
    },
)
async def subscribe(unit: str, request: Request) -> Response:
    """Body: what the browser's ``PushSubscription`` gives as JSON, and `lang`. May be repeated."""
    services, actor, known, pushes = _open(request, unit)
    if pushes is None or known is None or actor is None:
        return problem(404, "unit" if known is None else "push", "is not known here")
    try:
        body = await json_body(request, MAX_BODY)
        asked = _subscription(body, pushes.pusher.key.public, pushes.pusher.hosts)
    except BodyError as error:
        return problem(error.status, "body", error.reason)
    except _FieldError as error:
        return problem(422, error.field, str(error))
    try:
        detail = {"subscription": asked.id}
        await note(services, request, actor, "push-subscribe", known.id, detail)
        if not await pushes.subscriptions.add(known.cluster, known.id, asked):
            return problem(409, "unit", "has as many browsers as it may")
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    return JSONResponse({"subscription": {"id": asked.id}}, status_code=201)


@router.delete(
    "/units/{unit}/push/{subscription}",
    summary="Stop a browser's notices of a unit",
    responses=_REFUSALS,
)
async def unsubscribe(unit: str, subscription: str, request: Request) -> Response:
    """Forgotten is what is not there afterwards: repeating it is no fault."""
    services, actor, known, pushes = _open(request, unit)
    if pushes is None or known is None or actor is None or not _ID.fullmatch(subscription):
        return problem(404, "subscription", "is not known here")
    try:
        detail = {"subscription": subscription}
        await note(services, request, actor, "push-unsubscribe", known.id, detail)
        forgotten = await pushes.subscriptions.forget(known.cluster, known.id, subscription)
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    return JSONResponse({"forgotten": forgotten})


@router.post(
    "/units/{unit}/push/{subscription}/test",
    summary="Send a browser a first notice",
    responses=_REFUSALS,
)
async def test(unit: str, subscription: str, request: Request) -> Response:
    """Sends it and answers what became of it: sent, gone, later or refused."""
    services, actor, known, pushes = _open(request, unit)
    if pushes is None or known is None or actor is None:
        return problem(404, "unit" if known is None else "push", "is not known here")
    try:
        found = await pushes.subscriptions.of(known.cluster, known.id)
        if any(each.subscription.id == subscription for each in found):
            detail = {"subscription": subscription}
            await note(services, request, actor, "push-test", known.id, detail)
    except BoardUnavailableError as error:
        return store_away(error, _AWAY)
    for each in found:
        if each.subscription.id == subscription:
            fate = await pushes.send_to(known, each.subscription, messages.test(known))
            return JSONResponse({"fate": fate.value})
    return problem(404, "subscription", "is not known here")


def _open(
    request: Request, unit: str
) -> tuple[Services, Actor | None, Unit | None, UnitPushes | None]:
    """The services, who asks, the unit, and its pushes, once it is clear that they are theirs."""
    services: Services = request.app.state.services
    actor: Actor | None = None
    known = services.catalogue.units.get(unit)
    if known is None:
        refuse_strangers(request)
    else:
        scope = unit_scope(known, services.clock())
        actor = services.access.require(request, Permission.REPORT, scope)
    return services, actor, known, services.notifier.pushes


def _subscription(body: object, server_key: str, hosts: Hosts) -> Subscription:
    if not isinstance(body, dict):
        raise _FieldError("body", "is no object")
    keys = body.get("keys")
    if not isinstance(keys, dict):
        raise _FieldError("keys", "is no object")
    lang = body.get("lang", LANGUAGES[0])
    if lang not in LANGUAGES:
        raise _FieldError("lang", "is no language of ours")
    return Subscription(
        endpoint=_endpoint(body.get("endpoint"), hosts),
        p256dh=_point(keys.get("p256dh")),
        auth=encode(_bytes(keys.get("auth"), "keys.auth", 16)),
        lang=str(lang),
        server_key=server_key,
    )


def _endpoint(value: object, hosts: Hosts) -> str:
    if not isinstance(value, str) or len(value) > MAX_ENDPOINT:
        raise _FieldError("endpoint", f"is no address of at most {MAX_ENDPOINT} characters")
    try:
        hosts.check(value)
    except NotAllowedError as error:
        raise _FieldError("endpoint", str(error)) from None
    return value


def _point(value: object) -> str:
    raw = _bytes(value, "keys.p256dh", 65)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise _FieldError("keys.p256dh", "is no point on P-256") from None
    return encode(raw)


def _bytes(value: object, field: str, length: int) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * length:
        raise _FieldError(field, "is missing or too long")
    try:
        return decode(value, length)
    except ValueError as error:
        raise _FieldError(field, str(error)) from None
