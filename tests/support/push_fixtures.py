"""A pytest plugin: a push service (`phones`), a `key`, and two web `processes` that push.

Name it in a test module's ``pytest_plugins``.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from capacity.board import Board
from tests.support.push_service import PushService, push_service
from tests.support.pushing import Process
from web.notify.push_key import PushKey


@pytest.fixture
def phones() -> Iterator[PushService]:
    """A push service that opens what it gets."""
    with push_service() as running:
        yield running


@pytest.fixture
def key() -> PushKey:
    """The key that an installation signs its pushes with."""
    return PushKey.new()


@pytest.fixture
async def processes(board: Board, key: PushKey) -> AsyncIterator[list[Process]]:
    """Two processes on one store."""
    made = [Process(board._url, key) for _ in range(2)]
    yield made
    for process in made:
        await process.stop()
