"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `wall`."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import WALL, Watched, opened

pytest_plugins = ["tests.support.chromium_fixtures"]


@pytest.fixture
def wall(browser: Browser) -> Iterator[Watched]:
    """A screen on a wall, on which nothing is shown yet."""
    with opened(browser, WALL) as watched:
        yield watched
