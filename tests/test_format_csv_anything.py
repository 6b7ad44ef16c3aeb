"""CSV of any content is read or refused, and published files are read as others read them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import LoadReport
from feeds.formats.mapped_csv import FORMAT
from tests.support.csv_files import DANISH, DANISH_HEAD, HEAD, ROW
from tests.support.formats import mangled, parsed, reads_or_refuses
from tests.support.quebec import quebec_files, quebec_mapping, quebec_values, recomputed

FULL = (DANISH_HEAD + 'AP-1;22-11-2026 12:00;4,0;1;"en\r\nto"\r\nAP-2;;-;;\r\n').encode("cp1252")


@given(st.binary() | mangled(FULL, (HEAD + ROW + ROW).encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, DANISH)


@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=4), max_size=5))
def test_any_cells_are_read_or_refused(table: list[list[str]]) -> None:
    rows = "".join(",".join(f'"{c}"' for c in (x.replace('"', "") for x in row)) + "\n"
                   for row in table)  # fmt: skip
    reads_or_refuses(FORMAT, (HEAD + rows).encode("utf-8", "surrogatepass"))


# The published recording


@pytest.mark.samples
def test_all_files_of_the_quebec_recording_equal_an_independent_reading(samples: Path) -> None:
    mapping = quebec_mapping()
    later = datetime(2024, 3, 1, tzinfo=UTC)
    files = unknown = over = 0
    for name, raw in quebec_files(samples):
        batch = FORMAT.parse(raw, mapping, later)
        assert batch.rejects == (), name
        assert all(isinstance(report, LoadReport) for report in batch.reports)
        read = [(r.unit, r.observed_at, r.total, r.occupied) for r in batch.reports]
        assert read == recomputed(raw), name
        files += 1
        unknown += sum(report.total is None for report in batch.reports)
        over += sum("occupied_over_total" in report.inconsistencies for report in batch.reports)
    assert files == 330
    assert unknown > 500  # hospitals without figures still report, all unknown
    assert over > 1000  # more stretchers in use than there are is how things are


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "reports"),
    [
        ("urgence_2024-01-08T12.csv", 115),
        ("urgence_time_2024-01-08T12.csv", 115),
        ("urgence_time_2024-06-01T12.csv", 115),
    ],
)
def test_both_makes_of_quebec_header_are_read_by_one_mapping(
    samples: Path, name: str, reports: int
) -> None:
    raw = (samples / "timeseries" / "quebec-er" / name).read_bytes()
    batch = parsed(FORMAT, raw, quebec_values())
    assert (len(batch.reports), batch.rejects) == (reports, ())
    found_out = parsed(FORMAT, raw, {**quebec_values(), "separator": "auto", "encoding": "auto"})
    assert found_out == batch


@pytest.mark.samples
def test_the_saner_csv_example_is_read(samples: Path) -> None:
    raw = (samples / "fhir-saner" / "csv" / "njSampleData.csv").read_bytes()
    mapping = {
        "timezone": "America/New_York",
        "time_format": "%Y%m%d",
        "columns": {
            "unit": "state",
            "observed_at": "date",
            "total": "numTotBeds",
            "staffed": "numBeds",
            "occupied": "numBedsOcc",
        },
    }
    first = parsed(FORMAT, raw, mapping).reports[0]
    assert (first.unit, first.total, first.staffed, first.occupied) == ("NJ", 20000, 17500, 11500)
    assert first.observed_at == datetime(2020, 4, 4, 4, 0, tzinfo=UTC)
