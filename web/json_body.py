"""Small JSON bodies of requests: read within bounds, refused with a reason."""

import orjson
from fastapi import Request
from starlette.requests import ClientDisconnect

MAX_BODY = 16 * 1024
"""Bytes; far more than any choice on a page takes."""


class BodyError(ValueError):
    """A body that cannot be used, and the HTTP status to say so with."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


async def json_body(request: Request, limit: int = MAX_BODY) -> object:
    """The body as JSON; raises `BodyError` for what is too large, cut off or no JSON."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyError(413, f"is over {limit} bytes")
    except ClientDisconnect as error:
        raise BodyError(400, "was cut off") from error
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyError(422, "is not JSON") from error
    return found
