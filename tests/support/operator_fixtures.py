"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `operated`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.board_model import until
from tests.support.feeding import HandClock
from tests.support.operator_page import SOURCES
from tests.support.service import Service, running, settings_for

pytest_plugins = ["tests.support.feeding_fixtures"]


@pytest.fixture
async def operated(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, clock: HandClock
) -> AsyncIterator[Service]:
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, path)
    async with running(settings, clock=clock) as operated:

        async def watched() -> bool:
            known = await operated.services.feed_health.read()
            return all(figures.since is not None for figures, _ in known.values())

        await until(watched)  # from then on the silence of sources counts, by a clock that is moved
        yield operated
