"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `server`."""

from collections.abc import Iterator

import pytest

from tests.support.board_page import BoardServer, ordinary_rows, serving


@pytest.fixture
def server() -> Iterator[BoardServer]:
    """The other end of a board page, on an ordinary day."""
    with serving(ordinary_rows()) as running:
        yield running
