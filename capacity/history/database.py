"""Engines: how history opens SQLite and PostgreSQL, and the lock beside a SQLite file.

SQLite before 3.51.3 can corrupt its write-ahead log when two connections write or checkpoint at
the same moment, and long-lived systems carry older ones. So whatever writes, checkpoints, opens
or closes a file does it under `file_lock`, an advisory lock on a file beside it; in one process
there is only one connection at all (`History` has one worker thread and a pool of one).
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from capacity.history.errors import HistoryError, HistoryUnavailableError

PATIENCE = 5.0
"""Seconds to wait for a lock or a connection before saying that the database is unavailable."""

STATEMENT_LIMIT = 30.0
"""Seconds PostgreSQL may spend on one statement; a frozen server must not freeze the historian."""

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def normal_url(text: str) -> URL:
    """The URL with the driver we use; `HistoryError` for what is neither of our databases.

    The error never repeats the URL: it may hold a password.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise HistoryError("the history URL cannot be read as a database URL") from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise HistoryError(f"history knows sqlite and postgresql, not {url.drivername!r}")
    if driver.startswith("sqlite") and (not url.database or url.database == ":memory:"):
        raise HistoryError("history needs a SQLite file, such as sqlite:///folder/history.sqlite")
    return url.set(drivername=driver)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL, ``None`` for PostgreSQL."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def open_engine(url: URL, patience: float = PATIENCE) -> Engine:
    """An engine with one connection; transactions are writing ones unless opened by `reading`."""
    if sqlite_path(url) is not None:
        engine = create_engine(
            url,
            pool_size=1,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"timeout": patience, "isolation_level": None},
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": max(2, round(patience)),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "application_name": "akutoverblik-history",
            "options": f"-c statement_timeout={STATEMENT_LIMIT * 1000:.0f}"
            f" -c lock_timeout={patience * 1000:.0f}",
        },
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes nothing and waits for no writer."""
    options = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def file_lock(path: Path | None, patience: float = PATIENCE) -> Iterator[None]:
    """Holds the lock beside a SQLite file, across processes; nothing for PostgreSQL (``None``).

    Blocks the calling thread up to `patience` seconds, then `HistoryUnavailableError`. The kernel
    lets go when the holder dies, so a lock is never left behind.
    """
    if path is None:
        yield
        return
    deadline = time.monotonic() + patience
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise HistoryUnavailableError(f"{path.name}: {error.strerror}") from error
    try:
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise HistoryUnavailableError(f"{path.name} is being written by another process")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _set_up_sqlite(connection: Any, record: object) -> None:
    """Durable at every commit (synchronous=FULL), readers undisturbed by the writer (WAL).

    32 MB of cache hold the upper levels of the indexes of years, and a day's rollup as it is made.
    """
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start: a transaction that upgrades later fails at once."""
    mode = "DEFERRED" if connection.get_execution_options().get("read_only") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")
