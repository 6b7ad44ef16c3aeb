"""Raw records of a stretch of time, in the form in which rollups are made from them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, func, select
from sqlmodel import col

from capacity.history.past import last_changes
from capacity.history.tables import ChangeRecord, JournalRecord, LateRecord
from capacity.indicators.pressure import SurgeEntry
from capacity.instants import epoch_millis, parse_instant

RawChange = tuple[int, str, datetime, str]
"""A change's place in stream order, its unit, when it was applied, and its row."""
UnitEvent = tuple[str, datetime]

_CHANGE = (
    col(ChangeRecord.id),
    col(ChangeRecord.unit),
    col(ChangeRecord.applied_at),
    col(ChangeRecord.row),
)
_INSTANT_BEFORE = timedelta(milliseconds=1)
"""Instants are whole milliseconds."""


def standing_before(connection: Connection, cluster: str, instant: datetime) -> list[RawChange]:
    """Of each unit the change in force just before an instant."""
    found = last_changes(connection, cluster, instant - _INSTANT_BEFORE)
    return [(each.id, each.unit, each.applied_at, each.row) for each in found]


def changes_between(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[RawChange]:
    """Changes applied from `since` until before `until`."""
    query = select(*_CHANGE).where(
        col(ChangeRecord.cluster) == cluster,
        col(ChangeRecord.applied_at) >= since,
        col(ChangeRecord.applied_at) < until,
    )
    return [(row.id, row.unit, row.applied_at, row.row) for row in connection.execute(query)]


def surge_entries(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[SurgeEntry]:
    """What the journal says of the surge level from `since` until before `until`, oldest first,
    and before that the last entry of each kind.
    """
    at, number = col(JournalRecord.at), col(JournalRecord.id)
    query = select(col(JournalRecord.kind), at, col(JournalRecord.data)).where(
        col(JournalRecord.cluster) == cluster
    )
    found: list[Any] = []
    for kind in ("surge", "surge_override"):
        of_kind = query.where(col(JournalRecord.kind) == kind)
        newest_first = of_kind.where(at < since).order_by(at.desc(), number.desc())
        found += connection.execute(newest_first.limit(1))
    within = query.where(
        col(JournalRecord.kind).in_(("surge", "surge_override")), at >= since, at < until
    )
    before = sorted(found, key=lambda row: row.at)
    rows = (*before, *connection.execute(within.order_by(at, number)))
    return [SurgeEntry(row.at, row.kind, orjson.loads(row.data)) for row in rows]


def holds_asked(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """The last record of each hold that was asked for in a period, whenever that was made."""
    of_holds = (col(JournalRecord.cluster) == cluster, col(JournalRecord.kind) == "hold")
    subjects = select(col(JournalRecord.subject)).where(
        *of_holds, col(JournalRecord.at) >= since, col(JournalRecord.at) < until
    )
    last = (
        select(func.max(col(JournalRecord.id)))
        .where(*of_holds, col(JournalRecord.subject).in_(subjects))
        .group_by(col(JournalRecord.subject))
    )
    found = connection.scalars(
        select(col(JournalRecord.data)).where(col(JournalRecord.id).in_(last))
    )
    records = [orjson.loads(data) for data in found]
    return [each for each in records if since <= parse_instant(each["asked_at"]) < until]


def late_between(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[UnitEvent]:
    """Late readings of a period: unit, and when it came.

    Stream ids begin with their millisecond, thirteen digits for the next 250 years, so the key
    on them leads to a period.
    """
    stream_id = col(LateRecord.stream_id)
    query = select(col(LateRecord.unit), col(LateRecord.received_at)).where(
        col(LateRecord.cluster) == cluster,
        stream_id >= f"{epoch_millis(since)}-",
        stream_id < f"{epoch_millis(until)}-",
    )
    return [(row.unit, row.received_at) for row in connection.execute(query)]


def reminders_between(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[UnitEvent]:
    """Reminders that were sent in a period: unit, and when."""
    query = select(col(JournalRecord.at), col(JournalRecord.data)).where(
        col(JournalRecord.cluster) == cluster,
        col(JournalRecord.kind) == "reminder",
        col(JournalRecord.at) >= since,
        col(JournalRecord.at) < until,
    )
    found = ((row.at, orjson.loads(row.data)) for row in connection.execute(query))
    return [(told["unit"], at) for at, told in found if told["outcome"] == "sent"]


def outcome_days(connection: Connection, cluster: str, subjects: Iterable[str]) -> list[datetime]:
    """When these outcomes were logged."""
    query = select(col(JournalRecord.at)).where(
        col(JournalRecord.cluster) == cluster,
        col(JournalRecord.subject).in_(list(subjects)),
        col(JournalRecord.kind) == "outcome",
    )
    return list(connection.scalars(query))
