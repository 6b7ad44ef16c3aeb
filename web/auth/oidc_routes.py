"""The addresses of signing in at an identity provider."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.people import Account, NewAccount, PeopleError, new_id
from web.auth import signing_in
from web.auth.claims import Granted
from web.auth.cookies import is_secure
from web.auth.routes import form_page, local
from web.auth.told import WAIT, SignInError, Told
from web.auth.trail import Someone, note
from web.errors import message_page
from web.services import Services

log = logging.getLogger(__name__)

router = APIRouter(prefix="/sign-in/oidc", include_in_schema=False)
BINDING = "akutoverblik_oidc"
"""Cookie that binds the provider's answer to the browser that asked."""
_BROKEN_OFF = frozenset({"access_denied", "login_required", "interaction_required"})
"""What providers say when a person went back, or took too long."""
_AWAY = (BoardUnavailableError, HistoryUnavailableError)


@router.get("")
async def ask(request: Request, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Go to the provider."""
    services: Services = request.app.state.services
    provider = services.door.provider
    if provider is None:
        return message_page(request, 404)
    try:
        asked = await provider.ask(local(next))
    except SignInError as error:
        log.warning("sign-in at the identity provider: %s", error)
        return form_page(request, next, error.word, 503)
    except BoardUnavailableError:
        return message_page(request, 503)
    response = RedirectResponse(asked.address, status_code=303)
    response.set_cookie(
        BINDING,
        asked.binding,
        max_age=int(WAIT.total_seconds()),
        httponly=True,
        samesite="lax",  # the provider sends the browser back from its own site
        secure=is_secure(request),
        path="/sign-in/oidc",
    )
    return response


@router.get("/answer")
async def answer(
    request: Request,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Come back from the provider."""
    services: Services = request.app.state.services
    provider = services.door.provider
    if provider is None:
        return message_page(request, 404)
    try:
        if error:
            word = "oidc_again" if error in _BROKEN_OFF else "oidc_refused"
            return await _failed(request, SignInError(word, f"the provider said {error!r}"))
        try:
            told = await provider.answer(code, state, request.cookies.get(BINDING, ""), iss)
            account = await _account_of(services, request, told)
        except SignInError as fault:
            return await _failed(request, fault)
        response = await signing_in.begin_session(services, request, account, "oidc", told.next)
    except _AWAY:
        return message_page(request, 503)
    response.delete_cookie(BINDING, path="/sign-in/oidc")
    return response


async def _account_of(services: Services, request: Request, told: Told) -> Account:
    """The account of whom the provider let in, made at the first time and kept as it now says.

    `SignInError` for whoever has no role here, or none any more: then what they had open ends.
    """
    people = services.door.people
    account = await people.by_subject(told.issuer, told.subject)
    if told.granted is None:
        if account is not None:
            await services.door.sessions.end(account.id)
        raise SignInError("oidc_no_role", "no rule fits the claims")
    if account is None:
        account = await _made(services, request, told, told.granted)
    if not account.usable:
        raise SignInError("oidc_no_role", "the account is disabled")
    return await _as_granted(services, request, account, told.granted)


async def _made(services: Services, request: Request, told: Told, grant: Granted) -> Account:
    """A new account; two browsers of one person may come here at once."""
    people = services.door.people
    fresh = Someone(new_id(), grant.role)
    await _note(services, request, "account-new", fresh, grant)
    wanted = NewAccount(
        id=fresh.account, issuer=told.issuer, subject=told.subject, **_values(grant)
    )
    try:
        account, _ = await people.create(wanted)
    except PeopleError:
        there = await people.by_subject(told.issuer, told.subject)
        if there is None:
            raise
        return there
    return account


async def _as_granted(
    services: Services, request: Request, account: Account, grant: Granted
) -> Account:
    """The account with the rights of today; if they are others, what was open with the old ends."""
    values = _values(grant)
    if all(getattr(account, name) == value for name, value in values.items()):
        return account
    who = Someone(account.id, account.role)
    await _note(services, request, "account-change", who, grant)
    changed = await services.door.people.change(account.id, **values)
    await services.door.sessions.end(account.id)
    return changed


def _values(grant: Granted) -> dict[str, Any]:
    return {
        "role": grant.role.value,
        "organisation": grant.organisation,
        "clusters": grant.clusters,
    }


async def _note(
    services: Services, request: Request, action: str, who: Someone, grant: Granted
) -> None:
    detail = {"how": "oidc", **_values(grant)}
    await note(services, request, who, action, who.account, detail)


async def _failed(request: Request, fault: SignInError) -> Response:
    """Say so, to the person and on the trail."""
    log.warning("sign-in at the identity provider: %s", fault)
    services: Services = request.app.state.services
    await note(services, request, Someone(), "sign-in-failed", "unknown", {"how": "oidc"})
    return form_page(request, "/", fault.word, 503 if fault.word == "oidc_away" else 401)
