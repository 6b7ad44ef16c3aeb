"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `place`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.besieged import Besieged, besieged


@pytest.fixture
async def place(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Besieged]:
    """A service with something of everything in it, that nobody has attacked yet."""
    async with besieged(tmp_path, valkey_server.url) as place:
        yield place
