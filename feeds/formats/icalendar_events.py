"""Events of a calendar in time: what begins and ends when, recurrences and overrides worked out.

Recurrences run on the wall clock, as people mean them: a night shift from 23 to 7 ends at 7 on
the nights of summer time too, though it is then an hour longer or shorter. A local time that
March skips is an hour later (RFC 5545), one that October repeats is its first.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from capacity.instants import BadInstantError, zone
from capacity.reading import FieldError
from feeds.formats.icalendar_lines import Component, Property

MAX_LENGTH = timedelta(days=750)
MAX_COUNT = 20_000
MAX_DATES = 2_000
EARLIEST = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall-clock time, as all starts are here
MAX_RULE_DAYS = 400_000
"""Days that the recurrences of one document may run through together: a second or two of work."""

_DATE = re.compile(r"\d{8}", re.ASCII)
_TIME = re.compile(r"\d{8}T\d{6}Z?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?",
    re.ASCII,
)
_DAYS = r"(?:[+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERS = r"[+-]?\d{1,3}(?:,[+-]?\d{1,3})*"
_PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,4}",
    "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
    "BYDAY": rf"{_DAYS}(?:,{_DAYS})*",
    "BYMONTHDAY": _NUMBERS,
    "BYMONTH": r"(?:0?[1-9]|1[0-2])(?:,(?:0?[1-9]|1[0-2]))*",
    "BYSETPOS": _NUMBERS,
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
}
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


class Budget:
    """How much work the recurrences of one document may still make."""

    def __init__(self) -> None:
        self._days = MAX_RULE_DAYS

    def spend(self, days: int) -> None:
        """Refuse the event that would take too much."""
        self._days -= max(0, days)
        if self._days < 0:
            raise FieldError("RRULE", "is too much: the recurrences began too long ago together")


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
    event: Component, start: Stamp, local: ZoneInfo, until: datetime, budget: Budget
) -> Iterator[Stamp]:
    """The starts of an event up to the instant `until`: one, or those of its recurrence."""
    if start.wall < EARLIEST:
        raise FieldError("DTSTART", "is before 1970")
    rules, dates = event.all("RRULE"), _dates(event, "RDATE", local)
    if not rules:
        found = [start]
    elif len(rules) > 1:
        raise FieldError("RRULE", "stands more than once")
    else:
        found = list(_recurrences(rules[0].value, start, until, budget))
    left_out = {each.instant for each in _dates(event, "EXDATE", local)}
    for each in (*found, *dates):
        if each.instant not in left_out:
            yield each


def _dates(event: Component, name: str, local: ZoneInfo) -> list[Stamp]:
    texts = [(part, p.parameters) for p in event.all(name) for part in p.value.split(",")]
    if len(texts) > MAX_DATES:
        raise FieldError(name, f"holds more than {MAX_DATES} dates")
    return [_stamp(name, text.strip(), parameters, local) for text, parameters in texts]


def _recurrences(text: str, start: Stamp, until: datetime, budget: Budget) -> Iterator[Stamp]:
    parts = _rule_parts(text)
    count = int(parts.pop("COUNT", MAX_COUNT))
    last = _last_wall(parts.pop("UNTIL", None), start, until)
    budget.spend((last - start.wall).days)
    for wall in islice(_rule(parts, start.wall, last), min(count, MAX_COUNT)):
        yield start._replace(wall=wall)


def _rule_parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or name in parts or not re.fullmatch(_PARTS[name], value):
            raise FieldError("RRULE", "has a part that is not understood, or no shifts' rule")
        parts[name] = value
    if "FREQ" not in parts:
        raise FieldError("RRULE", "has no FREQ")
    return parts


def _last_wall(stated: str | None, start: Stamp, until: datetime) -> datetime:
    """The wall-clock time after which no recurrence is asked for."""
    horizon = until.astimezone(start.zone).replace(tzinfo=None)
    if stated is None:
        return horizon
    last = _stamp("RRULE", stated, {}, start.zone)
    wall = last.wall
    if last.all_day:
        wall += timedelta(days=1) - timedelta(seconds=1)
    elif stated.endswith("Z"):
        wall = last.instant.astimezone(start.zone).replace(tzinfo=None)
    return min(horizon, wall)


def _rule(parts: dict[str, str], start: datetime, last: datetime) -> rrule | rruleset:
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    ends = last.strftime("%Y%m%dT%H%M%S")
    try:
        return rrulestr(f"{text};UNTIL={ends}", dtstart=start)
    except (ValueError, TypeError) as error:
        raise FieldError("RRULE", "is no rule that can be followed") from error


def merged(spans: Sequence[Span]) -> list[Span]:
    """The spans in order, those that touch or overlap made one."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.begins <= result[-1].ends:
            result[-1] = Span(result[-1].begins, max(result[-1].ends, span.ends))
        elif span.ends > span.begins:
            result.append(span)
    return result
