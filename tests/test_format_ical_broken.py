"""iCalendar: what cannot be read is never guessed, and no calendar asks for endless work."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.model import UnreadableError
from feeds.formats.icalendar import FORMAT
from feeds.formats.icalendar_lines import MAX_EVENTS
from feeds.formats.icalendar_rules import MAX_RULE_DAYS
from tests.support.formats import CPR, NOW, mangled, reads_or_refuses
from tests.support.icalendar import CLOSED, CLOSURES, NAME, SHIFT, at, calendar, event, team


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
