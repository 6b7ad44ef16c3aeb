"""How much of a cluster's raw changes history still has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import col

from capacity.history.kept_tables import RawKeptRecord


@dataclass(frozen=True, slots=True)
class Kept:
    """From when on changes are there, and until when those are left out that told nothing new.

    ``None``: all are there.
    """

    since: datetime | None = None
    thinned_until: datetime | None = None


_READ = select(col(RawKeptRecord.since), col(RawKeptRecord.thinned_until)).where(
    col(RawKeptRecord.cluster) == bindparam("of_cluster")
)
_LOCK = _READ.with_for_update()


def read_kept(connection: Connection, cluster: str, *, lock: bool = False) -> Kept:
    """What is kept of a cluster; with `lock` nobody else changes it until this transaction ends."""
    found = connection.execute(_LOCK if lock else _READ, {"of_cluster": cluster}).one_or_none()
    return Kept() if found is None else Kept(*found)


def kept_since(connection: Connection, cluster: str) -> datetime | None:
    """From when on a cluster's changes are there; ``None``: all that ever were."""
    return read_kept(connection, cluster).since


def countable_since(connection: Connection, cluster: str) -> datetime | None:
    """From when on every change is there, so that time can be counted anew; ``None``: ever."""
    kept = read_kept(connection, cluster)
    return max((at for at in (kept.since, kept.thinned_until) if at is not None), default=None)


def note_kept(connection: Connection, cluster: str, **values: Any) -> None:
    """Set some of a cluster's `Kept`."""
    of_cluster = col(RawKeptRecord.cluster) == cluster
    changed = connection.execute(update(RawKeptRecord).where(of_cluster).values(**values))
    if not changed.rowcount:
        connection.execute(insert(RawKeptRecord), [{"cluster": cluster} | values])
