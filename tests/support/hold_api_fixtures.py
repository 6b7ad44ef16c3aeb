"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `holding`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.hold_api import settings_in
from tests.support.service import Service, running
from web.access import CSRF_HEADER


@pytest.fixture
async def holding(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    """A whole service that runs no feeds of its own, and whose client may change things."""
    async with running(settings_in(tmp_path, valkey_server.url)) as holding:
        holding.client.headers[CSRF_HEADER] = holding.csrf
        yield holding
