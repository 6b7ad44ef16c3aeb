"""Recurrence rules of calendars (RFC 5545, ``RRULE``): the days on which an event begins.

Whether a rule takes in a day can be told from the day alone, so only the days asked about are
looked at, however long ago the rule began. (Libraries run through every day since, and some
through every day until the year 9999 where a rule can never be met.) Only a rule with ``COUNT``
must be followed from its beginning; `Budget` bounds that.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from capacity.reading import FieldError
from feeds.limits import LIMITS

MAX_RULE_DAYS = LIMITS.calendar_rule_days

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAYS = r"(?:[+-]?[1-9]\d?)?(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERS = r"[+-]?[1-9]\d{0,2}(?:,[+-]?[1-9]\d{0,2})*"
_MONTHS = r"(?:0?[1-9]|1[0-2])"
_PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,4}",
    "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
    "BYDAY": rf"{_DAYS}(?:,{_DAYS})*",
    "BYMONTHDAY": _NUMBERS,
    "BYMONTH": rf"{_MONTHS}(?:,{_MONTHS})*",
    "BYSETPOS": _NUMBERS,
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
}


class Budget:
    """How many days one document's rules may still look at."""

    def __init__(self) -> None:
        self._days = MAX_RULE_DAYS

    def spend(self, days: int) -> None:
        """Refuse the event that would take too much."""
        self._days -= days
        if self._days < 0:
            raise FieldError("RRULE", "makes the calendar's recurrences too many to work out")


class _Weekday(NamedTuple):
    weekday: int
    nth: int
    """Which of its month or year, from 1 or from the end from -1; 0 for every one."""


class Rule:
    """One rule as begun on a day. `until` is the UNTIL as it was written."""

    def __init__(self, text: str, begun: date) -> None:
        parts = _parts(text)
        self.until = parts.get("UNTIL")
        self._begun = begun
        self._freq = parts["FREQ"]
        self._interval = int(parts.get("INTERVAL", "1"))
        self._count = int(parts["COUNT"]) if "COUNT" in parts else None
        self._positions = _numbers(parts.get("BYSETPOS"))
        self._months = _numbers(parts.get("BYMONTH"))
        self._month_days = _numbers(parts.get("BYMONTHDAY"))
        self._week_days = [_weekday(each) for each in parts.get("BYDAY", "").split(",") if each]
        self._week_start = WEEKDAYS.index(parts.get("WKST", "MO"))
        self._nth_of_year = self._freq == "YEARLY" and not self._months
        if any(each.nth for each in self._week_days) and self._freq in ("DAILY", "WEEKLY"):
            raise FieldError("RRULE", "has a BYDAY that only months and years have")
        if self._month_days and self._freq == "WEEKLY":
            raise FieldError("RRULE", "has a BYMONTHDAY, which weeks have not")
        self._fill_in()

    def _fill_in(self) -> None:
        """What a rule does not say, the day it was begun on says."""
        begun = self._begun
        if self._freq == "WEEKLY" and not self._week_days:
            self._week_days = [_Weekday(begun.weekday(), 0)]
        if self._freq in ("MONTHLY", "YEARLY") and not (self._month_days or self._week_days):
            self._month_days = frozenset({begun.day})
            if self._freq == "YEARLY" and not self._months:
                self._months = frozenset({begun.month})

    def days(self, first: date, last: date, budget: Budget) -> Iterator[date]:
        """The days from `first` to `last` on which the event begins, in order."""
        left = self._count
        for period in self._periods(first if left is None else self._begun, last):
            budget.spend(len(period))
            for day in self._in_period(period):
                if day < self._begun:
                    continue
                if left is not None:
                    if left == 0:
                        return
                    left -= 1
                if first <= day <= last:
                    yield day

    def _in_period(self, period: range) -> list[date]:
        found = [day for number in period if self._takes(day := date.fromordinal(number))]
        if not self._positions:
            return found
        size = len(found)
        places = {p - 1 if p > 0 else size + p for p in self._positions}
        return [day for index, day in enumerate(found) if index in places]

    def _takes(self, day: date) -> bool:
        if self._months and day.month not in self._months:
            return False
        if self._month_days:
            length = calendar.monthrange(day.year, day.month)[1]
            if self._month_days.isdisjoint({day.day, day.day - length - 1}):
                return False
        if not self._week_days:
            return True
        weekday = day.weekday()
        return any(
            each.weekday == weekday and (not each.nth or self._is_nth(day, each.nth))
            for each in self._week_days
        )

    def _is_nth(self, day: date, nth: int) -> bool:
        if self._nth_of_year:
            place = day.timetuple().tm_yday
            length = 366 if calendar.isleap(day.year) else 365
        else:
            place, length = day.day, calendar.monthrange(day.year, day.month)[1]
        return nth == (place - 1) // 7 + 1 or nth == -((length - place) // 7 + 1)

    def _periods(self, first: date, last: date) -> Iterator[range]:
        """The rule's days, weeks, months or years from the one that holds `first` to `last`."""
        number = max(0, self._number(first) - self._number(self._begun))
        number -= number % self._interval
        while True:
            period = self._period(self._number(self._begun) + number)
            if period.start > last.toordinal():
                return
            yield period
            number += self._interval

    def _number(self, day: date) -> int:
        """Which day, week, month or year of all a day lies in."""
        if self._freq == "DAILY":
            return day.toordinal()
        if self._freq == "WEEKLY":
            # Ordinal 1 was a Monday.
            return (day.toordinal() - 1 - self._week_start) // 7
        return day.year if self._freq == "YEARLY" else day.year * 12 + day.month - 1

    def _period(self, number: int) -> range:
        """The ordinals of the days in that day, week, month or year."""
        if self._freq == "DAILY":
            return range(number, number + 1)
        if self._freq == "WEEKLY":
            start = number * 7 + 1 + self._week_start
            return range(start, start + 7)
        if self._freq == "MONTHLY":
            start = date(number // 12, number % 12 + 1, 1).toordinal()
            return range(start, start + calendar.monthrange(number // 12, number % 12 + 1)[1])
        return range(date(number, 1, 1).toordinal(), date(number, 12, 31).toordinal() + 1)


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or name in parts or not re.fullmatch(_PARTS[name], value, re.ASCII):
            raise FieldError("RRULE", "has a part that is not understood, or stands twice")
        parts[name] = value
    if "FREQ" not in parts:
        raise FieldError("RRULE", "has no FREQ")
    return parts


def _numbers(text: str | None) -> frozenset[int]:
    return frozenset(map(int, text.split(","))) if text else frozenset()


def _weekday(text: str) -> _Weekday:
    return _Weekday(WEEKDAYS.index(text[-2:]), int(text[:-2] or 0))


def days_before(day: date, length: timedelta) -> date:
    """The first day on which an event of that length could begin and still run on `day`."""
    return max(date(1970, 1, 1), day - length - timedelta(days=1))
