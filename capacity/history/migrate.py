"""Bring a history database up to the program's version; refuse one that is ahead of it.

PostgreSQL migrates in one transaction, under an advisory lock. SQLite cannot change every thing
about a table inside a transaction, so the file is copied, the copy migrated, and renamed over the
original: a kill at any point leaves either the old file or the new one. A new file is made in the
same way. Programs that start at the same time wait for each other.

Alembic is loaded only where something is to be done: nearly every start finds the database as it
should be, and should not wait for what it does not need.
"""

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from capacity.history.database import PATIENCE, file_lock, normal_url, sqlite_path
from capacity.history.errors import HistoryUnavailableError, NewerDatabaseError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATION_WAIT = 60.0
"""Seconds to wait for another program that is migrating the same database."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x616B7574
"""An arbitrary number of ours, the bytes of "akut"; PostgreSQL's advisory locks are numbers."""

_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it works on in globals of its modules: one thread of a process at a time."""


def migrate(url: str, target: str = "head", patience: float = PATIENCE) -> None:
    """Make the database of `url`, or bring it to revision `target`, blocking.

    Raises `NewerDatabaseError` when the database is ahead of the program, and
    `HistoryUnavailableError` when it cannot be reached or, being SQLite and in need of a
    migration, is open in another process.
    """
    normal = normal_url(url)
    path = sqlite_path(normal)
    try:
        if path is None:
            _migrate_postgres(normal, target, patience)
        else:
            with file_lock(path, MIGRATION_WAIT):
                _migrate_file(path, target, patience)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise HistoryUnavailableError(f"history cannot be migrated: {_reason(error)}") from error


def configuration() -> "Config":
    """Alembic's configuration without any file of its own."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _migrate_postgres(url: URL, target: str, patience: float) -> None:
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"connect_timeout": max(2, round(patience))}
    )
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_WAIT:.0f}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        if not _is_at(connection, target):
            _upgrade(connection, target)


def _migrate_file(path: Path, target: str, patience: float) -> None:
    """The caller holds the file's lock."""
    copy = Path(f"{path}.migrating")
    copy.unlink(missing_ok=True)
    if path.exists() and path.stat().st_size:
        engine = create_engine(_url_of(path), poolclass=NullPool)
        with engine.connect() as connection:
            if _is_at(connection, target):
                return
        _copy(path, copy, patience)
    engine = create_engine(
        _url_of(copy), poolclass=NullPool, connect_args={"isolation_level": None}
    )
    with engine.connect() as connection:
        # nothing is lost with the copy: it is made durable once, when it is whole
        connection.execute(text("PRAGMA synchronous=OFF"))
        _upgrade(connection, target)
        connection.commit()
    with copy.open("rb") as written:
        os.fsync(written.fileno())
    copy.replace(path)
    _sync_folder(path.parent)


def _copy(path: Path, copy: Path, patience: float) -> None:
    """Copy the whole database; fails with "locked" when another connection is open to it.

    Leaving WAL mode needs the file for itself, which is what we need to know: another process
    would go on writing to the file that is about to be replaced. It also folds the log in.
    """
    with closing(sqlite3.connect(path, timeout=patience)) as source:
        source.execute("PRAGMA journal_mode=DELETE")
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    shutil.copymode(path, copy)


def newest_version() -> str:
    """The version that this program brings a database to: of the last migration, by its name."""
    names = (path.stem for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    return max(names).partition("_")[0]


def _upgrade(connection: Connection, target: str) -> None:
    from alembic import command

    config = configuration()
    config.attributes["connection"] = connection
    with _ONE_AT_A_TIME:
        command.upgrade(config, target)


def _is_at(connection: Connection, target: str) -> bool:
    """Whether the database is at `target`; `NewerDatabaseError` when it is past all we know."""
    if target == "head" and _is_at_newest(connection):
        return True
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(configuration())
    stored = MigrationContext.configure(connection).get_current_heads()
    known = {revision.revision for revision in script.walk_revisions()}
    if not set(stored) <= known:
        raise NewerDatabaseError(
            f"the history database is at version {', '.join(stored)}, which this program does not"
            f" know (it knows up to {script.get_current_head()}): start the newer program"
        )
    goal = script.get_current_head() if target == "head" else target
    return stored == (goal,)


def _is_at_newest(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    stored = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    return list(stored) == [newest_version()]


def _url_of(path: Path) -> URL:
    return URL.create("sqlite+pysqlite", database=str(path))


def _sync_folder(folder: Path) -> None:
    """A rename is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    """The database's own words, without statements or values."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
