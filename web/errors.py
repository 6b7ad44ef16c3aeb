"""What is answered when a request goes wrong: pages for people, JSON for programs, never a trace.

An unforeseen error gets an id that stands in the answer and in the log, and nothing else.
"""

import logging
import secrets

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from web.pages import render_message
from web.words import Lang, choose_language

log = logging.getLogger(__name__)

_TEXTS: dict[int, dict[Lang, tuple[str, str]]] = {
    401: {
        "da": ("Log ind", "Du skal bruge en nøgle for at se denne side."),
        "en": ("Sign in", "A key is needed to see this page."),
    },
    403: {
        "da": ("Ingen adgang", "Du har ikke adgang til denne side."),
        "en": ("No access", "You do not have access to this page."),
    },
    404: {
        "da": ("Siden findes ikke", "Kontrollér adressen, eller gå til forsiden."),
        "en": ("No such page", "Check the address, or go to the front page."),
    },
    429: {
        "da": (
            "For mange forespørgsler",
            "Vent et øjeblik, og genindlæs så siden. Ring til enheden, hvis det haster.",
        ),
        "en": (
            "Too many requests",
            "Wait a moment, then reload the page. Ring the unit if it is urgent.",
        ),
    },
    503: {
        "da": (
            "Tallene kan ikke hentes lige nu",
            "Ring til enheden, før du visiterer. Genindlæs siden om lidt.",
        ),
        "en": (
            "The figures cannot be fetched just now",
            "Ring the unit before you refer anyone. Reload the page in a moment.",
        ),
    },
    500: {
        "da": ("Noget gik galt", "Fejlen er noteret. Oplys dette nummer, hvis du melder den:"),
        "en": ("Something went wrong", "It has been noted. Give this number if you report it:"),
    },
}


def message_page(request: Request, status: int, *extra: str) -> Response:
    """A page that tells a person what happened and what to do."""
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
    title, text = _TEXTS.get(status, _TEXTS[500])[lang]
    headers = {"Retry-After": "5"} if status == 503 else None
    page = render_message(title, [text, *extra], lang, status)
    return HTMLResponse(page, status_code=status, headers=headers)


def install_error_handlers(app: FastAPI) -> None:
    """Make every error an answer of ours."""
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)


async def refused(request: Request, error: Exception) -> Response:
    """The answer to an `HTTPException`, such as `web.access.Refused`."""
    assert isinstance(error, HTTPException)
    if _wants_page(request):
        extra = [str(error.detail)] if error.status_code == 403 else []
        return message_page(request, error.status_code, *extra)
    return JSONResponse(
        {"reason": str(error.detail)}, status_code=error.status_code, headers=error.headers
    )


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    return JSONResponse({"field": field, "reason": first["msg"]}, status_code=422)


async def _unforeseen(request: Request, error: Exception) -> Response:
    error_id = secrets.token_hex(6)
    log.error("error %s on %s %s", error_id, request.method, request.url.path, exc_info=error)
    if _wants_page(request):
        return message_page(request, 500, error_id)
    return JSONResponse({"reason": "an unforeseen error", "id": error_id}, status_code=500)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith(
        "/api/"
    )
