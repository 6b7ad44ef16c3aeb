"""Years of a register that revises its past: loaded by the command, charted, told what was."""

import asyncio
import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.databases import dump
from tests.support.indicator_pages import chart, row, text
from tests.support.people import account_for, signed_in
from tests.support.rki import CATALOGUE, INDICATORS, MAPPING, Figure, published, recomputed, whole
from tests.support.service import running, settings_for

pytestmark = pytest.mark.samples

PAGE, API = "/indicators/register", "/api/v1/indicators/register"


def danish(number: int) -> str:
    """With the sign between thousands that pages have from five digits on."""
    return f"{number:,}".replace(",", ".") if number >= 10_000 else str(number)


async def imported(folder: Path, files: list[Path]) -> str:
    """Bring files in by the command; what it said on the way and at the end."""
    env = os.environ | {
        "AKUTOVERBLIK_DATA": str(folder),
        "AKUTOVERBLIK_CATALOGUE": f'["{folder / "catalogue.toml"}"]',
        "AKUTOVERBLIK_INDICATORS": str(folder / "indicators.toml"),
    }
    env.pop("AKUTOVERBLIK_SQL_URL", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web.cli", "import-indicators", *map(str, files),
        "--mapping", str(folder / "mapping.toml"), env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()[-2000:]
    return told.decode()


async def test_years_of_days_load_and_revised_values_say_what_they_were(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, samples: Path
) -> None:
    for name, content in (
        ("catalogue", CATALOGUE), ("indicators", INDICATORS), ("mapping", MAPPING)
    ):  # fmt: skip
        (tmp_path / f"{name}.toml").write_text(content, encoding="utf-8")
    versions: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    files = []
    for name, raw in published(samples):
        files.append(tmp_path / name)
        files[-1].write_bytes(raw)
        for key, figure in recomputed(raw).items():
            if versions[key][-1:] != [figure]:
                versions[key].append(figure)
    everything = recomputed(whole(samples).read_bytes())
    for key, figure in everything.items():
        if versions[key][-1:] != [figure]:
            versions[key].append(figure)
    revised = {key: told for key, told in versions.items() if len(told) > 1}
    assert (len(everything), len(files)) == (7041, 45)
    assert sum(len(told) - 1 for told in revised.values()) == 31, "the recording revises"

    said = await imported(tmp_path, [*files, whole(samples)])
    assert " (46 of 46): 100 %, " in said
    stored: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    columns = ("indicator", "period", "number", "numerator", "denominator")
    url = f"sqlite:///{tmp_path / 'history.sqlite'}"
    for indicator, day, _, used, of in sorted(dump(url, "import_figure", *columns)):
        stored[str(indicator), str(day)].append((used, of))
    assert stored == versions, "every version of every day, and none besides"

    settings = settings_for(
        tmp_path, valkey_server.url, catalogue=[tmp_path / "catalogue.toml"],
        indicators=tmp_path / "indicators.toml", run_feeds=False, sql_url=url,
    )  # fmt: skip
    async with running(settings, demo=False) as service:
        account = await account_for(service, "coordinator", clusters=("register",))
        async with signed_in(service, account) as person:
            shown = await chart(person, f"{PAGE}?step=day&last=92", "icu_adults")
            used, of = versions["icu_adults", "2026-07-09"][0]
            was = f"{100 * used / of:.1f}".replace(".", ",")
            told = row(shown, "9. juli 2026")
            assert f", var {was} % ({danish(used)} / {danish(of)})" in told
            assert "rettet " in row(shown, "15. august 2026")
            assert "rettet " not in row(shown, "22. august 2026")
            assert "92 værdier er kladder" in text(shown)
            found = await person.client.get(f"{API}?step=month&last=24&indicator=icu_adults")
            months = found.json()["indicators"][0]["series"]
    assert len(months) == 24, "whole months, summed from the days"
    for month in months:
        of_month = [
            figure for (name, day), figure in everything.items()
            if name == "icu_adults" and day[:7] == month["period"][:7]
        ]  # fmt: skip
        used, of = (sum(part) for part in zip(*of_month, strict=True))
        assert (month["numerator"], month["denominator"]) == (used, of)
    corrected = sum(len(month["register"]["earlier"]) for month in months)
    july = [key for key in revised if key[0] == "icu_adults" and key[1] < "2026-08-01"]
    assert corrected == sum(len(revised[key]) - 1 for key in july)
