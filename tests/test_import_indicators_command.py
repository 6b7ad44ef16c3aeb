"""``akutoverblik import-indicators``: killed anywhere it goes on, nothing doubled, nothing lost."""

import asyncio
import os
import signal
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from capacity.history import History
from tests.support.board_model import until
from tests.support.databases import dump
from tests.support.registers import HEADER
from web.cli import main

pytest_plugins = ["tests.support.database_fixtures"]

CODES = ("0706", "0707", "0710", "0730")
DAYS = 1500
FIRST = date(2022, 1, 1)
MAPPING = 'step = "day"\n'


def told(revision: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Numerator and denominator by municipality and day; a revision changes every third."""
    return {
        (code, (FIRST + timedelta(days=n)).isoformat()): (
            n % 50 + (revision if n % 3 == 0 else 0), 100,
        )
        for n in range(DAYS) for code in CODES
    }  # fmt: skip


def write(path: Path, figures: dict[tuple[str, str], tuple[int, int]]) -> Path:
    rows = (
        f"readmissions_30;{code};{day};{count};{of};LPR\n"
        for (code, day), (count, of) in figures.items()
    )
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def stored(url: str) -> list[tuple[object, ...]]:
    columns = ("municipality", "period", "number", "numerator", "denominator")
    return sorted(dump(url, "import_figure", *columns))


async def test_killed_again_and_again_it_goes_on_and_doubles_nothing(
    database_url: str, tmp_path: Path
) -> None:
    history = History(database_url)
    await history.start()
    (tmp_path / "days.toml").write_text(MAPPING, encoding="utf-8")
    files = [write(tmp_path / f"{name}.csv", told(name)) for name in (0, 7)]
    env = os.environ | {
        "AKUTOVERBLIK_DATA": str(tmp_path / "data"), "AKUTOVERBLIK_SQL_URL": database_url
    }  # fmt: skip
    command = [
        sys.executable, "-m", "web.cli", "import-indicators", *map(str, files),
        "--mapping", str(tmp_path / "days.toml"),
    ]  # fmt: skip
    first, second = told(0), told(7)
    corrected = [key for key in first if first[key] != second[key]]
    whole = len(first) + len(corrected)

    async def count() -> int:
        return await history.read(
            lambda sql: sql.scalar(text("SELECT count(*) FROM import_figure")) or 0
        )

    try:
        for goal in (3_000, len(first) + 1):
            process = await asyncio.create_subprocess_exec(
                *command, env=env,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:

                async def is_there(goal: int = goal) -> bool:
                    return await count() >= goal

                await until(is_there, within=120)
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
            assert goal <= await count() < whole, "killed in the middle"
        last = await asyncio.create_subprocess_exec(
            *command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, progress = await last.communicate()
    finally:
        await history.stop()
    assert last.returncode == 0, progress.decode()
    assert b"0.csv (1 of 2): this file is in already" in out
    assert b"7.csv (2 of 2): 0 new, " in out
    assert b"7.csv (2 of 2): 100 %, " in progress
    assert stored(database_url) == sorted(
        [(*key, 1, *first[key]) for key in first] + [(*key, 2, *second[key]) for key in corrected]
    )


def test_files_come_in_in_their_order_and_what_was_read_stays(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AKUTOVERBLIK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AKUTOVERBLIK_SQL_URL", database_url)
    rows = ("readmissions_30;0730;2026-01;10;100;LPR", "readmissions_30;0730;2026-01;12;100;LPR")
    files = []
    for n, row in enumerate(rows):
        files.append(tmp_path / f"{n}.csv")
        files[-1].write_text(f"{HEADER}{row}\n", encoding="utf-8")
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"")
    assert main(["import-indicators", *map(str, files), str(broken)]) == 2
    out, err = capfd.readouterr()
    assert "0.csv (1 of 3): 1 new, 0 corrected" in out
    assert "1.csv (2 of 3): 0 new, 1 corrected" in out
    assert "akutoverblik:" in err
    assert [row[2:4] for row in stored(database_url)] == [(1, 10), (2, 12)]
    assert main(["import-indicators", str(files[0])]) == 0
    assert "this file is in already" in capfd.readouterr().out
    assert len(stored(database_url)) == 2, "an old file takes no correction back"
