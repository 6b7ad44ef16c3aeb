"""The pages' addresses; what they look like is in web.pages."""

from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.row import Row
from web.access import Refused
from web.callers import caller_of
from web.errors import message_page
from web.pages import render_board, render_index
from web.services import Services
from web.visiting import front_of, visitor_of
from web.words import Lang, choose_language

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request) -> Response:
    """Where each role begins: its own room, its one board, or the choice of a board."""
    services: Services = request.app.state.services
    actor = services.access.actor(request)
    front = front_of(actor)
    if front is not None:
        return RedirectResponse(front, status_code=303)
    open_to = services.access.readable(request, list(services.catalogue.served_clusters()))
    if len(open_to) == 1:
        return RedirectResponse(f"/board/{open_to[0]}", status_code=303)
    if not open_to:
        try:
            services.access.may_read(request, next(iter(services.catalogue.served_clusters()), ""))
        except Refused as refused:
            if refused.status_code == 401:
                return RedirectResponse("/sign-in", status_code=303)
            raise
    names = [services.catalogue.clusters[cluster] for cluster in open_to]
    return HTMLResponse(render_index(names, _lang(request), visitor_of(request)))


@router.get("/board/{cluster}")
async def board_page(cluster: str, request: Request) -> Response:
    """The live board, complete before any script runs."""
    services: Services = request.app.state.services
    lang = _lang(request)
    try:
        services.access.may_read(request, cluster)
    except Refused as refused:
        if refused.status_code == 401:
            return RedirectResponse(f"/sign-in?next={_here(request)}", status_code=303)
        raise
    if cluster not in services.catalogue.served_clusters():
        return message_page(request, 404)
    try:
        snapshot = await services.board.snapshot(cluster)
    except BoardUnavailableError:
        return message_page(request, 503)
    rows: list[Row] = [orjson.loads(stored.row) for stored in snapshot.rows]
    now, cursor = services.clock(), str(snapshot.cursor)
    query = request.query_params.multi_items()
    try:
        caller = await caller_of(services, request, cluster, query, now)
    except BoardUnavailableError:
        return message_page(request, 503)
    page = render_board(
        services.catalogue,
        cluster,
        rows,
        cursor,
        now,
        lang,
        query,
        demo=services.demo,
        caller=caller,
    )
    response = HTMLResponse(page)
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


def _here(request: Request) -> str:
    """This address as a value for another: whoever signs in comes back to the need they had."""
    return quote(f"{request.url.path}?{request.url.query}".rstrip("?"))


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
