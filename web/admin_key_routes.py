"""The administrator's page of keys: of sources, wall screens and programs."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, NonNegativeInt, StringConstraints

from capacity.board import BoardUnavailableError
from web.admin_desk import Desk, desk_of, shown_link, wrong
from web.errors import message_page
from web.key_kinds import KeyKind
from web.keys import KeyFaultError
from web.pages.admin import render_keys, render_once

router = APIRouter(prefix="/admin/keys", include_in_schema=False)

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
LONGEST = timedelta(days=3650)


class _Wished(BaseModel):
    """The forms' fields. `what` is a kind and what it is for, joined by a colon."""

    model_config = ConfigDict(frozen=True)
    csrf: _Text = ""
    what: _Text = ""
    label: _Text = ""
    days: NonNegativeInt = 0
    hours: NonNegativeInt = 0


@router.get("")
async def keys(request: Request) -> Response:
    """All keys, with when each was used last."""
    desk = desk_of(request)
    if isinstance(desk, Response):
        return desk
    did = request.query_params.get("did")
    return await _shown(desk, told=desk.words.text("admin_did_revoke") if did == "revoke" else "")


@router.post("")
async def new_key(request: Request, wished: Annotated[_Wished, Form()]) -> Response:
    """Make one and show it once."""
    desk = desk_of(request, form_token=wished.csrf)
    if isinstance(desk, Response):
        return desk
    kind, _, of = wished.what.partition(":")
    lifetime = timedelta(days=min(wished.days, LONGEST.days)) if wished.days else None
    try:
        if kind not in set(KeyKind):
            raise KeyFaultError("no such kind of key")
        secret = await desk.keys().new(KeyKind(kind), of, label=wished.label, lifetime=lifetime)
    except KeyFaultError as error:
        return await _shown(desk, error=wrong(desk.words, "key", str(error)))
    except BoardUnavailableError:
        return message_page(request, 503)
    return _once(desk, KeyKind(kind), of, secret)


@router.post("/{key}/rotate")
async def rotate(key: str, request: Request, wished: Annotated[_Wished, Form()]) -> Response:
    """A new key for the same; the old one goes on for `hours`."""
    desk = desk_of(request, form_token=wished.csrf)
    if isinstance(desk, Response):
        return desk
    overlap = min(timedelta(hours=min(wished.hours, 24 * LONGEST.days)), LONGEST)
    try:
        old, secret = await desk.keys().rotate(key, overlap)
    except KeyFaultError as error:
        return await _shown(desk, error=wrong(desk.words, "no_key", str(error)))
    except BoardUnavailableError:
        return message_page(request, 503)
    return _once(desk, old.kind, old.of, secret)


@router.post("/{key}/revoke")
async def revoke(key: str, request: Request, wished: Annotated[_Wished, Form()]) -> Response:
    """End a key at once."""
    desk = desk_of(request, form_token=wished.csrf)
    if isinstance(desk, Response):
        return desk
    try:
        await desk.keys().revoke(key)
    except KeyFaultError:
        return message_page(request, 404)
    except BoardUnavailableError:
        return message_page(request, 503)
    return RedirectResponse("/admin/keys?did=revoke", status_code=303)


def _once(desk: Desk, kind: KeyKind, of: str, secret: str) -> Response:
    shown = secret
    told = desk.words.text("admin_key_once")
    if kind is KeyKind.BOARD:
        shown = shown_link(desk.services, desk.request, f"/wall-link/{secret}")
        told = f"{desk.words.text('admin_wall_link')}. {told}"
    return HTMLResponse(render_once(desk.frame("keys"), told, shown, "/admin/keys", of))


async def _shown(desk: Desk, *, told: str = "", error: str = "") -> Response:
    try:
        used: dict[str, datetime] = await desk.services.door.key_use.all()
    except BoardUnavailableError:
        return message_page(desk.request, 503)
    ring, known = desk.services.access.keys, desk.keys().known
    page = render_keys(desk.frame("keys", told, error), ring, used, known)
    return HTMLResponse(page, status_code=422) if error else desk.page(page)
