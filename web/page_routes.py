"""The pages' addresses; what they look like is in web.pages."""

from urllib.parse import quote, urlsplit

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.row import Row
from web.access import COOKIE, Refused
from web.errors import message_page
from web.pages import render_board, render_index, render_sign_in, render_wall
from web.services import Services
from web.words import Lang, choose_language

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request) -> Response:
    """The clusters that may be seen; straight to the board when there is only one."""
    services: Services = request.app.state.services
    open_to = services.access.readable(request, list(services.catalogue.served_clusters()))
    if len(open_to) == 1:
        return RedirectResponse(f"/board/{open_to[0]}", status_code=303)
    if not open_to:
        services.access.may_read(request, next(iter(services.catalogue.served_clusters()), ""))
    names = [services.catalogue.clusters[cluster] for cluster in open_to]
    return HTMLResponse(render_index(names, _lang(request)))


@router.get("/board/{cluster}")
async def board_page(cluster: str, request: Request) -> Response:
    """The live board, complete before any script runs."""
    return await _board(cluster, request, wall=False)


@router.get("/wall/{cluster}")
async def wall_page(cluster: str, request: Request) -> Response:
    """The wall screen."""
    return await _board(cluster, request, wall=True)


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/") -> Response:
    """Where a person gives the key of a board."""
    return HTMLResponse(render_sign_in(_lang(request), error=False, next=_local(next)))


@router.post("/sign-in")
async def sign_in(
    request: Request,
    key: str = Form(max_length=200),
    next: str = Form(default="/"),
) -> Response:
    """Keep a valid key in a cookie that no script can read."""
    services: Services = request.app.state.services
    if services.access.keys.find(key) is None:
        page = render_sign_in(_lang(request), error=True, next=_local(next))
        return HTMLResponse(page, status_code=401)
    response = RedirectResponse(_local(next), status_code=303)
    response.set_cookie(
        COOKIE,
        key,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=12 * 3600,
    )
    return response


async def _board(cluster: str, request: Request, *, wall: bool) -> Response:
    services: Services = request.app.state.services
    lang = _lang(request)
    try:
        services.access.may_read(request, cluster)
    except Refused as refused:
        if refused.status_code == 401:
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
        raise
    if cluster not in services.catalogue.served_clusters():
        return message_page(request, 404)
    try:
        snapshot = await services.board.snapshot(cluster)
    except BoardUnavailableError:
        return message_page(request, 503)
    rows: list[Row] = [orjson.loads(stored.row) for stored in snapshot.rows]
    now, cursor = services.clock(), str(snapshot.cursor)
    if wall:
        page = render_wall(services.catalogue, cluster, rows, cursor, now, lang, demo=services.demo)
    else:
        query = request.query_params.multi_items()
        page = render_board(
            services.catalogue, cluster, rows, cursor, now, lang, query, demo=services.demo
        )
    response = HTMLResponse(page)
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))


def _local(address: str) -> str:
    """An address of our own, or the front page: a sign-in must not lead elsewhere."""
    parts = urlsplit(address)
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and not parts.netloc and address.isprintable() else "/"
