"""The session of whoever asks, for pages: who is signed in by now, and the token to send along.

A page outlives its session. When somebody signs in again in another tab, the page that was open
asks here for the new session's token, and what was being done goes on (static/js/send.js).
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from web.access import session_of
from web.services import Services

router = APIRouter(prefix="/api/v1/session", tags=["session"])


@router.get("", summary="Who is signed in", responses={401: {"description": "Nobody is."}})
async def session(request: Request) -> Response:
    """Account (a pseudonym), role, organisation and clusters of the session, and its page token.

    For the demo's visitor all but the token is ``null``.
    """
    services: Services = request.app.state.services
    found = session_of(request)
    if found is None and not services.access.is_demo(request):
        services.access.person(request)
    return JSONResponse(
        {
            "account": found.account if found else None,
            "role": found.role if found else None,
            "organisation": found.organisation if found else None,
            "clusters": list(found.clusters) if found else None,
            "csrf": services.access.csrf_token(request),
        }
    )
