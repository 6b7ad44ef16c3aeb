"""The administrator's page of the audit trail: read, search, export, verify.

What waits in the store is copied first, so that the page shows what happened a moment ago.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Form as FormField
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import COPENHAGEN, format_instant
from capacity.privacy import holds_cpr
from web.admin_desk import Desk, desk_of
from web.audit_export import MEDIA, Form, exported
from web.errors import message_page
from web.pages.admin import render_audit

router = APIRouter(prefix="/admin/audit", include_in_schema=False)

PAGE = 100
"""Entries on one page."""
_AWAY = (BoardUnavailableError, HistoryUnavailableError)
_Part = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class _WhenError(ValueError):
    """A day that cannot be read."""


class Search(BaseModel):
    """What is looked for; days are whole days in Denmark, the last one included."""

    model_config = ConfigDict(frozen=True)
    account: _Part = ""
    action: _Part = ""
    subject: _Part = ""
    since: _Part = ""
    until: _Part = ""
    before: Annotated[int, Field(ge=1, le=2**62)] | None = None
    """Go on with what is older than this entry; pages only."""
    format: Form = "ndjson"
    """Exports only."""

    def wanted(self) -> dict[str, Any]:
        """For `People.audit_entries`; `_WhenError` for a day that is none."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("account", "action", "subject")
            if getattr(self, name)
        }
        if self.since:
            found["since"] = _midnight(self.since)
        if self.until:
            found["until"] = _midnight(self.until, timedelta(days=1))
        return found

    def as_fields(self) -> Mapping[str, str]:
        """The fields that are filled, by name."""
        return {name: getattr(self, name) for name in _FIELDS if getattr(self, name)}


_FIELDS = ("account", "action", "subject", "since", "until")


@router.get("")
async def audit(request: Request, search: Annotated[Search, Query()]) -> Response:
    """The latest entries that are looked for, and the way to older ones."""
    desk = desk_of(request)
    return desk if isinstance(desk, Response) else await _shown(desk, search)


@router.get("/export")
async def export(request: Request, search: Annotated[Search, Query()]) -> Response:
    """All entries that are looked for."""
    desk = desk_of(request)
    if isinstance(desk, Response):
        return desk
    people = desk.services.door.people
    try:
        wanted = search.wanted()
        told = {
            name: format_instant(each) if isinstance(each, datetime) else each
            for name, each in wanted.items()
            if not holds_cpr(str(each))
        }
        await desk.note("audit-export", "audit", format=search.format, **told)
        await desk.services.door.copier.copy()
        await people.audit_entries(limit=1)  # what cannot be read is said before it is begun
    except _WhenError:
        return message_page(request, 404)
    except _AWAY:
        return message_page(request, 503)
    headers = {"Content-Disposition": f'attachment; filename="audit.{search.format}"'}
    body = exported(people, search.format, **wanted)
    return StreamingResponse(body, media_type=MEDIA[search.format], headers=headers)


@router.post("/verify")
async def verify(
    request: Request, csrf: Annotated[str, FormField(max_length=200)] = ""
) -> Response:
    """Walk the chain, and say what was found."""
    desk = desk_of(request, form_token=csrf)
    if isinstance(desk, Response):
        return desk
    try:
        await desk.note("audit-verify", "audit")
        await desk.services.door.copier.copy()
        found = await desk.services.door.people.verify_audit()
    except _AWAY:
        return message_page(request, 503)
    if found.fault is None:
        told = desk.words.text("admin_verified", n=found.entries, head=found.head)
        return await _shown(desk, Search(), told=told)
    return await _shown(desk, Search(), error=desk.words.text("admin_broken", fault=found.fault))


async def _shown(desk: Desk, search: Search, *, told: str = "", error: str = "") -> Response:
    door, status = desk.services.door, 200
    try:
        wanted = search.wanted()
    except _WhenError:
        wanted, status = {}, 422
        error = desk.words.text("admin_wrong_when")
    try:
        await door.copier.copy()
        entries = await door.people.audit_entries(**wanted, before=search.before, limit=PAGE + 1)
    except _AWAY:
        return message_page(desk.request, 503)
    frame = desk.frame("audit", told, error)
    older = entries[PAGE - 1].seq if len(entries) > PAGE else None
    page = render_audit(frame, entries[:PAGE], search.as_fields(), older, search.before is not None)
    return desk.page(page) if status == 200 else HTMLResponse(page, status_code=status)


def _midnight(text: str, later: timedelta = timedelta()) -> datetime:
    """When a Danish day begins."""
    try:
        return datetime.combine(date.fromisoformat(text) + later, time(), COPENHAGEN)
    except (ValueError, OverflowError) as error:
        raise _WhenError from error
