"""Months as the reports are asked for, and the days of them that there are figures of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from capacity.indicators.figures import next_period

_MONTH = re.compile(r"(2[01]\d{2})-(0[1-9]|1[0-2])", re.ASCII)
"""Of two centuries: far from the ends of the calendar."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar, by its first day."""

    first: date

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month that holds a day."""
        return cls(day.replace(day=1))

    @classmethod
    def parse(cls, text: str) -> "Month | None":
        """The month of its name ("2026-10"); ``None`` for what is none."""
        match = _MONTH.fullmatch(text)
        return cls(date(int(match[1]), int(match[2]), 1)) if match else None

    @property
    def name(self) -> str:
        """As in addresses."""
        return self.first.isoformat()[:7]

    @property
    def last(self) -> date:
        """Its last day."""
        return self.after.first - _DAY

    @property
    def before(self) -> "Month":
        """The month before."""
        return Month.of(self.first - _DAY)

    @property
    def after(self) -> "Month":
        """The month after."""
        return Month(next_period(self.first, "month"))

    def days(self, known: tuple[date, date] | None) -> tuple[date, date] | None:
        """Its first and last day among those that there are figures of; ``None``: not one."""
        if known is None:
            return None
        first, last = max(self.first, known[0]), min(self.last, known[1])
        return (first, last) if first <= last else None


def months_with_figures(known: tuple[date, date] | None, most: int) -> Sequence[Month]:
    """The latest `most` months that have a day with figures, newest first."""
    found: list[Month] = []
    if known is None:
        return found
    month, first = Month.of(known[1]), Month.of(known[0])
    while month.first >= first.first and len(found) < most:
        found.append(month)
        month = month.before
    return found
