"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `serve`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capacity.board import EmbeddedServer
from tests.support.live import (
    LiveServer,
)
from tests.support.live_ways import Serve


@pytest.fixture
def serve(tmp_path: Path, valkey_server: EmbeddedServer) -> Iterator[Serve]:
    """Starts servers over the shared store, and stops them."""
    running: list[LiveServer] = []

    def start(url: str = valkey_server.url, **options: Any) -> LiveServer:
        server = LiveServer(tmp_path / f"data{len(running)}", url, **{"window": 0.02, **options})
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()
