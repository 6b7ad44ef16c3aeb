"""The addresses of the ledger of calls: its page, and comments on single calls."""

import re
import secrets
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi import Form as FormField
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.history.comments import Comment
from capacity.ledger import Finding, counts, sample
from capacity.privacy import holds_cpr
from web.access import Refused
from web.auth.trail import note
from web.errors import message_page
from web.history_door import caught_up
from web.ledger_desk import Judged, LedgerDesk, Week
from web.pages.ledger import MOST_TEXT, Choice, Ledger, render_ledger
from web.pages.replay import Looker
from web.roles import Permission, Scope
from web.services import Services
from web.visiting import visitor_of
from web.words import Words, choose_language

MOST_SAMPLED = 500
_REQUEST = re.compile(r"[0-9a-f]{16}-[0-9a-f-]{36}")
_AWAY = (BoardUnavailableError, HistoryUnavailableError)

router = APIRouter(prefix="/ledger", include_in_schema=False)

_Part = Annotated[str, Query(max_length=40)]


class Asked:
    """What an address asks for; what cannot be read is as if it were not there."""

    def __init__(
        self,
        request: Request,
        week: _Part = "",
        finding: _Part = "",
        sample: _Part = "",
        seed: _Part = "",
        page: _Part = "",
    ) -> None:
        services: Services = request.app.state.services
        known = Week.parse(week)
        self.is_wrong_week = bool(week) and known is None
        self.choice = Choice(
            week=known or Week.of(services.clock()),
            finding=Finding(finding) if finding in set(Finding) else None,
            sample=min(_number(sample), MOST_SAMPLED),
            seed="" if holds_cpr(seed) else seed,
            page=max(1, min(_number(page), 10_000)),
        )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def chosen(cases: list[Judged], choice: Choice) -> list[Judged]:
    """Those of the class that is looked at, and of these the sample."""
    found = [each for each in cases if choice.finding in (None, each.case.finding)]
    if not choice.sample:
        return found
    drawn = sample([each.case for each in found], choice.sample, choice.seed)
    ids = {case.outcome.id for case in drawn}
    return [each for each in found if each.case.outcome.id in ids]


def desk_of(services: Services, cluster: str) -> LedgerDesk:
    """The ledger of a cluster."""
    return LedgerDesk(services.history, services.outcomes, services.catalogues, cluster)


@router.get("/{cluster}")
async def ledger_page(
    cluster: str, request: Request, saved: Annotated[str, Query(max_length=1)] = ""
) -> Response:
    """A week's calls, each beside what the board showed then."""
    services: Services = request.app.state.services
    asked = Asked(request, **_query(request))
    try:
        services.access.require(request, Permission.REVIEW, Scope(cluster=cluster))
    except Refused as refused:
        if refused.status_code == 401:
            here = quote(f"{request.url.path}?{request.url.query}".rstrip("?"))
            return RedirectResponse(f"/sign-in?next={here}", status_code=303)
        raise
    if cluster not in services.catalogue.served_clusters():
        return message_page(request, 404)
    words = _words(request)
    told = words.text("ledger_commented") if saved else ""
    error = words.text("ledger_wrong_week") if asked.is_wrong_week else ""
    return await _page(services, request, cluster, asked.choice, told=told, error=error)


@router.post("/{cluster}/comment")
async def comment(
    cluster: str,
    request: Request,
    csrf: Annotated[str, FormField(max_length=200)] = "",
    outcome: Annotated[str, FormField(max_length=40)] = "",
    request_id: Annotated[str, FormField(alias="request", max_length=80)] = "",
    text: Annotated[str, FormField(max_length=4 * MOST_TEXT)] = "",
) -> Response:
    """Write a comment on one call, by role and organisation."""
    services: Services = request.app.state.services
    actor = services.access.require(
        request, Permission.REVIEW, Scope(cluster=cluster), form_token=csrf
    )
    if cluster not in services.catalogue.served_clusters():
        return message_page(request, 404)
    choice, said = Asked(request, **_query(request)).choice, text.replace("\r\n", "\n").strip()
    wrong = _wrong(said, _words(request))
    desk = desk_of(services, cluster)
    try:
        if wrong:
            return await _page(services, request, cluster, choice, error=wrong, status=422)
        if not _REQUEST.fullmatch(request_id) or not await desk.find(outcome, choice.week):
            return message_page(request, 404)
        await note(services, request, actor, "ledger-comment", outcome, {"cluster": cluster})
        made = Comment(outcome, services.clock(), actor.role.value, actor.organisation, said)
        await desk.comment(made, request_id)
    except _AWAY:
        return message_page(request, 503)
    back = f"/ledger/{quote(cluster)}{choice.query(saved=1)}#c-{outcome}"
    return RedirectResponse(back, status_code=303)


def _wrong(text: str, words: Words) -> str:
    """Why a comment cannot be kept; it is not said again, for it may be about somebody."""
    if holds_cpr(text):
        return words.text("ledger_wrong_cpr")
    if not text or len(text) > MOST_TEXT or "\0" in text:
        return words.text("ledger_wrong_empty", most=MOST_TEXT)
    return ""


async def _page(
    services: Services,
    request: Request,
    cluster: str,
    choice: Choice,
    *,
    told: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    desk = desk_of(services, cluster)
    try:
        if not await caught_up(services.board, services.history, cluster):
            return message_page(request, 503)
        cases = await desk.week(choice.week)
        found = chosen(cases, choice)
        week_counts = counts(each.case for each in cases)
        ledger = Ledger(choice, week_counts, found, {}, secrets.token_hex(8), told, error)
        ledger = Ledger(
            choice, week_counts, found, await desk.comments(ledger.shown), ledger.nonce, told, error
        )
    except _AWAY:
        return message_page(request, 503)
    looker = Looker(
        demo=services.demo,
        csrf=services.access.csrf_token(request),
        visitor=visitor_of(request),
    )
    words = _words(request)
    page = render_ledger(ledger, services.catalogue, cluster, services.clock(), words.lang, looker)
    response = HTMLResponse(page, status_code=status)
    if "lang" in request.query_params:
        response.set_cookie("lang", words.lang, samesite="lax", max_age=365 * 86400)
    return response


def _words(request: Request) -> Words:
    return Words(choose_language(request.query_params.get("lang"), request.cookies.get("lang")))


def _query(request: Request) -> dict[str, str]:
    names = ("week", "finding", "sample", "seed", "page")
    return {name: request.query_params.get(name, "")[:40] for name in names}
