"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `history`."""

from collections.abc import AsyncIterator

import pytest

from capacity.history import History


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url, patience=0.2)
    await history.start()
    yield history
    await history.stop()
