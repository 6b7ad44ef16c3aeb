"""Rollups in SQL: what new records touch, a day's amounts written at once, and sums of amounts."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from capacity.history.errors import HistoryError
from capacity.history.position import read_position
from capacity.history.raw import outcome_days
from capacity.history.rollup_tables import RollupPositionRecord, RollupRecord
from capacity.history.tables import ChangeRecord, JournalRecord, LateRecord, UnitRun
from capacity.indicators.days import day_of
from capacity.indicators.measures import WHOLE_DAY, Key, Measure, Tally
from capacity.instants import parse_instant

WRITE_TOGETHER = 4_000
"""Amounts in one transaction: what others may have to wait for."""
_TAKE_AWAY = text(
    "DELETE FROM rollup WHERE cluster = :cluster AND measure = :measure AND hour = :hour"
    " AND day = :day AND subject = :subject AND kind = :kind AND municipality = :municipality"
)


T = TypeVar("T")


class RolledElsewhereError(HistoryError):
    """Another program rolled up this cluster meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """How far a cluster is rolled up; see `RollupPositionRecord`."""

    version: int
    through: datetime
    change_id: int
    journal_id: int
    late_id: int


@dataclass(frozen=True, slots=True)
class Heads:
    """The last record of each kind that there is."""

    change_id: int
    journal_id: int
    late_id: int


@dataclass(frozen=True, slots=True)
class Touched:
    """What records touch: everything from `since` on (``None``: nothing so), and single days.

    A change, or a surge level, stands until the next one comes, hence up to now.
    """

    since: datetime | None
    days: frozenset[date]


def read_rolled(connection: Connection, cluster: str, *, lock: bool = False) -> Rolled | None:
    """The stored position; with `lock` nobody else moves it before this transaction ends."""
    query = select(
        col(RollupPositionRecord.version),
        col(RollupPositionRecord.through),
        col(RollupPositionRecord.change_id),
        col(RollupPositionRecord.journal_id),
        col(RollupPositionRecord.late_id),
    ).where(col(RollupPositionRecord.cluster) == cluster)
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else Rolled(*found)


def positions(connection: Connection) -> dict[str, datetime]:
    """Until when each cluster is rolled up."""
    query = select(col(RollupPositionRecord.cluster), col(RollupPositionRecord.through))
    return {cluster: through for cluster, through in connection.execute(query)}


def heads(connection: Connection, cluster: str) -> Heads:
    """Where the records of a cluster end now: those at its position, each led to by its key.

    Not the greatest ids: to find those of a cluster in which nothing happens, all that others
    recorded would be passed over.
    """
    here = read_position(connection, cluster)
    if here is None:
        return Heads(0, 0, 0)
    change = select(col(ChangeRecord.id)).where(
        col(ChangeRecord.cluster) == cluster,
        col(ChangeRecord.epoch) == here.epoch,
        col(ChangeRecord.seq) == here.seq,
    )
    return Heads(
        connection.scalar(change) or 0,
        _entry(connection, cluster, JournalRecord, here.journal_stream_id),
        _entry(connection, cluster, LateRecord, here.late_stream_id),
    )


def _entry(connection: Connection, cluster: str, table: Any, stream_id: str) -> int:
    of_entry = (col(table.cluster) == cluster, col(table.stream_id) == stream_id)
    return connection.scalar(select(col(table.id)).where(*of_entry)) or 0


def touched(connection: Connection, cluster: str, rolled: Rolled | None, upto: Heads) -> Touched:
    """What the records after `rolled`, up to `upto`, touch; without it, all there is."""
    if rolled is None:
        return Touched(_first(connection, cluster), frozenset())
    # By their ids, which are few: a database left to choose goes through the cluster's whole past.
    new: Any = select(col(ChangeRecord.applied_at).label("at")).where(
        col(ChangeRecord.cluster) + "" == cluster,
        col(ChangeRecord.id) > rolled.change_id,
        col(ChangeRecord.id) <= upto.change_id,
    )
    changes = new.offset(0).subquery()
    first = [at for at in (connection.scalar(select(func.min(changes.c.at))),) if at is not None]
    late = select(col(LateRecord.received_at)).where(
        col(LateRecord.cluster) + "" == cluster,
        col(LateRecord.id) > rolled.late_id,
        col(LateRecord.id) <= upto.late_id,
    )
    days = {day_of(at) for at in connection.scalars(late)}
    levels, others = _by_journal(connection, cluster, rolled.journal_id, upto.journal_id)
    return Touched(min((*first, *levels), default=None), frozenset(days | others))


def _first(connection: Connection, cluster: str) -> datetime | None:
    """When the first record of any kind was made; ``None`` when there is none."""
    firsts = (
        (UnitRun.first_at, UnitRun.cluster),
        (JournalRecord.at, JournalRecord.cluster),
        (LateRecord.received_at, LateRecord.cluster),
    )
    found = (
        connection.scalar(select(func.min(col(at))).where(col(of) == cluster)) for at, of in firsts
    )
    return min((at for at in found if at is not None), default=None)


def _by_journal(
    connection: Connection, cluster: str, after: int, upto: int
) -> tuple[list[datetime], set[date]]:
    """When surge levels changed, and the days of everything else."""
    query = select(
        col(JournalRecord.kind), col(JournalRecord.at), col(JournalRecord.subject),
        col(JournalRecord.data),
    ).where(
        col(JournalRecord.cluster) + "" == cluster,
        col(JournalRecord.id) > after,
        col(JournalRecord.id) <= upto,
    )  # fmt: skip
    levels: list[datetime] = []
    days: set[date] = set()
    corrected: set[str] = set()
    for row in connection.execute(query):
        if row.kind in ("surge", "surge_override"):
            levels.append(row.at)
        elif row.kind == "outcome_correction":
            corrected.add(row.subject)
        elif row.kind == "hold":
            days.add(day_of(parse_instant(orjson.loads(row.data)["asked_at"])))
        else:
            days.add(day_of(row.at))
    days |= {day_of(at) for at in outcome_days(connection, cluster, corrected)}
    return levels, days


def day_amounts(connection: Connection, cluster: str, day: date) -> Tally:
    """All that is kept of a day, its hours and the whole of it."""
    columns = [getattr(RollupRecord, name) for name in Key._fields]
    query = select(*columns, col(RollupRecord.amount)).where(
        col(RollupRecord.cluster) == cluster, col(RollupRecord.day) == day.isoformat()
    )
    return Counter(
        {Key(Measure(measure), *rest): n for measure, *rest, n in connection.execute(query)}
    )


def differences(before: Tally, after: Tally) -> list[dict[Key, int]]:
    """What is to be written so that a day's amounts become others, in parts of one transaction
    each; zero takes an amount away. Those of the whole day come last, and together.
    """
    changed = {key: after[key] for key in before.keys() | after.keys() if before[key] != after[key]}
    hours = [(key, n) for key, n in changed.items() if key.hour != WHOLE_DAY]
    found = [dict(part) for part in batched(hours, WRITE_TOGETHER)]
    whole = {key: n for key, n in changed.items() if key.hour == WHOLE_DAY}
    return [*found, whole] if len(hours) + len(whole) > WRITE_TOGETHER else [changed]


def write_amounts(
    connection: Connection, cluster: str, expected: Rolled, day: date, values: Mapping[Key, int]
) -> Rolled:
    """Set amounts of a day; the fence is that of `move`."""
    moved = move(connection, cluster, expected, expected)
    known = {"cluster": cluster, "day": day.isoformat()}
    gone = [key._asdict() | known for key in values]
    if gone:
        connection.execute(_TAKE_AWAY, gone)
    rows = [key._asdict() | known | {"amount": amount} for key, amount in values.items() if amount]
    if rows:
        connection.execute(insert(RollupRecord), rows)
    return moved


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def move(connection: Connection, cluster: str, expected: Rolled | None, to: Rolled) -> Rolled:
    """Set the position, if it is still `expected`; else `RolledElsewhereError`."""
    if read_rolled(connection, cluster, lock=True) != expected:
        raise RolledElsewhereError(f"the rollups of {cluster} were made by another program")
    moved = replace(to, version=(expected.version if expected else 0) + 1)
    if expected is None:
        try:
            connection.execute(insert(RollupPositionRecord), [asdict(moved) | {"cluster": cluster}])
        except IntegrityError as error:
            raise RolledElsewhereError(f"the rollups of {cluster} have just begun") from error
    else:
        of_cluster = col(RollupPositionRecord.cluster) == cluster
        connection.execute(update(RollupPositionRecord).where(of_cluster).values(**asdict(moved)))
    return moved


def first_day(connection: Connection, cluster: str) -> date | None:
    """The first day that amounts are kept of; ``None`` when there are none."""
    query = select(func.min(col(RollupRecord.day))).where(col(RollupRecord.cluster) == cluster)
    found = connection.scalar(query)
    return date.fromisoformat(found) if found else None


COLUMNS = ("day", "hour", "subject", "kind", "municipality")
"""What sums of amounts can be told by, besides the measure."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum: of which measure, and the values of the columns that it was asked by."""

    measure: Measure
    by: tuple[str | int, ...]
    amount: int


def amounts(
    connection: Connection,
    cluster: str,
    measures: Collection[Measure],
    first: date,
    last: date,
    by: Sequence[str] = ("day",),
    kinds: Iterable[str] = (),
) -> list[Amount]:
    """Sums of amounts of the days `first` to `last`, both included, by some of `COLUMNS`.

    `kinds` limits them to units of these kinds. The cost is that of the rows summed: those of
    whole days, unless `by` names the hour.
    """
    columns = [getattr(RollupRecord, name) for name in COLUMNS if name in by]
    if len(columns) != len(by):
        raise ValueError("amounts cannot be told by that")
    hour = col(RollupRecord.hour)
    query = select(col(RollupRecord.measure), *columns, func.sum(col(RollupRecord.amount))).where(
        col(RollupRecord.cluster) == cluster,
        col(RollupRecord.measure).in_([each.value for each in measures]),
        col(RollupRecord.day) >= first.isoformat(),
        col(RollupRecord.day) <= last.isoformat(),
        # Each hour by name, so that the key leads to its days and no others are passed over.
        hour.in_(range(24)) if "hour" in by else hour == WHOLE_DAY,
    )
    wanted = list(kinds)
    if wanted:
        query = query.where(col(RollupRecord.kind).in_(wanted))
    grouped = query.group_by(col(RollupRecord.measure), *columns).order_by(*columns)
    order = [[name for name in COLUMNS if name in by].index(name) for name in by]
    return [
        Amount(Measure(row[0]), tuple(row[1 + place] for place in order), int(row[-1]))
        for row in connection.execute(grouped)
    ]
