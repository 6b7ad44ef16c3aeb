"""iCalendar: team shifts, on-call duty and closures, as of the moment of receipt.

A calendar says what is planned, so each reading of it gives one report per unit about now. What
the events mean is the mapping's: `shifts` (the unit is on duty while an event runs) or `closures`
(it is closed while one runs).

| element | used as | notes |
|---|---|---|
| ``CATEGORIES`` or ``LOCATION`` | unit | or the mapping's `unit` for the whole calendar |
| ``DTSTART``, ``DTEND`` or ``DURATION`` | when | days are local; times without zone too |
| ``TZID`` | zone | by its IANA name; the VTIMEZONE beside it is not needed |
| ``RRULE``, ``RDATE``, ``EXDATE`` | recurrence | daily to yearly, up to `HORIZON` ahead |
| ``RECURRENCE-ID`` | override of one occurrence | of ``THISANDFUTURE`` the event is refused |
| ``STATUS`` | | CANCELLED and TENTATIVE events do not take place |
| ``SUMMARY`` | closure's reason | only if the mapping allows it: it is often someone's name |

| meaning | fields |
|---|---|
| shifts | on_duty; next_free_at of a team off duty: when the next shift begins |
| closures | closure with reason and reopens_at, while one runs; on_duty if `open_otherwise` |

An event that cannot be read leaves its units (or all, if it cannot even be told which) uncertain:
they are never reported off duty, nor open, on the strength of the rest.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from capacity.instants import zone
from capacity.model import Batch, ReportType
from capacity.opening import danish_holidays
from capacity.privacy import CPR_REASON, holds_cpr
from capacity.reading import FieldError
from feeds.formats import Format, Mapping
from feeds.formats.gathering import Gathering
from feeds.formats.icalendar_events import (
    Span,
    Stamp,
    Window,
    length_of,
    merged,
    stamp,
    starts_of,
)
from feeds.formats.icalendar_lines import Component, read_events
from feeds.formats.icalendar_rules import Budget

HORIZON = timedelta(days=100)
"""How far ahead the next shift is looked for; further off it is unknown."""
HOME = "Europe/Copenhagen"

_TEXTS = ("SUMMARY", "DESCRIPTION", "LOCATION", "CATEGORIES")
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_KEPT = frozenset({"UID", "STATUS", "SEQUENCE", *_TEXTS, *_TIMES})
_NOT_TAKING_PLACE = frozenset({"CANCELLED", "TENTATIVE"})
_ON_DUTY_TYPES = frozenset({ReportType.TEAM, ReportType.ADVICE})


class IcalMapping(Mapping):
    """What a calendar's events mean, and for which unit. `timezone` is Danish unless given."""

    meaning: Literal["shifts", "closures"] = "shifts"
    unit: str | None = None
    """The one unit that the whole calendar is about."""
    unit_from: Literal["categories", "location"] = "categories"
    public_holidays: Literal["ignored", "off"] = "ignored"
    """``off``: on Danish public holidays recurring shifts do not begin, or the unit is closed."""
    open_otherwise: bool = False
    """With closures: teams and advice lines are on duty whenever they are not closed."""
    closed_reason: str = "Lukket ifølge kalenderen"
    reason_from_summary: bool = False
    reopens_itself: bool = False


class _Occurrence(NamedTuple):
    span: Span
    reason: str | None


class _Unit:
    """What the calendar says about one unit."""

    def __init__(self) -> None:
        self.occurrences: list[_Occurrence] = []
        self.certain = True


def parse(raw: bytes, mapping: IcalMapping | None, received_at: datetime) -> Batch:
    """Reports of a calendar as of `received_at`; see the module's tables."""
    mapping = mapping or IcalMapping()
    _, events = read_events(raw, _KEPT)
    gathering = Gathering(received_at)
    reader = _Reader(mapping, received_at, gathering)
    reader.read(events)
    for unit, found in reader.units.items():
        report_type = mapping.type_of(unit) or ReportType.TEAM
        fields = _fields(found, report_type, mapping, received_at)
        if fields is not None:
            raw_report = {"unit": unit, "observed_at": received_at, **fields}
            gathering.read("calendar", raw_report, report_type)
    return gathering.batch()


class _Reader:
    """Sorts the occurrences of all events by unit."""

    def __init__(self, mapping: IcalMapping, now: datetime, gathering: Gathering) -> None:
        self.units: dict[str, _Unit] = {}
        self._mapping = mapping
        self._now = now
        self._gathering = gathering
        self._local = zone(mapping.timezone or HOME)
        self._budget = Budget()
        self._overridden: set[tuple[str, datetime]] = set()
        self._all_uncertain = False
        if mapping.unit is not None and mapping.meaning == "closures":
            self.units[mapping.unit] = _Unit()  # no event is an answer: open

    def read(self, events: list[Component]) -> None:
        """Read every event, noting those that cannot be read."""
        placed = [(f"event {number}", event) for number, event in enumerate(events, 1)]
        latest = _latest_versions(placed)
        for _, event in latest:
            with contextlib.suppress(FieldError):  # `_add` meets it again, and notes it
                self._note_override(event)
        for where, event in latest:
            try:
                self._add(event)
            except FieldError as error:
                self._gathering.reject(where, error)
                self._doubt(self._named(event))
        if self._all_uncertain:
            for unit in self.units.values():
                unit.certain = False
        if self._mapping.public_holidays == "off" and self._mapping.meaning == "closures":
            for unit in self.units.values():
                unit.occurrences += [_Occurrence(span, None) for span in self._holidays()]

    def _doubt(self, units: list[str]) -> None:
        for unit in units:
            self.units.setdefault(unit, _Unit()).certain = False
        self._all_uncertain = self._all_uncertain or not units

    def _named(self, event: Component) -> list[str]:
        if self._mapping.unit is not None:
            return [self._mapping.unit]
        name = "CATEGORIES" if self._mapping.unit_from == "categories" else "LOCATION"
        found = event.all(name)
        words = [w for p in found for w in (p.words if name == "CATEGORIES" else [p.text])]
        return [word for word in dict.fromkeys(words) if word and not holds_cpr(word)]

    def _note_override(self, event: Component) -> None:
        replaced = stamp("RECURRENCE-ID", event.first("RECURRENCE-ID"), self._local)
        if replaced is not None:
            self._overridden.add((_uid(event), replaced.instant))

    def _add(self, event: Component) -> None:
        self._refuse_cpr(event)
        units = self._named(event)
        if not units:
            name = "CATEGORIES" if self._mapping.unit_from == "categories" else "LOCATION"
            raise FieldError(name, "names no unit")
        # A cancelled event too is a word about its unit: there is a plan, and this is not in it.
        occurrences = list(self._occurrences(event))
        for unit in units:
            self.units.setdefault(unit, _Unit()).occurrences += occurrences

    def _refuse_cpr(self, event: Component) -> None:
        for name in _TEXTS:
            if any(holds_cpr(found.text) for found in event.all(name)):
                raise FieldError(name, CPR_REASON)

    def _occurrences(self, event: Component) -> Iterator[_Occurrence]:
        start = stamp("DTSTART", event.first("DTSTART"), self._local)
        if start is None:
            raise FieldError("DTSTART", "is missing")
        stamp("RECURRENCE-ID", event.first("RECURRENCE-ID"), self._local)
        length = length_of(event, start, self._local)
        recurs, override = bool(event.all("RRULE")), event.first("RECURRENCE-ID")
        if override is not None and "RANGE" in override.parameters:
            raise FieldError("RECURRENCE-ID", "changes all later occurrences, which is not read")
        if _status(event) in _NOT_TAKING_PLACE:
            return
        summary = event.first("SUMMARY") if self._mapping.reason_from_summary else None
        window = Window(self._now, self._now + HORIZON, length)
        for each in starts_of(event, start, self._local, window, self._budget):
            if override is None and (_uid(event), each.instant) in self._overridden:
                continue
            if recurs and self._is_off(each):
                continue
            ends = each._replace(wall=_later(each.wall, length)).instant
            if ends > self._now and each.instant <= window.until:
                yield _Occurrence(Span(each.instant, ends), summary and summary.text)

    def _is_off(self, start: Stamp) -> bool:
        """Whether a recurring shift falls out because its day is a public holiday."""
        if self._mapping.public_holidays == "ignored" or self._mapping.meaning == "closures":
            return False
        day = start.instant.astimezone(self._local).date()
        return day in danish_holidays(day.year)

    def _holidays(self) -> Iterator[Span]:
        first = self._now.astimezone(self._local).date()
        last = first + HORIZON
        for year in range(first.year, last.year + 1):
            for day in sorted(danish_holidays(year)):
                if first <= day <= last:
                    yield Span(_midnight(day, self._local), _midnight(_next(day), self._local))


def _latest_versions(events: list[tuple[str, Component]]) -> list[tuple[str, Component]]:
    """Of events with the same UID (and RECURRENCE-ID) only the one with the highest SEQUENCE."""
    latest: dict[object, tuple[str, Component]] = {}
    for where, event in events:
        override = event.first("RECURRENCE-ID")
        key = (_uid(event), override and override.value) if _uid(event) else where
        if key not in latest or _sequence(event) >= _sequence(latest[key][1]):
            latest[key] = (where, event)
    return list(latest.values())


def _sequence(event: Component) -> int:
    found = event.first("SEQUENCE")
    text = found.value.strip() if found else ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _uid(event: Component) -> str:
    found = event.first("UID")
    return found.value.strip() if found else ""


def _status(event: Component) -> str:
    found = event.first("STATUS")
    return found.value.strip().upper() if found else ""


def _later(wall: datetime, length: timedelta) -> datetime:
    try:
        return wall + length
    except OverflowError as error:
        raise FieldError("DTEND", "lies outside the years 1 to 9999") from error


def _fields(
    found: _Unit, report_type: ReportType, mapping: IcalMapping, now: datetime
) -> dict[str, object] | None:
    spans = merged([occurrence.span for occurrence in found.occurrences])
    running = next((span for span in spans if span.begins <= now < span.ends), None)
    if mapping.meaning == "shifts":
        return _duty(found, report_type, running, spans, now)
    if running is not None:
        reasons = [o.reason for o in found.occurrences if o.reason and o.span.begins <= now]
        return {
            "closure": {
                "reason": (reasons or [mapping.closed_reason])[0],
                "reopens_at": running.ends,
                "reopens_itself": mapping.reopens_itself,
            }
        }
    if not found.certain:
        return None
    opened = mapping.open_otherwise and report_type in _ON_DUTY_TYPES
    return {"on_duty": True} if opened else {}


def _duty(
    found: _Unit, report_type: ReportType, running: Span | None, spans: list[Span], now: datetime
) -> dict[str, object]:
    on_duty = True if running else False if found.certain else None
    fields: dict[str, object] = {"on_duty": on_duty}
    if report_type is ReportType.TEAM:
        following = (span.begins for span in spans if span.begins > now)
        fields["next_free_at"] = next(following, None) if on_duty is False else None
    return fields


def _midnight(day: date, local: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=local).astimezone(UTC)


def _next(day: date) -> date:
    return day + timedelta(days=1)


FORMAT = Format(
    "ical",
    ("text/calendar",),
    parse,
    IcalMapping,
    # Not patients, but the names of staff: these documents must not be kept either.
    carries_patients=True,
)
