"""The addresses of one's own account: password, one-time codes, and where one is signed in.

Only for people with a session, about themselves. What changes how somebody signs in asks for the
password again, ends all their sessions and begins this one anew.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.board.sessions import Session
from capacity.history import HistoryUnavailableError
from capacity.people import Account, PeopleError
from web.access import Refused
from web.auth import passwords, second_factor, signing_in
from web.auth.own_account import PENDING, OwnAccount, WaitError, pending_name
from web.auth.trail import note
from web.errors import message_page
from web.pages.account import render_account, render_code
from web.services import Services
from web.visiting import visitor_of
from web.words import Lang, Words, choose_language

router = APIRouter(prefix="/account", include_in_schema=False)

Text = Annotated[str, Form(max_length=200)]
_AWAY = (BoardUnavailableError, HistoryUnavailableError)
_TOLD = ("password", "code-on", "code-off", "session-end")
"""What a redirect may say was done."""


@router.get("")
async def account_page(request: Request) -> Response:
    """One's own account."""
    services: Services = request.app.state.services
    try:
        session = services.access.person(request)
        return await _page(request, session, told=request.query_params.get("did", ""))
    except Refused as refused:
        return _sign_in(request, refused)
    except (*_AWAY, PeopleError):
        return message_page(request, 503)


@router.post("/password")
async def change_password(
    request: Request, present: Text, password: Text, repeat: Text, csrf: Text = ""
) -> Response:
    """Choose another password."""
    services: Services = request.app.state.services
    session = services.access.person(request, form_token=csrf)
    words = Words(_lang(request))
    try:
        own = await OwnAccount.of(services, session)
        if not await own.knows(present):
            return await _page(request, session, error=words.text("account_wrong_password"))
        fault = passwords.fault_of(password, own.account.login)
        if fault or password != repeat:
            error = words.text(f"password_{fault or 'differ'}")
            return await _page(request, session, error=error)
        await note(services, request, session, "password", session.account)
        chosen = await passwords.hashed(password)
        changed = await services.door.people.change(session.account, password_hash=chosen)
        return await _anew(services, request, session, changed, "password")
    except WaitError:
        return await _page(request, session, error=words.text("account_wait"), status=429)
    except _AWAY:
        return message_page(request, 503)


@router.post("/code")
async def begin_code(request: Request, present: Text, csrf: Text = "") -> Response:
    """Make a secret for an authenticator app; it counts once a code of it was given."""
    services: Services = request.app.state.services
    session = services.access.person(request, form_token=csrf)
    words = Words(_lang(request))
    try:
        own = await OwnAccount.of(services, session)
        if not await own.knows(present):
            return await _page(request, session, error=words.text("account_wrong_password"))
        await note(services, request, session, "code-begin", session.account)
        secret = second_factor.new_secret()
        await services.door.pending.put(pending_name(session), {"secret": secret}, PENDING)
    except WaitError:
        return await _page(request, session, error=words.text("account_wait"), status=429)
    except _AWAY:
        return message_page(request, 503)
    return RedirectResponse("/account/code", status_code=303)


@router.get("/code")
async def code_page(request: Request) -> Response:
    """The picture for the app, and where its first code is given."""
    services: Services = request.app.state.services
    try:
        session = services.access.person(request)
        return await _code_page(request, session)
    except Refused as refused:
        return _sign_in(request, refused)
    except _AWAY:
        return message_page(request, 503)


@router.get("/code.png")
async def code_picture(request: Request) -> Response:
    """The secret as a picture, for its owner only and not for long."""
    services: Services = request.app.state.services
    session = services.access.person(request)
    try:
        own = await OwnAccount.of(services, session)
        secret = await own.pending_secret()
    except _AWAY:
        return message_page(request, 503)
    if secret is None:
        return message_page(request, 404)
    address = second_factor.address_for_app(secret, own.account.login or own.account.id)
    return Response(second_factor.picture(address), media_type="image/png")


@router.post("/code/on")
async def turn_code_on(request: Request, code: Text, csrf: Text = "") -> Response:
    """From now on a code is asked for."""
    services: Services = request.app.state.services
    session = services.access.person(request, form_token=csrf)
    try:
        own = await OwnAccount.of(services, session)
        secret = await own.pending_secret()
        if secret is None:
            return RedirectResponse("/account", status_code=303)
        await own.count_try()
        step = second_factor.matching_step(secret, code, services.clock())
        if step is None:
            return await _code_page(request, session, error="account_wrong_code")
        await note(services, request, session, "code-on", session.account)
        changed = await services.door.people.change(
            session.account, totp_secret=secret, totp_used=step
        )
        await services.door.pending.take(pending_name(session))
        return await _anew(services, request, session, changed, "code-on")
    except WaitError:
        return await _code_page(request, session, error="account_wait")
    except _AWAY:
        return message_page(request, 503)


@router.post("/code/off")
async def turn_code_off(request: Request, present: Text, csrf: Text = "") -> Response:
    """The password alone from now on."""
    services: Services = request.app.state.services
    session = services.access.person(request, form_token=csrf)
    words = Words(_lang(request))
    try:
        own = await OwnAccount.of(services, session)
        if not await own.knows(present):
            return await _page(request, session, error=words.text("account_wrong_password"))
        await note(services, request, session, "code-off", session.account)
        changed = await services.door.people.change(
            session.account, totp_secret=None, totp_used=None
        )
        return await _anew(services, request, session, changed, "code-off")
    except WaitError:
        return await _page(request, session, error=words.text("account_wait"), status=429)
    except _AWAY:
        return message_page(request, 503)


@router.post("/sessions/{ended}/end")
async def end_session(ended: str, request: Request, csrf: Text = "") -> Response:
    """Sign out somewhere else; ``others`` means everywhere else."""
    services: Services = request.app.state.services
    session = services.access.person(request, form_token=csrf)
    try:
        mine = [each.id for each in await services.door.sessions.of(session.account)]
        if ended == "others":
            chosen = [each for each in mine if each != session.id]
        elif ended in mine:
            chosen = [ended]
        else:
            return message_page(request, 404)
        for each in chosen:
            await note(services, request, session, "session-end", each)
            await services.door.sessions.end(session.account, each)
    except _AWAY:
        return message_page(request, 503)
    return RedirectResponse("/account?did=session-end", status_code=303)


async def _anew(
    services: Services, request: Request, session: Session, changed: Account, did: str
) -> Response:
    """Everywhere else one must sign in again; here a new session begins."""
    await services.door.sessions.end(session.account)
    how = "totp" if changed.totp_secret else "password"
    return await signing_in.begin_session(services, request, changed, how, f"/account?did={did}")


async def _page(
    request: Request, session: Session, *, told: str = "", error: str = "", status: int = 422
) -> Response:
    services: Services = request.app.state.services
    lang = _lang(request)
    account = await services.door.people.account(session.account)
    page = render_account(
        lang,
        account,
        await services.door.sessions.of(session.account),
        session.id,
        services.clock(),
        visitor=visitor_of(request),
        provider=services.door.provider.name if services.door.provider else "",
        told=Words(lang).text(f"account_did_{told}") if told in _TOLD else "",
        error=error,
    )
    response = HTMLResponse(page, status_code=status if error else 200)
    if "lang" in request.query_params:
        response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
    return response


async def _code_page(request: Request, session: Session, *, error: str = "") -> Response:
    services: Services = request.app.state.services
    secret = await (await OwnAccount.of(services, session)).pending_secret()
    if secret is None:
        return RedirectResponse("/account", status_code=303)
    lang = _lang(request)
    said = Words(lang).text(error) if error else ""
    page = render_code(lang, secret, visitor=visitor_of(request), error=said)
    return HTMLResponse(page, status_code=422 if error else 200)


def _sign_in(request: Request, refused: Refused) -> Response:
    if refused.status_code != 401:
        raise refused
    return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
