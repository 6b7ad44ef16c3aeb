"""The addresses of the units' phone pages, and what makes them installable and open offline."""

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from capacity.board import BoardUnavailableError
from capacity.row import Row, row_of
from capacity.units import Unit, danish_day
from web.access import Refused
from web.api_units import refuse_strangers, unit_scope
from web.errors import message_page
from web.headers import CONTENT_SECURITY_POLICY
from web.pages.assets import STATIC, version
from web.pages.unit import manifest, render_unit, render_units, shell_files
from web.roles import Permission
from web.services import Services
from web.visiting import front_of, visitor_of
from web.words import Lang, choose_language

router = APIRouter(include_in_schema=False)

POLICY: Final = CONTENT_SECURITY_POLICY.replace(
    "trusted-types 'none'", "trusted-types service-worker"
)
"""As everywhere, but the page may name one script to the browser: its service worker. Browsers
take an address of a worker through a Trusted Types policy only (js/unit/shell.js)."""


@router.get("/units")
async def units(request: Request) -> Response:
    """The units that may be reported for, by organisation."""
    services: Services = request.app.state.services
    found: dict[str, list[Unit]] = {}
    for unit in services.catalogue.units.values():
        scope = unit_scope(unit, services.clock())
        if services.access.allows(request, Permission.REPORT, scope):
            found.setdefault(unit.organisation, []).append(unit)
    if not found:
        refused = _refused(request, None)
        if refused is not None:
            return refused
        actor = services.access.actor(request)
        if front_of(actor) != request.url.path:
            return RedirectResponse("/", status_code=303)
    named = services.catalogue.organisations
    groups = [(named[organisation].name, units) for organisation, units in found.items()]
    page = render_units(groups, _lang(request), services.demo, visitor_of(request))
    return _page(request, page)


@router.get("/unit/{unit}")
async def unit_page(unit: str, request: Request) -> Response:
    """One unit's page with what stands now."""
    services: Services = request.app.state.services
    known, refused = _open(request, unit)
    if known is None:
        return refused
    try:
        snapshot = await services.board.snapshot(known.cluster)
    except BoardUnavailableError:
        return message_page(request, 503)
    stored = next((each for each in snapshot.rows if each.unit == known.id), None)
    row: Row = (
        orjson.loads(stored.row)
        if stored
        else row_of(known, None, today=danish_day(services.clock()))
    )
    return _page(request, _rendered(request, known, row, str(snapshot.cursor)))


@router.get("/unit/{unit}/shell")
async def shell(unit: str, request: Request) -> Response:
    """The page without any figure, for the service worker to keep."""
    known, refused = _open(request, unit)
    if known is None:
        return refused
    response = _page(request, _rendered(request, known, None, ""))
    response.headers["Shell-Version"] = shell_version()
    return response


@router.get("/unit/{unit}/manifest.webmanifest")
async def manifest_of(unit: str, request: Request) -> Response:
    """What a browser needs to install the page."""
    known, refused = _open(request, unit)
    if known is None:
        return refused
    content = orjson.dumps(manifest(known, _lang(request)))
    return Response(content, media_type="application/manifest+json")


@router.get("/sw.js")
async def service_worker() -> Response:
    """The service worker, with its version and the files it keeps; it holds no figure."""
    head = f"const VERSION = {orjson.dumps(shell_version()).decode()};\n"
    head += f"const FILES = {orjson.dumps(shell_files()).decode()};\n"
    text = head + (STATIC / "sw.js").read_text(encoding="utf-8")
    return Response(text, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@cache
def shell_version() -> str:
    """A short word that changes when anything does that the kept page is made of."""
    digest = blake2b(version().encode(), digest_size=6)
    here = Path(__file__).resolve().parent
    made_of = [*here.glob("templates/*.html"), *here.glob("words/*.py"), *here.glob("pages/*.py")]
    for path in sorted(made_of):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _rendered(request: Request, unit: Unit, row: Row | None, cursor: str) -> str:
    services: Services = request.app.state.services
    return render_unit(
        services.catalogue,
        unit,
        row,
        cursor,
        services.clock(),
        _lang(request),
        csrf=services.access.csrf_token(request),
        visitor=visitor_of(request),
        demo=services.demo,
        sources={source.id: source.attribution for source in services.sources.values()},
    )


def _open(request: Request, unit: str) -> tuple[Unit | None, Response]:
    """The unit if it is known and the visitor may report for it; else what to answer."""
    services: Services = request.app.state.services
    known = services.catalogue.units.get(unit)
    refused = _refused(request, known)
    if refused is not None:
        return None, refused
    return known, Response() if known else message_page(request, 404)


def _refused(request: Request, unit: Unit | None) -> Response | None:
    """Where to sign in, for whoever is not known; raises for whoever may not do this."""
    services: Services = request.app.state.services
    try:
        if unit is None:
            refuse_strangers(request)
        else:
            scope = unit_scope(unit, services.clock())
            services.access.require(request, Permission.REPORT, scope)
    except Refused as refused:
        if refused.status_code == 401:
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
        raise
    return None


def _page(request: Request, html: str) -> Response:
    response = HTMLResponse(html, headers={"Content-Security-Policy": POLICY})
    if "lang" in request.query_params:
        response.set_cookie("lang", _lang(request), samesite="lax", max_age=365 * 86400)
    return response


def _lang(request: Request) -> Lang:
    return choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
