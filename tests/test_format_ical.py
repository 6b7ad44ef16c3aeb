"""iCalendar: shifts and closures as of now, of the right unit, and nobody's name."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from capacity.model import Batch, ReportType
from capacity.opening import danish_holidays
from feeds.formats.icalendar import FORMAT
from tests.support.formats import NOW
from tests.support.icalendar import (
    CLOSED,
    CLOSURES,
    NAME,
    NIGHT,
    SHIFT,
    TEAM,
    at,
    calendar,
    event,
    team,
)


@pytest.mark.parametrize(
    ("now", "on_duty", "following"),
    [
        ("2026-11-22T06:59:59Z", False, "2026-11-22T07:00+00:00"),
        ("2026-11-22T07:00:00Z", True, None),
        ("2026-11-22T14:59:59Z", True, None),
        ("2026-11-22T15:00:00Z", False, None),
    ],
)
@pytest.mark.parametrize(
    "times",
    [
        ("DTSTART:20261122T070000Z", "DTEND:20261122T150000Z"),
        ("DTSTART;TZID=Europe/Copenhagen:20261122T080000", "DURATION:PT8H"),
        ("DTSTART:20261122T080000", "DURATION:P0DT7H59M60S"),
        ("DTSTART;TZID=Romance Standard Time:20261122T080000", "DTEND:20261122T150000Z"),
        ('DTSTART;X="a:b;c";TZID=/x/20250101/Europe/Copenhagen:20261122T080000', "DURATION:PT8H"),
        ("DTSTART;TZID=Europe/Helsinki:20261122T090000", "DTEND:20261122T160000"),
    ],
)
def test_a_team_is_on_duty_while_its_shift_runs(
    times: tuple[str, str], now: str, on_duty: bool, following: str | None
) -> None:
    assert team(calendar(event(*times)), now) == (on_duty, following)


def test_a_day_is_a_danish_day() -> None:
    raw = calendar(event("DTSTART;VALUE=DATE:20260704"))
    assert team(raw, "2026-07-03T21:59:59Z") == (False, "2026-07-03T22:00+00:00")
    assert team(raw, "2026-07-03T22:00:00Z") == (True, None)
    assert team(raw, "2026-07-04T22:00:00Z") == (False, None)
    two = calendar(event("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260706"))
    assert team(two, "2026-07-05T12:00:00Z") == (True, None)
    assert team(raw, "2026-07-03T22:30:00Z", {**TEAM, "timezone": "UTC"})[0] is False


def test_a_night_shift_ends_by_the_clock_on_the_nights_of_summer_time() -> None:
    raw = calendar(event(*NIGHT, "RRULE:FREQ=DAILY"))
    assert team(raw, "2026-03-29T04:59:59Z")[0] is True  # 06:59:59, after seven hours
    assert team(raw, "2026-03-29T05:00:00Z") == (False, "2026-03-29T21:00+00:00")
    assert team(raw, "2026-10-25T05:59:59Z")[0] is True  # 06:59:59, after nine hours
    assert team(raw, "2026-10-25T06:00:00Z") == (False, "2026-10-25T22:00+00:00")


def test_the_missing_and_the_double_hour() -> None:
    missing = calendar(event("DTSTART:20260329T023000", "DURATION:PT15M"))
    assert team(missing, "2026-03-29T00:00:00Z") == (False, "2026-03-29T01:30+00:00")
    double = calendar(event("DTSTART:20261025T023000", "DURATION:PT15M"))
    assert team(double, "2026-10-25T00:00:00Z") == (False, "2026-10-25T00:30+00:00")


def test_events_that_do_not_take_place() -> None:
    for status in ("CANCELLED", "tentative"):
        raw = calendar(event("DTSTART:20261122T070000Z", "DURATION:PT8H", f"STATUS:{status}"))
        assert team(raw, NOW) == (False, None)


def test_the_latest_version_of_an_event_counts() -> None:
    old = event("SEQUENCE:1", "DTSTART:20261122T070000Z", "DURATION:PT8H")
    new = event("SEQUENCE:2", "DTSTART:20261122T180000Z", "DURATION:PT8H")
    assert team(calendar(new, old), NOW) == (False, "2026-11-22T18:00+00:00")
    assert team(calendar(old, new), NOW) == (False, "2026-11-22T18:00+00:00")
    without = old.replace("UID:1\r\n", "").replace("SEQUENCE:1", "SEQUENCE:x")
    assert team(calendar(new, without, without), NOW) == (True, None)


def test_shifts_that_meet_are_one() -> None:
    first = event("DTSTART:20261122T070000Z", "DTEND:20261122T150000Z")
    second = event("DTSTART:20261122T150000Z", "DTEND:20261122T230000Z", uid="2")
    inside = event("DTSTART:20261122T080000Z", "DTEND:20261122T090000Z", uid="3")
    empty = event("DTSTART:20261123T080000Z", uid="4")
    raw = calendar(second, first, inside, empty)
    assert team(raw, "2026-11-22T15:00:00Z") == (True, None)
    assert team(raw, "2026-11-22T06:00:00Z") == (False, "2026-11-22T07:00+00:00")
    assert team(raw, "2026-11-22T23:00:00Z") == (False, None)


def test_closures_close_with_a_reason_that_names_nobody() -> None:
    follow_up = event("DTSTART:20261122T150000Z", "DTEND:20261122T160000Z", uid="2")
    (report,) = at(calendar(CLOSED, follow_up), NOW, CLOSURES).reports
    assert report.type is ReportType.PLACE
    assert report.closure is not None
    assert report.closure.reason == "Lukket ifølge kalenderen"
    assert report.closure.reopens_at == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert not report.closure.reopens_itself
    assert NAME not in repr(report)
    wanted = {**CLOSURES, "reason_from_summary": True, "reopens_itself": True}
    (report,) = at(calendar(CLOSED), NOW, wanted).reports
    assert report.closure is not None
    assert report.closure.reason == f"Møde, {NAME} og rengøring"
    assert report.closure.reopens_itself


@pytest.mark.parametrize(
    ("report_type", "open_otherwise", "on_duty"),
    [("team", True, True), ("advice", True, True), ("advice", False, None), ("place", True, None)],
)
def test_a_unit_that_is_not_closed(
    report_type: str, open_otherwise: bool, on_duty: bool | None
) -> None:
    mapping = {**CLOSURES, "types": {"U": report_type}, "open_otherwise": open_otherwise}
    for raw in (calendar(), calendar(CLOSED)):
        (report,) = at(raw, "2026-11-22T16:00:00Z", mapping).reports
        assert report.closure is None
        assert getattr(report, "on_duty", None) is on_duty
        assert report.free is None


def test_an_empty_calendar_of_shifts_says_nothing() -> None:
    assert at(calendar(), NOW) == Batch()


def test_an_advice_line_is_on_duty_and_has_no_next_time() -> None:
    mapping = {**TEAM, "types": {"TEAM": "advice"}}
    (report,) = at(calendar(CLOSED), "2026-11-22T06:00:00Z", mapping).reports
    assert report.type is ReportType.ADVICE
    assert getattr(report, "on_duty") is False  # noqa: B009 - which only two types have


def test_units_by_category_and_location() -> None:
    first = event(
        "DTSTART:20261122T070000Z", "DURATION:PT8H", "CATEGORIES:A\\,B,C", "LOCATION:X, y"
    )
    second = event("DTSTART:20261122T180000Z", "DURATION:PT8H", "CATEGORIES:C", uid="2")
    batch = FORMAT.parse(calendar(first, second), None, NOW)
    on_duty = {report.unit: getattr(report, "on_duty", None) for report in batch.reports}
    assert on_duty == {"A,B": True, "C": True}
    batch = at(calendar(first, second), NOW, {"unit_from": "location"})
    assert [report.unit for report in batch.reports] == ["X, y"]
    assert [(r.where, r.field) for r in batch.rejects] == [("event 2", "LOCATION")]
    # An event of nobody knows whose could be anybody's.
    later = datetime(2026, 11, 22, 16, tzinfo=UTC)
    (report,) = at(calendar(first, second), later, {"unit_from": "location"}).reports
    assert getattr(report, "on_duty", True) is None


def test_public_holidays() -> None:
    assert date(2026, 12, 25) in danish_holidays(2026)
    assert date(2026, 5, 1) not in danish_holidays(2026)
    assert date(2023, 5, 5) in danish_holidays(2023)  # the last store bededag
    assert date(2024, 4, 26) not in danish_holidays(2024)
    off = {**TEAM, "public_holidays": "off"}
    daily = calendar(event(*SHIFT, "RRULE:FREQ=DAILY"))
    assert team(daily, "2026-12-25T12:00:00Z") == (True, None)
    assert team(daily, "2026-12-25T12:00:00Z", off) == (False, "2026-12-27T07:00+00:00")
    single = calendar(event("DTSTART:20261225T070000Z", "DURATION:PT8H"))
    assert team(single, "2026-12-25T12:00:00Z", off) == (True, None)
    (report,) = at(
        calendar(), "2026-12-25T12:00:00Z", {**CLOSURES, "public_holidays": "off"}
    ).reports
    assert report.closure is not None
    assert report.closure.reopens_at == datetime(2026, 12, 26, 23, tzinfo=UTC)


@pytest.mark.samples
def test_the_published_holidays(samples: Path) -> None:
    raw = (samples / "ical/danish-holidays/autogen-DenmarkHolidays.ics").read_bytes()
    by_category: dict[str, Any] = {"unit_from": "categories"}
    assert team(raw, "2025-04-17T10:00:00Z", by_category) == (True, None)
    assert team(raw, "2025-04-16T10:00:00Z", by_category) == (False, "2025-04-16T22:00+00:00")
    closed = {**CLOSURES, "types": {"U": "advice"}, "reopens_itself": True}
    (report,) = at(raw, "2025-04-17T10:00:00Z", closed).reports
    assert report.closure is not None
    assert report.closure.reopens_at == datetime(2025, 4, 18, 22, tzinfo=UTC)
    assert "Langfredag" not in repr(report)
