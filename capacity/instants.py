"""Instants: UTC inside, local time only at the edges.

Every instant in the program is an aware ``datetime`` in UTC with whole milliseconds. Sources
write local times, with and without offsets; `parse_instant` is the only door in, and it refuses
what it cannot know: the hour that is missing in March, and (unless the source says which of the
two is meant, or gives the offset) resolves the hour that occurs twice in October explicitly.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Gives the present instant; handed in, so that tests own time."""

Repeated = Literal["first", "second", "refuse"]
"""Which of two equal local times a source means in the hour that occurs twice."""

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[T ]"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?P<offset>Z|z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,40}(?:/[A-Za-z0-9_+\-]{1,40}){0,3}")
"""An IANA name such as ``America/Argentina/Buenos_Aires``."""


class BadInstantError(ValueError):
    """A text that names no instant, or more than one."""


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; `BadInstantError` when there is none."""
    if not _ZONE.fullmatch(name):
        # The name may come from a document, and is looked up as a package and a file.
        raise BadInstantError("no time zone is called so")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInstantError(f"no time zone is called {name!r}") from error


def utc_now() -> datetime:
    """The wall clock, in UTC, cut to whole milliseconds."""
    return to_millis(datetime.now(UTC))


def to_millis(instant: datetime) -> datetime:
    """The same instant in UTC, cut (never rounded up into the future) to whole milliseconds."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def epoch_millis(instant: datetime) -> int:
    """Milliseconds since 1970, exact (no float in between)."""
    return (instant - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=1024)
def from_epoch_millis(millis: int) -> datetime:
    """The instant of `epoch_millis`; remembers its answers, for a store does much in one."""
    return _EPOCH + timedelta(milliseconds=millis)


def format_instant(instant: datetime | None) -> str | None:
    """ISO 8601 in UTC with ``Z``; milliseconds only where there are any; ``None`` stays."""
    return None if instant is None else _format_instant(instant)


@lru_cache(maxsize=1024)
def _format_instant(instant: datetime) -> str:
    """Remembers its answers: the rows of a document share few instants."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    spec = "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=spec).removesuffix("+00:00") + "Z"


def parse_instant(
    text: str, default_zone: ZoneInfo | None = None, repeated: Repeated = "first"
) -> datetime:
    """Read an ISO 8601 instant, hours padded or not, one to nine fractional digits or none.

    A text without offset is local to `default_zone`, and refused when there is none. With an
    offset *and* a zone both must agree: an offset that the zone does not have at that moment
    (a summer offset in January) is a source that misreads its own clock, and is refused. UTC,
    written as Z or as a zero offset, agrees with every zone. Raises `BadInstantError`.
    """
    return _parse_instant(text.strip(), default_zone, repeated)


@lru_cache(maxsize=4096)
def _parse_instant(text: str, local: ZoneInfo | None, repeated: Repeated) -> datetime:
    """Remembers its answers: the rows of a document share few instants."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise BadInstantError("not an ISO 8601 date and time")
    return place(_stamp(match), local, repeated)


def localize(naive: datetime, local: ZoneInfo, repeated: Repeated = "first") -> datetime:
    """The instant of a wall-clock time in `local`; refuses the hour that March skips."""
    first = naive.replace(tzinfo=local, fold=0)
    second = naive.replace(tzinfo=local, fold=1)
    if first.utcoffset() != second.utcoffset():
        if _in_utc(first).astimezone(local).replace(tzinfo=None) != naive:
            raise BadInstantError(f"this local time does not exist in {local.key}")
        if repeated == "refuse":
            raise BadInstantError(f"this local time occurs twice in {local.key}")
    return _in_utc(second if repeated == "second" else first)


def place(stamp: datetime, local: ZoneInfo | None, repeated: Repeated = "first") -> datetime:
    """The instant of a parsed time stamp, with or without an offset, as `parse_instant` has it."""
    if stamp.tzinfo is None:
        if local is None:
            raise BadInstantError("no offset, and the source declares no time zone")
        return localize(stamp, local, repeated)
    instant = _in_utc(stamp)
    if local is not None and stamp.utcoffset() and _offset_in(local, instant) != stamp.utcoffset():
        raise BadInstantError(f"its offset contradicts {local.key} at that time")
    return instant


def _in_utc(aware: datetime) -> datetime:
    try:
        return to_millis(aware)
    except OverflowError as error:
        raise BadInstantError("lies outside the years 1 to 9999") from error


def _offset_in(local: ZoneInfo, instant: datetime) -> timedelta | None:
    try:
        return instant.astimezone(local).utcoffset()
    except OverflowError as error:
        raise BadInstantError("lies outside the years 1 to 9999") from error


def _stamp(match: re.Match[str]) -> datetime:
    micros = (match["fraction"] or "").ljust(6, "0")[:6]
    offset = (match["offset"] or "").upper()
    hour, minute, second = match["hour"], match["minute"], match["second"] or "00"
    try:
        return datetime.fromisoformat(
            f"{match['date']}T{hour:0>2}:{minute}:{second}.{micros}{offset}"
        )
    except ValueError as error:
        raise BadInstantError("no such date, time of day or offset from UTC") from error
