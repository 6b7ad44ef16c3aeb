"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `start`."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.bounded import Start
from tests.support.live import source_file
from tests.support.service import Service, running, settings_for


@pytest.fixture
def start(board: Board, valkey_server: EmbeddedServer, tmp_path: Path) -> Start:
    """Starts a service with settings that differ."""

    @contextlib.asynccontextmanager
    async def begin(**more: object) -> AsyncIterator[Service]:
        settings = settings_for(tmp_path, valkey_server.url, source_file(tmp_path), **more)
        async with running(settings, demo=False) as service:
            service.key_for("another")  # an installation without keys tells how to begin
            yield service

    return begin
