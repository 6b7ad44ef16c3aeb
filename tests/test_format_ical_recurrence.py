"""iCalendar: recurrences, dates added and left out, overrides; rules as the standard means them."""

from datetime import date, datetime, timedelta
from itertools import product, takewhile

import pytest
from dateutil.rrule import rrulestr

from capacity.reading import FieldError
from feeds.formats.icalendar_rules import Budget, Rule
from tests.support.icalendar import SHIFT, calendar, event, team


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
