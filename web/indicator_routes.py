"""The addresses of the indicators' pages."""

from collections.abc import Sequence
from typing import Final, cast
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.indicators.figures import Step
from capacity.units import danish_day
from web.access import Refused
from web.auth.trail import note
from web.errors import message_page
from web.indicator_desk import MOST, USUAL, IndicatorDesk
from web.indicator_export import chosen_only
from web.indicator_tables import indicator_table
from web.months import Month, months_with_figures
from web.pages.indicators import Choice, Looker, municipalities, render_indicators
from web.register_desk import Found, look
from web.roles import Permission, Scope
from web.services import Services
from web.tables import form_of
from web.visiting import visitor_of
from web.words import Lang, choose_language

USUAL_STEP: Final[Step] = "day"

router = APIRouter(prefix="/indicators", include_in_schema=False)


@router.get("/{cluster}")
async def of_cluster(cluster: str, request: Request) -> Response:
    """The indicators of the whole cluster, as a page or, with `format`, as a table."""
    return await _answer(request, cluster, None)


@router.get("/{cluster}/{municipality}")
async def of_municipality(cluster: str, municipality: str, request: Request) -> Response:
    """Those that can be told for a municipality, of one."""
    return await _answer(request, cluster, municipality)


def chosen(cluster: str, municipality: str | None, step: str, last: str) -> Choice:
    """What an address asks for; what cannot be read is as if it were not there, and is told."""
    is_step = step in USUAL
    found = cast("Step", step) if is_step else USUAL_STEP
    n = int(last) if last.isascii() and last.isdecimal() and len(last) < 6 else 0
    is_wrong = bool((step and not is_step) or (last and not n))
    return Choice(cluster, municipality, found, min(n or USUAL[found], MOST[found]), is_wrong)


async def _answer(request: Request, cluster: str, municipality: str | None) -> Response:
    services: Services = request.app.state.services
    try:
        actor = services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    except Refused as refused:
        if refused.status_code == 401:
            here = quote(f"{request.url.path}?{request.url.query}".rstrip("?"))
            return RedirectResponse(f"/sign-in?next={here}", status_code=303)
        raise
    catalogue = services.catalogue
    if cluster not in catalogue.served_clusters():
        return message_page(request, 404)
    known = municipalities(catalogue, cluster, danish_day(services.clock()))
    if municipality is not None and municipality not in known:
        return message_page(request, 404)
    asked = request.query_params
    choice = chosen(cluster, municipality, asked.get("step", ""), asked.get("last", ""))
    try:
        found = await look(services, cluster, choice.step, choice.n, municipality)
        form = form_of(asked.get("format"))
        if form is not None:
            detail = {"format": form, "step": choice.step, "periods": choice.n}
            await note(services, request, actor, "indicator-export", cluster, detail)
            only = chosen_only(found.told, asked.get("indicator", ""))
            return await indicator_table(request, cluster, municipality, form, choice.step, only)
        whole = IndicatorDesk(services.history, services.rollups.definitions, cluster)
        months = months_with_figures(await whole.whole_days(), MOST["month"])
    except (BoardUnavailableError, HistoryUnavailableError):
        return message_page(request, 503)
    return _page(request, services, choice, found, months)


def _page(
    request: Request,
    services: Services,
    choice: Choice,
    found: Found,
    months: Sequence[Month],
) -> Response:
    lang = _lang(request)
    access = services.access
    may = access.allows(request, Permission.IMPORT_FIGURES, Scope(cluster=choice.cluster))
    looker = Looker(services.demo, access.csrf_token(request), visitor_of(request), may)
    now = services.clock()
    page = render_indicators(
        found.told, found.span, found.missing, choice, services.catalogue, now, lang, looker,
        months,
    )  # fmt: skip
    response = HTMLResponse(page)
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
