"""The notations of catalogue files: lengths of time, weekdays, hours, days, telephone numbers.

Each reader takes what the file has and raises `ValueError` with words that follow the field's name.
"""

import re
from datetime import date, time, timedelta
from functools import lru_cache

_DURATION = re.compile(r"([0-9]{1,6}) ?(s|min|h|d)")
_DURATION_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})")
_PHONE = re.compile(r"(?:\+45 ?)?([0-9]{2}) ?([0-9]{2}) ?([0-9]{2}) ?([0-9]{2})")


def read_duration(value: object) -> timedelta:
    """A length of time such as ``"3 min"``, ``"4h"``, ``"90 s"`` or ``"1 d"``, above zero."""
    length = _length(value) if isinstance(value, str) else None
    if not length:
        raise ValueError('is no length of time above zero, such as "3 min", "4 h" or "1 d"')
    return length


@lru_cache(maxsize=256)
def _length(text: str) -> timedelta | None:
    """Remembered: thousands of units share a few lengths."""
    match = _DURATION.fullmatch(text)
    return timedelta(**{_DURATION_UNITS[match[2]]: int(match[1])}) if match else None


def read_days(value: object) -> frozenset[int]:
    """Weekdays, 0 for Monday: ``"mon-fri"``, ``"sat"``, ``"mon-wed, fri"``."""
    days: set[int] = set()
    for part in value.split(",") if isinstance(value, str) else [""]:
        first, _, last = part.strip().partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError('names no weekdays, such as "mon-fri" or "sat, sun"')
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        if begin > end:
            raise ValueError("has a range of weekdays that runs backwards")
        days.update(range(begin, end + 1))
    return frozenset(days)


def read_hours(value: object) -> tuple[time, time]:
    """Local opening and closing time: ``"08:00-15:00"``; ``"16:00-08:00"`` ends the next day."""
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('are no opening hours, such as "08:00-15:00" or "16:00-08:00"')
    opens = time(int(match[1]), int(match[2]))
    return opens, time(int(match[3] or 0), int(match[4] or 0))


def read_phone(value: str) -> str:
    """A Danish number of eight digits, with or without +45, as ``+45 12 34 56 78``."""
    match = _PHONE.fullmatch(value)
    if match is None:
        raise ValueError("is no Danish telephone number of eight digits")
    return "+45 " + " ".join(match.groups())


def read_yearly_day(value: object) -> tuple[int, int]:
    """A day of every year, month first: ``"12-24"`` is Christmas Eve."""
    match = _YEARLY.fullmatch(value) if isinstance(value, str) else None
    try:
        day = date(2000, int(match[1]), int(match[2])) if match else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError('is no day of the year, month first, such as "12-24"')
    return day.month, day.day
