"""Migrations, locks and URLs: tables as the code says, safe starts, nothing half done."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from capacity.board.changes import LateReading
from capacity.board.journal import JournalEntry, JournalRead
from capacity.history import (
    History,
    HistoryError,
    HistoryUnavailableError,
    NewerDatabaseError,
    Position,
    migrate,
)
from capacity.history.backfill_tables import BackfillRecord
from capacity.history.database import file_lock, normal_url, open_engine, reading
from capacity.history.migrate import configuration
from capacity.history.tables import HistoryTable
from capacity.imports import tables as import_tables
from capacity.instants import from_epoch_millis
from capacity.people import tables as people_tables
from tests.support.databases import PostgresServer, dump, sqlite_url

pytest_plugins = ["tests.support.database_fixtures"]

HEAD = ScriptDirectory.from_config(configuration()).get_current_head() or ""


def version(url: str) -> list[str]:
    engine = create_engine(normal_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        return list(MigrationContext.configure(connection).get_current_heads())


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A SQLite file from before the first migration, with something in it worth keeping."""
    path = tmp_path / "a folder" / "100% øl.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE keep (word TEXT)")
        connection.execute("INSERT INTO keep VALUES ('kept')")
        connection.commit()
    path.chmod(0o640)
    return path


def kept(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT word FROM keep").fetchall()


def _is_whole(_item: object, name: str | None, kind: str, reflected: bool, _: object) -> bool:
    """Not the parts of changes in PostgreSQL, nor the key that each of them has for itself."""
    part = kind == "table" and reflected and str(name).startswith("change_")
    return not part and name != "uq_change_cluster_epoch_seq"


def test_the_migrations_make_the_tables_that_the_code_names(database_url: str) -> None:
    for elsewhere in (people_tables.AccountRecord, import_tables.FigureRecord, BackfillRecord):
        assert elsewhere.metadata is HistoryTable.metadata
    migrate(database_url)
    engine = create_engine(normal_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_whole})
        assert compare_metadata(context, HistoryTable.metadata) == []


def test_programs_that_start_at_once_wait_for_each_other(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, database_url) for _ in range(4)]:
            done.result(timeout=60)
    assert version(database_url) == [HEAD]


async def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    migrate(database_url)
    engine = create_engine(normal_url(database_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabaseError, match="version 9999"):
        migrate(database_url)
    history = History(database_url)
    with pytest.raises(NewerDatabaseError):
        await history.start()
    await history.stop()
    assert version(database_url) == ["9999"]


_OF_0001 = (
    "INSERT INTO change (cluster, epoch, seq, unit, applied_at, observed_at, row)"
    " VALUES ('c', 'e1', 1, 'a', 1795000000001, NULL, '{\"n\":1}')",
    "INSERT INTO unit_run (cluster, unit, epoch, first_id, first_at)"
    " VALUES ('c', 'a', 'e1', 1, 1795000000001)",
    "INSERT INTO late_reading (cluster, stream_id, unit, received_at, observed_at, row)"
    " VALUES ('c', '1795000000002-0', 'a', 1795000000002, NULL, '{}')",
    "INSERT INTO position (cluster, epoch, seq, stream_id, late_stream_id)"
    " VALUES ('c', 'e1', 1, '1795000000001-0', '1795000000002-0')",
)


async def test_a_filled_database_of_the_first_version_goes_on_where_it_was(
    database_url: str,
) -> None:
    migrate(database_url, target="0001")
    assert version(database_url) == ["0001"]
    engine = create_engine(normal_url(database_url), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in _OF_0001:
            connection.exec_driver_sql(statement)
    history = History(database_url)
    await history.start()
    assert version(database_url) == [HEAD]
    position = await history.position("c")
    assert position == Position("e1", 1, "1795000000001-0", "1795000000002-0", "0-0", 0)
    assert await history.latest_rows("c") == [b'{"n":1}']
    assert dump(database_url, "late_reading", "stream_id", "reason") == [("1795000000002-0", None)]
    done = JournalEntry("1795000000003-0", "hold", from_epoch_millis(1795000000003), b'{"id":"h"}')
    late = LateReading("1795000000004-0", "a", b"{}", "trust")
    read = JournalRead((done,), first_number=1, found_place=False)
    recorded = await history.record("c", [], [late], position, read)
    assert (recorded.late, recorded.journal, recorded.journal_missing) == (1, 1, 0)
    assert dump(database_url, "late_reading", "id, reason") == [(1, None), (2, "trust")]
    await history.stop()


def test_an_older_file_is_brought_up_with_its_content_and_permissions(older: Path) -> None:
    migrate(f"sqlite:///{older}")
    assert kept(older) == [("kept",)]
    assert version(f"sqlite:///{older}") == [HEAD]
    assert older.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_up_to_date_is_not_replaced(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    migrate(url)
    before = (tmp_path / "history.sqlite").stat()
    migrate(url)
    after = (tmp_path / "history.sqlite").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_open_elsewhere_is_not_replaced(older: Path) -> None:
    with closing(sqlite3.connect(older)) as other:
        other.execute("SELECT * FROM keep").fetchall()
        with pytest.raises(HistoryUnavailableError, match="locked"):
            migrate(f"sqlite:///{older}", patience=0.1)
        other.execute("INSERT INTO keep VALUES ('more')")
        other.commit()
    assert kept(older) == [("kept",), ("more",)]


_DIE_AT_EVERY_STEP = """
import os, shutil, signal, sys
from capacity.history import migrate

original = sys.argv[1]
folder = os.path.dirname(original)

def die_at(last):
    steps = 0
    def step(event, arguments):
        nonlocal steps
        ours = any(folder in str(argument) for argument in arguments)
        if event.startswith("sqlite3.") or event == "fcntl.flock" or ours:
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)
    return step

status = 1
last = 0
while status:
    last += 1
    copy = f"{original}-{last}"
    shutil.copy(original, copy)
    child = os.fork()
    if child == 0:
        sys.addaudithook(die_at(last))
        migrate("sqlite:///" + copy)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status))
"""


def test_killed_at_any_step_the_file_is_the_old_or_the_new_one(older: Path) -> None:
    """Kill -9 before each operation on a file, in turn; then start again."""
    done = subprocess.run(
        [sys.executable, "-c", _DIE_AT_EVERY_STEP, str(older)],
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    *killed, survived = done.stdout.split()
    assert set(killed) == {"9"}
    assert survived == "0"
    assert len(killed) >= 10
    seen = set()
    for step in range(1, len(killed) + 1):
        path = Path(f"{older}-{step}")
        assert kept(path) == [("kept",)]
        seen.add(tuple(version(f"sqlite:///{path}")))
        migrate(f"sqlite:///{path}")
        assert kept(path) == [("kept",)]
        assert version(f"sqlite:///{path}") == [HEAD]
        assert not Path(f"{path}.migrating").exists()
    assert seen == {(), (HEAD,)}


def test_what_is_not_a_database_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(HistoryUnavailableError, match="not a database"):
        migrate(sqlite_url(tmp_path))
    assert path.read_bytes().startswith(b"not a database")


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryUnavailableError):
        migrate(f"sqlite:///{tmp_path}/file/history.sqlite")


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///x.sqlite", "sqlite+pysqlite"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_urls_name_our_drivers(given: str, driver: str) -> None:
    assert normal_url(given).drivername == driver


@pytest.mark.parametrize(
    "wrong", ["mysql://user:secret@h/d", "secret", "sqlite://", "sqlite:///:memory:", ""]
)
def test_other_urls_are_refused_without_repeating_them(wrong: str) -> None:
    with pytest.raises(HistoryError) as refused:
        normal_url(wrong)
    assert "secret" not in str(refused.value)


def test_sqlite_is_durable_and_takes_its_write_lock_first(tmp_path: Path) -> None:
    migrate(sqlite_url(tmp_path))
    engine = open_engine(normal_url(sqlite_url(tmp_path)), patience=0.1)
    with engine.begin() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        with (
            closing(sqlite3.connect(tmp_path / "history.sqlite", timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
    with reading(engine) as connection:
        connection.execute(text("SELECT count(*) FROM change"))
        with closing(sqlite3.connect(tmp_path / "history.sqlite", timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
    engine.dispose()


@pytest.mark.postgres
def test_a_reading_transaction_cannot_write_in_postgres(postgres: PostgresServer) -> None:
    engine = open_engine(normal_url(postgres.new_database()))
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
    engine.dispose()


def test_the_lock_keeps_others_out_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with (
        file_lock(path),
        pytest.raises(HistoryUnavailableError, match="another process"),
        file_lock(path, patience=0.02),
    ):
        pytest.fail("two held the lock")
    with file_lock(path, patience=0):
        assert Path(f"{path}.lock").exists()


async def test_health_is_no_while_the_file_is_unusable(tmp_path: Path) -> None:
    history = History(sqlite_url(tmp_path))
    (tmp_path / "history.sqlite").write_bytes(b"rubbish" * 1000)
    assert not await history.healthy()
    (tmp_path / "history.sqlite").unlink()
    assert await history.healthy()
    await history.stop()
