"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `database_url`.

Apart from `tests.support.databases`, which other code imports: a plugin may not be imported
before pytest loads it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgresServer, postgres_server, sqlite_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run; whoever stops it starts it again."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()
