"""Pages that are no boards are loaded after the start, and missed by nobody meanwhile."""

import asyncio
import logging
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from capacity.board import Board, EmbeddedServer
from tests.support.board_model import until
from tests.support.service import running, settings_for
from web import later as module
from web.app import create_app
from web.later import MODULES, Later, WaitForLater, is_early
from web.services import build_services


def paths(app: FastAPI) -> set[str]:
    """Every address that the application's description names."""
    app.openapi_schema = None
    return set(app.openapi()["paths"])


async def test_only_what_is_not_loaded_yet_is_waited_for(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    app = create_app(build_services(settings_for(tmp_path, valkey_server.url)))
    from_the_start = paths(app)
    app.state.later.load_all()

    pages = {route.path for name in MODULES for route in import_module(name).router.routes}
    assert not {path for path in pages | paths(app) - from_the_start if is_early(path)}
    assert len(pages) > 30
    assert "/api/v1/board/{cluster}" in from_the_start
    assert not {path for path in from_the_start if not is_early(path)}
    assert all(is_early(path) for path in ("/", "/board/x", "/wall-link/x", "/api/v1/live/x"))


async def test_who_comes_first_of_all_waits_and_gets_the_page(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOON", 3600.0)
    (tmp_path / "sources.toml").touch()
    settings = settings_for(tmp_path, valkey_server.url, tmp_path / "sources.toml")
    async with running(settings, demo=True) as service:
        boards = await service.client.get("/board/randers")
        assert boards.status_code == 200
        asked = [service.client.get(path) for path in ("/ledger/randers", "/indicators/randers")]
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200, 200]
        described = await service.client.get("/api/openapi.json")
        assert "/api/v1/ledger/{cluster}" in described.json()["paths"]
        assert (await service.client.get("/nothing/here")).status_code == 404


async def test_what_cannot_be_loaded_is_told_to_those_who_ask_for_it_and_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MODULES", ("web.there_is_none",))
    monkeypatch.setattr(module, "SOON", 0.0)
    app = FastAPI()
    later = Later(app)
    app.add_api_route("/readyz", lambda: "here")
    app.add_middleware(WaitForLater, later=later)
    with caplog.at_level(logging.CRITICAL):
        await later.load()
    assert "cannot be loaded" in caplog.text

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/readyz")).json() == "here"
        assert (await client.get("/ledger/randers")).status_code == 500


async def test_a_process_without_some_of_its_pages_serves_boards_and_is_not_called_ready(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MODULES", (*MODULES[:3], "web.there_is_none"))
    (tmp_path / "sources.toml").touch()
    settings = settings_for(tmp_path, valkey_server.url, tmp_path / "sources.toml")
    async with running(settings, demo=True) as service:

        async def not_ready() -> bool:
            answer = await service.client.get("/readyz")
            return answer.status_code == 503 and answer.json()["pages"] == "cannot be loaded"

        await until(not_ready)
        assert (await service.client.get("/board/randers")).status_code == 200
        assert (await service.client.get("/healthz")).status_code == 200
