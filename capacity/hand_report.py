"""A unit's own word, given by hand: from what stands on the board and one tap to a new report.

Somebody at the unit says one thing at a time: how many are free, that all is still right, that the
unit closes or opens, what it cannot do today, whether a team is on duty. Everything else is carried
over from the standing row. Pure; the same judge as for any feed (`capacity.reading`) has the last
word on every field.

**What is counted.** ``free`` is *every empty, staffed place that could be taken now, those kept for
somebody on the way (holds) included*: it is what a person in the corridor can see. The store takes
the holds off. A place whose guest has arrived (a filled hold) is not empty and is not counted. Such
a hold goes on counting until a report that is newer than the arrival, so whoever says "still right"
after it confirms one place fewer than was last reported, and not the reported figure.

**What becomes of the rest.** ``occupied`` follows from the tap: what the total leaves when free,
reserved, closed and unstaffed places are taken off, never below zero. The total stays; where no
source has told one, the catalogue's number of places is taken. A count that does not fit is kept as
said, and the row tells the contradiction (`capacity.rules.inconsistencies`). A figure that is stale
is not made young by talk of something else: then it becomes unknown until it is said or confirmed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from capacity.hand_word import CLOSING_REASONS, Word, instant_of
from capacity.instants import format_instant, parse_instant
from capacity.model import Report, ReportType, State
from capacity.reading import MAX_COUNT, FieldError, read_report
from capacity.row import Row
from capacity.rules import unusable
from capacity.units import Unit

LATEST_REOPENING: Final = timedelta(days=366)

COUNTED: Final = frozenset({ReportType.PLACE, ReportType.TEAM, ReportType.SLOT})
"""Kinds of report whose free figure a person can see and say."""
ON_DUTY: Final = frozenset({ReportType.TEAM, ReportType.ADVICE})
"""Kinds of report that know whether somebody is on duty."""

_CLOSE_FIELDS = frozenset({"reason", "reopens_at", "reopens_itself"})


class NothingStandsError(Exception):
    """What was to be confirmed has no figure; says so in plain words."""


def report_of(unit: Unit, row: Row, word: Word, now: datetime) -> Report:
    """The report that a word makes of the row that stands.

    Raises `FieldError` for what this unit cannot say, `NothingStandsError` where nothing stands
    that could be confirmed.
    """
    raw = _carried(unit, row, word.said_at)
    if word.action not in ("free", "confirm") and _is_stale(row, word.said_at):
        raw |= {"free": None, "occupied": None}
    match word.action:
        case "free":
            _count(unit, raw, word.body["free"])
        case "confirm":
            _must_stand(unit, row)
        case "close":
            raw["closure"] = _closure(word)
        case "open":
            _open(unit, raw, word.body)
        case "capabilities_off":
            raw["capabilities_off"] = _off(unit, word.body["capabilities_off"])
        case _:
            _duty(unit, raw, word)
    return read_report(raw, now, unit.report_type)


def arrived(row: Row, at: datetime) -> int:
    """How many filled holds still lower the row's free figure that a report of `at` takes over."""
    return sum(
        1
        for hold in row["holds"]
        if hold["state"] == "filled"
        and hold["counts"]
        and isinstance(hold["ended_at"], str)
        and parse_instant(hold["ended_at"]) < at
    )


def empty_now(row: Row, at: datetime) -> int | None:
    """Empty, staffed places by the row that stands, as whoever is there counts them."""
    free = row["free_before_holds"]
    return None if free is None else max(0, free - arrived(row, at))


def fits(unit: Unit, row: Row) -> int | None:
    """How many can be free at most by the total and what is out of use; ``None`` if unknown."""
    total = row["total"] if row["total"] is not None else unit.places
    if total is None:
        return None
    out = unusable(total, row["staffed"], row["closed"] or 0) or 0
    return max(0, total - (row["reserved"] or 0) - out)


def _is_stale(row: Row, at: datetime) -> bool:
    return row["stale_at"] is None or at >= parse_instant(row["stale_at"])


def _carried(unit: Unit, row: Row, said_at: datetime) -> dict[str, object]:
    """The standing row as raw fields of a report; unknown stays unknown."""
    raw: dict[str, object] = {"unit": unit.id, "observed_at": format_instant(said_at)}
    raw |= {name: row[name] for name in ("total", "staffed", "occupied") if row[name] is not None}
    if row["reserved"] is not None:
        raw["reserved"] = row["reserved"]
    if row["closed"] is not None:
        raw["closed"] = row["closed"]
    empty, came = empty_now(row, said_at), arrived(row, said_at)
    if empty is not None:
        raw["free"] = empty
        if came and row["occupied"] is not None:
            raw["occupied"] = row["occupied"] + came
    elif row["observed_at"] is not None:  # a source that did not know what it withheld
        raw |= {name: None for name in ("reserved", "closed") if row[name] is None}
    raw["note"] = row["note"]
    raw["capabilities_off"] = row["capabilities_off"]
    if row["closure_reason"] is not None:
        raw["closure"] = {
            "reason": row["closure_reason"],
            "reopens_at": row["reopens_at"],
            "reopens_itself": row["reopens_itself"],
        }
    if unit.report_type in ON_DUTY:
        raw["on_duty"] = row["on_duty"]
    if unit.report_type in (ReportType.TEAM, ReportType.SLOT):
        raw["next_free_at"] = row["next_free_at"]
    if unit.report_type in (ReportType.LOAD, ReportType.ADVICE):
        raw |= {"waiting": row["waiting"], "wait_minutes": row["wait_minutes"]}
    return raw


def _count(unit: Unit, raw: dict[str, object], free: object) -> None:
    """So many are empty; occupied follows, and a team that has a crew waits for none."""
    if unit.report_type not in COUNTED:
        raise FieldError("free", "is not what a unit of this kind says")
    if type(free) is not int or not 0 <= free <= MAX_COUNT:
        raise FieldError("free", f"is not a whole number from 0 to {MAX_COUNT}")
    raw["free"] = free
    for name in ("reserved", "closed"):
        if raw.get(name) is None:
            raw.pop(name, None)
    total = raw.get("total", unit.places)
    if isinstance(total, int):
        raw["total"] = total
        raw["occupied"] = max(0, total - _withheld(raw, total) - free)
    else:
        raw.pop("occupied", None)  # the old one need not be true any more
    if free > 0 and unit.report_type is ReportType.TEAM:
        raw["next_free_at"] = None


def _withheld(raw: Mapping[str, object], total: int) -> int:
    staffed, closed, reserved = raw.get("staffed"), raw.get("closed"), raw.get("reserved")
    out = unusable(
        total,
        staffed if isinstance(staffed, int) else None,
        closed if isinstance(closed, int) else 0,
    )
    return (out or 0) + (reserved if isinstance(reserved, int) else 0)


def _must_stand(unit: Unit, row: Row) -> None:
    shut = row["state"] == State.CLOSED
    counted = unit.report_type in COUNTED
    if row["observed_at"] is None or (counted and not shut and row["free_before_holds"] is None):
        raise NothingStandsError("no figure stands that could be confirmed")


def _closure(word: Word) -> dict[str, object]:
    said = word.body["close"]
    if not isinstance(said, Mapping):
        raise FieldError("close", "is not an object with reason, reopens_at and reopens_itself")
    stranger = next((name for name in said if name not in _CLOSE_FIELDS), None)
    if stranger is not None:
        raise FieldError("close", "has a field that is unknown")
    reason = said.get("reason")
    if not isinstance(reason, str) or reason not in CLOSING_REASONS:
        raise FieldError("close.reason", f"is none of {', '.join(CLOSING_REASONS)}")
    itself = said.get("reopens_itself", False)
    if not isinstance(itself, bool):
        raise FieldError("close.reopens_itself", "is neither true nor false")
    reopens_at = None
    if said.get("reopens_at") is not None:
        reopens_at = instant_of("close.reopens_at", said["reopens_at"])
        if not word.said_at < reopens_at <= word.said_at + LATEST_REOPENING:
            raise FieldError("close.reopens_at", "is not within the year that follows")
    elif itself:
        raise FieldError("close.reopens_at", "is missing, and the unit reopens by itself")
    return {
        "reason": CLOSING_REASONS[reason],
        "reopens_at": format_instant(reopens_at),
        "reopens_itself": itself,
    }


def _open(unit: Unit, raw: dict[str, object], body: Mapping[str, object]) -> None:
    """Open again: with a count, places that stood as closed or unstaffed give way to it."""
    raw.pop("closure", None)
    free = body.get("free")
    if free is None:
        return
    total = raw.get("total", unit.places)
    room = total - _withheld(raw, total) if isinstance(total, int) else None
    if room is not None and isinstance(free, int) and free > room:
        raw.pop("closed", None)
        raw.pop("staffed", None)
    _count(unit, raw, free)


def _off(unit: Unit, codes: object) -> list[object]:
    if not isinstance(codes, list):
        raise FieldError("capabilities_off", "is not a list of texts")
    if any(code not in unit.capabilities for code in codes):
        raise FieldError("capabilities_off", "names a capability that the unit does not have")
    return codes


def _duty(unit: Unit, raw: dict[str, object], word: Word) -> None:
    """On duty, busy until a time, or off duty."""
    body = word.body
    if unit.report_type not in ON_DUTY:
        raise FieldError("on_duty", "is not what a unit of this kind says")
    raw["on_duty"] = body["on_duty"]
    if body.get("free") is not None:
        _count(unit, raw, body["free"])
    if unit.report_type is not ReportType.TEAM:
        if body.get("next_free_at") is not None:
            raise FieldError("next_free_at", "is not what a unit of this kind says")
        return
    raw["next_free_at"] = None
    if body.get("next_free_at") is not None:
        next_free_at = instant_of("next_free_at", body["next_free_at"])
        if not word.said_at < next_free_at <= word.said_at + LATEST_REOPENING:
            raise FieldError("next_free_at", "is not within the year that follows")
        raw["next_free_at"] = format_instant(next_free_at)
