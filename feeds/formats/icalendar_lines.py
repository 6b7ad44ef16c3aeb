"""The syntax of iCalendar (RFC 5545): folded content lines into components with properties."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from feeds.formats.gathering import DOCUMENT, refuse_what_is_no_text, unreadable
from feeds.limits import LIMITS

MAX_EVENTS = LIMITS.calendar_events
MAX_DEPTH = LIMITS.calendar_depth

_FOLD = re.compile(r"(?:\r\n|\r|\n)[ \t]")
_LINE = re.compile(r"[^\r\n]+")
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_PARAMETER = re.compile(r';([A-Za-z0-9-]{1,60})=("[^"]*"|[^";:]*(?:,"[^"]*")*)')
_ESCAPE = re.compile(r"\\(.)")


class Property(NamedTuple):
    """One content line: its value still escaped, its parameters by upper-case name."""

    value: str
    parameters: dict[str, str]

    @property
    def text(self) -> str:
        """The value as text, on one line."""
        plain = _ESCAPE.sub(lambda m: " " if m[1] in "nN" else m[1], self.value)
        return " ".join(plain.split())

    @property
    def words(self) -> list[str]:
        """A list of texts, such as CATEGORIES."""
        parts = re.split(r"(?<!\\),", self.value)
        return [text for part in parts if (text := Property(part, {}).text)]


@dataclass(slots=True)
class Component:
    """A VCALENDAR, VEVENT …; properties in order, since some may repeat."""

    name: str
    properties: dict[str, list[Property]] = field(default_factory=dict)

    def first(self, name: str) -> Property | None:
        """The first property of that name."""
        return next(iter(self.properties.get(name, ())), None)

    def all(self, name: str) -> list[Property]:
        """All properties of that name."""
        return self.properties.get(name, [])


def read_events(raw: bytes, kept: frozenset[str]) -> tuple[Component, list[Component]]:
    """The calendar's own properties and its events, each with the properties in `kept` only.

    What lies inside an event (alarms) is passed over. Several calendars in one document count as
    one; the first one's properties are taken. Raises `UnreadableError`.
    """
    refuse_what_is_no_text(raw)
    reading = _Reading(kept)
    for line in _LINE.finditer(_FOLD.sub("", _decoded(raw))):
        reading.take(*_content(line[0]))
    if reading.opened:
        raise unreadable(DOCUMENT, "is cut off: END is missing")
    if reading.calendar is None:
        raise unreadable("VCALENDAR", "is missing: this is no iCalendar document")
    return reading.calendar, reading.events


class _Reading:
    """The components opened so far, and those done."""

    def __init__(self, kept: frozenset[str]) -> None:
        self.calendar: Component | None = None
        self.events: list[Component] = []
        self.opened: list[Component] = []
        self._kept = kept

    def take(self, name: str, found: Property) -> None:
        """One content line."""
        if name == "BEGIN":
            self.opened.append(Component(found.value.strip().upper()))
            if len(self.opened) > MAX_DEPTH:
                raise unreadable(DOCUMENT, f"is nested more than {MAX_DEPTH} deep")
        elif name == "END":
            self._end(found.value.strip().upper())
        elif self.opened and name in self._kept:
            self.opened[-1].properties.setdefault(name, []).append(found)

    def _end(self, name: str) -> None:
        if not self.opened or self.opened[-1].name != name:
            raise unreadable(DOCUMENT, "is damaged: BEGIN and END do not match")
        done = self.opened.pop()
        if done.name == "VEVENT" and len(self.opened) == 1:
            self.events.append(done)
        elif done.name == "VCALENDAR" and not self.opened:
            self.calendar = self.calendar or done
        if len(self.events) > MAX_EVENTS:
            raise unreadable(DOCUMENT, f"holds more than {MAX_EVENTS} events")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _content(line: str) -> tuple[str, Property]:
    """Name and property of a line; the name is empty where it is no content line."""
    found = _NAME.match(line)
    parameters: dict[str, str] = {}
    if found is None:
        return "", Property("", parameters)
    position = found.end()
    while (parameter := _PARAMETER.match(line, position)) is not None:
        parameters[parameter[1].upper()] = parameter[2].strip('"')
        position = parameter.end()
    if line[position : position + 1] != ":":
        return "", Property("", parameters)
    return found[0].upper(), Property(line[position + 1 :], parameters)
