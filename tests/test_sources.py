"""Sources files: what they declare, and every refusal by file, line and field."""

from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from capacity.catalogue import builtin_catalogue
from capacity.config_file import ConfigError
from capacity.model import ReportType
from feeds.sources import Transport, load_sources

CATALOGUE = builtin_catalogue()
GOOD = """\
[[source]]
id = "a"
cluster = "randers"
format = "json"
transport = "push"
attribution = "A"
units = ["randers-akutteam"]
"""
POLL = """\
[[source]]
id = "p"
cluster = "randers"
format = "json"
transport = "poll"
attribution = "P"
units = ["rhr-visitation"]
url = "http://127.0.0.1/x"
bearer = "${THE_TOKEN}"
every = "30 s"
timeout = "5 s"
timezone = "Europe/Copenhagen"
freshness = { ageing_after = "3 min", stale_after = "5 min" }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_source_knows_its_units_types_and_times(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + POLL)
    sources = load_sources([path], CATALOGUE, {"THE_TOKEN": "secret"})
    assert list(sources) == ["a", "p"]
    pushed, polled = sources.values()
    assert pushed.units["randers-akutteam"].id == "randers-akutteam"
    assert pushed.mapping.types == {"randers-akutteam": ReportType.TEAM}
    assert pushed.transport is Transport.PUSH
    assert polled.bearer == "secret"
    assert (polled.every, polled.timeout) == (timedelta(seconds=30), timedelta(seconds=5))
    assert polled.mapping.timezone == "Europe/Copenhagen"
    assert polled.freshness is not None
    assert polled.freshness.stale_after == timedelta(minutes=5)


def test_the_demonstrations_sources_are_good() -> None:
    shipped = Path(str(files("feeds").joinpath("data", "demo-sources.toml")))
    sources = load_sources([shipped], CATALOGUE, {"SIMULATORS_URL": "http://127.0.0.1:1"})
    reported = {unit.id for source in sources.values() for unit in source.units.values()}
    assert reported == set(CATALOGUE.units)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "reason"),
    [
        ('cluster = "randers"', 'cluster = "nowhere"', 3, "cluster", "no cluster"),
        ('format = "json"', 'format = "telex"', 4, "format", "known are"),
        ('transport = "push"', 'transport = "pigeon"', 5, "transport", "push"),
        ('attribution = "A"', "", 1, "attribution", "missing"),
        ('["randers-akutteam"]', '["randers-akutteem"]', 7, "units", "no unit"),
        ('["randers-akutteam"]', "[]", 7, "units", "empty"),
        (
            '["randers-akutteam"]',
            '{ "1" = "randers-akutteam", "2" = "randers-akutteam" }',
            7,
            "units",
            "twice",
        ),
        ('id = "a"', 'id = "A b"', 2, "id", ""),
        ('id = "a"', 'id = "a"\nunknown = 1', 3, "unknown", "not a known key"),
        ('id = "a"', 'id = "a"\ntimezone = "Europe/Nowhere"', 1, "mapping", "time zone"),
        ('id = "a"', 'id = "a"\nmapping = { separator = ";" }', 3, "mapping", "separator"),
        ('attribution = "A"', 'attribution = "ring 010170-1234"', 6, "attribution", "CPR"),
        ('attribution = "A"', 'attribution = "${NOT_SET}"', 6, "attribution", "NOT_SET"),
        (
            'id = "a"',
            'id = "a"\nfreshness = { ageing_after = "5 min", stale_after = "5 min" }',
            3,
            "freshness",
            "later",
        ),
    ],
)
def test_a_wrong_source_is_refused_by_line_and_field(
    tmp_path: Path, old: str, new: str, line: int, field: str, reason: str
) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError) as refused:
        load_sources([path], CATALOGUE, {})
    assert refused.value.file == str(path)
    assert refused.value.line == line
    assert field in refused.value.field
    assert reason in refused.value.reason
    assert "010170" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (GOOD + GOOD, 9, "stands twice"),
        (GOOD + GOOD.replace('id = "a"', 'id = "b"'), 14, "claimed by a already"),
        (POLL.replace('url = "http://127.0.0.1/x"\n', ""), 1, "needs a url"),
        (POLL.replace('timeout = "5 s"', 'timeout = "30 s"'), 1, "shorter"),
    ],
)
def test_sources_that_do_not_fit_together_are_refused(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_sources([write(tmp_path, text)], CATALOGUE, {"THE_TOKEN": "x"})
    assert refused.value.line == line
    assert reason in refused.value.reason
