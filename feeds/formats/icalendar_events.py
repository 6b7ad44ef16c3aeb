"""Events of a calendar in time: what begins and ends when, recurrences and overrides worked out.

Recurrences run on the wall clock, as people mean them: a night shift from 23 to 7 ends at 7 on
the nights of summer time too, though it is then an hour longer or shorter. A local time that
March skips is an hour later (RFC 5545), one that October repeats is its first.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from capacity.instants import BadInstantError, zone
from capacity.reading import FieldError
from feeds.formats.icalendar_lines import Component, Property
from feeds.formats.icalendar_rules import Budget, Rule, days_before
from feeds.limits import LIMITS

MAX_LENGTH = timedelta(days=750)
MAX_DATES = LIMITS.calendar_dates
EARLIEST = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock times, as all starts are here
LATEST = datetime(9999, 12, 31)  # noqa: DTZ001

_DATE = re.compile(r"\d{8}", re.ASCII)
_TIME = re.compile(r"\d{8}T\d{6}Z?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?",
    re.ASCII,
)
_WINDOWS_ZONES = {"Romance Standard Time": "Europe/Copenhagen"}
"""Microsoft's name of the Danish time zone."""


class Stamp(NamedTuple):
    """A wall-clock time in a zone; a day, if `all_day`, is its midnight."""

    wall: datetime
    zone: ZoneInfo
    all_day: bool

    @property
    def instant(self) -> datetime:
        """In UTC. A skipped time is taken with the offset before the gap, hence an hour later."""
        try:
            return self.wall.replace(tzinfo=self.zone).astimezone(UTC)
        except OverflowError as error:
            raise FieldError("DTSTART", "lies outside the years 1 to 9999") from error


class Span(NamedTuple):
    """When an event runs: from `begins` up to, not including, `ends`."""

    begins: datetime
    ends: datetime


class Window(NamedTuple):
    """What is asked of an event: those of its runs that are not over `now` and begin by `until`.

    `length` is how long the event runs.
    """

    now: datetime
    until: datetime
    length: timedelta


def stamp(name: str, found: Property | None, local: ZoneInfo) -> Stamp | None:
    """The time of a property; floating times and days are `local`'s."""
    return None if found is None else _stamp(name, found.value.strip(), found.parameters, local)


def _stamp(name: str, text: str, parameters: dict[str, str], local: ZoneInfo) -> Stamp:
    try:
        if _DATE.fullmatch(text):
            return Stamp(datetime.strptime(text, "%Y%m%d"), local, True)  # noqa: DTZ007 - wall
        if not _TIME.fullmatch(text):
            raise FieldError(name, "is no iCalendar date or time")
        wall = datetime.strptime(text[:15], "%Y%m%dT%H%M%S")  # noqa: DTZ007 - wall-clock time
    except ValueError as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError(name, "is no such date or time of day") from error
    if text.endswith("Z"):
        return Stamp(wall, zone("UTC"), False)
    return Stamp(wall, _zone(name, parameters.get("TZID"), local), False)


def _zone(name: str, tzid: str | None, local: ZoneInfo) -> ZoneInfo:
    """The zone of a TZID: its IANA name, with or without a vendor's prefix."""
    if not tzid:
        return local
    tzid = _WINDOWS_ZONES.get(tzid, tzid)
    for candidate in (tzid, "/".join(tzid.split("/")[-2:])):
        try:
            return zone(candidate)
        except BadInstantError:
            continue
    raise FieldError(name, "is in a time zone (TZID) that is not known by that name")


def length_of(event: Component, start: Stamp, local: ZoneInfo) -> timedelta:
    """How long the event runs on the wall clock."""
    end = stamp("DTEND", event.first("DTEND"), local)
    if end is not None:
        if end.all_day != start.all_day:
            raise FieldError("DTEND", "is a day where DTSTART is a time, or the other way round")
        same = end.zone.key == start.zone.key
        length = end.wall - start.wall if same else end.instant - start.instant
    else:
        stated = event.first("DURATION")
        default = timedelta(days=1 if start.all_day else 0)
        length = default if stated is None else _duration(stated.value.strip())
    if length < timedelta(0):
        raise FieldError("DTEND", "is before DTSTART")
    if length > MAX_LENGTH:
        raise FieldError("DTEND", f"is more than {MAX_LENGTH.days} days after DTSTART")
    return length


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or text[-1] in "PT":
        raise FieldError("DURATION", "is no iCalendar duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def starts_of(
    event: Component, start: Stamp, local: ZoneInfo, window: Window, budget: Budget
) -> Iterator[Stamp]:
    """The starts of an event in a window: its only one, or those of its recurrence."""
    if start.wall < EARLIEST:
        raise FieldError("DTSTART", "is before 1970")
    rules = event.all("RRULE")
    if len(rules) > 1:
        raise FieldError("RRULE", "stands more than once")
    found = [start] if not rules else _recurrences(rules[0].value, start, window, budget)
    left_out = {each.instant for each in _dates(event, "EXDATE", local)}
    for each in (*found, *_dates(event, "RDATE", local)):
        if each.instant not in left_out:
            yield each


def _recurrences(text: str, start: Stamp, window: Window, budget: Budget) -> Iterator[Stamp]:
    rule = Rule(text, start.wall.date())
    last = _last(rule.until, start)
    first = days_before(window.now.astimezone(start.zone).date(), window.length)
    horizon = window.until.astimezone(start.zone).date()
    for day in rule.days(first, min(horizon, last.date()), budget):
        wall = datetime.combine(day, start.wall.time())
        if wall <= last:
            yield start._replace(wall=wall)


def _last(until: str | None, start: Stamp) -> datetime:
    """The last wall-clock time at which a recurrence may begin."""
    if until is None:
        return LATEST
    last = _stamp("RRULE", until, {}, start.zone)
    if last.all_day:
        return datetime.combine(last.wall, time.max)
    if until.endswith("Z"):
        return last.instant.astimezone(start.zone).replace(tzinfo=None)
    return last.wall


def _dates(event: Component, name: str, local: ZoneInfo) -> list[Stamp]:
    texts = [(part, p.parameters) for p in event.all(name) for part in p.value.split(",")]
    if len(texts) > MAX_DATES:
        raise FieldError(name, f"holds more than {MAX_DATES} dates")
    return [_stamp(name, text.strip(), parameters, local) for text, parameters in texts]


def merged(spans: Sequence[Span]) -> list[Span]:
    """The spans in order, those that touch or overlap made one."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.begins <= result[-1].ends:
            result[-1] = Span(result[-1].begins, max(result[-1].ends, span.ends))
        elif span.ends > span.begins:
            result.append(span)
    return result
