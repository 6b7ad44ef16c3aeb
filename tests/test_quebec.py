"""Two weeks of real emergency departments through the whole service, held against a recomputation.

330 hourly files as they were published are replayed by the real replayer into a watched folder of
a running service, with a cluster of its own. Broken files of our making lie among them.
"""

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import epoch_millis, format_instant, utc_now
from tests.support.board_model import all_changes, until
from tests.support.quebec import catalogue_text, quebec_files, quebec_values, recomputed
from tests.support.service import Service, running, settings_for

pytestmark = pytest.mark.samples

CLUSTER = "quebec"
BROKEN = {
    "2024-01-08T000001-empty.csv": b"",
    "2024-01-08T000002-page.csv": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "2024-01-08T000003-renamed.csv": b"Numero,Total\r\n1,2\r\n",
}
Seen = tuple[str, int, int | None, int | None, int | None, bool]
"""Unit, instant, total, occupied, free, and whether more are occupied than there are."""


def source_text(identifiers: list[str]) -> str:
    units = ", ".join(f'"{identifier}" = "ed-{identifier}"' for identifier in identifiers)
    values = quebec_values()
    columns = ", ".join(f'{name} = "{column}"' for name, column in values["columns"].items())
    return f"""
[[source]]
id = "hourly"
cluster = "quebec"
format = "csv"
transport = "folder"
pattern = "*.csv"
attribution = "Recording of hourly emergency-department figures, CC-BY 4.0"
timezone = "{values["timezone"]}"
units = {{ {units} }}
[source.mapping]
separator = "{values["separator"]}"
encoding = "{values["encoding"]}"
report_type = "load"
unknown_words = {values["unknown_words"]!r}
leave_out = [{{ column = "{values["leave_out"][0]["column"]}", blank = true }}]
columns = {{ {columns} }}
""".replace("['', ", '["", ').replace('disponible"]', 'disponible"]')


def expected(files: list[tuple[str, bytes]]) -> Iterator[Seen]:
    """Every change that the recording makes, by the csv module and arithmetic alone."""
    for _, raw in files:
        for identifier, instant, total, occupied in recomputed(raw):
            known = total is not None and occupied is not None
            free = max(0, total - occupied) if known else None  # type: ignore[operator]
            over = known and occupied > total  # type: ignore[operator]
            yield f"ed-{identifier}", epoch_millis(instant), total, occupied, free, over


def seen(row: bytes) -> Seen:
    values = orjson.loads(row)
    instant = datetime.fromisoformat(values["observed_at"])
    over = "occupied_over_total" in values["inconsistencies"]
    return (
        values["unit"], epoch_millis(instant), values["total"], values["occupied"],
        values["free"], over,
    )  # fmt: skip


async def replay(service: Service, archive: Path) -> str:
    """Play the archive into the source's folder; returns what the replayer printed."""
    folder = service.services.settings.inbox / "hourly"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", "replay", "--folder", str(folder),
        "--as-fast-as-possible", str(archive),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await process.communicate()
    assert process.returncode == 0
    return told.decode()


async def all_taken_in(folder: Path, count: int) -> None:
    """Wait until the folder has been emptied into done and failed."""
    async with asyncio.timeout(120):
        while True:
            moved = sum(1 for fate in ("done", "failed") for path in (folder / fate).glob("*.csv"))
            if moved == count:
                return
            await asyncio.sleep(0.1)


async def test_the_recording_plays_into_exactly_what_it_says(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, samples: Path
) -> None:
    files = list(quebec_files(samples))
    assert len(files) == 330
    identifiers = sorted({row[0] for _, raw in files for row in recomputed(raw)})
    (tmp_path / "catalogue.toml").write_text(catalogue_text(identifiers), encoding="utf-8")
    (tmp_path / "sources.toml").write_text(source_text(identifiers), encoding="utf-8")
    settings = settings_for(
        tmp_path / "data",
        valkey_server.url,
        tmp_path / "sources.toml",
        catalogue=[tmp_path / "catalogue.toml"],
    )
    async with running(settings) as service:
        inbox = settings.inbox / "hourly"
        for name, raw in BROKEN.items():
            (inbox / name).write_bytes(raw)
        truncated = files[0][1][: len(files[0][1]) // 2]
        (inbox / "2024-01-08T000004-truncated.csv").write_bytes(truncated)
        archive = next((samples / "timeseries" / "quebec-er").glob("*.tar.gz"))
        told = await replay(service, archive)
        assert "330" in told
        await all_taken_in(inbox, 330 + len(BROKEN) + 1)

        failed = {path.name for path in (inbox / "failed").iterdir()}
        assert failed == set(BROKEN) | {f"{name}.reason.json" for name in BROKEN}
        half = inbox / "done" / "2024-01-08T000004-truncated.csv.reason.json"
        assert len(orjson.loads(half.read_bytes())) == 1, "the line that was cut is told of"
        reports = list(expected(files))
        units = len(identifiers)
        changes = await all_changes(board, CLUSTER)
        assert [change.seq for change in changes] == list(range(1, len(changes) + 1))
        # First every unit's row of unknowns, then the recording, each report once and in order.
        # The truncated file repeats the beginning of the first one, so it adds nothing.
        played = [seen(change.row) for change in changes[units:]]
        assert sorted(played[: len(identifiers)]) == sorted(reports[: len(identifiers)])
        assert played[len(identifiers) :] == reports[len(identifiers) :]

        last = {report[0]: report for report in reports}
        rows = {row.unit: seen(row.row) for row in (await board.snapshot(CLUSTER)).rows}
        assert rows == last
        assert any(report[5] for report in reports), "the recording has more occupied than total"
        assert any(report[3] is None for report in reports), "and figures that are missing"

        over_http = await service.rows(CLUSTER)
        assert {unit: row["free"] for unit, row in over_http.items()} == {
            unit: report[4] for unit, report in last.items()
        }
        historian = service.services.historian
        await until(lambda: historian.changes_recorded == len(changes), within=120)
        past = await service.rows(CLUSTER, at=format_instant(utc_now()))
        assert past == over_http
        assert historian.gaps_found == 0
