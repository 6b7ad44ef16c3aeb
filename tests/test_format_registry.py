"""Finding formats by name, and what a mapping may say."""

from datetime import UTC, datetime
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

import feeds.formats
from capacity.model import ReportType
from feeds.formats import (
    BadMappingError,
    Format,
    Mapping,
    UnknownFormatError,
    format_named,
    format_names,
)
from tests.support.formats import NOW, parsed


def test_the_shipped_formats_are_found_by_name() -> None:
    assert {"json", "csv", "fhir"} <= set(format_names())
    for name in format_names():
        found = format_named(name)
        assert isinstance(found, Format)
        assert found.name == name
        assert found.media_types
        assert issubclass(found.mapping_model, Mapping)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownFormatError, match=r"'xml'.*known are.*csv.*fhir.*json"):
        format_named("xml")


def test_an_entry_point_that_is_no_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a third party's package names the wrong thing."""
    wrong = EntryPoint("odd", "feeds.formats:format_names", feeds.formats.GROUP)

    def installed(**selection: Any) -> EntryPoints:
        return EntryPoints([wrong]).select(**selection)

    monkeypatch.setattr(feeds.formats, "entry_points", installed)
    with pytest.raises(UnknownFormatError, match="'odd' is no format"):
        format_named("odd")


@pytest.mark.parametrize("name", ["json", "csv", "fhir"])
def test_every_mapping_has_the_common_part(name: str) -> None:
    mapping = format_named(name).read_mapping(
        {
            "timezone": "Europe/Copenhagen",
            "repeated": "refuse",
            "report_type": "load",
            "types": {"AP-1": "place"},
            "units": {"AP-1": "randers-akutplads-1"},
        }
    )
    assert mapping.local_time.zone is not None
    assert mapping.local_time.repeated == "refuse"
    assert mapping.type_of("AP-1") is ReportType.PLACE
    assert mapping.type_of("other") is ReportType.LOAD
    assert mapping.type_of(None) is ReportType.LOAD
    assert mapping.type_of(["AP-1"]) is ReportType.LOAD
    assert Mapping().type_of("AP-1") is None
    assert Mapping().local_time.zone is None


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"timezone": "Europe/Kobenhavn"}, "timezone: .*no time zone is called"),
        ({"repeated": "third"}, "repeated"),
        ({"report_type": "bed"}, "report_type"),
        ({"types": {"a": "bed"}}, r"types\.a"),
        ({"tiemzone": "UTC"}, "tiemzone"),
        ([], "mapping"),
    ],
)
def test_a_mapping_with_an_error_is_refused_by_key(values: object, named: str) -> None:
    with pytest.raises(BadMappingError, match=named):
        format_named("json").read_mapping(values)


def test_a_format_parses_without_any_mapping() -> None:
    raw = b'{"unit": "a", "observed_at": "2026-11-22T11:00:00Z"}'
    assert parsed(format_named("json"), raw).reports[0].observed_at == datetime(
        2026, 11, 22, 11, tzinfo=UTC
    )
    assert format_named("json").parse(raw, None, NOW).places == ("document",)
