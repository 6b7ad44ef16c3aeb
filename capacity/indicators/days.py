"""Danish days and their hours, also those of 23 and of 25 hours."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from capacity.instants import COPENHAGEN

HOUR = timedelta(hours=1)


class Window(NamedTuple):
    """One hour of time, `since` until before `until`, and what clocks show in it (0 to 23).

    In the night in which clocks go back two windows show the same hour; in spring one is missing.
    """

    since: datetime
    until: datetime
    hour: int


def day_of(instant: datetime) -> date:
    """The Danish day of an instant."""
    return instant.astimezone(COPENHAGEN).date()


def begin(day: date) -> datetime:
    """The instant, in UTC, at which a Danish day begins."""
    return datetime.combine(day, time(), tzinfo=COPENHAGEN).astimezone(UTC)


def end(day: date) -> datetime:
    """The instant at which the next day begins."""
    return begin(day + timedelta(days=1))


def split(window: Window, at: Iterable[datetime]) -> Iterator[Window]:
    """The parts of a window between these instants, which are in order; all of its hour."""
    for each in at:
        if window.since < each < window.until:
            yield window._replace(until=each)
            window = window._replace(since=each)
    yield window


def windows(day: date, until: datetime | None = None) -> Iterator[Window]:
    """The hours of a day in order of time, 23, 24 or 25; up to `until` if that is sooner."""
    last = end(day) if until is None else min(end(day), until)
    since = begin(day)
    while since < last:
        yield Window(since, min(since + HOUR, last), since.astimezone(COPENHAGEN).hour)
        since += HOUR


def first_window(instant: datetime) -> datetime:
    """The beginning of the hour in which an instant lies, as clocks show it.

    In the night in which clocks go back that of the first of the two, so that what clocks show
    from there on was shown by none before it.
    """
    found = [window for window in windows(day_of(instant)) if window.since <= instant]
    while len(found) > 1 and found[-2].hour == found[-1].hour:
        found.pop()
    return found[-1].since


def hour_of(instant: datetime) -> int:
    """What clocks show."""
    return instant.astimezone(COPENHAGEN).hour


def days_between(first: date, last: date) -> Iterator[date]:
    """The days from `first` to `last`, both included."""
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)
