"""The journal in SQL: written with the changes, read by kind and period."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, and_, func, insert, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from capacity.board.journal import JournalEntry
from capacity.history.tables import ChangeRecord, JournalGapRecord, JournalRecord
from capacity.outcomes import Logged, correction_of, logged_of, with_corrections

JOURNAL_PAGE = 1000
"""Entries per page unless asked otherwise; a page keeps the historian waiting for milliseconds."""


@dataclass(frozen=True, slots=True)
class JournalItem:
    """One recorded entry; `id` is stream order within a cluster, `data` its JSON as written."""

    id: int
    kind: str
    at: datetime
    subject: str | None
    data: str

    @property
    def value(self) -> Mapping[str, Any]:
        """The JSON object."""
        found: Mapping[str, Any] = orjson.loads(self.data)
        return found


def insert_entries(connection: Connection, cluster: str, entries: Sequence[JournalEntry]) -> int:
    """Write those entries that are not there yet; tells how many."""
    if not entries:
        return 0
    known = set(
        connection.scalars(
            select(col(JournalRecord.stream_id)).where(
                col(JournalRecord.cluster) == cluster,
                col(JournalRecord.stream_id).in_([entry.stream_id for entry in entries]),
            )
        )
    )
    new = [
        {
            "cluster": cluster,
            "stream_id": entry.stream_id,
            "kind": entry.kind,
            "at": entry.at,
            "subject": entry.subject,
            "data": entry.data.decode(),
        }
        for entry in entries
        if entry.stream_id not in known
    ]
    if new:
        connection.execute(insert(JournalRecord), new)
    return len(new)


def note_gap(
    connection: Connection,
    cluster: str,
    after_id: str,
    first: JournalEntry,
    missing: int,
    now: datetime,
) -> None:
    """Record that `missing` entries before `first` can no longer be read by anybody."""
    gap = {"cluster": cluster, "after_id": after_id, "before_id": first.stream_id}
    connection.execute(insert(JournalGapRecord), [gap | {"entries": missing, "noticed_at": now}])


_COLUMNS = (
    col(JournalRecord.id),
    col(JournalRecord.kind),
    col(JournalRecord.at),
    col(JournalRecord.subject),
    col(JournalRecord.data),
)


def entries(
    connection: Connection,
    cluster: str,
    kinds: Collection[str],
    since: datetime,
    until: datetime,
    after: JournalItem | None,
    limit: int,
) -> list[JournalItem]:
    """Entries of some kinds in a period, oldest first; see `History.journal`."""
    at, number = col(JournalRecord.at), col(JournalRecord.id)
    query = select(*_COLUMNS).where(
        col(JournalRecord.cluster) == cluster,
        col(JournalRecord.kind).in_(kinds),
        at >= since,
        at < until,
    )
    if after is not None:
        query = query.where(at >= after.at, or_(at > after.at, number > after.id))
    return [_item(row) for row in connection.execute(query.order_by(at, number).limit(limit))]


def outcomes(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[Logged]:
    """Outcomes logged in a period with all their corrections; see `History.outcomes`."""
    found: dict[str, Logged] = {}
    logged = _of_kind(cluster, "outcome", since, until)
    for row in connection.execute(logged.order_by(col(JournalRecord.at), col(JournalRecord.id))):
        outcome = logged_of(orjson.loads(row.data))
        found.setdefault(outcome.id, outcome)
    corrections = defaultdict(list)
    for subject, data in _corrections(connection, cluster, since, until):
        corrections[subject].append(correction_of(orjson.loads(data)))
    return [with_corrections(each, corrections[each.id]) for each in found.values()]


def _corrections(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> Sequence[Any]:
    """Subject and data of the corrections of a period's outcomes, whenever they were made."""
    outcome = aliased(JournalRecord)
    of_period = and_(
        col(outcome.cluster) == cluster,
        col(outcome.kind) == "outcome",
        col(outcome.at) >= since,
        col(outcome.at) < until,
        col(outcome.subject) == col(JournalRecord.subject),
    )
    query = (
        select(col(JournalRecord.subject), col(JournalRecord.data))
        .join(outcome, of_period)
        .where(
            col(JournalRecord.cluster) == cluster,
            col(JournalRecord.kind) == "outcome_correction",
        )
        .order_by(col(JournalRecord.id))
    )
    return connection.execute(query).all()


def holds(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[Mapping[str, object]]:
    """The last record of each hold that changed in a period; see `History.holds`."""
    last = select(func.max(col(JournalRecord.id))).where(
        col(JournalRecord.cluster) == cluster,
        col(JournalRecord.kind) == "hold",
        col(JournalRecord.at) >= since,
        col(JournalRecord.at) < until,
    )
    query = select(col(JournalRecord.data)).where(
        col(JournalRecord.id).in_(last.group_by(col(JournalRecord.subject)))
    )
    found = connection.scalars(query.order_by(col(JournalRecord.id)))
    return [orjson.loads(data) for data in found]


def last_seen(connection: Connection, cluster: str) -> datetime | None:
    """When the last recorded change or entry of the journal was made."""
    change = select(col(ChangeRecord.applied_at)).where(col(ChangeRecord.cluster) == cluster)
    entry = select(col(JournalRecord.at)).where(col(JournalRecord.cluster) == cluster)
    found = (
        connection.scalar(change.order_by(col(ChangeRecord.id).desc()).limit(1)),
        connection.scalar(entry.order_by(col(JournalRecord.id).desc()).limit(1)),
    )
    return max((at for at in found if at is not None), default=None)


def _of_kind(cluster: str, kind: str, since: datetime, until: datetime) -> Any:
    return select(col(JournalRecord.data)).where(
        col(JournalRecord.cluster) == cluster,
        col(JournalRecord.kind) == kind,
        col(JournalRecord.at) >= since,
        col(JournalRecord.at) < until,
    )


def _item(row: Any) -> JournalItem:
    return JournalItem(row.id, row.kind, row.at, row.subject, row.data)
