"""The addresses of signing in at an identity provider."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.people import Account, NewAccount
from web.auth import signing_in
from web.auth.cookies import is_secure
from web.auth.oidc import WAIT, SignInError, Told
from web.auth.routes import form_page, local
from web.errors import message_page
from web.services import Services

log = logging.getLogger(__name__)

router = APIRouter(prefix="/sign-in/oidc", include_in_schema=False)
BINDING = "akutoverblik_oidc"
"""Cookie that binds the provider's answer to the browser that asked."""
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
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Come back from the provider."""
    services: Services = request.app.state.services
    provider = services.door.provider
    if provider is None:
        return message_page(request, 404)
    if error:
        return form_page(request, "/", "oidc_refused", 401)
    try:
        told = await provider.answer(code, state, request.cookies.get(BINDING, ""))
        account = await _account_of(services, told)
        if account is None:
            raise SignInError("oidc_no_role", "the account is disabled")
        response = await signing_in.begin_session(services, request, account, "oidc", told.next)
    except SignInError as fault:
        log.warning("sign-in at the identity provider: %s", fault)
        await _note_failure(services, request)
        return form_page(request, "/", fault.word, 503 if fault.word == "oidc_away" else 401)
    except _AWAY:
        return message_page(request, 503)
    response.delete_cookie(BINDING, path="/sign-in/oidc")
    return response


async def _account_of(services: Services, told: Told) -> Account | None:
    """The account of whom the provider let in, made at the first time and kept as it now says."""
    people, grant = services.door.people, told.granted
    account = await people.by_subject(told.issuer, told.subject)
    values = {
        "role": grant.role.value,
        "organisation": grant.organisation,
        "clusters": grant.clusters,
    }
    if account is None:
        wanted = NewAccount(issuer=told.issuer, subject=told.subject, **values)  # type: ignore[arg-type]
        account, _ = await people.create(wanted)
        return account
    if not account.usable:
        return None
    if any(getattr(account, name) != value for name, value in values.items()):
        account = await people.change(account.id, **values)
        await services.door.sessions.end(account.id)
    return account


async def _note_failure(services: Services, request: Request) -> None:
    await signing_in.note(
        services, request, "sign-in-failed", "unknown", "unknown", "none", {"how": "oidc"}
    )
