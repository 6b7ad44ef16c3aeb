"""The administrator's pages: accounts and what they are signed in with.

Plain forms; each is noted on the trail before anything is done (`web.auth.accounts`). Keys and the
trail itself have their own addresses (`web.admin_key_routes`, `web.admin_audit_routes`).
"""

from typing import Annotated

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.people import PeopleError, UnknownError
from web.admin_desk import Desk, desk_of, shown_link, wrong
from web.auth.accounts import AccountDesk, Rights
from web.errors import message_page
from web.pages.admin import render_account, render_accounts, render_new_account, render_once
from web.roles import PERSONS, Role

router = APIRouter(prefix="/admin", include_in_schema=False)

_AWAY = (BoardUnavailableError, HistoryUnavailableError)
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
_DID = ("change", "disable", "enable", "reset-code", "sign-out", "erase")


class _Wished(BaseModel):
    """The forms' fields."""

    model_config = ConfigDict(frozen=True)
    csrf: _Text = ""
    login: _Text = ""
    role: _Text = ""
    organisation: _Text = ""
    cluster: list[_Text] = Field(default_factory=list, max_length=200)
    sure: bool = False

    def rights(self) -> Rights:
        """The rights that were chosen; `PeopleError` where the role is none."""
        if self.role not in set(PERSONS):
            raise PeopleError("role", "is no role of a person", "role")
        return Rights(Role(self.role), self.organisation or None, tuple(self.cluster))


@router.get("")
async def accounts(request: Request) -> Response:
    """All accounts."""
    desk = desk_of(request)
    if isinstance(desk, Response):
        return desk
    try:
        found = await desk.services.door.people.accounts()
    except HistoryUnavailableError:
        return message_page(request, 503)
    return desk.page(render_accounts(desk.frame("accounts"), found))


@router.get("/accounts/new")
async def new_account_page(request: Request) -> Response:
    """The form for another account."""
    desk = desk_of(request)
    return desk if isinstance(desk, Response) else desk.page(_new_page(desk, _Wished()))


@router.post("/accounts")
async def new_account(request: Request, wished: Annotated[_Wished, Form()]) -> Response:
    """Make it, and show its set-up link once."""
    desk = desk_of(request, form_token=wished.csrf)
    if isinstance(desk, Response):
        return desk
    try:
        account, token = await desk.accounts().new(wished.login, wished.rights())
    except PeopleError as error:
        page = _new_page(desk, wished, wrong(desk.words, error.code, str(error)))
        return HTMLResponse(page, status_code=422)
    except _AWAY:
        return message_page(request, 503)
    desk.services.access.anybody = True
    link = shown_link(desk.services, request, f"/set-up/{token}")
    back = f"/admin/accounts/{account.id}"
    told = desk.words.text("admin_link_once")
    return HTMLResponse(render_once(desk.frame("accounts"), told, link, back, account.login or ""))


@router.get("/accounts/{account}")
async def account_page(account: str, request: Request) -> Response:
    """One account, with what can be done about it."""
    desk = desk_of(request)
    if isinstance(desk, Response):
        return desk
    did = request.query_params.get("did", "")
    told = desk.words.text(f"admin_did_{did}") if did in _DID else ""
    return await _shown(desk, account, told=told)


@router.get("/accounts/{account}/export")
async def export_account(account: str, request: Request) -> Response:
    """All that is held about an account, to be handed to its owner."""
    desk = desk_of(request)
    if isinstance(desk, Response):
        return desk
    try:
        await desk.services.door.copier.copy()
        said = await desk.accounts().export(account)
    except UnknownError:
        return message_page(request, 404)
    except _AWAY:
        return message_page(request, 503)
    headers = {"Content-Disposition": f'attachment; filename="{said["account"]}.json"'}
    body = orjson.dumps(said, option=orjson.OPT_INDENT_2)
    return Response(body, media_type="application/json", headers=headers)


@router.post("/accounts/{account}/renew")
async def renew(account: str, request: Request, wished: Annotated[_Wished, Form()]) -> Response:
    """A new set-up link, shown once."""
    desk = desk_of(request, form_token=wished.csrf)
    if isinstance(desk, Response):
        return desk
    try:
        token = await desk.accounts().renew(account)
    except UnknownError:
        return message_page(request, 404)
    except PeopleError as error:
        return await _shown(desk, account, error=wrong(desk.words, error.code, str(error)))
    except _AWAY:
        return message_page(request, 503)
    link = shown_link(desk.services, request, f"/set-up/{token}")
    told = desk.words.text("admin_link_once")
    frame = desk.frame("accounts")
    return HTMLResponse(render_once(frame, told, link, f"/admin/accounts/{account}", ""))


@router.post("/accounts/{account}/{action}")
async def act(
    account: str, action: str, request: Request, wished: Annotated[_Wished, Form()]
) -> Response:
    """change, disable, enable, reset-code, sign-out or erase."""
    desk = desk_of(request, form_token=wished.csrf)
    if isinstance(desk, Response):
        return desk
    if action not in _DID:
        return message_page(request, 404)
    try:
        await _done(desk.accounts(), account, action, wished)
    except UnknownError:
        return message_page(request, 404)
    except PeopleError as error:
        return await _shown(desk, account, error=wrong(desk.words, error.code, str(error)))
    except _AWAY:
        return message_page(request, 503)
    return RedirectResponse(f"/admin/accounts/{account}?did={action}", status_code=303)


async def _done(accounts: AccountDesk, account: str, action: str, wished: _Wished) -> None:
    match action:
        case "change":
            await accounts.change(account, wished.rights())
        case "disable":
            await accounts.disable(account)
        case "enable":
            await accounts.enable(account)
        case "reset-code":
            await accounts.reset_code(account)
        case "sign-out":
            await accounts.sign_out(account)
        case _:
            if not wished.sure:
                raise PeopleError("sure", "must be ticked", "sure")
            await accounts.erase(account)


async def _shown(desk: Desk, account: str, *, told: str = "", error: str = "") -> Response:
    door = desk.services.door
    try:
        found = await door.people.account(account)
        sessions = await door.sessions.of(found.id)
    except UnknownError:
        return message_page(desk.request, 404)
    except _AWAY:
        return message_page(desk.request, 503)
    page = render_account(desk.frame("accounts", told, error), found, sessions)
    return HTMLResponse(page, status_code=422) if error else desk.page(page)


def _new_page(desk: Desk, wished: _Wished, error: str = "") -> str:
    chosen = (wished.role, wished.organisation, tuple(wished.cluster))
    return render_new_account(desk.frame("accounts", "", error), wished.login, chosen)
