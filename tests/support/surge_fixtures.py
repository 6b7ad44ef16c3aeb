"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `surging` and `watched`."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from capacity.board import EmbeddedServer
from capacity.instants import utc_now
from tests.support.board_page import ordinary_rows
from tests.support.chromium import Watched, opened
from tests.support.live import LiveServer, live_server
from tests.support.surge_page import apply, department, go

pytest_plugins = ["tests.support.chromium_fixtures"]


@pytest.fixture(scope="module")
def surging(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """The whole application on a plausible afternoon, with a department at 98 percent."""
    folder = tmp_path_factory.mktemp("surge")
    with live_server(folder, valkey_server.url) as running:
        apply(valkey_server.url, [*ordinary_rows(utc_now()), department(49)])
        yield running


@pytest.fixture
def watched(surging: LiveServer, browser: Browser) -> Iterator[Watched]:
    """The board, live at its computed level."""
    with opened(browser) as page:
        go(page.page, surging)
        yield page
