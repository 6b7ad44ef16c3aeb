"""Reading: the board as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlmodel import col

from capacity.board.changes import Cursor
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


def board_at(connection: Connection, cluster: str, instant: datetime | None) -> PastBoard:
    """Of every unit the last change, in stream order, applied at or before `instant`.

    Without an instant, of all that is recorded. A unit whose last change is empty had left the
    board. The cost grows with the number of units, and hardly with the length of history: of each
    unit the last run that had begun, and one index look-up in it. It holds for any clock, for
    `applied_at` can only go back where a new epoch, hence a new run, begins.
    """
    return _board_of(connection, last_changes(connection, cluster, instant))


def last_changes(connection: Connection, cluster: str, instant: datetime | None) -> Sequence[int]:
    """The ids of the changes in force at `instant`, one a unit; see `board_at`."""
    begun = select(func.max(UnitRun.first_id)).where(col(UnitRun.cluster) == cluster)
    last = select(col(ChangeRecord.id)).where(
        col(ChangeRecord.cluster) == col(UnitRun.cluster),
        col(ChangeRecord.unit) == col(UnitRun.unit),
        col(ChangeRecord.epoch) == col(UnitRun.epoch),
    )
    if instant is not None:
        begun = begun.where(col(UnitRun.first_at) <= instant)
        last = last.where(col(ChangeRecord.applied_at) <= instant)
    newest_first = (col(ChangeRecord.applied_at).desc(), col(ChangeRecord.id).desc())
    return connection.scalars(
        select(last.order_by(*newest_first).limit(1).scalar_subquery()).where(
            col(UnitRun.cluster) == cluster,
            col(UnitRun.first_id).in_(begun.group_by(col(UnitRun.unit))),
        )
    ).all()


def _board_of(connection: Connection, ids: Sequence[int]) -> PastBoard:
    found = connection.execute(
        select(
            col(ChangeRecord.id),
            col(ChangeRecord.unit),
            col(ChangeRecord.epoch),
            col(ChangeRecord.seq),
            col(ChangeRecord.row),
        ).where(col(ChangeRecord.id).in_(ids))
    ).all()
    if not found:
        return PastBoard(NO_CURSOR, [])
    latest = max(found, key=lambda change: change.id)
    in_order = sorted(found, key=lambda change: change.unit)
    return PastBoard(
        Cursor(latest.epoch, latest.seq), [change.row.encode() for change in in_order if change.row]
    )
