"""Fills a history with a year of a region: rows as the product makes them, written in bulk.

A live service records some thousand changes in a transaction and needs weeks of real time for what
this does in minutes, so the filling goes past it: `executemany` with SQLite's journal off, COPY in
PostgreSQL. Every later month is the first one with other instants, put in by the database itself.
Tables and keys are those of the product's migrations; in PostgreSQL a month gets its keys once it
is full.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import psycopg
from sqlalchemy import NullPool, create_engine, text

from capacity.history import parts
from capacity.history.database import normal_url, sqlite_path
from capacity.instants import epoch_millis
from capacity.model import PlaceReport
from capacity.row import encode_row, row_of
from capacity.units import Catalogue
from tests.bench.world import CLUSTER

START = datetime(2025, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLACES = 4
WORD_MS = 3 * 3_600_000
"""For how long a unit says the same, over and over."""
AGEING, STALE = timedelta(hours=2), timedelta(hours=4)
_TOGETHER = 20_000
_COLUMNS = "id, cluster, epoch, seq, unit, applied_at, observed_at, row"
_INSERT = f"INSERT INTO change ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

Record = tuple[int, str, str, int, str, int, int, str]


@dataclass(slots=True)
class Maker:
    """Makes the changes: every `every` minutes one of each unit, spread over the time between.

    A new epoch begins with each month, as with a store that was restarted. What a unit says
    changes every few hours; most changes are confirmations.
    """

    catalogue: Catalogue
    units: tuple[str, ...]
    every: int
    made: int = 0
    _seq: int = 0
    _epoch: str = ""

    def until(self, since: datetime, until: datetime) -> Iterator[Record]:
        """The changes from `since` until before `until`, in order."""
        lag = 60_000 * self.every // len(self.units)
        told = [
            (number, unit, lag * number, self._texts(unit))
            for number, unit in enumerate(self.units)
        ]
        ends = [f":{lag * n % 60_000 // 1000:02d}.{lag * n % 1000:03d}Z" for n, *_ in told]
        at = since
        while at < until:
            self._begin_epoch(at)
            begun = epoch_millis(at)
            later = [at + n * MINUTE for n in range(self.every)]
            minutes = [(_minute(t), _minute(t + AGEING), _minute(t + STALE)) for t in later]
            for number, unit, after, texts in told:
                millis, end = begun + after, ends[number]
                now, ageing, stale = minutes[after // 60_000]
                now += end
                a, b, c, d, e = texts[(millis // WORD_MS * (number + 7) + number) % len(texts)]
                row = f"{a}{now}{b}{now}{c}{ageing}{end}{d}{stale}{end}{e}"
                self.made += 1
                self._seq += 1
                yield self.made, CLUSTER, self._epoch, self._seq, unit, millis, millis, row
            at += self.every * MINUTE

    def _begin_epoch(self, at: datetime) -> None:
        epoch = _epoch_of(at)
        if epoch != self._epoch:
            self._epoch, self._seq = epoch, 0

    def _texts(self, unit: str) -> list[list[str]]:
        """The unit's row for each number of occupied places, in pieces around its four instants."""
        found = []
        for occupied in range(PLACES + 1):
            report = PlaceReport(
                unit=unit, observed_at=START, total=PLACES, occupied=occupied, reserved=0,
                closed=0, free=PLACES - occupied,
            )  # fmt: skip
            row = row_of(self.catalogue.units[unit], report, received_at=START, source="source-0")
            for name in ("observed_at", "received_at", "ageing_at", "stale_at"):
                row[name] = "%s"
            found.append(encode_row(row).decode().split("%s"))
        return found


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def _epoch_of(at: datetime) -> str:
    return blake2b(f"{at:%Y-%m}".encode(), digest_size=8).hexdigest()


def fill(url: str, maker: Maker, month: datetime) -> None:
    """Put a month's changes into a migrated database that nobody has open."""
    if sqlite_path(normal_url(url)) is not None:
        _fill_sqlite(url, maker, month)
    else:
        _fill_postgres(url, maker, month)


def _again(maker: Maker, month: datetime, source: str) -> str:
    """The first month's changes as those of a later one, as a query on where they lie.

    Instants in rows that reach into the month after are moved too.
    """
    days = (parts.next_month(month) - month).days
    after = f"{parts.next_month(month):%Y-%m}"
    row = f"replace(row, '\"{parts.next_month(START):%Y-%m}-01T', '\"{after}-01T')"
    if days < 31:
        row = f"replace({row}, '\"{START:%Y-%m}-{days + 1}T', '\"{after}-01T')"
    row = f"replace({row}, '\"{START:%Y-%m}-', '\"{month:%Y-%m}-')"
    shift = epoch_millis(month) - epoch_millis(START)
    end = epoch_millis(START + timedelta(days=days))
    return (
        f"SELECT id + {maker.made}, cluster, '{_epoch_of(month)}', seq, unit,"
        f" applied_at + {shift}, observed_at + {shift}, {row}"
        f" FROM {source} WHERE applied_at < {end} ORDER BY id"
    )


def _runs(maker: Maker, month: datetime, before: int) -> list[tuple[str, str, str, int, int]]:
    """Where each unit's changes of a month begin, `before` being all of the months before it."""
    lag = 60_000 * maker.every // len(maker.units)
    return [
        (CLUSTER, unit, _epoch_of(month), before + n + 1, epoch_millis(month) + lag * n)
        for n, unit in enumerate(maker.units)
    ]


def _fill_sqlite(url: str, maker: Maker, month: datetime) -> None:
    path = str(sqlite_path(normal_url(url)))
    before = maker.made
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1500000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute(f"ATTACH '{path}.first' AS other")
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            database.execute(f"PRAGMA other.{pragma}")
        database.execute("BEGIN")
        if before == 0:
            database.executemany(_INSERT, maker.until(month, parts.next_month(month)))
            database.execute(f"CREATE TABLE other.first AS SELECT {_COLUMNS} FROM change")
        else:
            database.execute(
                f"INSERT INTO change ({_COLUMNS}) {_again(maker, month, 'other.first')}"
            )
            (maker.made,) = database.execute("SELECT max(id) FROM change").fetchone()
        runs = _runs(maker, month, before)
        database.executemany("INSERT INTO unit_run VALUES (?, ?, ?, ?, ?)", runs)
        database.execute("COMMIT")


def _fill_postgres(url: str, maker: Maker, month: datetime) -> None:
    """The month's part is filled before it has its keys and is joined to the others."""
    name, before = parts.name_of(month), maker.made
    engine = create_engine(normal_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        parts.begin(connection, name)
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        with driver.cursor() as cursor:
            if before == 0:
                with cursor.copy(f"COPY {name} ({_COLUMNS}) FROM STDIN (FREEZE)") as copy:
                    _copy_out(copy, maker.until(month, parts.next_month(month)))
            else:
                first = parts.name_of(START)
                query = f"INSERT INTO {name} ({_COLUMNS}) {_again(maker, month, first)}"
                cursor.execute(query.encode())
                maker.made += cursor.rowcount
            runs = _runs(maker, month, before)
            cursor.executemany("INSERT INTO unit_run VALUES (%s, %s, %s, %s, %s)", runs)
        parts.join(connection, name, month, parts.next_month(month))
        connection.execute(text(f"SELECT setval('change_id_seq', {maker.made})"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {name}")
        connection.exec_driver_sql("ANALYZE unit_run")


def _copy_out(copy: psycopg.Copy, records: Iterator[Record]) -> None:
    lines: list[str] = []
    for record in records:
        lines.append("\t".join(map(str, record)) + "\n")
        if len(lines) == _TOGETHER:
            copy.write("".join(lines))
            lines.clear()
    copy.write("".join(lines))
