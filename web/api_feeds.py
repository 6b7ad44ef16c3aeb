"""HTTP push: a source hands over one raw document and learns what became of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from capacity.board import BoardUnavailableError, UnconfirmedError
from capacity.model import Reject, UnreadableError
from feeds.intake import Receipt
from feeds.resync import Resync
from feeds.sources import Source
from web.services import Services
from web.store_away import UNCONFIRMED

RETRY_SECONDS = 2
"""When to come back after 503; an outage of the store is over in seconds or is an incident."""
UPLOAD_SECONDS = 60
KEY_LENGTH = 128
"""Characters of an `Idempotency-Key`."""
LINGER_BYTES = 128 * 1024 * 1024
"""How much of an over-large body is read for the sake of its sender before the line is cut."""
_ANY_TYPE = frozenset({"", "application/octet-stream"})


@asynccontextmanager
async def _with_resync(app: FastAPI) -> AsyncIterator[dict[str, Resync]]:
    """Every process that takes pushes looks for gaps in them, whether or not it runs the feeds."""
    services: Services = app.state.services
    limit = services.settings.max_document_bytes
    resync = Resync(services.intake, services.clock, limit)
    try:
        yield {"resync": resync}
    finally:
        await resync.stop()


router = APIRouter(prefix="/api/v1/feeds", tags=["feeds"], lifespan=_with_resync)


@router.post(
    "/{source}",
    summary="Hand over one document",
    responses={
        200: {"description": "Some part was read and is durable; the rest is in `rejected`."},
        401: {"description": "No valid key."},
        403: {"description": "The key belongs to another source."},
        413: {"description": "The document is too large."},
        415: {"description": "The media type or encoding is not this source's."},
        422: {"description": "No part of the document could be used; `rejected` says why."},
        503: {"description": "Not durable now; come back after `Retry-After` seconds."},
    },
)
async def push(
    source: str,
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=KEY_LENGTH)] = None,
) -> Response:
    """Take one raw document in the source's declared format.

    Repeating a delivery is always safe; with the same `Idempotency-Key` it gets the first answer.
    """
    return await take_push(request, source, idempotency_key)


async def take_push(request: Request, source: str, idempotency_key: str | None) -> Response:
    """The answer to a push; raises `web.access.Refused`."""
    services: Services = request.app.state.services
    services.access.may_feed(request, source)
    declared = services.sources.get(source)
    if declared is None:
        return _refusal(404, "source", "is not declared here")
    wrong = _wrong_type(request, declared)
    if wrong is not None:
        return wrong
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            raw = await _body(request, services.settings.max_document_bytes)
    except TimeoutError:
        return _refusal(408, "body", f"did not arrive within {UPLOAD_SECONDS} seconds")
    except ClientDisconnect:
        return Response(status_code=400)
    if raw is None:
        limit = services.settings.max_document_bytes
        return _refusal(413, "body", f"is over {limit} bytes", close=True)
    try:
        receipt = await services.intake.take(declared, raw, idempotency_key)
    except UnreadableError as error:
        return _answer(422, Receipt(rejected=[error.reject]))
    except BoardUnavailableError as error:
        return _unavailable(error)
    await request.state.resync.taken(declared, raw)
    unusable = receipt.rejected and not receipt.durable
    return _answer(422 if unusable else 200, receipt)


async def _body(request: Request, limit: int) -> bytes | None:
    """The body, or ``None`` if it is over the limit.

    Of a body over the limit the rest is read and thrown away, within bounds: a client that is
    still sending when the connection closes would never see the answer.
    """
    announced = request.headers.get("Content-Length", "")
    too_large = announced.isdecimal() and int(announced) > limit
    body = bytearray()
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        too_large = too_large or received > limit
        if not too_large:
            body += chunk
        elif received > LINGER_BYTES:
            break
    return None if too_large else bytes(body)


def _wrong_type(request: Request, source: Source) -> Response | None:
    stated = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if stated not in _ANY_TYPE and stated not in source.format.media_types:
        allowed = ", ".join(source.format.media_types)
        return _refusal(415, "Content-Type", f"must be one of {allowed}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return _refusal(415, "Content-Encoding", "must be left out: send the plain document")
    return None


def _answer(status: int, receipt: Receipt) -> Response:
    body = orjson.dumps(receipt.as_json())
    return Response(body, status_code=status, media_type="application/json")


def _refusal(status: int, field: str, reason: str, *, close: bool = False) -> Response:
    body: dict[str, Any] = Receipt(rejected=[Reject("request", field, reason)]).as_json()
    headers = {"Connection": "close"} if close else None
    return JSONResponse(body, status_code=status, headers=headers)


def _unavailable(error: BoardUnavailableError) -> Response:
    unsure = isinstance(error, UnconfirmedError)
    reason = UNCONFIRMED if unsure else "cannot make it durable now; send it again"
    receipt = Receipt(rejected=[Reject("request", "store", reason)])
    return JSONResponse(
        receipt.as_json(), status_code=503, headers={"Retry-After": str(RETRY_SECONDS)}
    )
