"""Two weeks of real emergency departments as a past: brought in, looked back on, and counted.

The recording's files are read and brought into history by the commands that an installation has,
at their own times; every eighth department of it, which is enough to be wrong in. What history,
indicators and tables then say is held against an own reading of the files.
"""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.instants import format_instant
from tests.support.databases import kept_beside
from tests.support.quebec import catalogue_text, mapping_text, quebec_files, recomputed
from tests.support.service import running, settings_for
from tests.support.tables import parquet_rows

pytestmark = pytest.mark.samples

NOW = datetime(2024, 1, 22, 6, tzinfo=UTC)
STALE = timedelta(hours=3)
EVERY = 8
DENMARK = ZoneInfo("Europe/Copenhagen")
Told = tuple[datetime, int | None, int | None]
"""Since when, how many places, and how many of them are occupied."""


@dataclass(frozen=True)
class Recording:
    """What the files say of each department, in order of time; what the commands said, and what
    the service answers.
    """

    told: Mapping[str, Sequence[Told]]
    said: str
    again: str
    boards: Mapping[datetime, list[dict[str, Any]]]
    indicators: Mapping[str, Any]
    changes: list[list[Any]]
    replay: str

    def at(self, instant: datetime) -> dict[str, Told]:
        """The last word of each department by then."""
        found = {}
        for unit, every in self.told.items():
            before = [each for each in every if each[0] <= instant]
            if before:
                found[unit] = before[-1]
        return found


def told_by(samples: Path) -> dict[str, list[Told]]:
    """An own reading of the files."""
    found: dict[str, list[Told]] = defaultdict(list)
    for _, raw in quebec_files(samples):
        for identifier, instant, total, occupied in recomputed(raw):
            found[identifier].append((instant, total, occupied))
    return {f"ed-{key}": sorted(found[key]) for key in sorted(found)[::EVERY]}


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program's command line on the history of this folder."""
    env = {
        "AKUTOVERBLIK_DATA": str(folder),
        "AKUTOVERBLIK_SQL_URL": kept_beside(folder),
        "AKUTOVERBLIK_CATALOGUE": orjson.dumps([str(folder / "catalogue.toml")]).decode(),
    }
    whole = [sys.executable, "-m", "web.cli", *words]
    return subprocess.run(whole, env=env, capture_output=True, check=False, timeout=200)


def brought_in(folder: Path, samples: Path, told: Mapping[str, Sequence[Told]]) -> list[str]:
    """The files become lines, and the lines history; twice. What was said of it."""
    files = []
    for name, raw in quebec_files(samples):
        files.append(folder / name)
        files[-1].write_bytes(raw)
    names = [unit.removeprefix("ed-") for unit in told]
    (folder / "catalogue.toml").write_text(catalogue_text(names), encoding="utf-8")
    (folder / "mapping.toml").write_text(mapping_text(names), encoding="utf-8")
    read = command(
        folder, "read", "csv", "--mapping", str(folder / "mapping.toml"), *map(str, files)
    )
    assert (read.returncode, read.stderr) == (0, b"")
    chosen = {f'{{"unit":"{unit}"'.encode() for unit in told}
    lines = [line for line in read.stdout.splitlines(True) if line.partition(b",")[0] in chosen]
    (folder / "reports.ndjson").write_bytes(b"".join(lines))
    said = []
    for _ in range(2):
        done = command(
            folder, "history", "import", str(folder / "reports.ndjson"), "--source", "recording"
        )
        assert done.returncode == 0, done.stderr.decode()
        said.append(done.stdout.decode().strip())
    return said


@pytest.fixture(scope="module")
def recording(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory, samples: Path
) -> Recording:
    folder = tmp_path_factory.mktemp("quebec")
    told = told_by(samples)
    said, again = brought_in(folder, samples, told)
    Redis.from_url(valkey_server.url).flushall()
    (folder / "sources.toml").touch()
    settings = settings_for(
        folder, valkey_server.url, folder / "sources.toml", run_feeds=False,
        catalogue=[folder / "catalogue.toml"],
    )  # fmt: skip
    random, begun = Random(20240108), min(every[0][0] for every in told.values())
    minutes = int((NOW - begun) / timedelta(minutes=1))
    instants = [begun + timedelta(minutes=random.randrange(minutes)) for _ in range(12)]

    async def ask() -> Recording:
        async with running(settings, clock=lambda: NOW) as service:
            await service.services.rollups.run()
            get = service.client.get
            boards = {
                at: (await get("/api/v1/board/quebec", params={"at": format_instant(at)})).json()[
                    "rows"
                ]
                for at in instants
            }
            api = "/api/v1/indicators/quebec?step=day&last=13"
            period = {"from": "2024-01-01T00:00:00Z", "to": format_instant(NOW) or ""}
            table = await get(
                "/api/v1/history/quebec/changes", params={**period, "format": "parquet"}
            )
            replay = await get("/replay/quebec", params={"at": format_instant(instants[0])})
            indicators = (await get(api)).json()
            rows = parquet_rows(table.content)
            return Recording(told, said, again, boards, indicators, rows, replay.text)

    return asyncio.run(ask())


def test_every_report_is_a_change_once(recording: Recording) -> None:
    reports = sum(map(len, recording.told.values()))
    assert reports > 4_500
    assert recording.said == (
        f"{reports} lines: {reports} recorded, 0 revised, 0 known already, 0 rejected"
    )
    assert recording.again.startswith("this file is in already")
    head, *rows = recording.changes
    changes = [dict(zip(head, row, strict=True)) for row in rows]
    by_time = [row for row in changes if row["cursor"] is None]
    told = [row for row in changes if row["cursor"] is not None]
    assert {row["change"] for row in by_time} == {"stale"}
    found = sorted((row["unit"], row["at"], row["total"], row["occupied"]) for row in told)
    wanted = [(unit, *each) for unit, every in recording.told.items() for each in every]
    assert [row[:2] for row in found] == [row[:2] for row in wanted]
    assert found == wanted


def test_the_board_of_any_moment_is_that_of_the_files(recording: Recording) -> None:
    for instant, rows in recording.boards.items():
        wanted = recording.at(instant)
        found = {
            row["unit"]: (datetime.fromisoformat(row["observed_at"]), row["total"], row["occupied"])
            for row in rows
        }
        assert found == wanted, instant
        for row in rows:
            _, total, occupied = wanted[row["unit"]]
            known = total is not None and occupied is not None
            free = max(0, total - occupied) if known else None  # type: ignore[operator]
            assert row["free"] == free, (instant, row["unit"])


def test_occupancy_is_that_of_the_files(recording: Recording) -> None:
    told = {each["definition"]["id"]: each for each in recording.indicators["indicators"]}
    series = {each["period"]: each for each in told["occupancy"]["series"]}
    assert len(series) == 13
    for period, point in series.items():
        occupied, places, unknown = counted(recording.told, date.fromisoformat(period))
        assert (point["numerator"], point["denominator"]) == (occupied, places), period
        assert point["value"] == occupied * 100 / places
        assert point["unknown"] == pytest.approx(unknown, rel=1e-12)
        assert 50 < point["value"] < 200, "departments are as full as they were"


def counted(told: Mapping[str, Sequence[Told]], day: date) -> tuple[int, int, float]:
    """Occupied and usable places of a Danish day, in milliseconds, and the unknown share of it."""
    since, until = (
        datetime.combine(day + timedelta(days=n), time(), DENMARK).astimezone(UTC) for n in (0, 1)
    )
    occupied_ms = places_ms = known_ms = shown_ms = 0
    for every in told.values():
        for number, (at, total, occupied) in enumerate(every):
            end = every[number + 1][0] if number + 1 < len(every) else until
            shown_ms += overlap(at, end, since, until)
            if total is not None and occupied is not None:
                trusted = overlap(at, min(end, at + STALE), since, until)
                occupied_ms += occupied * trusted
                places_ms += total * trusted
                known_ms += trusted
    return occupied_ms, places_ms, 1 - known_ms / shown_ms


def overlap(since: datetime, until: datetime, first: datetime, last: datetime) -> int:
    """Milliseconds that two stretches of time share."""
    return max(0, (min(until, last) - max(since, first)) // timedelta(milliseconds=1))


def test_the_past_is_a_page(recording: Recording) -> None:
    instant, rows = next(iter(recording.boards.items()))
    assert recording.replay.count("data-unit=") >= len(rows)
    assert "Fortid" in recording.replay
    assert f"/api/v1/board/quebec?at={format_instant(instant)}".replace(":", "%3A") in (
        recording.replay.replace("&amp;", "&")
    )
