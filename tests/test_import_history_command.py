"""``akutoverblik history import``: killed anywhere it goes on; a bad line costs itself only."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from capacity.history import History
from capacity.history.backfill import Done
from capacity.instants import format_instant
from tests.support.board_model import until
from tests.support.databases import dump
from tests.support.raw_days import CLUSTER, MINUTE
from web.cli import main
from web.commands.history_import import Shown

pytest_plugins = ["tests.support.database_fixtures"]

UNITS = ("randers-akutplads-1", "favrskov-akutplads", "norddjurs-akutplads")
START = datetime(2026, 3, 28, 6, tzinfo=UTC)


def report(n: int) -> dict[str, object]:
    at = START + n * MINUTE
    return {
        "unit": UNITS[n % 3], "observed_at": format_instant(at), "total": 3, "occupied": n % 4,
    }  # fmt: skip


def write(path: Path, lines: Sequence[object]) -> Path:
    path.write_bytes(
        b"".join(each if isinstance(each, bytes) else orjson.dumps(each) + b"\n" for each in lines)
    )
    return path


def stored(url: str) -> list[tuple[object, ...]]:
    return dump(url, "change", "id", "cluster", "epoch", "seq", "unit", "applied_at", "row")


async def test_killed_again_and_again_it_goes_on_and_doubles_nothing(
    database_url: str, tmp_path: Path
) -> None:
    history = History(database_url)
    await history.start()
    path = write(tmp_path / "reports.ndjson", [report(n) for n in range(6_500)])
    env = os.environ | {
        "AKUTOVERBLIK_DATA": str(tmp_path / "data"), "AKUTOVERBLIK_SQL_URL": database_url
    }  # fmt: skip
    command = [sys.executable, "-m", "web.cli", "history", "import", str(path)]

    async def lines_done() -> int:
        """-1 before anything was written of the file."""
        query = text("SELECT coalesce(max(lines_done), -1) FROM backfill")
        return await history.read(lambda sql: sql.scalar(query))

    for goal in (0, 1, 3_000):  # begun, a first part in, in the middle
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:

            async def is_there(goal: int = goal) -> bool:
                return await lines_done() >= goal

            await until(is_there, within=120)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        at = await lines_done()
        assert goal <= at < 6_500
        assert at % 1_000 == 0, "parts are whole or not there"
        assert len([row for row in stored(database_url) if row[1] == CLUSTER]) == at
    last = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, told = await last.communicate()
    assert last.returncode == 0, told.decode()
    assert f"going on after line {at}\n".encode() in told
    assert out.startswith(b"6500 lines: 6500 recorded, 0 revised, 0 known already, 0 rejected")
    rows = stored(database_url)
    own = [row for row in rows if row[1] == CLUSTER]
    assert len(own) == 6_500
    assert [row[3] for row in own] == list(range(1, 6_501))
    wanted = [(report(n)["unit"], START + n * MINUTE) for n in range(6_500)]
    told_at = [(row[4], datetime.fromtimestamp(int(str(row[5])) / 1000, UTC)) for row in own]
    assert told_at == wanted
    await history.stop()


def test_it_says_how_far_it_is_now_and_then(capfd: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    shown = Shown(1_000, clock=lambda: now[0])
    for seconds, lines in ((1.0, 10), (2.5, 20), (4.0, 30), (4.5, 40)):
        now[0] = seconds
        shown(Done(bytes_done=10 * lines, lines_done=lines, recorded=lines - 1, rejected=1))
    assert capfd.readouterr().err.splitlines() == [
        "20 %: 20 lines: 19 recorded, 0 revised, 0 known already, 1 rejected",
        "40 %: 40 lines: 39 recorded, 0 revised, 0 known already, 1 rejected",
    ]


def command(
    monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path, path: Path, *more: str
) -> int:
    monkeypatch.setenv("AKUTOVERBLIK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AKUTOVERBLIK_SQL_URL", url)
    return main(["history", "import", str(path), *more])


def test_what_cannot_be_used_costs_its_line_only(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    bad: list[object] = [
        report(0), b"\n", b"{not json}\n", report(1) | {"unit": "nowhere"},
        report(2) | {"occupied": -1}, report(3) | {"on_duty": True}, b"\0\0\n", b"[" * 70_000,
        b"\n", report(4), report(5) | {"note": "om 120499-1234"}, report(0),
    ]  # fmt: skip
    path = write(tmp_path / "bad.ndjson", bad)
    assert command(monkeypatch, database_url, tmp_path, path) == 1
    out, err = capfdbinary.readouterr()
    assert b"2 recorded, 0 revised, 1 known already" in out
    rejects = [orjson.loads(line) for line in err.splitlines() if line.startswith(b"{")]
    told = [(each["where"], each["field"]) for each in rejects]
    assert told[:5] == [
        ("line 3", "line"), ("line 4", "unit"), ("line 5", "occupied"), ("line 6", "on_duty"),
        ("line 7", "line"),
    ]  # fmt: skip
    assert b"120499" not in err
    assert command(monkeypatch, database_url, tmp_path, path) == 0
    assert b"in already" in capfdbinary.readouterr()[0]


def test_a_longer_file_brings_in_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    url = f"sqlite:///{tmp_path / 'history.sqlite'}"
    path = write(tmp_path / "r.ndjson", [report(n) for n in range(50)])
    assert command(monkeypatch, url, tmp_path, path) == 0
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('units = { "Randers 1" = "randers-akutplads-1" }\n', encoding="utf-8")
    more = report(60) | {"unit": "Randers 1"}
    write(path, [*(report(n) for n in range(50)), more])
    assert command(monkeypatch, url, tmp_path, path, "--mapping", str(mapping)) == 0
    out, _ = capfdbinary.readouterr()
    assert out.splitlines()[-1].startswith(b"51 lines: 1 recorded, 0 revised, 50 known already")


@pytest.mark.parametrize("words", [("--source", "om 120499-1234"), ("--source", "")])
def test_a_source_is_named_well(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "r.ndjson", [report(0)])
    url = f"sqlite:///{tmp_path / 'history.sqlite'}"
    assert command(monkeypatch, url, tmp_path, path, *words) == 2
    assert command(monkeypatch, url, tmp_path, tmp_path / "nothing") == 2
