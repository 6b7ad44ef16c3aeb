"""Times in CSV: local clocks, the two nights that go wrong, offsets, and dates in two columns."""

from datetime import UTC, datetime
from typing import Any

import pytest

from capacity.model import Closure
from tests.support.csv_files import read
from tests.support.formats import faults


def at(text: str, **mapping: object) -> datetime | tuple[str, str]:
    """When a row with this time was observed, or where the fault lies."""
    batch = read(f"unit;observed_at\na;{text}\n", {"timezone": "Europe/Copenhagen", **mapping})
    return batch.reports[0].observed_at if batch.reports else faults(batch)[0]


FAULT = ("line 2", "observed_at")


@pytest.mark.parametrize(
    ("text", "time_format", "repeated", "instant"),
    [
        ("2026-10-25T02:30", "iso", "first", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T2:30", "iso", "second", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30", "iso", "refuse", FAULT),
        ("2026-10-25T02:30+01:00", "iso", "refuse", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("25.10.26 2.30", "%d.%m.%y %H.%M", "first", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("25.10.26 2.30", "%d.%m.%y %H.%M", "second", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("25.10.26 2.30", "%d.%m.%y %H.%M", "refuse", FAULT),
        ("2026-03-29T02:30", "iso", "first", FAULT),
        ("29.03.26 02.30", "%d.%m.%y %H.%M", "second", FAULT),
        ("2026-03-29T03:00", "iso", "refuse", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-07-01T12:00+01:00", "iso", "first", FAULT),
        ("01-07-2026 12:00 +0100", "%d-%m-%Y %H:%M %z", "first", FAULT),
        ("01-07-2026 12:00 +0200", "%d-%m-%Y %H:%M %z", "first",
         datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("2026-07-01", "iso", "first", FAULT),
        ("20260701", "%Y%m%d", "first", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        ("07-01-2026 12:00", "%d.%m.%Y %H:%M", "first", FAULT),
        ("2026-07-01T12:00:00.3855935", "iso", "first",
         datetime(2026, 7, 1, 10, 0, 0, 385000, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_local_times_and_the_two_nights_that_go_wrong(
    text: str, time_format: str, repeated: str, instant: object
) -> None:
    assert at(text, time_format=time_format, repeated=repeated) == instant


def test_without_a_zone_times_need_their_offset() -> None:
    assert at("2026-07-01T12:00", timezone=None) == FAULT
    assert at("2026-07-01T12:00Z", timezone=None) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert at("01-07-2026 12:00", timezone=None, time_format="%d-%m-%Y %H:%M") == FAULT


def test_date_and_time_in_two_columns() -> None:
    mapping: dict[str, Any] = {
        "timezone": "Europe/Copenhagen",
        "columns": {"unit": "id", "observed_date": "dato", "observed_time": "kl"},
    }
    head = "id;dato;kl\n"
    expected = datetime(2026, 7, 1, 10, 5, tzinfo=UTC)
    assert read(f"{head}a;2026-07-01;12:05\n", mapping).reports[0].observed_at == expected
    mapping["time_format"] = "%d/%m-%Y %H.%M"
    assert read(f"{head}a;1/7-2026;12.05\n", mapping).reports[0].observed_at == expected
    assert faults(read(f"{head}a;;12.05\nb;1/7-2026;-\n", mapping)) == [
        ("line 2", "observed_at"),
        ("line 3", "observed_at"),
    ]


def test_other_instants_follow_the_same_format() -> None:
    text = "unit;type;observed_at;next_free_at;closure_reason;reopens_at\n"
    row = "a;slot;22-11-2026 11:00;23-11-2026 09:00;ferie;24-11-2026 08:00\n"
    mapping = {"timezone": "Europe/Copenhagen", "time_format": "%d-%m-%Y %H:%M"}
    report = read(text + row, mapping).reports[0]
    assert getattr(report, "next_free_at", None) == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert report.closure == Closure("ferie", datetime(2026, 11, 24, 7, tzinfo=UTC))
    assert faults(read(text + row.replace("24-11", "24-13"), mapping)) == [("line 2", "reopens_at")]
