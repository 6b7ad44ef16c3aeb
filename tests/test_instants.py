"""Instants: every way that sources write them, and the two nights a year that go wrong."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.instants import (
    COPENHAGEN,
    BadInstantError,
    epoch_millis,
    format_instant,
    from_epoch_millis,
    localize,
    parse_instant,
    place,
    to_millis,
    utc_now,
    zone,
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def naive(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T08:15:00Z", utc(2026, 3, 2, 8, 15)),
        ("2026-03-02 08:15z", utc(2026, 3, 2, 8, 15)),
        (" 2026-03-02T8:15:00+01:00 ", utc(2026, 3, 2, 7, 15)),
        ("2026-03-02T08:15:00 +0100", utc(2026, 3, 2, 7, 15)),
        ("2020-04-08T10:44:04.3855935-05:00", utc(2020, 4, 8, 15, 44, 4, 385000)),
        ("2026-03-02T08:15:00,999999999Z", utc(2026, 3, 2, 8, 15, 0, 999000)),
        ("2026-03-02T08:15:00.1Z", utc(2026, 3, 2, 8, 15, 0, 100000)),
        ("2026-03-02T23:59:59-00:00", utc(2026, 3, 2, 23, 59, 59)),
    ],
)
def test_an_instant_with_offset_is_read_exactly(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an ISO"),
        ("2026-03-02", "not an ISO"),
        ("02-03-2026 08:15", "not an ISO"),
        ("2026-03-02T08:15:00.1234567890Z", "not an ISO"),
        ("２０２６-03-02T08:15Z", "not an ISO"),
        ("2026-03-02T08:15", "no offset"),
        ("2026-02-30T08:15Z", "no such date"),
        ("2026-03-02T24:00Z", "no such date"),
        ("2026-03-02T08:60Z", "no such date"),
        ("2026-03-02T08:15:61Z", "no such date"),
        ("2026-03-02T08:15+25:00", "no such date"),
        ("0000-03-02T08:15Z", "no such date"),
        ("0001-01-01T00:00+01:00", "outside the years"),
        ("9999-12-31T23:59-01:00", "outside the years"),
    ],
)
def test_what_names_no_instant_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadInstantError, match=reason):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-08T0:45", utc(2024, 1, 7, 23, 45)),
        ("2026-07-01T12:00", utc(2026, 7, 1, 10, 0)),
        ("2026-07-01T12:00+02:00", utc(2026, 7, 1, 10, 0)),
        ("2026-07-01T12:00Z", utc(2026, 7, 1, 12, 0)),
        ("2026-07-01T12:00+00:00", utc(2026, 7, 1, 12, 0)),
    ],
)
def test_a_local_time_is_placed_in_the_sources_zone(text: str, instant: datetime) -> None:
    assert parse_instant(text, COPENHAGEN) == instant


@pytest.mark.parametrize(
    "text",
    ["2026-07-01T12:00+01:00", "2026-01-01T12:00+02:00", "9999-12-31T18:30-05:00"],
)
def test_an_offset_that_the_zone_does_not_have_then_is_refused(text: str) -> None:
    with pytest.raises(BadInstantError, match=r"contradicts|outside the years"):
        parse_instant(text, COPENHAGEN)


def test_the_hour_that_occurs_twice_in_october() -> None:
    night = "2026-10-25T02:30"
    assert parse_instant(night, COPENHAGEN, "first") == utc(2026, 10, 25, 0, 30)
    assert parse_instant(night, COPENHAGEN, "second") == utc(2026, 10, 25, 1, 30)
    with pytest.raises(BadInstantError, match="occurs twice in Europe/Copenhagen"):
        parse_instant(night, COPENHAGEN, "refuse")
    assert parse_instant(f"{night}+02:00", COPENHAGEN, "refuse") == utc(2026, 10, 25, 0, 30)
    assert parse_instant(f"{night}+01:00", COPENHAGEN, "refuse") == utc(2026, 10, 25, 1, 30)


@pytest.mark.parametrize("repeated", ["first", "second", "refuse"])
def test_the_hour_that_is_missing_in_march(repeated: str) -> None:
    with pytest.raises(BadInstantError, match="does not exist"):
        parse_instant("2026-03-29T02:30", COPENHAGEN, repeated)  # type: ignore[arg-type]
    assert parse_instant("2026-03-29T01:59", COPENHAGEN, "refuse") == utc(2026, 3, 29, 0, 59)
    assert parse_instant("2026-03-29T03:00", COPENHAGEN, "refuse") == utc(2026, 3, 29, 1, 0)


@given(st.datetimes(naive(1990), naive(2060)), st.sampled_from(["first", "second"]))
def test_every_instant_survives_its_local_time(instant: datetime, repeated: str) -> None:
    """Whatever local time an instant has, one of the two readings brings it back."""
    aware = to_millis(instant.replace(tzinfo=UTC))
    local = aware.astimezone(COPENHAGEN)
    wall = local.replace(tzinfo=None, fold=0)
    read = localize(wall, COPENHAGEN, "second" if local.fold else "first")
    assert read == aware
    other = localize(wall, COPENHAGEN, repeated)  # type: ignore[arg-type]
    assert other - aware in (timedelta(), timedelta(hours=1), -timedelta(hours=1))


def test_localizing_at_the_ends_of_time_is_refused() -> None:
    with pytest.raises(BadInstantError, match="outside the years"):
        localize(naive(1), ZoneInfo("Asia/Tokyo"))


def test_placing_a_parsed_stamp() -> None:
    assert place(naive(2026, 7, 1, 12), COPENHAGEN) == utc(2026, 7, 1, 10)
    eastern = timezone(timedelta(hours=-5))
    assert place(datetime(2026, 7, 1, 12, tzinfo=eastern), None) == utc(2026, 7, 1, 17)


@given(st.datetimes(naive(1900), naive(2200), timezones=st.timezones()))
def test_cutting_to_millis_never_moves_forward(instant: datetime) -> None:
    cut = to_millis(instant)
    assert timedelta() <= instant - cut < timedelta(milliseconds=1)
    assert from_epoch_millis(epoch_millis(cut)) == cut
    written = format_instant(cut)
    assert written is not None
    assert parse_instant(written) == cut


def test_writing_instants() -> None:
    assert format_instant(None) is None
    assert format_instant(utc(2026, 3, 2, 8, 15)) == "2026-03-02T08:15:00Z"
    assert format_instant(utc(2026, 3, 2, 8, 15, 0, 5000)) == "2026-03-02T08:15:00.005Z"


def test_the_wall_clock_is_utc_in_whole_milliseconds() -> None:
    now = utc_now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert now.date() >= date(2026, 1, 1)


@pytest.mark.parametrize("name", ["Nowhere/Town", "", "../etc/passwd", "a" * 5000])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(BadInstantError, match="no time zone"):
        zone(name)
