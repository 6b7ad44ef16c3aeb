"""Reading: the board as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, true
from sqlmodel import col

from capacity.board.changes import Cursor
from capacity.history.kept import kept_since
from capacity.history.tables import ChangeRecord, UnitRun

NO_CURSOR = Cursor("none", 0)
"""The cursor of a board on which nothing has happened yet."""


@dataclass(frozen=True, slots=True)
class PastBoard:
    """The rows that a cluster's board showed, sorted by unit id, as the JSON bytes of then.

    `cursor` names the last change that is in it, `NO_CURSOR` when there is none.
    """

    cursor: Cursor
    rows: list[bytes]


@dataclass(frozen=True, slots=True)
class StandingChange:
    """A recorded change that is in force."""

    id: int
    unit: str
    epoch: str
    seq: int
    applied_at: datetime
    row: str


_OF_CHANGE = (
    col(ChangeRecord.id),
    col(ChangeRecord.unit),
    col(ChangeRecord.epoch),
    col(ChangeRecord.seq),
    col(ChangeRecord.applied_at),
    col(ChangeRecord.row),
)


def board_at(connection: Connection, cluster: str, instant: datetime | None) -> PastBoard:
    """Of every unit the last change, in stream order, applied at or before `instant`.

    Without an instant, of all that is recorded; before the time that history keeps, nothing. A unit
    whose last change is empty had left the board. The cost grows with the number of units, and
    hardly with the length of history: of each unit the last run that had begun, and one index
    look-up in it. It holds for any clock, for `applied_at` can only go back where a new epoch,
    hence a new run, begins.
    """
    since = kept_since(connection, cluster)
    found: Sequence[StandingChange] = []
    if instant is None or since is None or instant >= since:
        found = last_changes(connection, cluster, instant)
    if not found:
        return PastBoard(NO_CURSOR, [])
    latest = max(found, key=lambda change: change.id)
    in_order = sorted(found, key=lambda change: change.unit)
    return PastBoard(
        Cursor(latest.epoch, latest.seq), [change.row.encode() for change in in_order if change.row]
    )


def last_changes(
    connection: Connection, cluster: str, instant: datetime | None
) -> Sequence[StandingChange]:
    """The changes in force at `instant`, one a unit; see `board_at`."""
    begun = select(func.max(UnitRun.first_id)).where(col(UnitRun.cluster) == cluster)
    last = select(*_OF_CHANGE).where(
        col(ChangeRecord.cluster) == col(UnitRun.cluster),
        col(ChangeRecord.unit) == col(UnitRun.unit),
        col(ChangeRecord.epoch) == col(UnitRun.epoch),
    )
    if instant is not None:
        begun = begun.where(col(UnitRun.first_at) <= instant)
        last = last.where(col(ChangeRecord.applied_at) <= instant)
    newest_first = (col(ChangeRecord.applied_at).desc(), col(ChangeRecord.id).desc())
    last = last.order_by(*newest_first).limit(1)
    query: Any
    if connection.dialect.name == "postgresql":
        # Each unit's look begins in the part of `instant` and goes back no further than it must.
        found = last.correlate(UnitRun).lateral()
        query = select(*found.c).select_from(UnitRun).join(found, true())
    else:
        number = last.with_only_columns(col(ChangeRecord.id)).correlate(UnitRun).scalar_subquery()
        query = select(*_OF_CHANGE).select_from(UnitRun)
        query = query.join(ChangeRecord, col(ChangeRecord.id) == number)
    query = query.where(
        col(UnitRun.cluster) == cluster,
        col(UnitRun.first_id).in_(begun.group_by(col(UnitRun.unit))),
    )
    return [StandingChange(*each) for each in connection.execute(query)]
