"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `one`, `two` and `raw`.

Two processes' leases over one emptied store, and a bare client of that store.
"""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from capacity.board import Board, EmbeddedServer, Leases


@pytest.fixture
async def one(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Leases]:
    """Of the first process."""
    leases = Leases(valkey_server.url, "one:1")
    yield leases
    await leases.stop()


@pytest.fixture
async def two(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Leases]:
    """Of the second."""
    leases = Leases(valkey_server.url, "two:2")
    yield leases
    await leases.stop()


@pytest.fixture
async def raw(valkey_server: EmbeddedServer) -> AsyncIterator[Redis]:
    """A client that knows nothing of boards."""
    client = Redis.from_url(valkey_server.url)
    yield client
    await client.aclose()
