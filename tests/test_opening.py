"""Opening hours on nights, holidays and the nights when clocks change; and when they change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.instants import COPENHAGEN
from capacity.opening import Hours, Opening, danish_holidays

WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
DAY = Opening(WEEKDAYS, time(8), time(15))
NIGHT = Opening(EVERY_DAY, time(22), time(6))
EARLY = Opening(EVERY_DAY, time(2, 30), time(5))


def local(text: str) -> datetime:
    """An instant by Danish clocks; "2026-10-25 02:30+01:00" says which of the two."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=COPENHAGEN)).astimezone(UTC)


def test_the_law_says_which_days_are_holidays() -> None:
    assert {date(2026, 4, 2), date(2026, 4, 6), date(2026, 12, 25)} <= danish_holidays(2026)
    assert date(2026, 12, 24) not in danish_holidays(2026)
    assert date(2026, 6, 5) not in danish_holidays(2026)


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        # Maundy Thursday 2 April 2026, with the Wednesday before and the Tuesday after Easter
        (Hours((DAY,)), "2026-04-02 10:00", True),
        (Hours((DAY,), holiday=()), "2026-04-02 10:00", False),
        (Hours((DAY,), holiday=()), "2026-04-01 10:00", True),
        (Hours((DAY,), holiday=()), "2026-04-07 10:00", True),
        (Hours(None, holiday=()), "2026-04-02 10:00", False),
        (Hours(None, holiday=()), "2026-04-01 23:59", True),
        # shorter hours on holidays, on Sundays too when they are one
        (Hours((DAY,), (Opening(EVERY_DAY, time(10), time(12)),)), "2026-04-02 09:00", False),
        (Hours((DAY,), (Opening(EVERY_DAY, time(10), time(12)),)), "2026-04-05 11:00", True),
        # the night before a holiday runs to its end; the holiday's own night does not begin
        (Hours((NIGHT,), holiday=()), "2026-04-02 05:59", True),
        (Hours((NIGHT,), holiday=()), "2026-04-02 23:00", False),
        (Hours((NIGHT,), holiday=()), "2026-04-07 05:00", False),
        # 24 December is a holiday for those who say so
        (Hours((DAY,), holiday=()), "2026-12-24 10:00", True),
        (Hours((DAY,), (), frozenset({(12, 24)})), "2026-12-24 10:00", False),
        (Hours((DAY,), (), frozenset({(12, 24)})), "2026-12-23 10:00", True),
    ],
)
def test_holidays(hours: Hours, at: str, is_open: bool) -> None:
    assert hours.is_open(local(at)) is is_open


@pytest.mark.parametrize(
    ("hours", "at", "then"),
    [
        (Hours(), "2026-11-23 10:00", None),
        (Hours((DAY,)), "2026-11-23 07:59", "2026-11-23 08:00"),
        (Hours((DAY,)), "2026-11-23 08:00", "2026-11-23 15:00"),
        (Hours((DAY,)), "2026-11-27 15:00", "2026-11-30 08:00"),  # over the weekend
        (Hours((DAY,), holiday=()), "2026-04-01 15:00", "2026-04-07 08:00"),  # over Easter
        (Hours((NIGHT,)), "2026-11-23 23:00", "2026-11-24 06:00"),
        # the night when summer time begins has seven hours, the one when it ends has nine
        (Hours((NIGHT,)), "2026-03-28 22:00", "2026-03-29 06:00"),
        (Hours((NIGHT,)), "2026-10-24 22:00", "2026-10-25 06:00"),
        # both hours of 2.30 are covered when hours begin at 2.30; it closes when it first says 3
        (
            Hours((EARLY,)),
            "2026-10-25 02:59+02:00",
            "2026-10-25 02:00+01:00",
        ),
        # hours that begin in the hour that March skips begin when clocks jump
        (Hours((EARLY,)), "2026-03-29 01:00", "2026-03-29 03:00"),
        # hours without a break never change
        (Hours((Opening(EVERY_DAY, time(0), time(0)),)), "2026-11-23 10:00", None),
        (Hours(()), "2026-11-23 10:00", None),
    ],
)  # fmt: skip
def test_when_hours_change_next(hours: Hours, at: str, then: str | None) -> None:
    assert hours.next_change(local(at)) == (local(then) if then else None)


def test_the_next_opening_is_now_when_it_is_open() -> None:
    hours = Hours((DAY,))
    assert hours.next_opening(local("2026-11-23 10:00")) == local("2026-11-23 10:00")
    assert hours.next_opening(local("2026-11-23 16:00")) == local("2026-11-24 08:00")
    assert Hours(()).next_opening(local("2026-11-23 16:00")) is None


OPENINGS = st.builds(
    Opening,
    st.frozensets(st.integers(0, 6)),
    st.sampled_from([time(0), time(2), time(2, 30), time(8), time(23, 30)]),
    st.sampled_from([time(0), time(2), time(2, 30), time(3), time(15)]),
)
SOME = st.lists(OPENINGS, max_size=2).map(tuple)
HOURS = st.builds(
    Hours,
    st.none() | SOME,
    st.none() | SOME,
    st.frozensets(st.sampled_from([(12, 24), (3, 29), (10, 25)])),
)
AROUND = st.sampled_from(
    [local(f"{day} 00:00") for day in ("2026-03-28", "2026-04-01", "2026-10-24", "2026-12-23")]
)


@settings(deadline=None, max_examples=150)
@given(hours=HOURS, start=AROUND, minutes=st.integers(0, 3 * 1440))
def test_nothing_changes_before_the_next_change_and_something_at_it(
    hours: Hours, start: datetime, minutes: int
) -> None:
    now = start + timedelta(minutes=minutes)
    before, then = hours.is_open(now), hours.next_change(now)
    end = now + timedelta(days=3) if then is None else min(then, now + timedelta(days=3))
    moment = now
    while moment < end:
        assert hours.is_open(moment) is before
        moment += timedelta(minutes=15)
    if then is not None:
        assert then > now
        assert hours.is_open(then) is not before
        assert hours.is_open(then - timedelta(milliseconds=1)) is before


@settings(deadline=None)
@given(
    days=st.frozensets(st.integers(0, 6)),
    opens=st.times(),
    closes=st.times(),
    at=st.datetimes(min_value=datetime(2026, 1, 8), max_value=datetime(2026, 2, 1)),  # noqa: DTZ001 wall clock
)
def test_hours_cover_what_a_list_of_intervals_covers(
    days: frozenset[int], opens: time, closes: time, at: datetime
) -> None:
    covered = False
    for back in range(2):
        day = at.date() - timedelta(days=back)
        begin = datetime.combine(day, opens)
        end = datetime.combine(day + timedelta(days=closes <= opens), closes)
        covered |= day.weekday() in days and begin <= at < end
    assert Hours((Opening(days, opens, closes),)).covers(at) is covered


def test_the_shipped_hours_know_christmas() -> None:
    units = builtin_catalogue().units
    assert not units["rhr-geriatri-raad"].is_open(local("2026-12-24 10:00"))
    assert units["laegevagt-randers"].is_open(local("2026-12-24 10:00"))
    assert units["laegevagt-randers"].is_open(local("2026-12-25 10:00"))
    assert not units["laegevagt-randers"].is_open(local("2026-12-23 10:00"))
