"""Imported figures in SQL: brought in once, corrected by further versions, signed. One connection.

Whoever writes figures takes the whole table for the length of a transaction: imports are few, and
two at once could otherwise give two figures the same version number.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, tuple_, update

from capacity.imported import (
    Imported,
    Key,
    Refusal,
    Signed,
    Step,
    Told,
    Version,
    refused_approval,
    refused_check,
)
from capacity.imports.tables import DocumentRecord, FigureRecord

_TABLE = FigureRecord.__table__  # type: ignore[attr-defined]
_DOCUMENTS = DocumentRecord.__table__  # type: ignore[attr-defined]
_KEY = (_TABLE.c.indicator, _TABLE.c.municipality, _TABLE.c.step, _TABLE.c.period)
ASK_TOGETHER = 200
"""Figures looked up in one question; SQLite takes at most 999 values in older versions."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was handed in: `digest` names the bytes and how they were read."""

    digest: str
    told: tuple[Told, ...]
    rejected: int


@dataclass(slots=True)
class Counts:
    """What became of the figures of a document; `known` were brought in from it before."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    known: int = 0

    def add(self, other: "Counts") -> None:
        """Count those of a further part too."""
        self.new += other.new
        self.corrected += other.corrected
        self.unchanged += other.unchanged
        self.known += other.known

    @property
    def done(self) -> int:
        """How many figures have been looked at."""
        return self.new + self.corrected + self.unchanged + self.known


def begin(connection: Connection, cluster: str, document: Document, signed: Signed) -> bool:
    """Note that a document is being brought in; false when that was done and finished before."""
    _alone(connection)
    known = connection.execute(
        select(_DOCUMENTS.c.finished_at).where(
            _DOCUMENTS.c.cluster == cluster, _DOCUMENTS.c.digest == document.digest
        )
    ).one_or_none()
    if known is not None:
        return known.finished_at is None
    connection.execute(
        insert(_DOCUMENTS).values(
            cluster=cluster, digest=document.digest, figures=len(document.told),
            rejected=document.rejected, account=signed.account, role=signed.role,
            begun_at=signed.at, finished_at=None,
        )
    )  # fmt: skip
    return True


def finish(connection: Connection, cluster: str, digest: str, signed: Signed) -> None:
    """Note that all of a document is in."""
    connection.execute(
        update(_DOCUMENTS)
        .where(_DOCUMENTS.c.cluster == cluster, _DOCUMENTS.c.digest == digest)
        .where(_DOCUMENTS.c.finished_at.is_(None))
        .values(finished_at=signed.at)
    )


def put(
    connection: Connection, cluster: str, digest: str, told: Sequence[Told], signed: Signed
) -> Counts:
    """Bring in figures of a document.

    A figure that the document has told before is left alone; one that says what the last version
    says is unchanged; any other is a new version, and a draft.
    """
    _alone(connection)
    counts, rows = Counts(), []
    for start in range(0, len(told), ASK_TOGETHER):
        part = told[start : start + ASK_TOGETHER]
        there = _rows(connection, cluster, [each.key for each in part])
        for each in part:
            before = there[each.key]
            if any(row.document == digest for row in before):
                counts.known += 1
            elif before and _same(before[-1], each):
                counts.unchanged += 1
            else:
                counts.corrected += bool(before)
                counts.new += not before
                number = before[-1].number + 1 if before else 1
                rows.append(_values(cluster, digest, each, number, signed))
    if rows:
        connection.execute(insert(_TABLE), rows)
    return counts


def figures(
    connection: Connection,
    cluster: str,
    *,
    indicator: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[Imported]:
    """The figures of a cluster with all their versions, by indicator, municipality and period.

    `first` and `last` bound the first day of the period, both included.
    """
    wanted = select(_TABLE).where(_TABLE.c.cluster == cluster)
    if indicator is not None:
        wanted = wanted.where(_TABLE.c.indicator == indicator)
    if first is not None:
        wanted = wanted.where(_TABLE.c.period >= first.isoformat())
    if last is not None:
        wanted = wanted.where(_TABLE.c.period <= last.isoformat())
    found: dict[Key, list[Version]] = defaultdict(list)
    for row in connection.execute(wanted.order_by(*_KEY, _TABLE.c.number)):
        version = _version(row)
        found[version.told.key].append(version)
    return [Imported(tuple(versions)) for versions in found.values()]


def latest_periods(connection: Connection, cluster: str) -> dict[tuple[str, Step], date]:
    """The last period that figures tell of, by indicator and length of period."""
    query = (
        select(_TABLE.c.indicator, _TABLE.c.step, func.max(_TABLE.c.period).label("period"))
        .where(_TABLE.c.cluster == cluster)
        .group_by(_TABLE.c.indicator, _TABLE.c.step)
    )
    return {
        (row.indicator, row.step): date.fromisoformat(row.period)
        for row in connection.execute(query)
    }


def check(
    connection: Connection, cluster: str, ids: Iterable[int], signed: Signed
) -> dict[int, Refusal | None]:
    """Sign versions as checked; says of each why not, if not."""
    _alone(connection)
    found: dict[int, Refusal | None] = {}
    for each, version, latest in _to_sign(connection, cluster, ids):
        found[each] = Refusal.UNKNOWN if version is None else refused_check(version, latest)
        if found[each] is None:
            _sign(connection, each, "checked", signed)
    return found


def approve(
    connection: Connection, cluster: str, ids: Iterable[int], signed: Signed
) -> dict[int, Refusal | None]:
    """Sign versions as approved; says of each why not, if not."""
    _alone(connection)
    found: dict[int, Refusal | None] = {}
    for each, version, latest in _to_sign(connection, cluster, ids):
        found[each] = (
            Refusal.UNKNOWN
            if version is None
            else refused_approval(version, latest, signed.account)
        )
        if found[each] is None:
            _sign(connection, each, "approved", signed)
    return found


def _alone(connection: Connection) -> None:
    """Nobody else writes figures before this transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE import_figure IN SHARE ROW EXCLUSIVE MODE"))


def _rows(connection: Connection, cluster: str, keys: Sequence[Key]) -> dict[Key, list[Row[Any]]]:
    """The versions of these figures, the first one first."""
    found: dict[Key, list[Row[Any]]] = defaultdict(list)
    plain = [(*key[:3], key.period.isoformat()) for key in keys]
    query = (
        select(_TABLE)
        .where(_TABLE.c.cluster == cluster, tuple_(*_KEY).in_(plain))
        .order_by(_TABLE.c.number)
    )
    for row in connection.execute(query):
        found[_key(row)].append(row)
    return found


def _to_sign(
    connection: Connection, cluster: str, ids: Iterable[int]
) -> Iterable[tuple[int, Version | None, int]]:
    for each in dict.fromkeys(ids):
        query = select(_TABLE).where(_TABLE.c.cluster == cluster, _TABLE.c.id == each)
        row = connection.execute(query).one_or_none()
        if row is None:
            yield each, None, 0
        else:
            versions = _rows(connection, cluster, [_key(row)])[_key(row)]
            yield each, _version(row), versions[-1].number


def _sign(connection: Connection, version: int, what: str, signed: Signed) -> None:
    values = {f"{what}_by": signed.account, f"{what}_role": signed.role, f"{what}_at": signed.at}
    connection.execute(update(_TABLE).where(_TABLE.c.id == version).values(**values))


def _same(row: Row[Any], told: Told) -> bool:
    said = (row.numerator, row.denominator, row.source)
    return said == (told.numerator, told.denominator, told.source)


def _values(
    cluster: str, digest: str, told: Told, number: int, signed: Signed
) -> dict[str, object]:
    return {
        "cluster": cluster,
        **told.key._asdict(),
        "period": told.key.period.isoformat(),
        "number": number,
        "numerator": told.numerator,
        "denominator": told.denominator,
        "source": told.source,
        "document": digest,
        "imported_by": signed.account,
        "imported_role": signed.role,
        "imported_at": signed.at,
    }


def _key(row: Row[Any]) -> Key:
    return Key(row.indicator, row.municipality, row.step, date.fromisoformat(row.period))


def _version(row: Row[Any]) -> Version:
    def signed(what: str) -> Signed | None:
        account = getattr(row, f"{what}_by")
        at, role = getattr(row, f"{what}_at"), getattr(row, f"{what}_role")
        return None if account is None else Signed(account, role, at)

    imported = signed("imported")
    assert imported is not None
    told = Told(_key(row), row.numerator, row.denominator, row.source)
    checked, approved = signed("checked"), signed("approved")
    return Version(row.id, row.cluster, told, row.number, imported, checked, approved)
