"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `opened`."""

from pathlib import Path
from typing import Any

import pytest

from capacity.board import Board
from tests.support.feeding import HandClock, one_source
from tests.support.wild import COLUMNS, ONE, TWO, Feed, Opened, toml


@pytest.fixture
def opened(board: Board, tmp_path: Path) -> Opened:
    """Opens a feed with the mapping's keys given; times are Danish unless said otherwise."""

    def open_feed(
        units: dict[str, str] | None = None, zone: str = "Europe/Copenhagen", **mapping: Any
    ) -> Feed:
        stated = {"separator": ";", "columns": COLUMNS} | mapping
        source = one_source(
            tmp_path,
            format='"csv"',
            timezone=f'"{zone}"',
            units=toml({f'"{own}"': unit for own, unit in (units or {"A": ONE, "B": TWO}).items()}),
            mapping=toml(stated),
        )
        return Feed(board, source, HandClock())

    return open_feed
