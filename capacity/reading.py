"""One raw row of fields, from whatever format, into one checked report.

Every parser ends here, so a count, an instant or a text is judged by the same rule whatever it
travelled in. A field that is **absent** is not kept by the source; a field that is present and
``None`` is kept but unknown just now. The difference matters for `reserved` and `closed` only: a
source that has no such notion withholds nothing, while one that does not know makes `free`
unknown. In both cases the figure itself is shown as unknown.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from capacity.instants import BadInstantError, Repeated, parse_instant, place
from capacity.model import (
    COUNTS,
    EXTRA_FIELDS,
    REPORT_CLASSES,
    Closure,
    Report,
    ReportType,
)
from capacity.privacy import CPR_REASON, first_cpr, holds_cpr
from capacity.rules import free_places, inconsistencies, is_from_the_future

MAX_COUNT = 100_000
"""More than any unit on earth has; a larger number is a sentinel or a slip."""
MAX_TEXT = 500
MAX_ID = 200
MAX_WORDS = 100

_COMMON = frozenset({"unit", "type", "observed_at", "note", "closure", "capabilities_off", *COUNTS})
_ALLOWED = {kind: _COMMON | EXTRA_FIELDS[kind] for kind in ReportType}
_TYPES = {kind.value: kind for kind in ReportType}
_EXTRA_COUNTS = frozenset({"waiting", "wait_minutes"})
_EVER_ALLOWED = frozenset().union(*_ALLOWED.values())
_CLOSURE = frozenset({"reason", "reopens_at", "reopens_itself"})


class FieldError(ValueError):
    """A field that cannot be used, by name, and why (never repeating a text that may identify)."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class LocalTime(NamedTuple):
    """How a source means times that carry no offset: its zone, and which of two equal hours."""

    zone: ZoneInfo | None = None
    repeated: Repeated = "first"


OFFSET_REQUIRED = LocalTime()
"""For sources that declare no zone."""


def read_report(
    raw: Mapping[str, object],
    received_at: datetime,
    report_type: ReportType | None = None,
    local: LocalTime = OFFSET_REQUIRED,
    *,
    suspicious: bool = True,
) -> Report:
    """Build a report from raw fields; raises `FieldError` naming the first field at fault.

    Instants may be text (ISO 8601) or aware datetimes that a parser has already placed in time.
    `report_type` is used where the row itself names no ``type``. Fields that are not `suspicious`
    are known to hold no person number as they are written.
    """
    if suspicious:
        _refuse_cpr(raw)
    kind = _type(raw, report_type or ReportType.PLACE)
    _refuse_unknown_fields(raw, kind)
    unit = _identifier(raw, "unit")
    observed_at = _instant(raw, "observed_at", local)
    if observed_at is None:
        raise FieldError("observed_at", "is missing")
    if is_from_the_future(observed_at, received_at):
        raise FieldError("observed_at", "lies more than two minutes in the future")
    total, staffed, occupied = _count(raw, "total"), _count(raw, "staffed"), _count(raw, "occupied")
    reserved, closed, stated = _count(raw, "reserved"), _count(raw, "closed"), _count(raw, "free")
    # Reserved and closed that the source does not keep at all withhold nothing.
    withheld = (
        reserved if "reserved" in raw else 0,
        closed if "closed" in raw else 0,
    )
    extras = {name: _extra(raw, name, local) for name in EXTRA_FIELDS[kind] if name in raw}
    return REPORT_CLASSES[kind](
        unit=unit,
        observed_at=observed_at,
        total=total,
        staffed=staffed,
        occupied=occupied,
        reserved=reserved,
        closed=closed,
        stated_free=stated,
        free=free_places(
            total=total,
            staffed=staffed,
            occupied=occupied,
            reserved=withheld[0],
            closed=withheld[1],
            stated=stated,
        ),
        inconsistencies=inconsistencies(
            total=total,
            staffed=staffed,
            occupied=occupied,
            reserved=reserved,
            closed=closed,
            stated=stated,
        ),
        closure=_closure(raw, local),
        note=_text(raw, "note"),
        capabilities_off=_words(raw, "capabilities_off"),
        **extras,
    )


def _refuse_cpr(raw: Mapping[str, object]) -> None:
    for name, value in raw.items():
        # Most values by far are short texts and small counts, so those are judged first.
        if isinstance(value, str):
            found = holds_cpr(value)
        elif value is None or (isinstance(value, int) and value <= MAX_COUNT):
            found = False
        else:
            found = first_cpr(value) is not None
        if found:
            raise FieldError(shown(name), CPR_REASON)
        if name not in _EVER_ALLOWED and holds_cpr(str(name)):
            raise FieldError("(field name)", CPR_REASON)


def shown(name: object) -> str:
    """A field name of the source's making, cut and fit to be shown."""
    text = str(name)[:60]
    return (
        text if text.strip() and text.isprintable() and not holds_cpr(str(name)) else "(field name)"
    )


def _extra(raw: Mapping[str, object], name: str, local: LocalTime) -> int | bool | datetime | None:
    if name in _EXTRA_COUNTS:
        return _count(raw, name)
    if name == "on_duty":
        return _flag(raw, name)
    return _instant(raw, name, local)


def _type(raw: Mapping[str, object], default: ReportType) -> ReportType:
    value = raw.get("type")
    if value is None:
        return default
    known = _TYPES.get(str(value))
    if known is None:
        raise FieldError("type", f"is none of {', '.join(ReportType)}")
    return known


def _refuse_unknown_fields(raw: Mapping[str, object], kind: ReportType) -> None:
    if raw.keys() <= _ALLOWED[kind]:
        return
    stranger = next(name for name in raw if name not in _ALLOWED[kind])
    raise FieldError(shown(stranger), f"is no field of a {kind} report")


def _identifier(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    if value is None:
        raise FieldError(name, "is missing")
    if not isinstance(value, str):
        raise FieldError(name, "is not a text")
    if len(value) > MAX_ID or not value.isprintable():
        raise FieldError(name, f"is no identifier (printable, at most {MAX_ID} characters)")
    value = value.strip()
    if not value:
        raise FieldError(name, "is missing")
    return value


def _count(raw: Mapping[str, object], name: str) -> int | None:
    value = raw.get(name)
    if value is None or (type(value) is int and 0 <= value <= MAX_COUNT):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(name, "is not a whole number")
    if isinstance(value, float) and not value.is_integer():  # NaN and the infinities too
        raise FieldError(name, "is not a whole number")
    if value < 0:
        raise FieldError(name, "is negative")
    if value > MAX_COUNT:
        raise FieldError(name, f"is over {MAX_COUNT}, which no unit has")
    return int(value)


def _flag(raw: Mapping[str, object], name: str) -> bool | None:
    value = raw.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise FieldError(name, "is neither true nor false")


def _instant(raw: Mapping[str, object], name: str, local: LocalTime) -> datetime | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return parse_instant(value, local.zone, local.repeated)
        if isinstance(value, datetime):
            return place(value, local.zone, local.repeated)
    except BadInstantError as error:
        raise FieldError(name, str(error)) from error
    raise FieldError(name, "is not an ISO 8601 date and time")


def _text(raw: Mapping[str, object], name: str) -> str | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError(name, "is not a text")
    if len(value) > MAX_TEXT:
        raise FieldError(name, f"is longer than {MAX_TEXT} characters")
    cleaned = " ".join(value.split())
    if not cleaned.isprintable():
        raise FieldError(name, "holds control characters")
    if holds_cpr(cleaned):
        raise FieldError(name, CPR_REASON)
    return cleaned or None


def _words(raw: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = raw.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise FieldError(name, "is not a list of texts")
    if len(value) > MAX_WORDS or any(len(word) > MAX_ID for word in value):
        raise FieldError(name, "is too long")
    if not all(word.isprintable() for word in value):
        raise FieldError(name, "holds control characters")
    return tuple(word.strip() for word in value)


def _closure(raw: Mapping[str, object], local: LocalTime) -> Closure | None:
    value = raw.get("closure")
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise FieldError("closure", "is not an object with reason and reopens_at")
    for name in value:
        if name not in _CLOSURE:
            raise FieldError(f"closure.{shown(name)}", "is no field of a closure")
    try:
        reason = _text(value, "reason")
        reopens_at = _instant(value, "reopens_at", local)
        itself = _flag(value, "reopens_itself")
    except FieldError as error:
        raise FieldError(f"closure.{error.field}", error.reason) from error
    if reason is None:
        raise FieldError("closure.reason", "is missing")
    if itself and reopens_at is None:
        raise FieldError("closure.reopens_at", "is missing, and the unit reopens by itself")
    return Closure(reason=reason, reopens_at=reopens_at, reopens_itself=bool(itself))
