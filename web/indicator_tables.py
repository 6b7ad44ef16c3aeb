"""Answers with indicators as a table, from the page's address and from the API's alike."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import Response

from capacity.indicators.figures import Step
from web.carrying import carry, words_of
from web.indicator_desk import Told
from web.indicator_export import TABLE, indicator_rows
from web.pages.indicators import place_name
from web.services import Services
from web.tables import Form


async def indicator_table(
    request: Request,
    cluster: str,
    municipality: str | None,
    form: Form,
    step: Step,
    told: Sequence[Told],
) -> Response:
    """Every period of these indicators; `step` is the length that was asked for."""
    services: Services = request.app.state.services
    words = words_of(request)
    days = [each.day for one in told for each in one.periods]
    first_to_last = {"first": min(days, default=""), "last": max(days, default="")}
    return await carry(
        request,
        TABLE,
        form,
        indicator_rows(told, cluster, municipality, words.lang),
        cluster=cluster,
        name="-".join(("indicators", cluster, *([municipality] if municipality else ()), step)),
        about={
            "place": place_name(services.catalogue, municipality, words),
            "period": words.text("table_period_told", **first_to_last) if days else "",
        },
    )
