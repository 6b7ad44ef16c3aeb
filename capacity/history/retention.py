"""Letting go of raw changes: those that are past their time, and confirmations of long ago.

What indicators need is in the rollups by then; they stay, and nothing of before is counted anew.
Of each unit the change in force at the limit is kept, or the board at the limit would have holes.
Every function does a bounded piece of work in the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, func, select, text, update
from sqlmodel import col

from capacity.history import parts, raw
from capacity.history.kept import note_kept, read_kept
from capacity.history.past import last_changes
from capacity.history.rollups import read_rolled
from capacity.history.tables import ChangeRecord, UnitRun
from capacity.indicators.days import begin, day_of, end
from capacity.indicators.shown import Shown, in_force, shown_of
from capacity.indicators.thinning import superfluous

TOGETHER = 2_000
"""Changes that are deleted in one transaction."""
ASK_TOGETHER = 500
"""Ids named in one statement; SQLite takes at most 999 values in older versions."""
_INSTANT = timedelta(milliseconds=1)


def clusters(connection: Connection) -> list[str]:
    """Every cluster that has changes, also those that are not served any more."""
    return list(connection.scalars(select(col(UnitRun.cluster)).distinct()))


def limit_of(connection: Connection, cluster: str, wanted: datetime) -> datetime | None:
    """Up to where a cluster's changes may go: `wanted`, or the last whole day in the rollups.

    ``None`` when nothing may.
    """
    rolled = read_rolled(connection, cluster)
    return None if rolled is None else min(wanted, begin(day_of(rolled.through)))


def delete_some(connection: Connection, cluster: str, limit: datetime) -> int:
    """Delete up to `TOGETHER` changes of before `limit`; how many they were.

    With the last of them the runs are moved to what is left. In PostgreSQL only those of before
    all months, which `drop_months` cannot take.
    """
    if parts.are_kept(connection):
        limit = min(limit, parts.read(connection)[0].until)
    _note_since(connection, cluster, limit)
    standing = [each.id for each in last_changes(connection, cluster, limit - _INSTANT)]
    victims = (
        select(col(ChangeRecord.id), col(ChangeRecord.applied_at))
        .where(col(ChangeRecord.cluster) == cluster, col(ChangeRecord.applied_at) < limit)
        .order_by(col(ChangeRecord.applied_at), col(ChangeRecord.id))
        .limit(TOGETHER + len(standing))
    )
    kept = set(standing)
    found = [row.id for row in connection.execute(victims) if row.id not in kept][:TOGETHER]
    _delete(connection, found, limit)
    if len(found) < TOGETHER:
        _move_runs(connection, cluster, limit)
    return len(found)


def drop_months(connection: Connection, limit: datetime) -> list[str]:
    """Drop the parts of whole months before `limit`, in PostgreSQL; their names.

    What has to stay of them makes the new part of everything before.
    """
    if not parts.are_kept(connection):
        return []
    parts.lock(connection)
    old = [part for part in parts.read(connection) if part.until <= limit]
    if not any(part.since is not None for part in old):
        return []
    until = old[-1].until
    known = clusters(connection)
    standing = [
        each.id for cluster in known for each in last_changes(connection, cluster, until - _INSTANT)
    ]
    waiting = f"{parts.EARLY}_next"
    parts.begin(connection, waiting)
    connection.execute(
        text(
            f"INSERT INTO {waiting} SELECT * FROM change"  # noqa: S608 - a name of ours
            " WHERE applied_at < :until AND id = ANY(:standing)"
        ),
        {"until": round(until.timestamp() * 1000), "standing": standing},
    )
    for part in old:
        connection.exec_driver_sql(f"ALTER TABLE change DETACH PARTITION {part.name}")
        connection.exec_driver_sql(f"DROP TABLE {part.name}")
    connection.exec_driver_sql(f"ALTER TABLE {waiting} RENAME TO {parts.EARLY}")
    parts.join(connection, parts.EARLY, None, until)
    for cluster in known:
        _note_since(connection, cluster, until)
        _move_runs(connection, cluster, until)
    return [part.name for part in old if part.since is not None]


def superfluous_of(connection: Connection, cluster: str, day: date) -> list[int]:
    """The ids of a day's changes that tell nothing new; see `capacity.indicators.thinning`."""
    lines = _lines(connection, cluster, begin(day), end(day))
    return [change.order for line in lines for change in superfluous(line)]


def thin(connection: Connection, cluster: str, day: date, ids: Sequence[int]) -> None:
    """Delete changes of a day that tell nothing new. Noted first that its time is not counted
    anew: whoever deletes in several transactions begins with none.
    """
    until = read_kept(connection, cluster, lock=True).thinned_until
    if until is None or until < end(day):
        note_kept(connection, cluster, thinned_until=end(day))
    _delete(connection, ids, end(day))


def first_to_thin(connection: Connection, cluster: str) -> date | None:
    """The first day that is not thinned; ``None`` when there is none at all."""
    kept = read_kept(connection, cluster)
    if kept.thinned_until is not None:
        return day_of(max(kept.thinned_until, kept.since or kept.thinned_until))
    first = select(func.min(col(UnitRun.first_at))).where(col(UnitRun.cluster) == cluster)
    at = connection.scalar(first)
    return None if at is None else day_of(max(at, kept.since or at))


def _lines(
    connection: Connection, cluster: str, since: datetime, until: datetime
) -> Iterable[Sequence[Shown]]:
    """A day's changes as they were shown, by unit and epoch."""
    epochs = select(col(ChangeRecord.id), col(ChangeRecord.epoch)).where(
        col(ChangeRecord.cluster) == cluster,
        col(ChangeRecord.applied_at) >= since,
        col(ChangeRecord.applied_at) < until,
    )
    of_id = {row.id: row.epoch for row in connection.execute(epochs)}
    shown = [shown_of(*each) for each in raw.changes_between(connection, cluster, since, until)]
    for line in in_force({}, shown).values():
        start = 0
        for place, change in enumerate(line):
            if of_id[change.order] != of_id[line[start].order]:
                yield line[start:place]
                start = place
        yield line[start:]


def _delete(connection: Connection, ids: Sequence[int], until: datetime) -> None:
    for start in range(0, len(ids), ASK_TOGETHER):
        connection.execute(
            delete(ChangeRecord).where(
                col(ChangeRecord.id).in_(ids[start : start + ASK_TOGETHER]),
                col(ChangeRecord.applied_at) < until,
            )
        )


def _note_since(connection: Connection, cluster: str, since: datetime) -> None:
    before = read_kept(connection, cluster, lock=True).since
    if before is None or before < since:
        note_kept(connection, cluster, since=since)


def _move_runs(connection: Connection, cluster: str, limit: datetime) -> None:
    """Let each run that began before `limit` begin with the first change that is left of it."""
    query = select(col(UnitRun.unit), col(UnitRun.epoch), col(UnitRun.first_id)).where(
        col(UnitRun.cluster) == cluster, col(UnitRun.first_at) < limit
    )
    for run in connection.execute(query).all():
        of_run = (
            col(UnitRun.cluster) == cluster,
            col(UnitRun.unit) == run.unit,
            col(UnitRun.epoch) == run.epoch,
        )
        first = connection.execute(
            select(col(ChangeRecord.id), col(ChangeRecord.applied_at))
            .where(
                col(ChangeRecord.cluster) == cluster,
                col(ChangeRecord.unit) == run.unit,
                col(ChangeRecord.epoch) == run.epoch,
            )
            .order_by(col(ChangeRecord.applied_at), col(ChangeRecord.id))
            .limit(1)
        ).one_or_none()
        if first is None:
            connection.execute(delete(UnitRun).where(*of_run))
        elif first.id != run.first_id:
            moved = {"first_id": first.id, "first_at": first.applied_at}
            connection.execute(update(UnitRun).where(*of_run).values(**moved))
