"""The operator's pages and what can be done there: feed health and quarantine.

Everything that changes something is a form posted by a page of ours, with the session's token.
"""

from typing import Annotated
from urllib.parse import quote, unquote, urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from capacity.board import BoardUnavailableError
from capacity.board.feed_figures import Figures
from capacity.board.quarantine import State, Tally, source_of
from capacity.privacy import holds_cpr
from feeds.sources import Transport
from web.access import Refused
from web.auth.trail import note
from web.errors import message_page
from web.pages.operator import SourceState, render_entry, render_operator, render_quarantine
from web.pages.operator_words import say_in
from web.replay import replay
from web.roles import Actor, Permission
from web.services import Services
from web.visiting import visitor_of
from web.words import Lang, choose_language

router = APIRouter(prefix="/operator", include_in_schema=False)

BY_COOKIE = "operator_by"
"""Keeps the role that was last given, so that it need not be written each time."""
NO_TALLY = Tally(0, 0, 0, 0)


@router.get("")
async def overview(request: Request) -> Response:
    """All sources."""
    services, refused = _open(request)
    if refused is not None:
        return refused
    try:
        health = await services.feed_health.read()
        tallies = await services.quarantine.tallies()
        bytes_kept = await services.quarantine.bytes_kept()
        runners = await services.leases.holders({s.cluster for s in services.sources.values()})
    except BoardUnavailableError:
        return message_page(request, 503)
    states = [
        SourceState(
            id=source.id,
            attribution=source.attribution,
            kind=f"{source.format.name}, {source.transport}",
            expected_every=source.expected_every,
            figures=health[source.id][0],
            alarm=health[source.id][1],
            tally=tallies.pop(source.id, None),
            runner=None if source.transport is Transport.PUSH else runners[source.cluster].name,
        )
        for source in services.sources.values()
    ]
    for source_id, tally in tallies.items():
        if tally.open:
            states.append(SourceState(source_id, "", "", None, Figures(), None, tally))
    lang = _lang(request)
    page = render_operator(
        states, bytes_kept, services.clock(), lang, demo=services.demo, visitor=visitor_of(request)
    )
    return _page(request, page)


@router.get("/documents/{document}")
async def download(document: str, request: Request) -> Response:
    """The raw text of a document, to be saved and never shown by the browser."""
    services, refused = _open(request)
    if refused is not None:
        return refused
    try:
        raw = await services.quarantine.raw(document)
        if raw is not None:
            actor = services.access.require(request, Permission.OPERATE)
            await note(services, request, actor, "quarantine-download", document)
    except BoardUnavailableError:
        return message_page(request, 503)
    if raw is None:
        return message_page(request, 404)
    name = quote(f"{document}.txt")
    headers = {
        "Content-Type": "text/plain",
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(raw, headers=headers)


@router.get("/{source}")
async def quarantine_page(source: str, request: Request, closed: bool = False) -> Response:
    """One source's entries."""
    services, refused = _open(request)
    if refused is not None:
        return refused
    try:
        tally = (await services.quarantine.tallies()).get(source)
        entries = await services.quarantine.entries(source, closed=closed) if tally else []
    except BoardUnavailableError:
        return message_page(request, 503)
    if tally is None and source not in services.sources:
        return message_page(request, 404)
    page = render_quarantine(
        source,
        tally or NO_TALLY,
        entries,
        services.clock(),
        _lang(request),
        closed=closed,
        did=_did(request),
        by=_by(request),
        csrf=services.access.csrf_token(request),
        demo=services.demo,
        visitor=visitor_of(request),
    )
    return _page(request, page)


@router.get("/{source}/{entry_id}")
async def entry_page(source: str, entry_id: str, request: Request) -> Response:
    """One entry."""
    services, refused = _open(request)
    if refused is not None:
        return refused
    try:
        entry = await services.quarantine.entry(entry_id) if source_of(entry_id) == source else None
        raw = await services.quarantine.raw(entry.document) if entry else None
    except BoardUnavailableError:
        return message_page(request, 503)
    if entry is None:
        return message_page(request, 404)
    page = render_entry(
        entry,
        services.clock(),
        _lang(request),
        has_raw=raw is not None,
        by=_by(request),
        csrf=services.access.csrf_token(request),
        demo=services.demo,
        visitor=visitor_of(request),
    )
    return _page(request, page)


class _Asked(BaseModel):
    """The form: the chosen entries, and the role of who chose them."""

    model_config = ConfigDict(frozen=True)
    id: list[Annotated[str, StringConstraints(max_length=200)]] = Field([], max_length=2000)
    by: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = ""
    every: bool = False
    csrf: Annotated[str, StringConstraints(max_length=200)] = ""

    @property
    def by_role(self) -> bool:
        """Whether the role may be kept; a person number never."""
        return bool(self.by) and self.by.isprintable() and not holds_cpr(self.by)


@router.post("/{source}/replay")
async def replay_entries(
    source: str, request: Request, asked: Annotated[_Asked, Form()]
) -> Response:
    """Take the documents of the chosen entries in again."""
    services, actor = _may_change(request, asked)
    declared = services.sources.get(source)
    if declared is None:
        return message_page(request, 404)
    if not asked.by_role:
        return _back(source, did="role")
    try:
        entries = await services.quarantine.entries(source)
        chosen = [entry for entry in entries if asked.every or entry.id in set(asked.id)]
        await note(services, request, actor, "quarantine-replay", source, {"entries": len(chosen)})
        done = await replay(services.intake, services.quarantine, declared, chosen, asked.by)
    except BoardUnavailableError:
        return message_page(request, 503)
    if not chosen:
        return _back(source, asked.by, did="none")
    counts = {"done": done.closed, "left": done.left, "missing": done.missing}
    return _back(source, asked.by, did="replay", **counts)


@router.post("/{source}/dismiss")
async def dismiss_entries(
    source: str, request: Request, asked: Annotated[_Asked, Form()]
) -> Response:
    """Close the chosen entries: somebody has seen them."""
    services, actor = _may_change(request, asked)
    if not asked.by_role:
        return _back(source, did="role")
    try:
        detail = {"entries": len(asked.id)}
        await note(services, request, actor, "quarantine-dismiss", source, detail)
        done = await services.quarantine.close(
            source, asked.id, State.DISMISSED, asked.by, services.clock()
        )
    except BoardUnavailableError:
        return message_page(request, 503)
    return _back(source, asked.by, did="dismiss" if asked.id else "none", done=len(done))


def _open(request: Request) -> tuple[Services, Response | None]:
    """The services, and where to go instead when a key has to be given first."""
    services: Services = request.app.state.services
    try:
        services.access.require(request, Permission.OPERATE)
    except Refused as refused:
        if refused.status_code != 401:
            raise
        to = quote(request.url.path)
        return services, RedirectResponse(f"/sign-in?next={to}", status_code=303)
    return services, None


def _may_change(request: Request, asked: _Asked) -> tuple[Services, Actor]:
    services: Services = request.app.state.services
    actor = services.access.require(request, Permission.OPERATE, form_token=asked.csrf)
    return services, actor


def _back(source: str, by: str = "", **told: str | int) -> Response:
    address = f"/operator/{quote(source)}?{urlencode(told)}"
    response = RedirectResponse(address, status_code=303)
    if by:
        response.set_cookie(
            BY_COOKIE,
            quote(by),
            httponly=True,
            samesite="strict",
            path="/operator",
            max_age=30 * 86400,
        )
    return response


def _by(request: Request) -> str:
    """The role that was given last."""
    return unquote(request.cookies.get(BY_COOKIE, ""))[:60]


def _did(request: Request) -> str | None:
    """What the redirect after an action tells; anybody can write the address, so only numbers."""
    query, say = request.query_params, say_in(_lang(request))
    numbers = {
        name: int(query[name]) if query.get(name, "").isdecimal() else 0
        for name in ("done", "left", "missing")
    }
    match query.get("did"):
        case "replay":
            return say("did_replay", **numbers)
        case "dismiss":
            return say("did_dismiss", **numbers)
        case "none":
            return say("chose_none")
        case "role":
            return say("give_role")
    return None


def _page(request: Request, page: str) -> Response:
    response = HTMLResponse(page)
    if "lang" in request.query_params:
        response.set_cookie("lang", _lang(request), samesite="lax", max_age=365 * 86400)
    return response


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
