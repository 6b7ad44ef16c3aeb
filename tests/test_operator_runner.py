"""Who runs the feeds, as an operator sees it: a process by its name, or nobody."""

from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.lease import process_name
from tests.support.board_model import until
from tests.support.service import Service, running, settings_for

_SOURCES = """
[[source]]
id = "pushed"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]

[[source]]
id = "dropped"
cluster = "randers"
format = "json"
transport = "folder"
attribution = "test"
units = ["norddjurs-akutplads"]
"""


async def shown(service: Service, lang: str) -> dict[str, str]:
    """The operator's page, by source."""
    page = (await service.client.get("/operator", params={"lang": lang})).text
    rows = page.split('<th role="rowheader" scope="row">')[1:]
    return {row.split("\n")[0]: row for row in rows}


@pytest.mark.parametrize("runs", [True, False], ids=["this process", "nobody"])
async def test_a_source_says_which_process_runs_it(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, runs: bool
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(_SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, sources, run_feeds=runs)
    async with running(settings) as service:
        runner = service.services.runner
        if runner is not None:
            await until(lambda: runner.clusters == ["randers"])
        danish, english = await shown(service, "da"), await shown(service, "en")
        if runs:
            assert f"hentes af {process_name()}" in danish["dropped"]
            assert f"run by {process_name()}" in english["dropped"]
        else:
            assert "Ingen proces henter den" in danish["dropped"]
            assert "No process runs it" in english["dropped"]
        assert "hentes af" not in danish["pushed"]  # any process takes a push
        assert "Ingen proces" not in danish["pushed"]
    holders = await service.services.leases.holders(["randers"])
    assert holders["randers"].name == ""  # a service that has ended has given it up
    await service.services.leases.stop()
