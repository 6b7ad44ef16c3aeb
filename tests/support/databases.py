"""Real databases for tests: a SQLite file each, and one PostgreSQL server a session.

The server is started by us, as an unprivileged user where the tests run as root (PostgreSQL
refuses root), on a unix socket in a folder of its own, and stopped by its own handle. It does not
sync to disk: what is tested is our use of it, not its durability.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import NullPool, create_engine, text

from capacity.history.database import normal_url
from capacity.history.migrate import migrate

KIND = os.environ.get("AKUTOVERBLIK_TEST_SQL", "sqlite")
"""Where services that run in a test keep history and accounts, where the test does not say it
itself: ``sqlite`` or ``postgres``.

    AKUTOVERBLIK_TEST_SQL=postgres make test
"""
HISTORY = "history.sqlite"
"""The file that a service without a SQL address keeps in its folder."""
_UNPRIVILEGED = "postgres"
_START_LIMIT = 30.0


def sqlite_url(folder: Path) -> str:
    """The URL of a SQLite file in `folder` that does not exist yet."""
    return f"sqlite:///{folder / HISTORY}"


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL server programs here, ``None`` when there are none."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).resolve().parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda program: int(program.parts[-3]) if program.parts[-3].isdigit() else 0,
    )
    return versions[-1].parent if versions else None


def postgres_available() -> str | None:
    """Why PostgreSQL cannot be started here, or ``None`` when it can."""
    if postgres_programs() is None:
        return "no PostgreSQL server programs are installed"
    if os.geteuid() != 0:
        return None
    if shutil.which("setpriv") is None:
        return "running as root without setpriv, and PostgreSQL refuses root"
    try:
        pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        return f"running as root without a user {_UNPRIVILEGED!r}, and PostgreSQL refuses root"
    return None


class PostgresServer:
    """A PostgreSQL server on a unix socket; `stop` and `start` again keep its data."""

    def __init__(self) -> None:
        reason = postgres_available()
        if reason is not None:
            raise RuntimeError(reason)
        self._programs = postgres_programs() or Path()
        # Short, because a socket's path may have about a hundred bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
            # The kernel stops the server when the tests are killed.
            self._as_user = ["setpriv", *ids, "--pdeathsig", "INT"]
        self._run(
            "initdb", "--pgdata", str(self._data), "--no-sync", "--auth=trust",
            "--username=akut", "--encoding=UTF8", "--locale=C",
        )  # fmt: skip

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://akut@/{database}?host={self._folder}"

    def start(self) -> None:
        """Start, and return when it answers."""
        self._process = subprocess.Popen(
            [
                *self._as_user, str(self._programs / "postgres"), "-D", str(self._data),
                "-c", "listen_addresses=", "-c", f"unix_socket_directories={self._folder}",
                "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=40",
            ],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + _START_LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once, cutting connections off, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=_START_LIMIT)
            self._process = None

    def kill(self) -> None:
        """Stop without any farewell; the next `start` recovers from its log."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_START_LIMIT)
            self._process = None

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The URL of a database that is new and empty."""
        name = f"test_{os.getpid()}_{next(self._names)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._as_user, str(self._programs / program), *arguments],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )


@cache
def _common_server() -> PostgresServer:
    server = PostgresServer()
    atexit.register(server.remove)
    server.start()
    return server


@cache
def url_beside(folder: Path) -> str | None:
    """Where a service whose data lies in `folder` keeps its history; ``None``: in that folder.

    The same folder has the same database, for services that are started again. It is up to date
    already: making one takes longer than all else that a start does.
    """
    if KIND == "postgres":
        return _common_server().new_database()
    file = folder / HISTORY
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_made_once(), file)
    return None


def kept_beside(folder: Path) -> str:
    """The address of that history, to be filled before the service starts."""
    return url_beside(folder) or sqlite_url(folder)


@cache
def _made_once() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="history-")
    atexit.register(folder.cleanup)
    migrate(sqlite_url(Path(folder.name)))
    return Path(folder.name) / HISTORY


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server, gone afterwards; the body of a session fixture."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def dump(url: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of a history table in the order of its ids, read past the product's own code."""
    query = text(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id")
    engine = create_engine(normal_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]
