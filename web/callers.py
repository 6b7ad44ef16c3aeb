"""Who looks at the board page, what they may do there, and the alternatives for their need."""

from collections.abc import Iterable
from datetime import datetime

import orjson
from fastapi import Request

from capacity.need import parse_need
from capacity.units import danish_day
from web.pages.calls import Caller
from web.pages.cluster import abilities_of
from web.pages.filters import read_filters
from web.pages.groups import municipalities_of
from web.roles import Permission, Scope
from web.services import Services
from web.visiting import visitor_of
from web.words import DEFAULT


async def caller_of(
    services: Services,
    request: Request,
    cluster: str,
    query: Iterable[tuple[str, str]],
    now: datetime,
) -> Caller:
    """Everything the page needs of who asks for it; the need is the one in its address.

    Raises `BoardUnavailableError` while the alternatives cannot be told.
    """
    access, catalogue = services.access, services.catalogue
    here = Scope(cluster=cluster)
    actor = access.actor(request)
    filters = read_filters(
        query,
        municipalities_of(catalogue, cluster, now),
        abilities_of(catalogue, cluster, DEFAULT),
    )
    answer = await services.alternatives.answer(
        cluster, parse_need(filters.as_need(), services.catalogue)
    )
    return Caller(
        csrf=access.csrf_token(request),
        account=actor.account if actor else "",
        may_hold=access.allows(request, Permission.HOLD, here),
        may_log=access.allows(request, Permission.LOG_OUTCOME, here),
        may_report=_reporting(services, request, cluster, now),
        may_override=access.allows(request, Permission.OVERRIDE_SURGE, here),
        may_review=access.allows(request, Permission.REVIEW, here),
        may_see_indicators=access.allows(request, Permission.READ_INDICATORS, here),
        alternatives=orjson.loads(answer),
        surge=services.surge.of(cluster),
        visitor=visitor_of(request),
    )


def _reporting(services: Services, request: Request, cluster: str, now: datetime) -> frozenset[str]:
    """The units of a cluster that whoever asks may report for by hand."""
    today = danish_day(now)
    return frozenset(
        unit.id
        for unit in services.catalogue.units_of(cluster)
        if services.access.allows(
            request, Permission.REPORT, Scope(cluster, unit.organisations(today))
        )
    )
