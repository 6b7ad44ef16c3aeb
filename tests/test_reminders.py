"""When a unit's owner is reminded: once a figure, never at night, at most so often a day."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.instants import COPENHAGEN
from capacity.reminders import (
    WORTH_IT,
    Channel,
    Figure,
    Quiet,
    Reminding,
    Sent,
    reminder_at,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NIGHT = Quiet(time(22), time(6))


def at(text: str) -> datetime:
    """An instant from Danish wall-clock time; +01:00 or +02:00 may be appended."""
    given = datetime.fromisoformat(text)
    return (given if given.tzinfo else given.replace(tzinfo=COPENHAGEN)).astimezone(UTC)


def reminding(quiet: Quiet | None = None, before: timedelta = 15 * MINUTE, at_most: int = 4):
    return Reminding((Channel.PUSH,), before, at_most, quiet)


def figure(observed: datetime, ageing: timedelta = 2 * HOUR, stale: timedelta = 4 * HOUR):
    return Figure(observed, observed + ageing, observed + stale)


NOON = at("2026-11-24T12:00")
FIGURE = figure(NOON)


def test_the_owner_is_reminded_before_the_figure_goes_stale() -> None:
    assert reminder_at(reminding(), FIGURE, NOON) == at("2026-11-24T15:45")
    assert reminder_at(reminding(), FIGURE, at("2026-11-24T15:44")) == at("2026-11-24T15:45")
    for due in ("2026-11-24T15:45", "2026-11-24T15:59", "2026-11-24T16:30"):
        assert reminder_at(reminding(), FIGURE, at(due)) == at(due)


def test_once_a_figure() -> None:
    due = at("2026-11-24T15:45")
    sent = Sent(NOON, day=date(2026, 11, 24), count=1)
    assert reminder_at(reminding(), FIGURE, due, sent) is None
    later = figure(NOON + HOUR)
    assert reminder_at(reminding(), later, due, sent) == due + HOUR


def test_a_reminder_that_a_channel_has_yet_to_carry_is_due_again() -> None:
    due = at("2026-11-24T15:50")
    sent = Sent(NOON, unfinished=True, day=date(2026, 11, 24), count=4)
    assert reminder_at(reminding(), FIGURE, due, sent) == due
    assert reminder_at(reminding(NIGHT), FIGURE, at("2026-11-24T22:10"), sent) is None


def test_a_figure_that_has_long_been_stale_is_left_alone() -> None:
    gone = FIGURE.stale_at + WORTH_IT
    assert reminder_at(reminding(), FIGURE, gone) is None
    assert reminder_at(reminding(), FIGURE, gone - MINUTE) == gone - MINUTE


def test_a_figure_that_lives_shorter_than_before_is_left_to_age_first() -> None:
    """A feed of each minute, stale after five: no reminder as long as it reports."""
    tick = figure(NOON, 2 * MINUTE, 5 * MINUTE)
    assert reminder_at(reminding(), tick, NOON) == NOON + 2 * MINUTE


def test_quiet_hours_hold_a_reminder_back_to_the_morning() -> None:
    evening = figure(at("2026-11-24T20:00"))
    due = reminder_at(reminding(NIGHT), evening, at("2026-11-24T23:45"))
    assert due == at("2026-11-25T06:00")


def test_quiet_hours_that_outlast_what_is_worth_it() -> None:
    long = Quiet(time(16), time(9))
    early = figure(at("2026-11-24T12:30"))
    assert reminder_at(reminding(long), early, at("2026-11-24T16:15")) is None


def test_quiet_hours_by_day() -> None:
    siesta = Quiet(time(13), time(15))
    assert not siesta.covers(at("2026-11-24T12:59"))
    assert siesta.covers(at("2026-11-24T13:00"))
    assert siesta.end(at("2026-11-24T13:00")) == at("2026-11-24T15:00")
    assert not siesta.covers(at("2026-11-24T15:00"))
    assert siesta.end(at("2026-11-24T15:00")) == at("2026-11-24T15:00")


def test_at_most_so_many_on_a_danish_day() -> None:
    sent = Sent(at("2026-11-24T10:00"), day=date(2026, 11, 24), count=4)
    due = at("2026-11-24T22:30")
    evening = figure(at("2026-11-24T18:30"))
    assert reminder_at(reminding(), evening, due, sent) == at("2026-11-25T00:00")
    assert reminder_at(reminding(NIGHT), evening, due, sent) == at("2026-11-25T06:00")
    assert reminder_at(reminding(at_most=5), evening, due, sent) == due
    # 23:30 in UTC is the next day in Denmark
    assert reminder_at(reminding(), evening, at("2026-11-25T00:30"), sent) == at("2026-11-25T00:30")


def test_the_limit_of_today_does_not_count_a_figure_that_is_due_tomorrow() -> None:
    sent = Sent(at("2026-11-24T10:00"), day=date(2026, 11, 24), count=4)
    late = figure(at("2026-11-24T21:00"))
    assert reminder_at(reminding(), late, at("2026-11-24T23:00"), sent) == at("2026-11-25T00:45")


@pytest.mark.parametrize(
    ("quiet", "asked", "end"),
    [
        # 28 March 2027: clocks go from 02:00 to 03:00
        ("22:00-06:00", "2027-03-28T00:30", "2027-03-28T06:00+02:00"),
        ("22:00-02:30", "2027-03-28T01:30", "2027-03-28T03:00+02:00"),
        ("22:00-02:00", "2027-03-28T01:30", "2027-03-28T03:00+02:00"),
        # 31 October 2027: clocks go from 03:00 back to 02:00
        ("22:00-06:00", "2027-10-31T00:30", "2027-10-31T06:00+01:00"),
        ("22:00-02:30", "2027-10-31T01:30", "2027-10-31T02:30+02:00"),
        ("22:00-02:30", "2027-10-31T02:10+01:00", "2027-10-31T02:30+01:00"),
        ("02:30-05:00", "2027-10-31T02:40+02:00", "2027-10-31T02:00+01:00"),
        ("02:30-05:00", "2027-10-31T02:40+01:00", "2027-10-31T05:00+01:00"),
    ],
)
def test_the_nights_on_which_clocks_are_changed(quiet: str, asked: str, end: str) -> None:
    since, until = (time.fromisoformat(part) for part in quiet.split("-"))
    assert Quiet(since, until).end(at(asked)) == at(end)


DST = (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC))
minutes_of_day = st.integers(0, 24 * 60 - 1).map(lambda n: time(n // 60, n % 60))
quiet_hours = st.tuples(minutes_of_day, minutes_of_day).filter(lambda p: p[0] != p[1])
nights = st.tuples(
    st.sampled_from((*DST, datetime(2026, 11, 24, 12, tzinfo=UTC))), st.integers(0, 48 * 3600)
).map(lambda p: p[0] + timedelta(seconds=p[1]))


@given(quiet_hours.map(lambda p: Quiet(*p)), nights)
def test_quiet_hours_end_at_the_first_minute_that_is_not_quiet(
    quiet: Quiet, asked: datetime
) -> None:
    """Against the plainest possible rule: look at the clock every minute."""
    end = quiet.end(asked)
    assert end >= asked
    assert not quiet.covers(end)
    minute = asked
    while minute < end:
        assert quiet.covers(minute)
        minute = minute.replace(second=0, microsecond=0) + MINUTE


@given(
    st.none() | quiet_hours.map(lambda p: Quiet(*p)),
    nights,
    st.integers(0, 20 * 60),
    st.integers(1, 240),
    st.integers(1, 3),
    st.integers(0, 4),
    st.sampled_from((-1, 0)),
)
def test_a_reminder_is_never_too_early_too_late_at_night_or_one_too_many(
    quiet: Quiet | None,
    now: datetime,
    age: int,
    before: int,
    at_most: int,
    count: int,
    days_ago: int,
) -> None:
    choice = reminding(quiet, before * MINUTE, at_most)
    shown = figure(now - age * MINUTE)
    today = now.astimezone(COPENHAGEN).date()
    sent = Sent(now - timedelta(days=2), False, today + timedelta(days=days_ago), count)
    found = reminder_at(choice, shown, now, sent)
    if found is None:
        return
    assert found >= max(now, shown.ageing_at, shown.stale_at - before * MINUTE)
    assert found < shown.stale_at + WORTH_IT
    assert quiet is None or not quiet.covers(found)
    assert not (sent.day == found.astimezone(COPENHAGEN).date() and count >= at_most)
    # what is said to be due at an instant is due when that instant comes
    assert reminder_at(choice, shown, found, sent) == found
