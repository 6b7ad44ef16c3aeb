"""Imported figures: the page on which they are handed in, checked and approved, and the API.

Everything that changes something is noted on the trail first. A file comes in as a form's upload,
by script or without; what cannot be used of it is told with place, field and reason.
"""

import re
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.config_file import ConfigError
from capacity.history import HistoryUnavailableError
from capacity.imports import Counts, Imported, Signed, Version, latest_first, value
from capacity.indicators.definitions import Definitions
from capacity.instants import format_instant
from capacity.model import Reject, UnreadableError
from web.access import Refused
from web.carrying import carry
from web.errors import message_page
from web.import_desk import ImportDesk, mapping_in
from web.import_export import TABLE, definition_of, import_rows
from web.pages.imports import Frame, render_imports
from web.roles import Permission, Scope
from web.services import Services
from web.tables import CARRIED, Answered
from web.tables import Form as TableForm
from web.visiting import visitor_of
from web.words import Words, choose_language

router = APIRouter()

_AWAY = (BoardUnavailableError, HistoryUnavailableError)
_ACTIONS: Final = {
    "check": Permission.CHECK_FIGURES,
    "approve": Permission.APPROVE_FIGURES,
}
_MOST_IDS = 2000
_NUMBER = re.compile(r"[0-9]{1,18}")
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Nobody is signed in."},
    403: {"description": "Not for this caller."},
    404: {"description": "No such cluster."},
    503: {"description": "The database or the audit trail is away."},
}
_Token = Annotated[str, Form(max_length=200)]
_Upload = Annotated[UploadFile | None, File()]


@router.get("/indicators/{cluster}/imports", include_in_schema=False)
async def imports_page(cluster: str, request: Request) -> Response:
    """What was handed in, and the form for more."""
    try:
        desk = _desk(request, cluster, Permission.IMPORT_FIGURES)
    except Refused as refused:
        if refused.status_code != 401:
            raise
        return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
    if desk is None:
        return message_page(request, 404)
    return await _page(desk, indicator=request.query_params.get("indicator", ""))


@router.post("/indicators/{cluster}/imports", include_in_schema=False)
async def hand_in(
    cluster: str,
    request: Request,
    csrf: _Token = "",
    file: _Upload = None,
    mapping: _Upload = None,
) -> Response:
    """Bring in a file, and show what became of it."""
    desk = _desk(request, cluster, Permission.IMPORT_FIGURES, csrf)
    if desk is None:
        return message_page(request, 404)
    words = _words(request)
    try:
        counts, rejects = await _brought_in(desk, file, mapping)
    except ConfigError as error:
        return await _page(desk, error=words.text("imports_bad_mapping", reason=str(error)))
    except UnreadableError as error:
        return await _page(desk, error=words.text("imports_unreadable", reason=str(error)))
    except _NoFileError:
        return await _page(desk, error=words.text("imports_no_file"))
    except _AWAY:
        return message_page(request, 503)
    done = (
        words.text("imports_twice")
        if counts is None
        else words.text(
            "imports_done", new=counts.new, corrected=counts.corrected, unchanged=counts.unchanged
        )
    )
    return await _page(desk, told=(done,), rejects=rejects)


@router.post("/indicators/{cluster}/imports/{action}", include_in_schema=False)
async def sign(
    cluster: str,
    action: str,
    request: Request,
    csrf: _Token = "",
    indicator: Annotated[str, Form(max_length=200)] = "",
    id: Annotated[list[str] | None, Form(max_length=_MOST_IDS)] = None,
) -> Response:
    """Check or approve the chosen figures."""
    permission = _ACTIONS.get(action, Permission.IMPORT_FIGURES)
    desk = _desk(request, cluster, permission, csrf)
    if desk is None or action not in _ACTIONS:
        return message_page(request, 404)
    words = _words(request)
    try:
        found = await desk.sign(action, [int(each) for each in id or [] if _NUMBER.fullmatch(each)])
    except _AWAY:
        return message_page(request, 503)
    told = [words.count("imports_signed", found.pop(None, 0))]
    told += [words.count(f"imports_why_{why}", n) for why, n in found.items() if why is not None]
    return await _page(desk, told=tuple(told), indicator=indicator)


@router.get(
    "/api/v1/indicators/{cluster}/imports", tags=["indicators"], responses=_ANSWERS | CARRIED
)
async def list_imports(
    cluster: str, request: Request, indicator: str = "", format: Answered = "json"
) -> Response:
    """Imported figures of a cluster with every version and who vouches for it, newest first.

    As `csv`, `xlsx` or `parquet` a line for each version, columns as in docs/exports.md.
    """
    desk = _desk(request, cluster, Permission.IMPORT_FIGURES)
    if desk is None:
        return JSONResponse({"reason": "no such cluster"}, status_code=404)
    try:
        figures = await desk.imports.figures(cluster)
        chosen = [
            each
            for each in latest_first(figures)
            if indicator in ("", each.latest.told.key.indicator)
        ]
        if format != "json":
            return await _table(desk, format, chosen)
    except _AWAY:
        return _away()
    return JSONResponse({"figures": [_figure(each, desk.definitions) for each in chosen]})


async def _table(desk: ImportDesk, form: TableForm, figures: list[Imported]) -> Response:
    await desk.note_export(form, len(figures))
    cluster = desk.cluster.id
    return await carry(
        desk.request,
        TABLE,
        form,
        import_rows(figures, desk.definitions, cluster, _words(desk.request).lang),
        cluster=cluster,
        name=f"registers-{cluster}",
        about={},
    )


@router.post(
    "/api/v1/indicators/{cluster}/imports",
    tags=["indicators"],
    responses=_ANSWERS | {422: {"description": "Nothing of the file could be read."}},
)
async def hand_in_by_api(
    cluster: str, request: Request, file: _Upload = None, mapping: _Upload = None
) -> JSONResponse:
    """Bring in a register's file (`file`, CSV or XLSX) read by a TOML `mapping`; all are drafts."""
    desk = _desk(request, cluster, Permission.IMPORT_FIGURES)
    if desk is None:
        return JSONResponse({"reason": "no such cluster"}, status_code=404)
    try:
        counts, rejects = await _brought_in(desk, file, mapping)
    except ConfigError as error:
        return _unusable(Reject("mapping", error.field or "mapping", error.reason))
    except UnreadableError as error:
        return _unusable(error.reject)
    except _NoFileError:
        return _unusable(Reject("request", "file", "is missing"))
    except _AWAY:
        return _away()
    made = counts or Counts()
    return JSONResponse(
        {
            "new": made.new,
            "corrected": made.corrected,
            "unchanged": made.unchanged,
            "known": made.known,
            "handed_in_before": counts is None,
            "rejected": [each.as_json() for each in rejects],
        }
    )


class _NoFileError(ValueError):
    """A form without a file."""


async def _brought_in(
    desk: ImportDesk, file: UploadFile | None, mapping: UploadFile | None
) -> tuple[Counts | None, list[Reject]]:
    raw = await file.read() if file is not None else b""
    if not raw:
        raise _NoFileError
    read_by = await mapping_in(mapping)
    parsed = desk.read(raw, read_by)
    return await desk.bring_in(raw, read_by, parsed), parsed.rejects


def _desk(
    request: Request, cluster: str, permission: Permission, token: str | None = None
) -> ImportDesk | None:
    """The desk of whoever may do this; ``None`` where there is no such cluster."""
    services: Services = request.app.state.services
    actor = services.access.require(request, permission, Scope(cluster), form_token=token)
    found = services.catalogue.clusters.get(cluster)
    return None if found is None else ImportDesk(services, request, actor, found)


async def _page(
    desk: ImportDesk,
    *,
    indicator: str = "",
    told: tuple[str, ...] = (),
    error: str = "",
    rejects: list[Reject] | None = None,
) -> Response:
    request, services, here = desk.request, desk.services, Scope(desk.cluster.id)
    try:
        figures = await desk.imports.figures(desk.cluster.id)
    except HistoryUnavailableError:
        return message_page(request, 503)
    words = _words(request)
    frame = Frame(
        words=words,
        catalogue=services.catalogue,
        definitions=desk.definitions,
        cluster=desk.cluster,
        now=services.clock(),
        csrf=services.access.csrf_token(request),
        visitor=visitor_of(request),
        demo=services.demo,
        may_check=services.access.allows(request, Permission.CHECK_FIGURES, here),
        may_approve=services.access.allows(request, Permission.APPROVE_FIGURES, here),
        indicator=indicator,
        told=told,
        error=error,
        rejects=rejects or [],
    )
    response = HTMLResponse(render_imports(frame, figures), status_code=422 if error else 200)
    if "lang" in request.query_params:
        response.set_cookie("lang", words.lang, samesite="lax", max_age=365 * 86400)
    return response


def _figure(figure: Imported, definitions: Definitions) -> dict[str, object]:
    key = figure.latest.told.key
    return {
        "indicator": key.indicator,
        "municipality": key.municipality,
        "step": key.step,
        "period": key.period.isoformat(),
        "versions": [_version(each, definitions) for each in figure.versions],
    }


def _version(version: Version, definitions: Definitions) -> dict[str, object]:
    told = version.told
    definition = definition_of(version, definitions)
    return {
        "number": version.number,
        "state": version.state.value,
        "numerator": told.numerator,
        "denominator": told.denominator,
        "value": value(told, definition) if definition else None,
        "source": told.source,
        "imported": _signed(version.imported),
        "checked": _signed(version.checked),
        "approved": _signed(version.approved),
    }


def _signed(signed: Signed | None) -> dict[str, object] | None:
    if signed is None:
        return None
    return {"account": signed.account, "role": signed.role, "at": format_instant(signed.at)}


def _words(request: Request) -> Words:
    return Words(choose_language(request.query_params.get("lang"), request.cookies.get("lang")))


def _unusable(reject: Reject) -> JSONResponse:
    return JSONResponse(reject.as_json(), status_code=422)


def _away() -> JSONResponse:
    return JSONResponse(
        {"reason": "cannot be done just now"}, status_code=503, headers={"Retry-After": "5"}
    )
