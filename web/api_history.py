"""When a board changed: for those who step through the past, and as a table."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from capacity.board import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import BadInstantError, format_instant
from capacity.replay import Step
from web.api_board import problem
from web.auth.trail import note
from web.board_export import CHANGES, change_rows
from web.carrying import carry
from web.history_door import EARLIEST, caught_up, instant_of, master_data
from web.past_desk import PastDesk
from web.services import Services
from web.tables import CARRIED, MOST_ROWS, Answered, Form, TooLongError

USUAL_PERIOD = timedelta(hours=1)
USUAL_LIMIT, MOST = 200, 1000
"""Changes on one page."""

router = APIRouter(prefix="/api/v1/history", tags=["history"])


class _BadPeriodError(ValueError):
    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)


@router.get(
    "/{cluster}/changes",
    summary="The moments at which a cluster's board changed",
    responses=CARRIED
    | {
        401: {"description": "Not signed in, and no valid key."},
        403: {"description": "Not for this cluster."},
        404: {"description": "No such cluster."},
        422: {"description": "`field` cannot be used, for the `reason` given."},
        503: {"description": "The history is away; come back after `Retry-After` seconds."},
    },
)
async def changes(
    cluster: str,
    request: Request,
    since: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    until: Annotated[str | None, Query(alias="to", max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL_LIMIT,
    format: Answered = "json",
) -> Response:
    """Changes after `from` (default: an hour before `to`), up to and with `to` (default: now),
    oldest first: `at`, `unit`, and `kind`, which is `figures`, `confirmed` (the same figures,
    observed anew), `stale` (time did it, nobody reported) or `left` (the unit left the board).

    About `limit` of them; those of one instant are never parted. `next` is the `from` of the next
    page, null on the last. The board at `from` and these changes make the board at `to`.

    `master_data` tells the catalogues that were in force: that of `from` first, then each that came
    into force up to `to`, by `in_force_since`; the first is not `recorded` where `from` lies before
    all that are.

    As `csv`, `xlsx` or `parquet` all changes of the period, whatever the `limit`, each with the
    unit's figures from then on; columns as in docs/exports.md. 422 where they are too many for a
    file.
    """
    services: Services = request.app.state.services
    actor = services.access.may_read(request, cluster)
    if cluster not in services.catalogue.served_clusters():
        return problem(404, "cluster", "is not known here")
    try:
        start, end = _period(since, until, services.clock())
        if not await caught_up(services.board, services.history, cluster):
            return _away()
        desk = PastDesk(services.history, services.catalogues, cluster)
        if format != "json":
            detail = {"format": format, "from": format_instant(start), "to": format_instant(end)}
            await note(services, request, actor, "history-export", cluster, detail)
            return await _table(request, cluster, format, desk, (start, end))
        page = await desk.changes(start, end, limit)
        masters = await services.catalogues.during(cluster, start, end)
    except _BadPeriodError as error:
        return problem(422, error.field, error.reason)
    except TooLongError:
        return problem(422, "from", f"leaves more than {MOST_ROWS} changes; ask for a shorter time")
    except (HistoryUnavailableError, BoardUnavailableError):
        return _away()
    answer = {
        "server_time": format_instant(services.clock()),
        "from": format_instant(start),
        "to": format_instant(end),
        "changes": [_told(step) for step in page.steps],
        "master_data": [master_data(masters.at(each)) for each in (start, *masters.changes)],
        "next": format_instant(page.more_from),
    }
    return Response(orjson.dumps(answer), media_type="application/json")


async def _table(
    request: Request, cluster: str, form: Form, desk: PastDesk, period: tuple[datetime, datetime]
) -> Response:
    start, end = (format_instant(each) for each in period)
    return await carry(
        request,
        CHANGES,
        form,
        change_rows(desk, *period),
        cluster=cluster,
        name=f"changes-{cluster}",
        about={"period": f"{start} – {end}"},
    )


def _told(step: Step) -> Mapping[str, object]:
    cursor = None if step.epoch is None else f"{step.epoch}-{step.seq}"
    at = format_instant(step.at)
    return {"at": at, "unit": step.unit, "kind": step.kind.value, "cursor": cursor}


def _period(since: str | None, until: str | None, now: datetime) -> tuple[datetime, datetime]:
    end = now if until is None else min(_instant("to", until), now)
    start = end - USUAL_PERIOD if since is None else _instant("from", since)
    if start > end:
        raise _BadPeriodError("from", "must not lie after `to`, or in the future")
    return start, end


def _instant(field: str, text: str) -> datetime:
    try:
        return max(instant_of(text), EARLIEST)
    except BadInstantError as error:
        raise _BadPeriodError(field, str(error)) from error


def _away() -> Response:
    answer = problem(503, "store", "the history is away; try again")
    answer.headers["Retry-After"] = "2"
    return answer
