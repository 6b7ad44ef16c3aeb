"""The address of the past: a board as it looked at any moment."""

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import COPENHAGEN, BadInstantError
from web.access import Refused
from web.errors import message_page
from web.history_door import EARLIEST, caught_up, instant_of
from web.pages.replay import Asked, Looker, Scene, render_replay
from web.past_desk import PastDesk
from web.past_time import named
from web.roles import Permission, Scope
from web.services import Services
from web.visiting import visitor_of
from web.words import choose_language

FIRST_LOOK = timedelta(hours=1)
"""How far back the page begins when no moment is asked for."""

router = APIRouter(include_in_schema=False)

_Part = Annotated[str, Query(max_length=40)]


@router.get("/replay/{cluster}")
async def replay_page(
    cluster: str,
    request: Request,
    at: _Part = "",
    day: _Part = "",
    time: _Part = "",
    which: _Part = "",
) -> Response:
    """The board at an instant (`at`), or at a Danish `day` and `time`."""
    services: Services = request.app.state.services
    try:
        services.access.may_read(request, cluster)
    except Refused as refused:
        if refused.status_code == 401:
            here = quote(f"{request.url.path}?{request.url.query}".rstrip("?"))
            return RedirectResponse(f"/sign-in?next={here}", status_code=303)
        raise
    if cluster not in services.catalogue.served_clusters():
        return message_page(request, 404)
    now = services.clock()
    instant, asked = _asked(now, at, day, time, which)
    try:
        if not await caught_up(services.board, services.history, cluster):
            return message_page(request, 503)
        desk = PastDesk(services.history, services.catalogues, cluster)
        scene = Scene(
            await desk.moment(instant),
            await desk.ways(instant, now),
            now,
            await desk.begins(),
            asked,
        )
    except (HistoryUnavailableError, BoardUnavailableError):
        return message_page(request, 503)
    return _page(services, request, cluster, scene)


def _page(services: Services, request: Request, cluster: str, scene: Scene) -> Response:
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
    looker = Looker(
        demo=services.demo,
        may_review=services.access.allows(request, Permission.REVIEW, Scope(cluster=cluster)),
        csrf=services.access.csrf_token(request),
        visitor=visitor_of(request),
    )
    response = HTMLResponse(render_replay(scene, cluster, lang, looker))
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


def _asked(now: datetime, at: str, day: str, time: str, which: str) -> tuple[datetime, Asked]:
    """The moment to show, and what is to be said of it."""
    notices: list[str] = []
    try:
        if at:
            found = instant_of(at)
        elif day or time:
            told = named(
                day or now.astimezone(COPENHAGEN).date().isoformat(), time or "12:00", which
            )
            found = told.at
            notices += ["replay_twice"] * told.twice + ["replay_missing"] * told.missing
        else:
            found = (now - FIRST_LOOK).replace(second=0, microsecond=0)
    except BadInstantError:
        wrong = Asked(("replay_wrong_time",), day, time, which)
        return (now - FIRST_LOOK).replace(second=0, microsecond=0), wrong
    if found > now:
        found, notices = now, ["replay_ahead"]
    return max(found, EARLIEST), Asked(tuple(notices), which=which)
