"""The addresses of the wall screen and the printed page."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.store import reading_of
from capacity.instants import utc_now
from capacity.row import digest_of, encode_row
from tests.support.board_page import row
from tests.support.service import Service, running, settings_for
from web.key_kinds import KeyKind

SOURCE = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]
"""
PATHS = ["/print/randers", "/wall/randers"]


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    async with running(settings_for(tmp_path, valkey_server.url, sources(tmp_path))) as service:
        yield service


def sources(folder: Path) -> Path:
    """A sources file, without which the demo would look for its simulators."""
    path = folder / "sources.toml"
    path.write_text(SOURCE, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", PATHS)
async def test_the_page_is_made_from_the_board_in_both_languages(service, path):
    told = row("favrskov-akutplads", now=utc_now(), total=2, free=1, note="Kun stuen")
    reading = reading_of(told, encode_row(told), digest_of(told))
    await service.services.board.apply("randers", [reading])
    danish = await service.client.get(path)
    english = await service.client.get(path, params={"lang": "en"})
    assert danish.status_code == english.status_code == 200
    assert "Kun stuen" in danish.text
    assert "Én ledig" in danish.text
    assert "One free" in english.text
    assert english.cookies["lang"] == "en"
    assert danish.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/print/nowhere", "/wall/nowhere"])
async def test_a_cluster_that_is_not_there_is_404(service, path):
    assert (await service.client.get(path)).status_code == 404


async def test_the_board_leads_to_both(service):
    page = (await service.client.get("/board/randers")).text
    for path in PATHS:
        assert f'href="{path}"' in page


@pytest.mark.parametrize("path", PATHS)
async def test_whoever_may_not_read_is_sent_to_sign_in(valkey_server, tmp_path, board, path):
    settings = settings_for(tmp_path, valkey_server.url)
    async with running(settings, demo=False) as closed:
        closed.services.access.keys.make(KeyKind.BOARD, "randers", utc_now())
        answer = await closed.client.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/sign-in?next={path}"
        key = closed.services.access.keys.make(KeyKind.BOARD, "midt", utc_now())
        headers = {"Authorization": f"Bearer {key}"}
        assert (await closed.client.get(path, headers=headers)).status_code == 403


async def test_without_a_store_a_wall_tries_again_by_itself(tmp_path):
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    try:
        async with running(
            settings_for(tmp_path / "data", store.url, sources(tmp_path))
        ) as service:
            assert "Refresh" not in (await service.client.get("/wall/randers")).headers
            await asyncio.to_thread(store.stop)
            wall = await service.client.get("/wall/randers")
            paper = await service.client.get("/print/randers")
            assert wall.status_code == paper.status_code == 503
            assert wall.headers["Refresh"] == "15"
            assert "Refresh" not in paper.headers
    finally:
        await asyncio.to_thread(store.stop)
