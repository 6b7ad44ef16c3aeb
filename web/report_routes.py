"""The addresses of the monthly reports, and of the statement of use of a month."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from web.access import Refused
from web.errors import message_page
from web.history_door import caught_up
from web.indicator_desk import MOST
from web.months import Month, months_with_figures
from web.pages import render_message
from web.pages.indicators import Looker, municipalities
from web.pages.report import Asked, Frame, day_name, month_name, render_report
from web.pages.statement_page import Chosen, render_statement
from web.report_desk import ReportDesk
from web.roles import Permission, Scope
from web.services import Services
from web.visiting import visitor_of
from web.words import Words, choose_language

router = APIRouter(prefix="/indicators", include_in_schema=False)

_AWAY = (BoardUnavailableError, HistoryUnavailableError)
_Part = Annotated[str, Query(max_length=40)]


@router.get("/{cluster}/report/{month}")
async def monthly_report(cluster: str, month: str, request: Request) -> Response:
    """The report of a month ("2026-10"): 422 for what is no month, 404 for one without figures."""
    refused = _not_for_them(request, cluster)
    if refused is not None:
        return refused
    asked = Month.parse(month)
    if asked is None:
        return _told(_words(request), "wrong_month", 422)
    door = _Door(request, cluster)
    try:
        if not await caught_up(door.services.board, door.services.history, cluster):
            return message_page(request, 503)
        return await _report(door, asked)
    except _AWAY:
        return message_page(request, 503)


@router.get("/{cluster}/statement")
async def statement_of_use(
    cluster: str, request: Request, month: _Part = "", municipality: _Part = ""
) -> Response:
    """The statement of a month, by default of the latest that has figures."""
    refused = _not_for_them(request, cluster)
    if refused is not None:
        return refused
    asked = Month.parse(month)
    if month and asked is None:
        return _told(_words(request), "wrong_month", 422)
    try:
        return await _statement(_Door(request, cluster), asked, municipality or None)
    except _AWAY:
        return message_page(request, 503)


@dataclass(frozen=True, slots=True)
class _Door:
    """Who asks, and for what cluster."""

    request: Request
    cluster: str

    @property
    def services(self) -> Services:
        services: Services = self.request.app.state.services
        return services

    @property
    def desk(self) -> ReportDesk:
        return ReportDesk(self.services, self.cluster)

    @property
    def words(self) -> Words:
        return _words(self.request)

    @property
    def looker(self) -> Looker:
        token = self.services.access.csrf_token(self.request)
        return Looker(self.services.demo, token, visitor_of(self.request))

    def municipalities(self, day: date) -> Mapping[str, str]:
        return municipalities(self.services.catalogue, self.cluster, day)

    def answer(self, page: str) -> Response:
        response = HTMLResponse(page)
        if "lang" in self.request.query_params:
            lang = self.words.lang
            response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
        return response


async def _report(door: _Door, month: Month) -> Response:
    known = await door.desk.known()
    if known is None:
        return _told(door.words, "no_month", 404, text=door.words.text("report_no_figures"))
    basis = await door.desk.basis(month, known)
    if basis is None:
        return _no_month(door.words, month, known)
    report = await door.desk.read(basis, list(door.municipalities(basis.days[1])))
    if report is None:
        return _no_month(door.words, month, known)
    frame = Frame(
        asked=Asked(door.cluster, month, door.request.query_params.get("charts") == "all"),
        catalogue=door.services.catalogue,
        definitions=door.services.rollups.definitions,
        now=door.services.clock(),
        lang=door.words.lang,
        looker=door.looker,
    )
    return door.answer(await asyncio.to_thread(render_report, report, frame))


async def _statement(door: _Door, asked: Month | None, municipality: str | None) -> Response:
    known = await door.desk.known()
    if known is None:
        return _told(door.words, "no_month", 404, text=door.words.text("report_no_figures"))
    month = asked or Month.of(known[1])
    basis = await door.desk.basis(month, known)
    if basis is None:
        return _no_month(door.words, month, known)
    names = door.municipalities(basis.days[1])
    if municipality is not None and municipality not in names:
        return message_page(door.request, 404)
    page = render_statement(
        await door.desk.statement(basis),
        basis,
        Chosen(door.cluster, municipality, month),
        months_with_figures(known, MOST["month"]),
        names,
        door.services.catalogue,
        door.services.clock(),
        door.words.lang,
        door.looker,
    )
    return door.answer(page)


def _not_for_them(request: Request, cluster: str) -> Response | None:
    """Why whoever asks gets nothing, or a way to sign in; ``None`` for those who may see it."""
    services: Services = request.app.state.services
    try:
        services.access.require(request, Permission.READ_INDICATORS, Scope(cluster=cluster))
    except Refused as refused:
        if refused.status_code == 401:
            here = quote(f"{request.url.path}?{request.url.query}".rstrip("?"))
            return RedirectResponse(f"/sign-in?next={here}", status_code=303)
        raise
    return None if cluster in services.catalogue.served_clusters() else message_page(request, 404)


def _no_month(words: Words, month: Month, known: tuple[date, date]) -> Response:
    first, last = (day_name(day, words) for day in known)
    return _told(words, "no_month", 404, month=month_name(month, words), first=first, last=last)


def _told(words: Words, key: str, status: int, *, text: str = "", **values: str) -> Response:
    """A page that says why there is no report."""
    said = text or words.text(f"report_{key}_told", **values)
    page = render_message(words.text(f"report_{key}"), [said], words.lang, status)
    return HTMLResponse(page, status_code=status)


def _words(request: Request) -> Words:
    return Words(choose_language(request.query_params.get("lang"), request.cookies.get("lang")))
