"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `clock`."""

import pytest

from tests.support.feeding import HandClock


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands at `tests.support.feeding.START` until the test moves it."""
    return HandClock()
