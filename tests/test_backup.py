"""A backup put back gives the same board and history, on either database."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.people import NewAccount
from tests.support.board_model import until
from tests.support.databases import dump, sqlite_url
from tests.support.service import Service, running, settings_for
from web.cli import main

pytest_plugins = ["tests.support.database_fixtures"]

SOURCES = """
[[source]]
id = "s"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads", "norddjurs-akutplads"]
"""
UNIT = "favrskov-akutplads"


async def fill(service: Service) -> datetime:
    """Reports, one of them late, and an account; returns a moment between the two reports."""
    key = service.key_for("s")
    now = datetime.now(UTC)

    async def push(minutes_ago: int, occupied: int) -> None:
        observed = (now - timedelta(minutes=minutes_ago)).isoformat()
        report = {"unit": UNIT, "observed_at": observed, "total": 2, "occupied": occupied}
        report |= {"reserved": 0, "closed": 0}
        answer = await service.push("s", orjson.dumps({"reports": [report]}), key=key)
        assert answer.status_code == 200, answer.text

    await push(30, 1)
    between = datetime.now(UTC)
    await asyncio.sleep(0.01)  # history tells milliseconds apart
    await push(20, 2)
    await push(25, 0)
    await service.services.door.people.create(NewAccount(role="visitator", login="nurse-1"))
    goal = await service.services.board.cursor("randers")

    async def is_recorded() -> bool:
        here = await service.services.history.position("randers")
        return here is not None and here.seq >= goal.seq

    await until(is_recorded)
    return between


async def run(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], *words: str) -> int:
    """The command as from a shell with this environment."""
    with monkeypatch.context() as patch:
        for name, value in env.items():
            patch.setenv(f"AKUTOVERBLIK_{name}", value)
        return await asyncio.to_thread(main, list(words))


async def seen(service: Service, at: datetime) -> tuple[object, object]:
    """The board as it is and as it was."""
    return await service.rows("randers"), await service.rows("randers", at.isoformat())


async def test_what_was_backed_up_is_there_again(
    board: Board,
    valkey_server: EmbeddedServer,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    folder = tmp_path / "backup"
    there = {"REDIS_URL": valkey_server.url, "SQL_URL": database_url, "DATA": str(tmp_path / "d")}
    settings = settings_for(tmp_path / "d", valkey_server.url, sources, sql_url=database_url)
    async with running(settings) as service:
        between = await fill(service)
        before = await seen(service, between)
        await service.services.catalogues.record()
        assert await run(monkeypatch, there, "backup", str(folder)) == 0
        assert await run(monkeypatch, there, "backup", str(folder)) == 2
        assert await run(monkeypatch, there, "restore", str(folder)) == 2
        assert "not empty" in capsys.readouterr().err
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())

    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    try:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        url = sqlite_url(elsewhere)  # a backup of either database goes into either
        here = {"REDIS_URL": store.url, "SQL_URL": url, "DATA": str(elsewhere)}
        assert await run(monkeypatch, here, "restore", str(folder)) == 0
        settings = settings_for(elsewhere, store.url, sources, sql_url=url)
        async with running(settings) as service:
            assert await seen(service, between) == before
            await service.services.catalogues.record()
            columns = ("since", "digest", "content")
            kept, put = (dump(each, "catalogue_version", *columns) for each in (database_url, url))
            assert len(put) == 1
            assert put == kept
            assert await service.services.door.people.by_login("nurse-1") is not None
            key = service.key_for("s")
            report = {"unit": UNIT, "observed_at": datetime.now(UTC).isoformat(), "total": 2}
            answer = await service.push("s", orjson.dumps({"reports": [report]}), key=key)
            assert answer.json()["accepted"] == 1
    finally:
        store.stop()


async def test_a_backup_that_was_touched_is_refused(
    board: Board,
    valkey_server: EmbeddedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, data = tmp_path / "backup", {"REDIS_URL": valkey_server.url, "DATA": str(tmp_path)}
    assert await run(monkeypatch, data, "backup", str(folder)) == 0
    for name in ("store.bin.gz", "database.jsonl.gz"):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(kept[:-1] + b"x")
        assert await run(monkeypatch, data, "restore", str(folder)) == 2
        assert f"{name} is not what was taken" in capsys.readouterr().err
        (folder / name).write_bytes(kept)
    manifest = json.loads((folder / "backup.json").read_text())
    manifest["revision"] = "9999"
    (folder / "backup.json").write_text(json.dumps(manifest))
    assert await run(monkeypatch, data, "restore", str(folder)) == 2
    assert "database version 9999" in capsys.readouterr().err


def test_every_table_that_migrations_make_is_backed_up(tmp_path: Path) -> None:
    """In a fresh interpreter: tables that nothing has imported would be left out in silence."""
    script = (
        "import web.commands.backup, sqlite3, sys\n"
        "from capacity.history import migrate\n"
        "from capacity.history.tables import HistoryTable\n"
        "migrate(f'sqlite:///{sys.argv[1]}')\n"
        "made = sqlite3.connect(sys.argv[1]).execute("
        "\"SELECT name FROM sqlite_master WHERE type = 'table'\")\n"
        "print({name for name, in made} - {'alembic_version'} - {*HistoryTable.metadata.tables})"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "history.sqlite")]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"set()\n"
