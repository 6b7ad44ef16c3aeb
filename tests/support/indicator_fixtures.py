"""A service of its own for pages of indicators, and who signs in to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.indicator_pages import NOW
from tests.support.people import Person, account_for, signed_in
from tests.support.service import Service, running, settings_for


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    """A service without feeds whose clock stands still."""
    settings = settings_for(tmp_path, valkey_server.url, run_feeds=False)
    async with running(settings, demo=False, clock=lambda: NOW) as service:
        yield service


@pytest.fixture
async def coordinator(service: Service) -> AsyncIterator[Person]:
    """A coordinator of the cluster, signed in."""
    account = await account_for(service, "coordinator", clusters=("randers",))
    async with signed_in(service, account) as person:
        yield person


@pytest.fixture
async def administrator(service: Service) -> AsyncIterator[Person]:
    """An administrator, signed in."""
    async with signed_in(service, await account_for(service, "administrator")) as person:
        yield person
