"""Alternatives to admission for one need, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.need import NeedError, parse_need
from web.api_board import problem
from web.roles import Permission, Scope
from web.services import Services

router = APIRouter(prefix="/api/v1/alternatives", tags=["alternatives"])

_PARAMETERS = {"capabilities": "capability"}
"""What a field of a need is called in the address, where that is another word."""


@router.get(
    "/{cluster}",
    summary="Every unit that could help, judged for a need, best first",
    responses={
        401: {"description": "Not signed in, and no valid key."},
        403: {"description": "Not for this cluster."},
        404: {"description": "No such cluster."},
        422: {"description": "`field` cannot be used, for the `reason` given."},
        503: {"description": "The figures stand still; come back after `Retry-After` seconds."},
    },
)
async def alternatives(
    cluster: str,
    request: Request,
    municipality: Annotated[str | None, Query(max_length=40)] = None,
    capability: Annotated[list[str] | None, Query()] = None,
    within_minutes: Annotated[str | None, Query(max_length=40)] = None,
    where: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Alternatives for a citizen of `municipality` (four digits) who needs every `capability`
    (repeat it), `within_minutes`, at a `where` of `place`, `home` or `either`. All may be left out.

    Each has a `verdict` (`yes`, `ask`, `no`) and the `reasons` for it: a `code`, the `verdict` that
    it leaves room for, and parameters (docs/rules.md lists them). `recheck_at` is when time alone
    may change the answer; new rows on the live channel may change it at once.
    """
    services: Services = request.app.state.services
    services.access.require(request, Permission.READ_BOARD, Scope(cluster=cluster))
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    asked = {
        "municipality": municipality,
        "capabilities": capability,
        "within_minutes": within_minutes,
        "where": where,
    }
    try:
        need = parse_need(asked, services.catalogue)
        return Response(
            await services.alternatives.answer(cluster, need), media_type="application/json"
        )
    except NeedError as error:
        return problem(422, _PARAMETERS.get(error.field, error.field), error.reason)
    except BoardUnavailableError:
        answer = problem(503, "store", "the store is away; try again")
        answer.headers["Retry-After"] = "2"
        return answer
