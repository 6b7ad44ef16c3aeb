"""A pytest plugin: a `quarantine`, and an `intake` over its store with a `source` to take from.

Name it in a test module's ``pytest_plugins``.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.quarantine import Quarantine
from feeds.intake import Intake
from feeds.sources import Source
from tests.support.feeding import CATALOGUE, HandClock, one_source

pytest_plugins = ["tests.support.feeding_fixtures"]


@pytest.fixture
async def quarantine(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Quarantine]:
    quarantine = Quarantine(valkey_server.url)
    yield quarantine
    await quarantine.stop()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return one_source(tmp_path)


@pytest.fixture
def intake(board: Board, quarantine: Quarantine, clock: HandClock) -> Intake:
    return Intake(board, CATALOGUE, clock, quarantine)
