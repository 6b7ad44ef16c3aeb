"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `randers`."""

import pytest

from capacity.catalogue import builtin_catalogue
from capacity.units import Catalogue


@pytest.fixture(scope="module")
def randers() -> Catalogue:
    """The catalogue that is shipped."""
    return builtin_catalogue()
