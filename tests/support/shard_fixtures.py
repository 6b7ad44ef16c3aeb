"""A pytest plugin: name it in a test module's ``pytest_plugins`` to get `shards`."""

from collections.abc import Iterator

import pytest

from tests.support.shards import Sharded, sharded
from tests.support.topology import PROGRAMS


@pytest.fixture
def shards() -> Iterator[Sharded]:
    """Three primaries, of which those that are left go on where one is lost."""
    with sharded(PROGRAMS["valkey"]) as cluster:
        for node in cluster.nodes:
            node.says("CONFIG", "SET", "cluster-require-full-coverage", "no")
        yield cluster
