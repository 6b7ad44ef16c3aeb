"""Changes that a steering group notes on its charts, in SQL: versions, never overwritten."""

from collections import defaultdict
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    Row,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
)
from sqlmodel import Field

from capacity.annotated import Annotation, Change, Effect, Version
from capacity.history.tables import BIG_ID, HistoryTable, Instant
from capacity.imported import Signed


class AnnotationRecord(HistoryTable, table=True):
    """One version of one change (`capacity.annotated.Version`); rows are only ever added.

    `annotation` is the same for all its versions. `request` is the form's own number, so that one
    that is sent twice is written once. Days are ISO texts.
    """

    __tablename__ = "annotation"
    __table_args__ = (
        UniqueConstraint("cluster", "annotation", "number"),
        UniqueConstraint("cluster", "request"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    annotation: int = Field(sa_column=Column(BigInteger, nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    request: str = Field(sa_column=Column(Text, nullable=False))
    municipality: str | None = Field(default=None, sa_column=Column(Text))
    indicator: str | None = Field(default=None, sa_column=Column(Text))
    day: str = Field(sa_column=Column(Text, nullable=False))
    until: str | None = Field(default=None, sa_column=Column(Text))
    effect: str = Field(sa_column=Column(Text, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    withdrawn: bool = Field(sa_column=Column(Boolean, nullable=False))
    account: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(Instant, nullable=False))


_TABLE = AnnotationRecord.__table__  # type: ignore[attr-defined]


def annotations(connection: Connection, cluster: str) -> list[Annotation]:
    """Every change noted in a cluster with all its versions, those withdrawn too, by id."""
    query = select(_TABLE).where(_TABLE.c.cluster == cluster)
    found: dict[int, list[Version]] = defaultdict(list)
    for row in connection.execute(query.order_by(_TABLE.c.annotation, _TABLE.c.number)):
        found[row.annotation].append(_version(row))
    return [Annotation(key, tuple(versions)) for key, versions in found.items()]


def annotate(
    connection: Connection, cluster: str, change: Change, by: Signed, request: str
) -> bool:
    """Note a change; false when this `request` was written before."""
    if _is_known(connection, cluster, request):
        return False
    highest = select(func.max(_TABLE.c.annotation)).where(_TABLE.c.cluster == cluster)
    number = (connection.scalar(highest) or 0) + 1
    _write(connection, cluster, number, Version(1, change, False, by), request)
    return True


def revise(
    connection: Connection,
    cluster: str,
    annotation: int,
    change: Change | None,
    by: Signed,
    request: str,
) -> bool:
    """Write a further version of a change, or without one withdraw it.

    False when there is no such change, or when this `request` was written before.
    """
    if _is_known(connection, cluster, request):
        return False
    query = select(_TABLE).where(_TABLE.c.cluster == cluster, _TABLE.c.annotation == annotation)
    last = connection.execute(query.order_by(_TABLE.c.number.desc()).limit(1)).one_or_none()
    if last is None:
        return False
    before = _version(last)
    made = Version(before.number + 1, change or before.change, change is None, by)
    _write(connection, cluster, annotation, made, request)
    return True


def _is_known(connection: Connection, cluster: str, request: str) -> bool:
    """Whether this request was written; nobody else writes before this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE annotation IN SHARE ROW EXCLUSIVE MODE"))
    query = select(_TABLE.c.id).where(_TABLE.c.cluster == cluster, _TABLE.c.request == request)
    return connection.execute(query).first() is not None


def _write(
    connection: Connection, cluster: str, annotation: int, version: Version, request: str
) -> None:
    change, by = version.change, version.by
    values = {
        "cluster": cluster, "annotation": annotation, "number": version.number,
        "request": request, "municipality": change.municipality, "indicator": change.indicator,
        "day": change.day.isoformat(), "until": change.until and change.until.isoformat(),
        "effect": change.effect.value, "text": change.text, "withdrawn": version.withdrawn,
        "account": by.account, "role": by.role, "at": by.at,
    }  # fmt: skip
    connection.execute(insert(_TABLE), [values])


def _version(row: Row[tuple[object, ...]]) -> Version:
    change = Change(
        date.fromisoformat(row.day),
        row.text,
        Effect(row.effect),
        row.municipality,
        row.indicator,
        date.fromisoformat(row.until) if row.until else None,
    )
    return Version(row.number, change, row.withdrawn, Signed(row.account, row.role, row.at))
