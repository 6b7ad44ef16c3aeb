"""The addresses of signing in: by password and code, by a set-up link, by a wall screen's link."""

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.people import Account
from web.auth import passwords, second_factor, signing_in
from web.auth.cookies import address_of
from web.auth.trail import Someone, note
from web.errors import message_page
from web.key_kinds import KeyKind
from web.pages import times
from web.pages.plain import render_message
from web.pages.sign_in import render_set_up, render_sign_in
from web.services import Services
from web.words import Lang, Words, choose_language

router = APIRouter(include_in_schema=False)

TRIES_PER_MINUTE = 20
"""Sign-ins that one address may try in a minute; a whole department may share an address."""
_AWAY = (BoardUnavailableError, HistoryUnavailableError)

Text = Annotated[str, Form(max_length=200)]


@router.get("/sign-in")
async def sign_in_page(
    request: Request,
    next: Annotated[str, Query(max_length=500)] = "/",
    out: bool = False,
) -> Response:
    """The form."""
    told = Words(_lang(request)).text("signed_out") if out else ""
    return HTMLResponse(_form(request, next, told=told))


@router.get("/sign-in/done")
async def signed_in_again(request: Request) -> Response:
    """Where the tab ends in which somebody has signed in for the sake of another tab."""
    words = Words(_lang(request))
    page = render_message(
        words.text("signed_in_again"), [words.text("signed_in_again_text")], words.lang, 200
    )
    return HTMLResponse(page)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    login: Text,
    password: Text,
    csrf: Text = "",
    code: Text = "",
    next: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Let somebody in, or say that it did not match and nothing more."""
    services: Services = request.app.state.services
    services.access.refuse_foreign(request, csrf)
    try:
        wait = await _must_wait(services, request, login)
        if wait is not None:
            return HTMLResponse(_form(request, next, login=login, error=wait), status_code=429)
        account = await _known(services, login, password, code)
        if account is None:
            await _failed(services, request, login)
            error = Words(_lang(request)).text("sign_in_error")
            return HTMLResponse(_form(request, next, login=login, error=error), status_code=401)
        await services.door.rates.succeeded(login)
        how = "totp" if account.totp_secret else "password"
        return await signing_in.begin_session(services, request, account, how, local(next))
    except _AWAY:
        return message_page(request, 503)


@router.post("/sign-out")
async def sign_out(request: Request, csrf: Text = "") -> Response:
    """End the session."""
    services: Services = request.app.state.services
    services.access.refuse_foreign(request, csrf)
    try:
        return await signing_in.sign_out(services, request)
    except _AWAY:
        return message_page(request, 503)


@router.get("/wall-link/{key}")
async def wall_link(key: str, request: Request) -> Response:
    """A wall screen's own link: a key in an address, good for one cluster's board."""
    services: Services = request.app.state.services
    found = services.access.keys.find(key)
    if found is None or found.kind is not KeyKind.BOARD:
        return message_page(request, 403)
    try:
        return await signing_in.begin_wall(services, request, found)
    except _AWAY:
        return message_page(request, 503)


@router.get("/set-up/{token}")
async def set_up_page(token: str, request: Request) -> Response:
    """Where the owner of a new account chooses a password."""
    services: Services = request.app.state.services
    try:
        account = await services.door.people.by_setup(token)
    except _AWAY:
        return message_page(request, 503)
    return _set_up(request, token, account)


@router.post("/set-up/{token}")
async def set_up(
    token: str, request: Request, password: Text, repeat: Text, csrf: Text = ""
) -> Response:
    """Keep the chosen password; its link is used up."""
    services: Services = request.app.state.services
    services.access.refuse_foreign(request, csrf)
    words = Words(_lang(request))
    try:
        account = await services.door.people.by_setup(token)
        if account is None:
            return _set_up(request, token, None)
        fault = passwords.fault_of(password, account.login)
        if fault or password != repeat:
            return _set_up(request, token, account, words.text(f"password_{fault or 'differ'}"))
        chosen = await passwords.hashed(password)
        await note(services, request, Someone(account.id, account.role), "password", account.id)
        if await services.door.people.redeem_setup(token, chosen) is None:
            return _set_up(request, token, None)
        await services.door.sessions.end(account.id)
    except _AWAY:
        return message_page(request, 503)
    told = words.text("set_up_done")
    return HTMLResponse(_form(request, "/", login=account.login or "", told=told))


def local(address: str) -> str:
    """`address` if it stays on this site, else the front page."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and address.startswith("/")
    plain = address.isprintable() and "\\" not in address and not address.startswith("//")
    return address if own and plain else "/"


async def _must_wait(services: Services, request: Request, login: str) -> str | None:
    """What to say to somebody who tries too often; ``None`` when they may try."""
    words, now = Words(_lang(request)), services.clock()
    verdict = await services.door.rates.hit("sign-in", address_of(request), TRIES_PER_MINUTE)
    if not verdict.allowed:
        return words.text("sign_in_wait", time=f"({verdict.retry_after} s)")
    until = await services.door.rates.may_try(login)
    if until is None:
        return None
    return words.text("sign_in_wait", time=times.moment(words, until, now))


async def _known(services: Services, login: str, password: str, code: str) -> Account | None:
    account = await services.door.people.by_login(login.strip())
    usable = account if account is not None and account.usable else None
    right = await passwords.matches(password, usable.password_hash if usable else None)
    if usable is None or not right:
        return None
    if usable.totp_secret is None:
        return usable
    step = second_factor.matching_step(usable.totp_secret, code, services.clock())
    if step is None or not await services.door.people.use_totp_step(usable.id, step):
        return None
    return usable


async def _failed(services: Services, request: Request, login: str) -> None:
    """The trail tells that somebody failed, not what they typed: it may be a password."""
    account = await services.door.people.by_login(login.strip())
    who = Someone(account.id) if account else Someone()
    await asyncio.gather(
        services.door.rates.failed(login),
        note(services, request, who, "sign-in-failed", who.account),
    )


def form_page(request: Request, next: str, word: str, status: int) -> Response:
    """The form once more, with a sentence about what went wrong."""
    error = Words(_lang(request)).text(word)
    return HTMLResponse(_form(request, next, error=error), status_code=status)


def _form(request: Request, next: str, *, login: str = "", error: str = "", told: str = "") -> str:
    services: Services = request.app.state.services
    provider = services.door.provider
    return render_sign_in(
        _lang(request),
        csrf=services.access.csrf_token(request),
        next=local(next),
        accounts=services.access.anybody,
        provider=provider.name if provider else "",
        login=login,
        error=error,
        told=told,
    )


def _set_up(request: Request, token: str, account: Account | None, error: str = "") -> Response:
    services: Services = request.app.state.services
    page = render_set_up(
        _lang(request),
        csrf=services.access.csrf_token(request),
        token=token,
        login=(account.login or "") if account else "",
        error=error,
    )
    return HTMLResponse(page, status_code=200 if account and not error else 422)


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
