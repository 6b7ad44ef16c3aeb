"""FHIR R4 HealthcareService: whether a service is open, by its opening hours.

| element | field | notes |
|---|---|---|
| ``id``, ``identifier``, ``location`` | unit | the first that the source declares, else the id |
| ``availableTime``, ``notAvailable``, ``active`` | on_duty | for advice lines (the default type) |
| | | and teams: open at the time the document was put together, or else received |
| the same | closure | when closed: the period's ``description`` or the mapping's |
| | | ``closed_reason``, and when it opens again within two weeks |

Times of day are wall-clock times of the source's ``timezone``, which it must declare. An end that
is not later than its start belongs to the next day: 16:00 to 08:00 is a night, 00:00 to 00:00 a
day. No days means every day, no start midnight, no end midnight after. A service without
``availableTime`` does not tell its hours, so ``on_duty`` is unknown. The instant of the report is
that for which the hours were looked up, as hours hold until they are changed; ``lastUpdated`` says
when somebody edited them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from capacity.model import ReportType
from capacity.reading import FieldError, LocalTime
from feeds.formats.fhir_elements import (
    Finding,
    Object,
    Resource,
    instant_of,
    is_day,
    last_part,
    names_of,
    object_of,
    objects_of,
)
from feeds.formats.fhir_mapping import Context
from feeds.limits import LIMITS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SPANS = LIMITS.opening_times
MAX_PERIODS = LIMITS.opening_absences
LOOK_AHEAD = timedelta(days=14)

_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?", re.ASCII)
_DAY = 24 * 3600
_SHOWS_DUTY = (ReportType.ADVICE, ReportType.TEAM)
_EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Span:
    """Open from `start` to `end`, in seconds after midnight of each of the days (0 is Monday)."""

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Away:
    """A period in which a service is not there, whatever its hours."""

    start: datetime
    end: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours by the wall clock of a zone."""

    zone: ZoneInfo
    spans: tuple[Span, ...]
    away: tuple[Away, ...]

    def away_at(self, instant: datetime) -> Away | None:
        """The first period of absence that covers an instant."""
        return next((away for away in self.away if away.start <= instant < away.end), None)

    def is_open(self, instant: datetime) -> bool:
        """Whether the hours, absences included, make it open at an instant."""
        return self._in_hours(instant) and self.away_at(instant) is None

    def _in_hours(self, instant: datetime) -> bool:
        wall = instant.astimezone(self.zone)
        second = wall.hour * 3600 + wall.minute * 60 + wall.second
        today, yesterday = wall.weekday(), (wall.weekday() - 1) % 7
        return any(
            (today in span.days and span.start <= second < span.end)
            or (yesterday in span.days and second < span.end - _DAY)
            for span in self.spans
        )

    def opens_after(self, instant: datetime) -> datetime | None:
        """The first instant after which it is open, within two weeks."""
        first_day = instant.astimezone(self.zone).date()
        starts = {
            opening
            for ahead in range(LOOK_AHEAD.days)
            for span in self.spans
            if (opening := self._opening(first_day, ahead, span)) is not None
        }
        absences = _merged(self.away)
        begins, ends = [begin for begin, _ in absences], [end for _, end in absences]
        for at in sorted(starts.union(ends)):
            if instant < at <= instant + LOOK_AHEAD:
                before = bisect_right(begins, at) - 1
                if (before < 0 or ends[before] <= at) and self._in_hours(at):
                    return at
        return None

    def _opening(self, first_day: date, ahead: int, span: Span) -> datetime | None:
        day = first_day + timedelta(days=ahead)
        if day.weekday() not in span.days:
            return None
        minutes, second = divmod(span.start, 60)
        hour, minute = divmod(minutes, 60)
        # A start in the hour that March skips is the instant an hour later: it opens then.
        wall = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=self.zone)
        return wall.astimezone(UTC)


def _merged(away: Sequence[Away]) -> list[tuple[datetime, datetime]]:
    """The absences in order of time, those that touch made one."""
    merged: list[tuple[datetime, datetime]] = []
    for period in sorted(away, key=lambda period: period.start):
        if merged and period.start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], period.end)
        elif period.start < period.end:
            merged.append((period.start, period.end))
    return merged


def opening(resources: Sequence[Resource], context: Context) -> Iterator[Finding]:
    """One finding for each HealthcareService."""
    for resource in resources:
        if resource.type != "HealthcareService" or resource.refused:
            continue
        try:
            unit = _unit(resource.body, context)
            kind = context.mapping.type_of(unit) or ReportType.ADVICE
            fields = {"unit": unit, **_fields(resource.body, context, kind)}
        except FieldError as error:
            yield Finding(resource.at, resource.where, error)
        else:
            yield Finding(resource.at, resource.where, fields, kind)


def _unit(service: Object, context: Context) -> str:
    names = names_of(service)
    for place in objects_of(service, "location"):
        named = last_part(place.get("reference"))
        names += [named] if named else []
    unit = context.mapping.first_known(names) or next(iter(names), None)
    if unit is None:
        raise FieldError("id", "is missing")
    return unit


def _fields(service: Object, context: Context, kind: ReportType) -> Object:
    now = context.now
    fields: Object = {"observed_at": now}
    if service.get("active", True) is False:
        is_open: bool | None = False
        fields["closure"] = {"reason": context.mapping.closed_reason}
    else:
        hours = hours_of(service, context.mapping.local_time)
        away = hours.away_at(now) if hours else None
        is_open = None if hours is None or not (hours.spans or away) else hours.is_open(now)
        if hours and is_open is False:
            reason = (away and away.reason) or context.mapping.closed_reason
            fields["closure"] = {"reason": reason, "reopens_at": hours.opens_after(now)}
    if kind in _SHOWS_DUTY:
        fields["on_duty"] = is_open
    return fields


def hours_of(service: Object, local: LocalTime) -> Hours | None:
    """The hours of a HealthcareService, ``None`` if it tells none; raises `FieldError`."""
    times, periods = objects_of(service, "availableTime"), objects_of(service, "notAvailable")
    if not times and not periods:
        return None
    if len(times) > MAX_SPANS or len(periods) > MAX_PERIODS:
        raise FieldError("availableTime", f"and notAvailable are over {MAX_SPANS}/{MAX_PERIODS}")
    if local.zone is None:
        raise FieldError("availableTime", "needs a time zone, which the source does not declare")
    return Hours(
        local.zone,
        tuple(_span(time) for time in times),
        tuple(_away(period, local) for period in periods),
    )


def _span(time: Object) -> Span:
    days = time.get("daysOfWeek", DAYS)
    if not isinstance(days, list | tuple) or not all(day in DAYS for day in days):
        raise FieldError("availableTime.daysOfWeek", f"is not a list of {', '.join(DAYS)}")
    numbers = frozenset(DAYS.index(day) for day in days or DAYS)
    if time.get("allDay") is True:
        return Span(numbers, 0, _DAY)
    start = _seconds(time, "availableStartTime", 0) % _DAY
    end = _seconds(time, "availableEndTime", _DAY)
    return Span(numbers, start, end if end > start else end + _DAY)


def _seconds(time: Object, name: str, default: int) -> int:
    text = time.get(name)
    if text is None:
        return default
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        hour, minute, second = (int(part or 0) for part in found.groups())
        seconds = hour * 3600 + minute * 60 + second
        if seconds <= _DAY:
            return seconds
    raise FieldError(f"availableTime.{name}", "is no time of day")


def _away(period: Object, local: LocalTime) -> Away:
    during = object_of(period, "during")
    start, end = during.get("start"), during.get("end")
    name = "notAvailable.during"
    reason = period.get("description")
    return Away(
        _EVER[0] if start is None else instant_of(f"{name}.start", start, local),
        _EVER[1]
        if end is None
        else instant_of(f"{name}.end", end, local, timedelta(days=1 if is_day(end) else 0)),
        reason if isinstance(reason, str) and reason.strip() else None,
    )
