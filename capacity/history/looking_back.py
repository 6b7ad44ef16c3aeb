"""Looking back: from change to change, and how other things stood at a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Select, exists, func, literal, select
from sqlmodel import col

from capacity.history.kept import kept_since
from capacity.history.kept_tables import RawKeptRecord
from capacity.history.tables import ChangeRecord, Instant, JournalRecord, UnitRun
from capacity.instants import from_epoch_millis
from capacity.replay import PastChange

FIRST = from_epoch_millis(0)
SURGE_KINDS = ("surge", "surge_override")
"""Kinds of journal entries that tell of the surge level."""

_SHOWN = ~exists().where(
    col(UnitRun.cluster) == col(ChangeRecord.cluster),
    col(UnitRun.unit) == col(ChangeRecord.unit),
    col(UnitRun.first_id) > col(ChangeRecord.id),
    col(UnitRun.first_at) <= col(ChangeRecord.applied_at),
)
"""Not one that, by the clock, came when a later epoch had begun: the store's clock went back in
between, and `past.board_at` never shows it."""

_PLACE = (
    col(ChangeRecord.id),
    col(ChangeRecord.epoch),
    col(ChangeRecord.seq),
    col(ChangeRecord.unit),
    col(ChangeRecord.applied_at),
    col(ChangeRecord.row),
)


def changes_after(
    connection: Connection, cluster: str, after: datetime, until: datetime, limit: int
) -> list[PastChange]:
    """Changes applied after `after`, up to and with `until`, oldest first.

    About `limit` of them: those of one instant, as a batch has them, are never parted. So the
    board at `after` and these changes make the board at the last one's instant.
    """
    at, number = col(ChangeRecord.applied_at), col(ChangeRecord.id)
    query = _changes(cluster).where(at > after, at <= until).order_by(at, number).limit(limit)
    found = _read(connection, query)
    if len(found) == limit:
        last = found[-1]
        rest = _changes(cluster).where(at == last.at, number > last.id).order_by(number)
        found += _read(connection, rest)
    return found


def changes_before(
    connection: Connection, cluster: str, before: datetime, limit: int
) -> list[PastChange]:
    """The last changes applied before `before`, oldest first; about `limit`, as above."""
    at, number = col(ChangeRecord.applied_at), col(ChangeRecord.id)
    backwards = (at.desc(), number.desc())
    found = _read(
        connection, _changes(cluster).where(at < before).order_by(*backwards).limit(limit)
    )
    if len(found) == limit:
        first = found[-1]
        rest = _changes(cluster).where(at == first.at, number < first.id).order_by(number.desc())
        found += _read(connection, rest)
    return found[::-1]


def first_change(connection: Connection, cluster: str) -> datetime | None:
    """When the earliest recorded change was applied, or from when on history is kept."""
    query = select(col(UnitRun.first_at)).where(col(UnitRun.cluster) == cluster)
    first = connection.scalar(query.order_by(col(UnitRun.first_at)).limit(1))
    since = kept_since(connection, cluster)
    return first if first is None or since is None else max(first, since)


def surge_told(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[tuple[datetime, str, Mapping[str, Any]]]:
    """What the journal tells of the surge level up to and with `until`, oldest first: all after
    `since`, and before that the last of each kind.
    """
    at, number = col(JournalRecord.at), col(JournalRecord.id)
    found: list[Any] = []
    for kind in SURGE_KINDS:
        of_kind = select(number, at, col(JournalRecord.kind), col(JournalRecord.data)).where(
            col(JournalRecord.cluster) == cluster, col(JournalRecord.kind) == kind
        )
        before = of_kind.where(at <= since).order_by(at.desc(), number.desc()).limit(1)
        found += connection.execute(before).all()
        found += connection.execute(of_kind.where(at > since, at <= until)).all()
    found.sort(key=lambda entry: (entry.at, entry.id))
    return [(entry.at, entry.kind, orjson.loads(entry.data)) for entry in found]


def holds_told(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Every step of holds from `since` up to and with `until`, oldest first."""
    at, number = col(JournalRecord.at), col(JournalRecord.id)
    query = (
        select(at, col(JournalRecord.data))
        .where(
            col(JournalRecord.cluster) == cluster,
            col(JournalRecord.kind) == "hold",
            at >= since,
            at <= until,
        )
        .order_by(at, number)
    )
    return [(entry.at, orjson.loads(entry.data)) for entry in connection.execute(query)]


def _changes(cluster: str) -> Select[*tuple[Any, ...]]:
    kept = select(col(RawKeptRecord.since)).where(col(RawKeptRecord.cluster) == cluster)
    since = func.coalesce(kept.scalar_subquery(), literal(FIRST, Instant()))
    return select(*_PLACE).where(
        col(ChangeRecord.cluster) == cluster,
        col(ChangeRecord.applied_at) >= since,
        _SHOWN,
    )


def _read(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[PastChange]:
    found: Sequence[Any] = connection.execute(query).all()
    return [
        PastChange(row.id, row.epoch, row.seq, row.unit, row.applied_at, row.row) for row in found
    ]
