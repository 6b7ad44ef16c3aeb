"""A format of somebody else's: a package of its own, installed beside ours, is all it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "support" / "third_party"
ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = b"A1@2026-01-05T08:00:00=3/4\nA2@2026-01-05T08:00:00+01:00=?/2\nnonsense\nA1@x=1/2\n"
SOURCES = """\
[[source]]
id = "theirs"
cluster = "randers"
format = "theirformat"
transport = "folder"
attribution = "their ward system"
timezone = "Europe/Copenhagen"
units = { "A1" = "randers-akutplads-1", "A2" = "randers-akutplads-2" }
mapping = { unknown = "?" }
"""
TAKE = """\
import sys
from datetime import UTC, datetime
from pathlib import Path

from capacity.catalogue import builtin_catalogue
from feeds.intake import Intake
from feeds.sources import load_sources

catalogue = builtin_catalogue()
source = load_sources([Path(sys.argv[1])], catalogue)["theirs"]
intake = Intake(None, catalogue, lambda: datetime(2026, 1, 5, 8, tzinfo=UTC))
receipt, readings = intake.read(source, Path(sys.argv[2]).read_bytes())
print([reading.unit for reading in readings], [reject.where for reject in receipt.rejected])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that their package was installed into, without the network."""
    folder = tmp_path_factory.mktemp("theirs")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(folder)]
    done = subprocess.run(
        [*pip, *options, str(PACKAGE)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def run(installed: Path | None, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with our checkout and, if given, their package on its path."""
    path = [str(ROOT)] if installed is None else [str(ROOT), str(installed)]
    return subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_their_format_is_read_by_its_name(installed: Path, tmp_path: Path) -> None:
    document, mapping = tmp_path / "wards", tmp_path / "mapping.toml"
    document.write_bytes(DOCUMENT)
    mapping.write_text('timezone = "Europe/Copenhagen"\nunits = { A1 = "randers-akutplads-1" }\n')
    read = ("-m", "web.cli", "read", "theirformat", str(document))
    done = run(installed, *read, "--mapping", str(mapping))
    assert done.returncode == 1, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["unit"], each["observed_at"], each["free"]) for each in reports] == [
        ("randers-akutplads-1", "2026-01-05T07:00:00Z", 1),
        ("A2", "2026-01-05T07:00:00Z", None),
    ]
    rejects = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(each["where"], each["field"]) for each in rejects] == [
        ("line 3", "line"),
        ("line 4", "observed_at"),
    ]
    bare = run(installed, *read)
    assert "declares no time zone" in bare.stderr
    without = run(None, *read)
    assert without.returncode == 2
    assert "no format is called 'theirformat'" in without.stderr


def test_a_source_may_use_it_and_its_mapping_is_checked(installed: Path, tmp_path: Path) -> None:
    document, sources, take = tmp_path / "wards", tmp_path / "sources.toml", tmp_path / "take.py"
    document.write_bytes(DOCUMENT)
    sources.write_text(SOURCES)
    take.write_text(TAKE)
    done = run(installed, str(take), str(sources), str(document))
    assert done.stdout == (
        "['randers-akutplads-1', 'randers-akutplads-2'] ['line 3', 'line 4']\n"
    ), done.stderr
    sources.write_text(SOURCES.replace("unknown", "unknwon"))
    refused = run(installed, str(take), str(sources), str(document))
    assert f"{sources}:9: " in refused.stderr
    assert "unknwon" in refused.stderr
    without = run(None, str(take), str(sources), str(document))
    assert f"{sources}:4: " in without.stderr
