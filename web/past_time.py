"""Moments of the past as people name them: a Danish day and time of day. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from capacity.agreements import midnight
from capacity.instants import COPENHAGEN, BadInstantError, localize
from capacity.units import danish_day

SECOND = "second"
"""Of two equal times of day in October: the later one, in standard time."""
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Named:
    """The instant of a day and a time of day.

    `twice`: that time occurs twice that day, and `at` is the one that was asked for. `missing`: it
    does not occur, and `at` is when clocks went forward over it.
    """

    at: datetime
    twice: bool = False
    missing: bool = False


def named(day: str, clock: str, which: str = "") -> Named:
    """The moment of an ISO date and a time of day (``HH:MM``, perhaps with seconds) in Denmark.

    `BadInstantError` for what is none.
    """
    try:
        wall = datetime.fromisoformat(f"{date.fromisoformat(day).isoformat()}T{clock}")
    except ValueError as error:
        raise BadInstantError("no such date or time of day") from error
    if wall.tzinfo is not None:
        raise BadInstantError("a time of day has no offset here")
    try:
        first = localize(wall, COPENHAGEN, "first")
        second = localize(wall, COPENHAGEN, "second")
    except BadInstantError:
        if wall.year in (date.min.year, date.max.year):
            raise
        whole = wall.replace(minute=0, second=0, microsecond=0) + _HOUR
        return Named(localize(whole, COPENHAGEN), missing=True)
    return Named(second if which == SECOND else first, twice=first != second)


def day_of(at: datetime) -> tuple[datetime, int]:
    """When the Danish day of `at` began, and how many minutes it has: 1440, or 60 less or more."""
    day = danish_day(at)
    start = midnight(day)
    return start, (midnight(day + _DAY) - start) // _MINUTE


def day_away(at: datetime, days: int) -> datetime:
    """The same time of day some days away; where clocks go forward over it, an hour later."""
    wall = at.astimezone(COPENHAGEN)
    other = wall.replace(tzinfo=None) + timedelta(days=days)
    found = named(other.date().isoformat(), other.time().isoformat(), SECOND if wall.fold else "")
    return found.at
