"""Small calendars for tests: events, and what a calendar of shifts says of a team."""

from datetime import UTC, datetime
from typing import Any

from capacity.model import Batch, TeamReport
from feeds.formats.icalendar import FORMAT

TEAM = {"unit": "TEAM"}
NAME = "OPDIGTET"
NIGHT = (
    "DTSTART;TZID=Europe/Copenhagen:20260105T230000",
    "DTEND;TZID=Europe/Copenhagen:20260106T070000",
)
SHIFT = ("DTSTART;TZID=Europe/Copenhagen:20260105T080000", "DURATION:PT8H")


def event(*lines: str, uid: str = "1") -> str:
    """An event of these lines."""
    inner = "".join(f"{line}\r\n" for line in (f"UID:{uid}", *lines))
    return f"BEGIN:VEVENT\r\n{inner}END:VEVENT\r\n"


def calendar(*events: str, head: str = "") -> bytes:
    """A calendar of these events."""
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{''.join(events)}END:VCALENDAR\r\n"
    return text.encode()


def at(raw: bytes, now: str | datetime, mapping: dict[str, Any] | None = None) -> Batch:
    """What a calendar says at an instant."""
    instant = datetime.fromisoformat(now) if isinstance(now, str) else now
    return FORMAT.parse(raw, FORMAT.read_mapping(mapping or TEAM), instant.astimezone(UTC))


def team(
    raw: bytes, now: str | datetime, mapping: dict[str, Any] | None = None
) -> tuple[bool | None, str | None]:
    """On duty and the next shift of the only unit."""
    batch = at(raw, now, mapping)
    assert batch.rejects == ()
    (report,) = batch.reports
    assert isinstance(report, TeamReport)
    following = report.next_free_at
    stated = following.isoformat(timespec="minutes") if following else None
    return report.on_duty, stated


CLOSED = event(
    "DTSTART:20261122T070000Z", "DTEND:20261122T150000Z", f"SUMMARY:Møde\\, {NAME}\\nog rengøring"
)
CLOSURES = {"unit": "U", "meaning": "closures", "types": {"U": "place"}}
