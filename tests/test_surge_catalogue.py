"""Thresholds in a catalogue file: what is read, and what is refused with its place and reason."""

from datetime import timedelta
from pathlib import Path

import pytest

from capacity.catalogue import load_catalogue
from capacity.config_file import ConfigError
from capacity.surge import Fact, SurgeRule, Threshold

BEFORE = """
requires = ["region-midtjylland"]

[[cluster]]
id = "klynge"
name = "Klynge"
hospital = "regionshospitalet-randers"
municipalities = [{ codes = ["0730"] }]
assumptions = ["surge"]
"""
SURGE = """
[cluster.surge]
fall_after = "20 min"
pressed = { free_percent = { up = 20, down = 40 }, load_percent = { up = 90, down = 85 } }
high = { load_percent = { up = 98, down = 85 }, waiting = { up = 4, down = 3 } }
critical = { free_percent = { up = 0, down = 1 }, wait_minutes = { up = 30, down = 0 } }
"""


def load(folder: Path, surge: str) -> SurgeRule | None:
    path = folder / "mine.toml"
    path.write_text(BEFORE + surge, encoding="utf-8")
    return load_catalogue([path]).clusters["klynge"].surge


def test_thresholds_are_read(tmp_path: Path) -> None:
    assert load(tmp_path, SURGE) == SurgeRule(
        levels=(
            {Fact.FREE: Threshold(20, 40), Fact.LOAD: Threshold(90, 85)},
            {Fact.LOAD: Threshold(98, 85), Fact.WAITING: Threshold(4, 3)},
            {Fact.FREE: Threshold(0, 1), Fact.WAIT: Threshold(30, 0)},
        ),
        fall_after=timedelta(minutes=20),
        known_percent=50,
    )


def test_a_cluster_may_have_none(tmp_path: Path) -> None:
    assert load(tmp_path, "") is None


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        ("up = 20, down = 40", "up = 20, down = 20", "pressed.free_percent.down", "above up"),
        ("up = 20, down = 40", "up = 101, down = 40", "pressed.free_percent.up", "100"),
        ("up = 90, down = 85", "up = 90, down = 90", "pressed.load_percent.down", "below up"),
        ("up = 90, down = 85", "up = 9.5, down = 1", "pressed.load_percent.up", "integer"),
        ("up = 4, down = 3", "up = 4", "high.waiting.down", "missing"),
        ("waiting = ", "queue = ", "high.queue", "not a known key"),
        ('fall_after = "20 min"\n', "", "fall_after", "missing"),
        ('"20 min"', '"0 min"', "fall_after", "length of time"),
        ("fall_after", "known_percent = 0\nfall_after", "known_percent", "1"),
        ("up = 98, down = 85", "up = 89, down = 85", "", "before a lower: load"),
        ("up = 98, down = 85", "up = 98, down = 84", "", "before a lower: load"),
        ("up = 0, down = 1", "up = 21, down = 22", "", "before a lower: free"),
        ("up = 0, down = 1", "up = 20, down = 41", "", "before a lower: free"),
    ],
)
def test_what_cannot_be_is_named(
    tmp_path: Path, old: str, new: str, field: str, reason: str
) -> None:
    assert SURGE.count(old) == 1

    with pytest.raises(ConfigError) as refused:
        load(tmp_path, SURGE.replace(old, new))

    (problem,) = refused.value.problems
    assert problem.field == f"cluster[0].surge.{field}".rstrip(".")
    assert reason in problem.reason


def test_a_level_without_a_threshold_is_refused(tmp_path: Path) -> None:
    line = "high = { load_percent = { up = 98, down = 85 }, waiting = { up = 4, down = 3 } }"

    with pytest.raises(ConfigError, match="states no threshold"):
        load(tmp_path, SURGE.replace(line, "high = {}"))
