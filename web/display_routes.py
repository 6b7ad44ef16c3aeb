"""The addresses of pages that are only read: the wall screen and the printed page."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.row import Row
from web.access import Refused
from web.errors import message_page
from web.pages import render_print, render_wall
from web.services import Services
from web.words import Lang, choose_language

router = APIRouter(include_in_schema=False)

COME_BACK = {"Refresh": "15"}
"""A wall screen that got no page has nobody to try again for it."""


@router.get("/wall/{cluster}")
async def wall_page(cluster: str, request: Request) -> Response:
    """The wall screen."""
    services: Services = request.app.state.services

    def page(rows: list[Row], cursor: str, now: datetime, lang: Lang) -> str:
        surge = services.surge.of(cluster)
        catalogue, demo = services.catalogue, services.demo
        return render_wall(catalogue, cluster, rows, cursor, now, lang, demo=demo, surge=surge)

    response = await _page(cluster, request, page)
    if response.status_code == 503:
        response.headers.update(COME_BACK)
    return response


@router.get("/print/{cluster}")
async def print_page(cluster: str, request: Request) -> Response:
    """Every unit of a cluster, to be put on paper."""
    services: Services = request.app.state.services

    def page(rows: list[Row], _: str, now: datetime, lang: Lang) -> str:
        surge = services.surge.of(cluster)
        catalogue, demo = services.catalogue, services.demo
        return render_print(catalogue, cluster, rows, now, lang, demo=demo, surge=surge)

    return await _page(cluster, request, page)


async def _page(
    cluster: str, request: Request, page: Callable[[list[Row], str, datetime, Lang], str]
) -> Response:
    """A page of the cluster's rows, for those who may read them."""
    services: Services = request.app.state.services
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
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
    response = HTMLResponse(page(rows, str(snapshot.cursor), services.clock(), lang))
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response
