"""Opening hours on weekdays, nights and public holidays, and when they change next.

Hours are wall-clock times in Denmark and belong to the day they begin on: those that run over
midnight go on into the next day, whatever that day is. On a public holiday a unit may keep other
hours, or none. Which days are public holidays is the law's affair (the `holidays` package knows
it); days such as 5 June and 24 and 31 December are none, yet many offers treat them so: a unit
lists them as `also`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from capacity.instants import COPENHAGEN

DAYS_AHEAD = 366
"""How far the next change is looked for; hours that do not change in a year never do."""


@lru_cache(maxsize=64)
def danish_holidays(year: int) -> frozenset[date]:
    """Denmark's public holidays of a year, by the `holidays` package."""
    import holidays  # slow to load, and only units with hours need it

    return frozenset(holidays.country_holidays("DK", years=year))


@dataclass(frozen=True, slots=True)
class Opening:
    """Local opening hours on the weekdays 0 (Monday) to 6; `closes` <= `opens` runs overnight."""

    weekdays: frozenset[int]
    opens: time
    closes: time

    def covers_begun_today(self, now: time) -> bool:
        """Whether hours that begin on a day cover this time of the same day."""
        return self.opens <= now and (now < self.closes or self.closes <= self.opens)

    def covers_begun_yesterday(self, now: time) -> bool:
        """Whether hours that began on the day before cover this time of day."""
        return self.closes <= self.opens and now < self.closes


@dataclass(frozen=True, slots=True)
class Hours:
    """When a unit is open. `weekly` ``None``: round the clock. `holiday` ``None``: as usual.

    `holiday` applies whatever weekday the holiday is, except that hours of it may name weekdays;
    empty means closed. `also` are further days (month, day) that count as holidays.
    """

    weekly: tuple[Opening, ...] | None = None
    holiday: tuple[Opening, ...] | None = None
    also: frozenset[tuple[int, int]] = frozenset()

    @property
    def always(self) -> bool:
        """Open round the clock, every day."""
        return self.weekly is None and self.holiday is None

    def is_open(self, at: datetime) -> bool:
        """Whether an instant lies in these hours."""
        return self.always or self.covers(at.astimezone(COPENHAGEN))

    def covers(self, local: datetime) -> bool:
        """Whether a moment of Danish local time lies in these hours."""
        now, today = local.time(), local.date()
        return any(each.covers_begun_today(now) for each in self.begin_on(today)) or any(
            each.covers_begun_yesterday(now) for each in self.begin_on(today - timedelta(days=1))
        )

    def begin_on(self, day: date) -> tuple[Opening, ...]:
        """The hours that begin on a day."""
        special = self.holiday is not None and self.is_holiday(day)
        hours = self.holiday if special else self.weekly
        if hours is None:
            return _ROUND_THE_CLOCK
        return tuple(each for each in hours if day.weekday() in each.weekdays)

    def is_holiday(self, day: date) -> bool:
        """Whether the unit counts a day as a public holiday."""
        return (day.month, day.day) in self.also or day in danish_holidays(day.year)

    def next_change(self, at: datetime) -> datetime | None:
        """The first instant after `at` at which open becomes closed or closed open."""
        if self.always:
            return None
        now = self.is_open(at)
        day = at.astimezone(COPENHAGEN).date()
        for ahead in range(DAYS_AHEAD):
            for instant, is_open in _changes(self, day + timedelta(days=ahead)):
                if instant > at and is_open is not now:
                    return instant
        return None

    def next_opening(self, at: datetime) -> datetime | None:
        """The first instant from `at` on at which it is open; `at` itself where it is."""
        return at if self.is_open(at) else self.next_change(at)


_ROUND_THE_CLOCK = (Opening(frozenset(range(7)), time(0), time(0)),)


@lru_cache(maxsize=8192)
def _changes(hours: Hours, day: date) -> tuple[tuple[datetime, bool], ...]:
    """The instants of a local day at which the hours may change, each with what holds from it."""
    instants = sorted(set(_boundaries(hours, day)))
    return tuple((each, hours.covers(each.astimezone(COPENHAGEN))) for each in instants)


def _boundaries(hours: Hours, day: date) -> Iterator[datetime]:
    """Midnight, every opening and closing time (both, where one occurs twice), and 01:00 UTC.

    That last is when summer time begins and ends, so that wall clocks jump.
    """
    begun = (*hours.begin_on(day), *hours.begin_on(day - timedelta(days=1)))
    for at in {time(0), *(each.opens for each in begun), *(each.closes for each in begun)}:
        for fold in (0, 1):
            local = datetime.combine(day, at, tzinfo=COPENHAGEN).replace(fold=fold)
            yield local.astimezone(UTC)
    yield datetime.combine(day, time(1), tzinfo=UTC)
