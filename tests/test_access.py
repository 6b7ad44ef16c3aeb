"""Closed by default: what an installation without keys refuses, and what each key opens."""

from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.service import running, settings_for
from web.key_kinds import KeyKind

GUARDED = (
    "/",
    "/board/randers",
    "/wall/randers",
    "/api/v1/board/randers",
    "/api/v1/board/randers?at=2026-01-01T00:00:00Z",
    "/api/v1/board/nowhere",
    "/metrics",
)


async def test_without_keys_everything_but_health_is_refused(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        for path in GUARDED:
            answer = await service.client.get(path)
            assert answer.status_code == 403, path
            assert "akutoverblik key new" in answer.text, path
        assert (await service.client.post("/api/v1/feeds/any")).status_code == 403
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{service.live}/randers")
        assert refused.value.response.status_code == 403
        assert (await service.client.get("/healthz")).status_code == 200
        assert (await service.client.get("/readyz")).status_code == 200


async def test_a_board_key_opens_its_cluster_by_header_and_by_link(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        keys = service.services.access.keys
        key = keys.make(KeyKind.BOARD, "randers", utc_now())
        feeding = keys.make(KeyKind.SOURCE, "any", utc_now())
        bearer = {"Authorization": f"Bearer {key}"}
        get = service.client.get
        assert (await get("/api/v1/board/randers")).status_code == 401
        assert (await get("/api/v1/board/randers", headers=bearer)).status_code == 200
        assert (await get("/api/v1/board/horsens", headers=bearer)).status_code == 403
        assert (await get("/metrics", headers=bearer)).status_code == 403
        wrong = {"Authorization": f"Bearer {feeding}"}
        assert (await get("/api/v1/board/randers", headers=wrong)).status_code == 403
        async with connect(f"{service.live}/randers", additional_headers=bearer) as socket:
            assert '"snapshot"' in str(await socket.recv())

        shown = await get("/board/randers")
        assert shown.status_code == 303
        assert shown.headers["Location"] == "/sign-in?next=/board/randers"
        linked = await get(f"/wall-link/{key}")
        assert linked.headers["Location"] == "/wall/randers"
        cookie = linked.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert key not in cookie
        assert (await get("/wall/randers")).status_code == 200
        assert (await get("/wall-link/wrong")).status_code == 403
        assert (await get(f"/wall-link/{feeding}")).status_code == 403


async def test_a_revoked_key_opens_nothing_at_once(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        keys = service.services.access.keys
        kept = keys.make(KeyKind.BOARD, "randers", utc_now())
        gone = keys.make(KeyKind.BOARD, "randers", utc_now())
        path = tmp_path / "keys.toml"
        blocks = path.read_text(encoding="utf-8").split("\n\n[[key]]")
        path.write_text(blocks[0] + "\n", encoding="utf-8")
        for key, status in ((kept, 200), (gone, 401)):
            bearer = {"Authorization": f"Bearer {key}"}
            answer = await service.client.get("/api/v1/board/randers", headers=bearer)
            assert answer.status_code == status
        assert kept not in path.read_text(encoding="utf-8")
        assert path.stat().st_mode & 0o077 == 0
