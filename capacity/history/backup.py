"""The whole database as lines of JSON and back, the same for SQLite and PostgreSQL.

A backup of one can be put into the other. Every table of the program is read in one transaction,
in order of its primary key. For a large PostgreSQL its own tools are quicker (docs/operations.md).
"""

import json
from collections.abc import Callable, Iterator
from typing import IO, Any

from sqlalchemy import Column, Connection, MetaData, Table, func, insert, select, text

from capacity.history import parts
from capacity.history.tables import HistoryTable
from capacity.instants import from_epoch_millis

READ_TOGETHER = 5_000
Progress = Callable[[str, int], None]
"""Told a table's name and how many of its rows are done."""


def revision_of(connection: Connection) -> str:
    """The revision the database is at."""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return str(found)


def dump(connection: Connection, file: IO[str], progress: Progress) -> dict[str, int]:
    """Write every row of every table; returns the counts by table."""
    counts: dict[str, int] = {}
    for table in HistoryTable.metadata.sorted_tables:
        file.write(json.dumps({"table": table.name, "columns": list(table.columns.keys())}) + "\n")
        counts[table.name] = 0
        for row in _rows(connection, table):
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            counts[table.name] += 1
            if counts[table.name] % READ_TOGETHER == 0:
                progress(table.name, counts[table.name])
        progress(table.name, counts[table.name])
    return counts


def is_empty(connection: Connection) -> bool:
    """Whether no table holds anything but what migrations put there."""
    tables = [t for t in HistoryTable.metadata.sorted_tables if t.name != "audit_anchor"]
    return not any(connection.execute(select(table).limit(1)).first() for table in tables)


def load(connection: Connection, file: IO[str], progress: Progress) -> dict[str, int]:
    """Put the rows of a dump into an empty database of the same revision; returns the counts."""
    counts: dict[str, int] = {}
    table = ""
    columns: list[str] = []
    waiting: list[list[Any]] = []

    def put() -> None:
        if waiting:
            target = HistoryTable.metadata.tables[table]
            if table == "change":
                at = columns.index("applied_at")
                parts.make(connection, [from_epoch_millis(row[at]) for row in waiting])
            plain = insert(_plain(target))
            connection.execute(plain, [dict(zip(columns, row, strict=True)) for row in waiting])
            counts[table] += len(waiting)
            progress(table, counts[table])
            waiting.clear()

    connection.execute(HistoryTable.metadata.tables["audit_anchor"].delete())
    for line in file:
        said: Any = json.loads(line)
        if isinstance(said, dict):
            put()
            table, columns = said["table"], said["columns"]
            counts[table] = 0
            continue
        waiting.append(said)
        if len(waiting) == READ_TOGETHER:
            put()
    put()
    _go_on_numbering(connection)
    return counts


def _rows(connection: Connection, table: Table) -> Iterator[list[Any]]:
    plain = _plain(table)
    keys = [plain.c[column.name] for column in table.primary_key.columns]
    yield from (list(row) for row in connection.execute(select(plain).order_by(*keys)))


def _plain(table: Table) -> Table:
    """The table with its stored values: instants as the numbers they are kept as."""
    columns: list[Column[Any]] = [
        Column(column.name, getattr(column.type, "impl_instance", column.type))
        for column in table.columns
    ]
    return Table(table.name, MetaData(), *columns)


def _go_on_numbering(connection: Connection) -> None:
    """PostgreSQL numbers new rows by itself from where its own counter stands."""
    if connection.dialect.name != "postgresql":
        return
    for table in HistoryTable.metadata.sorted_tables:
        key = list(table.primary_key.columns)
        if len(key) != 1:
            continue
        counter = connection.execute(
            select(func.pg_get_serial_sequence(table.name, key[0].name))
        ).scalar()
        if counter:
            highest = connection.execute(select(func.max(key[0]))).scalar() or 0
            connection.execute(select(func.setval(counter, max(1, highest), highest > 0)))
