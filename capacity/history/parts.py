"""The parts of the table `change` in PostgreSQL: one a month, and one for all that came before.

A month (UTC) that is over its time is let go by dropping its part. Parts are made ahead by a job
(`web/history_upkeep.py`), and where that did not run by whoever writes. In SQLite the table is
whole and nothing here does anything.

Uniqueness is each part's own: a change has one instant, hence one part.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from capacity.instants import epoch_millis, from_epoch_millis

EARLY = "change_early"
"""The part for everything before the first month that has its own."""
_LOCK = 0x616B7470
"""Held while parts are made or dropped; the bytes of "aktp"."""
_PARTS = text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
    " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'change'::regclass"
)
_BOUND = re.compile(r"\('?(MINVALUE|-?\d+)'?\) TO \('?(-?\d+)'?\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its table, and which `applied_at` it holds, from `since` (``None``: any) on."""

    name: str
    since: datetime | None
    until: datetime


def are_kept(connection: Connection) -> bool:
    """Whether this database keeps changes in parts."""
    return connection.dialect.name == "postgresql"


def read(connection: Connection) -> list[Part]:
    """All parts in order of time."""
    found = []
    for name, bound in connection.execute(_PARTS):
        matched = _BOUND.search(bound)
        assert matched is not None, f"{name} is bounded otherwise: {bound}"
        since, until = matched.groups()
        first = None if since == "MINVALUE" else from_epoch_millis(int(since))
        found.append(Part(name, first, from_epoch_millis(int(until))))
    return sorted(found, key=lambda part: part.until)


def make(connection: Connection, instants: Iterable[datetime]) -> list[str]:
    """Make the parts that changes of these instants need and that are missing; their names."""
    if not are_kept(connection):
        return []
    wanted = {month_of(at) for at in instants}
    if not _missing(connection, wanted):
        return []
    lock(connection)
    missing = sorted(_missing(connection, wanted))
    for since in missing:
        begin(connection, name_of(since))
        join(connection, name_of(since), since, next_month(since))
    return [name_of(since) for since in missing]


def lock(connection: Connection) -> None:
    """Keep others from making and dropping parts until this transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def begin(connection: Connection, name: str) -> None:
    """Make the table of a part that is not one yet, so that it can be filled first."""
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE change INCLUDING DEFAULTS)")


def join(connection: Connection, name: str, since: datetime | None, until: datetime) -> None:
    """Give a table of `begin` its keys, and make it the part for that time (``None``: any)."""
    connection.exec_driver_sql(
        f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY (id),"
        f" ADD CONSTRAINT uq_{name} UNIQUE (cluster, epoch, seq)"
    )
    first = "MINVALUE" if since is None else str(epoch_millis(since))
    connection.exec_driver_sql(
        f"ALTER TABLE change ATTACH PARTITION {name}"
        f" FOR VALUES FROM ({first}) TO ({epoch_millis(until)})"
    )


def month_of(at: datetime) -> datetime:
    """The beginning of an instant's month."""
    at = at.astimezone(UTC)
    return datetime(at.year, at.month, 1, tzinfo=UTC)


def next_month(month: datetime, months: int = 1) -> datetime:
    """The beginning of a month that comes so many after."""
    number = month.year * 12 + month.month - 1 + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def name_of(month: datetime) -> str:
    """The table of a month's part."""
    return f"change_{month:%Y_%m}"


def _missing(connection: Connection, months: Iterable[datetime]) -> list[datetime]:
    there = read(connection)
    return [
        month
        for month in months
        if not any((p.since is None or p.since <= month) and month < p.until for p in there)
    ]
