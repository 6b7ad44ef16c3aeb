"""A pytest plugin: servers of each kind that the board promises to run on, and boards over them.

Name it in a test module's ``pytest_plugins``; each test then runs once a kind.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from capacity.board import Board
from tests.support.board_model import opened
from tests.support.stores import EACH_KIND, StoreServer, program_of


@pytest.fixture(scope="module", params=EACH_KIND)
def store_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreServer]:
    """A server of each kind that the board promises to run on."""
    own_server = StoreServer(tmp_path_factory.mktemp("store"), program_of(request.param))
    own_server.start()
    yield own_server
    own_server.close()


@pytest.fixture
async def store(store_server: StoreServer) -> AsyncIterator[Board]:
    """A board in an emptied store of each kind."""
    store_server.empty()
    async with opened(store_server.url) as board:
        yield board


@pytest.fixture
async def client(store_server: StoreServer) -> AsyncIterator[Redis]:
    """A bare client of the same store."""
    client = Redis.from_url(store_server.url)
    yield client
    await client.aclose()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[StoreServer]:
    """A Valkey of the test's own."""
    own_server = StoreServer(tmp_path / "store")
    own_server.start()
    yield own_server
    own_server.close()
