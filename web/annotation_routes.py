"""The page on which a steering group notes dated changes, at which charts' limits begin anew."""

import re
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.annotated import LONGEST_TEXT, Annotation, Change, Effect, fault
from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.history import annotations as noted
from capacity.imported import Signed
from capacity.privacy import holds_cpr
from capacity.units import danish_day
from web.access import Refused
from web.auth.trail import note
from web.errors import message_page
from web.pages.annotations import Filled, Frame, render_annotations
from web.pages.indicators import municipalities
from web.roles import Permission, Scope
from web.services import Services
from web.visiting import visitor_of
from web.words import Words, choose_language

router = APIRouter(prefix="/indicators", include_in_schema=False)

EARLIEST: Final = date(1990, 1, 1)
AHEAD: Final = timedelta(days=366)
"""How far ahead a change may be noted."""
_AWAY = (BoardUnavailableError, HistoryUnavailableError)
_REQUEST = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_Word = Annotated[str, Form(max_length=200)]
_Short = Annotated[str, Query(max_length=9)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request about the changes of one cluster."""

    request: Request
    services: Services
    cluster: str
    words: Words


@router.get("/{cluster}/changes")
async def annotations_page(
    cluster: str, request: Request, change: _Short = "", saved: _Short = ""
) -> Response:
    """Everything that was noted, with its versions, and the form for more."""
    asked = _asked(request, cluster)
    try:
        asked.services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    except Refused as refused:
        if refused.status_code != 401:
            raise
        return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
    if cluster not in asked.services.catalogue.served_clusters():
        return message_page(request, 404)
    told = asked.words.text("annotation_saved") if saved else ""
    try:
        return await _page(asked, told=told, revised=change)
    except _AWAY:
        return message_page(request, 503)


@router.post("/{cluster}/changes")
async def write(
    cluster: str,
    request: Request,
    csrf: _Word = "",
    request_id: Annotated[str, Form(alias="request", max_length=80)] = "",
    change: _Word = "",
    withdraw: _Word = "",
    day: _Word = "",
    until: _Word = "",
    effect: _Word = "",
    place: _Word = "",
    indicator: _Word = "",
    text: Annotated[str, Form(max_length=4 * LONGEST_TEXT)] = "",
) -> Response:
    """Note a change, correct one, or withdraw one: each a version of its own."""
    asked = _asked(request, cluster)
    scope = Scope(cluster=cluster)
    actor = asked.services.access.require(request, Permission.ANNOTATE, scope, form_token=csrf)
    if cluster not in asked.services.catalogue.served_clusters():
        return message_page(request, 404)
    number = int(change) if _NUMBER.fullmatch(change) else 0
    if not _REQUEST.fullmatch(request_id) or (not number and (change or withdraw)):
        return message_page(request, 404)
    filled = Filled(day, until, effect, place, indicator, "" if holds_cpr(text) else text.strip())
    read = None if withdraw else _read(asked, filled, holds_cpr(text))
    by = Signed(actor.account, actor.role.value, asked.services.clock())
    action = "annotation-withdraw" if withdraw else "annotation-write"
    try:
        if isinstance(read, str):
            return await _page(asked, error=read, filled=filled, revised=change, status=422)
        detail = {"change": number or None, "day": read.day.isoformat() if read else None}
        await note(asked.services, request, actor, action, cluster, detail)
        await _written(asked, number, read, by, request_id)
    except _AWAY:
        return message_page(request, 503)
    return RedirectResponse(f"/indicators/{quote(cluster)}/changes?saved=1", status_code=303)


async def _written(
    asked: _Asked, number: int, change: Change | None, by: Signed, request_id: str
) -> None:
    history, cluster = asked.services.history, asked.cluster
    if number:
        await history.write(lambda sql: noted.revise(sql, cluster, number, change, by, request_id))
    elif change is not None:
        await history.write(lambda sql: noted.annotate(sql, cluster, change, by, request_id))


def _read(asked: _Asked, filled: Filled, has_cpr: bool) -> Change | str:
    """What a form says, or why it cannot be kept."""
    words, services = asked.words, asked.services
    if has_cpr:
        return words.text("annotation_wrong_cpr")
    if not filled.text or len(filled.text) > LONGEST_TEXT or not filled.text.isprintable():
        return words.text("annotation_wrong_text", most=LONGEST_TEXT)
    today = danish_day(services.clock())
    day, until = (_day(each, today + AHEAD) for each in (filled.day, filled.until))
    if day is None:
        return words.text("annotation_wrong_day")
    known = municipalities(services.catalogue, asked.cluster, today)
    if filled.place and filled.place not in known:
        return words.text("annotation_wrong_place")
    if filled.indicator and filled.indicator not in services.rollups.definitions.indicators:
        return words.text("annotation_wrong_indicator")
    if filled.effect not in set(Effect):
        return words.text("annotation_wrong_effect")
    effect = Effect(filled.effect)
    last = until if effect is Effect.BASELINE else None
    change = Change(day, filled.text, effect, filled.place or None, filled.indicator or None, last)
    return change if fault(change) is None else words.text("annotation_wrong_until")


def _day(text: str, latest: date) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) == 10 and EARLIEST <= found <= latest else None


def _asked(request: Request, cluster: str) -> _Asked:
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
    return _Asked(request, request.app.state.services, cluster, Words(lang))


async def _page(
    asked: _Asked,
    *,
    told: str = "",
    error: str = "",
    filled: Filled | None = None,
    revised: str = "",
    status: int = 200,
) -> Response:
    services, request = asked.services, asked.request
    found = await services.history.read(lambda sql: noted.annotations(sql, asked.cluster))
    latest = _chosen(found, revised)
    if filled is None and latest is not None:
        filled = Filled.of(latest.latest.change)
    frame = Frame(
        words=asked.words,
        catalogue=services.catalogue,
        definitions=services.rollups.definitions,
        cluster=asked.cluster,
        now=services.clock(),
        csrf=services.access.csrf_token(request),
        visitor=visitor_of(request),
        demo=services.demo,
        may_write=services.access.allows(
            request, Permission.ANNOTATE, Scope(cluster=asked.cluster)
        ),
        request=secrets.token_hex(16),
        filled=filled or Filled(),
        revised=None if latest is None else latest.id,
        told=told,
        error=error,
    )
    response = HTMLResponse(render_annotations(frame, found), status_code=status)
    if "lang" in request.query_params:
        lang = asked.words.lang
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


def _chosen(found: list[Annotation], revised: str) -> Annotation | None:
    return next((each for each in found if str(each.id) == revised), None)
