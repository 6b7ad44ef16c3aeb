"""What a caller is told when the store did not take what was asked, or may not have."""

from fastapi.responses import JSONResponse

from capacity.board import BoardUnavailableError, UnconfirmedError

RETRY_SECONDS = 2
UNCONFIRMED = (
    "unconfirmed: it may have been done, or may yet be lost; send it again with the same key"
)


def store_away(error: BoardUnavailableError, reason: str) -> JSONResponse:
    """503 with `Retry-After`: nothing was done, for that reason; or that nobody can tell."""
    unsure = isinstance(error, UnconfirmedError)
    return JSONResponse(
        {
            "field": "store",
            "reason": UNCONFIRMED if unsure else reason,
            "code": "unconfirmed" if unsure else "away",
        },
        status_code=503,
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
