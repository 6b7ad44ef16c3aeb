"""One thing that somebody at a unit says of it by hand: which, with what, and when. Pure.

What becomes of it is `capacity.hand_report`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from capacity.instants import BadInstantError, parse_instant
from capacity.privacy import CPR_REASON, first_cpr
from capacity.reading import FieldError
from capacity.rules import FUTURE_TOLERANCE

OLDEST: Final = timedelta(hours=24)
"""A tap that was kept longer than this without a network says nothing about now."""

CLOSING_REASONS: Final[Mapping[str, str]] = {
    "no_staff": "mangler personale",
    "infection": "smitte",
    "maintenance": "rengøring eller reparation",
    "equipment": "udstyr mangler",
    "agreed": "aftalt lukning",
    "other": "anden grund",
}
"""Why a unit closes, by code; the text is what boards show as the closure's reason."""

ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "confirm": frozenset(),
    "close": frozenset(),
    "open": frozenset({"free"}),
    "capabilities_off": frozenset(),
    "on_duty": frozenset({"free", "next_free_at"}),
    "free": frozenset(),
}
"""What can be said, each with what may be said along with it; looked for in this order."""


@dataclass(frozen=True, slots=True)
class Word:
    """One thing said: which action, with what, and when."""

    action: str
    body: Mapping[str, object]
    said_at: datetime


def read_word(body: object, now: datetime) -> Word:
    """What a body says; raises `FieldError` naming the first field at fault.

    A moment ahead of our clock by less than clocks may be off is taken as now.
    """
    if not isinstance(body, Mapping):
        raise FieldError("body", "is not a JSON object")
    found = first_cpr(body)
    if found is not None:
        raise FieldError(found.split(".")[0].split("[")[0] or "body", CPR_REASON)
    action = next((name for name in ACTIONS if name in body), None)
    if action is None:
        raise FieldError("body", f"says none of {', '.join(ACTIONS)}")
    stranger = next((n for n in body if n not in {action, "observed_at", *ACTIONS[action]}), None)
    if stranger is not None:
        known = stranger in ACTIONS or stranger == "next_free_at"
        name = stranger if known else "(field name)"
        raise FieldError(name, f"cannot be said together with {action}" if known else "is unknown")
    _refuse_half_said(action, body)
    return Word(action, body, _said_at(body.get("observed_at"), now))


def _refuse_half_said(action: str, body: Mapping[str, object]) -> None:
    if action in ("confirm", "open") and body[action] is not True:
        raise FieldError(action, "is not true")
    if action == "on_duty" and not isinstance(body["on_duty"], bool):
        raise FieldError("on_duty", "is neither true nor false")
    if action == "free" and body["free"] is None:
        raise FieldError("free", "is not a whole number")
    if action == "capabilities_off" and body["capabilities_off"] is None:
        raise FieldError("capabilities_off", "is not a list of texts")


def _said_at(value: object, now: datetime) -> datetime:
    if value is None:
        return now
    said_at = instant_of("observed_at", value)
    if said_at - now > FUTURE_TOLERANCE:
        raise FieldError("observed_at", "lies in the future")
    if now - said_at > OLDEST:
        raise FieldError("observed_at", "is more than 24 hours ago")
    return min(said_at, now)


def instant_of(field: str, value: object) -> datetime:
    """The instant of a field; raises `FieldError` naming it."""
    if not isinstance(value, str):
        raise FieldError(field, "is not an ISO 8601 date and time")
    try:
        return parse_instant(value)
    except BadInstantError as error:
        raise FieldError(field, str(error)) from error
