"""iCalendar: shifts and closures as of now, recurrences and overrides, and nobody's name."""

from datetime import UTC, date, datetime, timedelta
from itertools import product, takewhile
from pathlib import Path
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.model import Batch, ReportType, TeamReport, UnreadableError
from capacity.opening import danish_holidays
from capacity.reading import FieldError
from feeds.formats.icalendar import FORMAT
from feeds.formats.icalendar_lines import MAX_EVENTS
from feeds.formats.icalendar_rules import MAX_RULE_DAYS, Budget, Rule
from tests.support.formats import CPR, NOW, mangled, reads_or_refuses

TEAM = {"unit": "TEAM"}
NAME = "OPDIGTET"
NIGHT = (
    "DTSTART;TZID=Europe/Copenhagen:20260105T230000",
    "DTEND;TZID=Europe/Copenhagen:20260106T070000",
)


def event(*lines: str, uid: str = "1") -> str:
    inner = "".join(f"{line}\r\n" for line in (f"UID:{uid}", *lines))
    return f"BEGIN:VEVENT\r\n{inner}END:VEVENT\r\n"


def calendar(*events: str, head: str = "") -> bytes:
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{''.join(events)}END:VCALENDAR\r\n"
    return text.encode()


def at(raw: bytes, now: str | datetime, mapping: dict[str, Any] | None = None) -> Batch:
    instant = datetime.fromisoformat(now) if isinstance(now, str) else now
    return FORMAT.parse(raw, FORMAT.read_mapping(mapping or TEAM), instant.astimezone(UTC))


def team(
    raw: bytes, now: str | datetime, mapping: dict[str, Any] | None = None
) -> tuple[bool | None, str | None]:
    """On duty and the next shift of the only unit."""
    batch = at(raw, now, mapping)
    assert batch.rejects == ()
    (report,) = batch.reports
    assert isinstance(report, TeamReport)
    following = report.next_free_at
    stated = following.isoformat(timespec="minutes") if following else None
    return report.on_duty, stated


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


SHIFT = ("DTSTART;TZID=Europe/Copenhagen:20260105T080000", "DURATION:PT8H")


@pytest.mark.parametrize(
    ("rule", "now", "following"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE", "2026-11-22T12:00:00Z", "2026-11-23T07:00+00:00"),
        ("FREQ=WEEKLY", "2026-11-23T16:00:00Z", "2026-11-30T07:00+00:00"),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-11-22T12:00:00Z", "2026-11-23T07:00+00:00"),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-11-24T12:00:00Z", "2026-12-07T07:00+00:00"),
        ("FREQ=DAILY;UNTIL=20260106", "2026-01-05T16:00:00Z", "2026-01-06T07:00+00:00"),
        ("FREQ=DAILY;UNTIL=20260106", "2026-01-06T16:00:00Z", None),
        ("FREQ=DAILY;UNTIL=20260107T070000Z", "2026-01-06T16:00:00Z", "2026-01-07T07:00+00:00"),
        ("FREQ=DAILY;UNTIL=20260107T065959Z", "2026-01-06T16:00:00Z", None),
        ("FREQ=DAILY;UNTIL=20260107T075959", "2026-01-06T16:00:00Z", None),
        ("FREQ=DAILY;COUNT=2", "2026-01-05T16:00:00Z", "2026-01-06T07:00+00:00"),
        ("FREQ=DAILY;COUNT=2", "2026-01-06T16:00:00Z", None),
        ("FREQ=MONTHLY;BYDAY=-1FR;", "2026-11-22T12:00:00Z", "2026-11-27T07:00+00:00"),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", "2026-11-22T12:00:00Z", "2026-12-24T07:00+00:00"),
        ("FREQ=YEARLY", "2026-02-01T12:00:00Z", None),  # beyond the horizon
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-11-22T12:00:00Z", None),
    ],
)
def test_recurrences(rule: str, now: str, following: str | None) -> None:
    assert team(calendar(event(*SHIFT, f"RRULE:{rule}")), now) == (False, following)


def test_dates_are_added_and_left_out() -> None:
    raw = calendar(
        event(
            *SHIFT,
            "RRULE:FREQ=DAILY",
            "EXDATE;TZID=Europe/Copenhagen:20261122T080000,20261123T080000",
            "EXDATE:20261124T070000Z",
            "RDATE:20261123T180000Z",
        )
    )
    assert team(raw, "2026-11-22T12:00:00Z") == (False, "2026-11-23T18:00+00:00")
    assert team(raw, "2026-11-24T03:00:00Z") == (False, "2026-11-25T07:00+00:00")


def test_overrides_move_and_cancel_single_occurrences() -> None:
    moved = event(
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20261122T080000",
        "DTSTART;TZID=Europe/Copenhagen:20261122T180000",
        "DURATION:PT1H",
    )
    cancelled = event("RECURRENCE-ID:20261123T070000Z", "STATUS:CANCELLED", *SHIFT)
    raw = calendar(event(*SHIFT, "RRULE:FREQ=DAILY"), moved, cancelled)
    assert team(raw, "2026-11-22T12:00:00Z") == (False, "2026-11-22T17:00+00:00")
    assert team(raw, "2026-11-22T17:30:00Z") == (True, None)
    assert team(raw, "2026-11-22T18:00:00Z") == (False, "2026-11-24T07:00+00:00")


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


CLOSED = event(
    "DTSTART:20261122T070000Z", "DTEND:20261122T150000Z", f"SUMMARY:Møde\\, {NAME}\\nog rengøring"
)
CLOSURES = {"unit": "U", "meaning": "closures", "types": {"U": "place"}}


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


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        (("DURATION:PT8H",), "DTSTART"),
        (("DTSTART:i dag",), "DTSTART"),
        (("DTSTART:20260230T070000Z",), "DTSTART"),
        (("DTSTART:20260230",), "DTSTART"),
        (("DTSTART;TZID=Customized Time Zone:20261122T070000",), "DTSTART"),
        (("DTSTART:19691231T070000Z",), "DTSTART"),
        (("DTSTART:00010101T000000",), "DTSTART"),
        (("DTSTART:99991231T235959", "DURATION:P2D"), "DTEND"),
        (("DTSTART;TZID=America/New_York:99991231T235959",), "DTSTART"),
        (("DTSTART:20261122T070000Z", "DTEND:20261122T060000Z"), "DTEND"),
        (("DTSTART:20261122T070000Z", "DTEND;VALUE=DATE:20261123"), "DTEND"),
        (("DTSTART:20261122T070000Z", "DTEND:20291122T060000Z"), "DTEND"),
        (("DTSTART:20261122T070000Z", "DURATION:8 timer"), "DURATION"),
        (("DTSTART:20261122T070000Z", "DURATION:PT"), "DURATION"),
        (("DTSTART:20261122T070000Z", "DURATION:-PT1H"), "DTEND"),
        ((*SHIFT, "RRULE:FREQ=DAILY;UNTIL=20260106", "RDATE:9999"), "RDATE"),
        ((*SHIFT, "RRULE:FREQ=HOURLY"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=DAILY;INTERVAL=0"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=DAILY;FREQ=DAILY"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=DAILY;BYEASTER=0"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=DAILY;BYDAY=1MO"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=WEEKLY;BYMONTHDAY=1"), "RRULE"),
        ((*SHIFT, "RRULE:INTERVAL=2"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=DAILY;UNTIL=20261332"), "RRULE"),
        ((*SHIFT, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), "RRULE"),
        ((*SHIFT, "RDATE;VALUE=PERIOD:20261122T070000Z/PT1H"), "RDATE"),
        ((*SHIFT, f"EXDATE:{','.join(['20261122T070000Z'] * 2001)}"), "EXDATE"),
        ((*SHIFT, "RECURRENCE-ID:x"), "RECURRENCE-ID"),
        ((*SHIFT, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261122T070000Z"), "RECURRENCE-ID"),
        ((*SHIFT, f"SUMMARY:{NAME} {CPR}"), "SUMMARY"),
        ((*SHIFT, f"DESCRIPTION:{CPR[:4]}", f" {CPR[4:]}"), "DESCRIPTION"),
    ],
)
def test_an_event_that_cannot_be_read_leaves_its_unit_uncertain(
    lines: tuple[str, ...], field: str
) -> None:
    good = event("DTSTART:20261122T180000Z", "DURATION:PT1H", uid="good")
    raw = calendar(event(*lines), good)
    batch = at(raw, NOW)
    assert [(reject.where, reject.field) for reject in batch.rejects] == [("event 1", field)]
    assert NAME not in repr(batch)
    assert CPR not in repr(batch)
    (report,) = batch.reports
    assert getattr(report, "on_duty", False) is None
    (report,) = at(raw, "2026-11-22T18:30:00Z").reports
    assert getattr(report, "on_duty", None) is True
    assert at(raw, NOW, CLOSURES).reports == ()
    assert len(at(raw, "2026-11-22T18:30:00Z", CLOSURES).reports) == 1


def test_alarms_time_zones_and_long_lines_are_passed_over() -> None:
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nDTSTART:x\r\nDURATION:PT1M\r\nEND:VALARM"
    standard = "BEGIN:STANDARD\r\nDTSTART:x\r\nEND:STANDARD\r\n"
    zone = f"BEGIN:VTIMEZONE\r\nTZID:x\r\n{standard}END:VTIMEZONE\r\n"
    long_line = f"DESCRIPTION:{'x' * 30_000}"
    raw = calendar(event(*SHIFT, alarm, long_line, "no content line", "A;B:x", "A:1"), head=zone)
    assert team(raw, "2026-01-05T12:00:00Z") == (True, None)
    folded = raw.replace(b"DTSTART;TZID", b"DTSTART;T\r\n ZID").replace(b"\r\n", b"\n")
    assert team(folded, "2026-01-05T12:00:00Z") == (True, None)
    assert team(b"\xef\xbb\xbf" + raw + raw, "2026-01-05T12:00:00Z") == (True, None)
    old = calendar(event(*SHIFT, "CATEGORIES:Æ")).decode().encode("cp1252")
    (report,) = at(old, "2026-01-05T12:00:00Z", {"unit_from": "categories"}).reports
    assert report.unit == "Æ"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\n",
        b"END:VCALENDAR\r\n",
        b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"BEGIN:A\r\n" * 20,
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * (MAX_EVENTS + 1),
    ],
)
def test_what_is_no_whole_calendar_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        at(raw, NOW)


def test_a_calendar_cannot_ask_for_endless_work() -> None:
    endless = "RRULE:FREQ=DAILY;COUNT=99999;BYMONTH=2;BYMONTHDAY=30"
    old = ("DTSTART:19700101T080000", "DURATION:PT8H")
    number = MAX_RULE_DAYS // 20_000 + 2
    raw = calendar(*(event(*old, endless, uid=str(n)) for n in range(number)))
    batch = at(raw, NOW)
    assert batch.rejects
    assert {reject.field for reject in batch.rejects} == {"RRULE"}
    cheap = calendar(*(event(*old, "RRULE:FREQ=DAILY", uid=str(n)) for n in range(200)))
    assert team(cheap, NOW) == (True, None)


BY_DAYS = ("", "BYDAY=MO,TH,SU", "BYDAY=2TU,-1FR")
RULES = [
    ";".join(part for part in parts if part)
    for parts in product(
        ("FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"),
        ("", "INTERVAL=3"),
        BY_DAYS,
        ("", "BYMONTHDAY=1,15,-1", "BYMONTHDAY=31"),
        ("", "BYMONTH=2,11"),
        ("", "BYSETPOS=-1", "BYSETPOS=1,2"),
        ("", "COUNT=7"),
        ("", "WKST=SU"),
    )
]


def reference_fits(rule: str) -> bool:
    """Whether the reference can follow a rule: it refuses some, and never ends on others."""
    weekly, daily = "WEEKLY" in rule, "DAILY" in rule
    if "BYSETPOS" in rule and "BYDAY" not in rule and "BYMONTH" not in rule:
        return False
    if "2TU" in rule and (weekly or daily or "BYMONTHDAY" in rule or "BYSETPOS" in rule):
        return False
    if weekly and "BYMONTHDAY" in rule:
        return False
    rare = "BYMONTHDAY=31" in rule and "BYMONTH=2" in rule
    seldom = "INTERVAL" in rule and "BYMONTH=" in rule
    return not (rare or seldom or (daily and "BYSETPOS" in rule))


@pytest.mark.parametrize("begun", [date(2019, 2, 28), date(2020, 1, 30)])
def test_rules_agree_with_another_reading_of_the_standard(begun: date) -> None:
    first, last = date(2021, 3, 3), date(2023, 4, 5)
    compared = 0
    for rule in filter(reference_fits, RULES):
        start = datetime(begun.year, begun.month, begun.day)  # noqa: DTZ001 - wall-clock time
        until = f"{rule};UNTIL=20230405T000000" if "COUNT" not in rule else rule
        days = (each.date() for each in rrulestr(until, dtstart=start))
        expected = [day for day in takewhile(lambda d: d <= last, days) if day >= first]
        assert list(Rule(rule, begun).days(first, last, Budget())) == expected, rule
        early = list(Rule(rule, begun).days(begun, begun + timedelta(days=400), Budget()))
        assert early == [day for day in early if day >= begun]
        compared += 1
    assert compared > 150


def test_rules_that_name_a_day_past_every_end_are_refused() -> None:
    with pytest.raises(FieldError):
        Rule("FREQ=YEARLY;BYMONTH=13", date(2026, 1, 1))
    days = Rule("FREQ=YEARLY;BYDAY=-1MO", date(2026, 1, 1)).days
    assert list(days(date(2028, 1, 1), date(2028, 12, 31), Budget())) == [date(2028, 12, 25)]


LINES = st.sampled_from(
    [
        "DTSTART:20261122T080000", "DTSTART;VALUE=DATE:20261122", "DTEND:20261123T000000Z",
        "DURATION:P1W", "RRULE:FREQ=DAILY", "RRULE:FREQ=YEARLY;COUNT=9", "EXDATE:20261122",
        "RRULE:FREQ=MONTHLY;BYDAY=5MO;UNTIL=99991231", "STATUS:CANCELLED", "SEQUENCE:9",
        "RECURRENCE-ID:20261122T080000", "CATEGORIES:A,B", "DTSTART:99991231T235959Z",
        "DTSTART;TZID=Pacific/Kiritimati:19700101T000000", "BEGIN:VALARM", "END:VALARM",
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(
    st.one_of(
        mangled(calendar(event(*SHIFT, "RRULE:FREQ=WEEKLY;BYDAY=MO", "CATEGORIES:A"), CLOSED)),
        st.lists(st.lists(LINES, max_size=6), max_size=3).map(
            lambda events: calendar(*(event(*lines) for lines in events))
        ),
        st.binary(max_size=200),
    )
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {**CLOSURES, "public_holidays": "off"})


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
