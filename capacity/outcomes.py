"""What came of a call: the trial's main measurement, as codes and numbers only.

An *outcome* is logged in one click and can be corrected for an hour (`CORRECTION_WINDOW`), with a
trace of what it was. Nothing in it is free text, so that nothing about a person can come along.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from capacity.instants import format_instant, parse_instant
from capacity.need import Need, NeedError, parse_need
from capacity.privacy import CPR_REASON, first_cpr
from capacity.units import Catalogue

CORRECTION_WINDOW = timedelta(hours=1)
"""How long after it was logged an outcome can be corrected, by the store's clock."""

LONGEST_CALL_SECONDS = 7200
"""A call that took longer was not timed, but forgotten."""


class OutcomeCode(StrEnum):
    """What the call led to."""

    ALTERNATIVE = "alternative"
    """A unit was chosen instead of admission."""
    ADMITTED_DESPITE_FREE = "admitted_despite_free"
    """Admitted although an alternative was free."""
    ADMITTED_NONE_FREE = "admitted_none_free"
    """Admitted because none was."""
    OTHER = "other"


REASONS: Final[Mapping[OutcomeCode, tuple[str, ...]]] = {
    OutcomeCode.ALTERNATIVE: (),
    OutcomeCode.ADMITTED_DESPITE_FREE: (
        "needs_hospital_tests",
        "competence_missing",
        "not_soon_enough",
        "declined_by_unit",
        "could_not_reach",
        "citizen_or_relatives_wish",
        "transport",
        "doctor_decision",
        "other",
    ),
    OutcomeCode.ADMITTED_NONE_FREE: (),
    OutcomeCode.OTHER: ("advice_only", "called_back", "wrong_number_or_info", "other"),
}
"""The reasons that can be given, by outcome; where there are any, giving none is allowed too:
the click counts, and the reason can be added by a correction."""


class OutcomeError(ValueError):
    """An outcome that cannot be logged: `field` names what is wrong, `reason` says why."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True)
class OutcomeValue:
    """What is logged about one call.

    `unit` is the one chosen (always with `alternative`) or the one that was not, `hold` the id of
    the hold it came by, `took_seconds` how long the call took; ``None`` where it was not said.
    """

    outcome: OutcomeCode
    reason: str | None = None
    unit: str | None = None
    hold: str | None = None
    need: Need | None = None
    took_seconds: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape that is sent, kept, and answered."""
        return {
            "outcome": self.outcome.value,
            "reason": self.reason,
            "unit": self.unit,
            "hold": self.hold,
            "need": None if self.need is None else self.need.as_json(),
            "took_seconds": self.took_seconds,
        }


FIELDS = frozenset({"outcome", "reason", "unit", "hold", "need", "took_seconds"})
_HOLD_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The form of a UUID, which is never taken for a person number however its digits fall."""


def parse_outcome(values: object, cluster: str, catalogue: Catalogue) -> OutcomeValue:
    """The outcome of a JSON document; raises `OutcomeError` for anything but known choices."""
    if not isinstance(values, dict):
        raise OutcomeError("body", "must be a JSON object")
    path = first_cpr(values)
    if path is not None:
        known = path.partition(".")[0] in FIELDS and "(" not in path
        raise OutcomeError(path if known else "body", CPR_REASON)
    if values.keys() - FIELDS:
        raise OutcomeError("body", "has a field that an outcome does not have")
    outcome = _code(values.get("outcome"))
    return OutcomeValue(
        outcome=outcome,
        reason=_reason(values.get("reason"), outcome),
        unit=_unit(values.get("unit"), outcome, cluster, catalogue),
        hold=_hold(values.get("hold")),
        need=_need(values.get("need"), catalogue),
        took_seconds=_seconds(values.get("took_seconds")),
    )


def _code(value: object) -> OutcomeCode:
    if not isinstance(value, str) or value not in set(OutcomeCode):
        raise OutcomeError("outcome", f"must be one of {', '.join(OutcomeCode)}")
    return OutcomeCode(value)


def _reason(value: object, outcome: OutcomeCode) -> str | None:
    if value is None:
        return None
    allowed = REASONS[outcome]
    if not allowed:
        raise OutcomeError("reason", "has no place with this outcome")
    if not isinstance(value, str) or value not in allowed:
        raise OutcomeError("reason", f"must be one of {', '.join(allowed)}")
    return value


def _unit(value: object, outcome: OutcomeCode, cluster: str, catalogue: Catalogue) -> str | None:
    if value is None:
        if outcome is OutcomeCode.ALTERNATIVE:
            raise OutcomeError("unit", "is missing: which alternative was chosen")
        return None
    unit = catalogue.units.get(value) if isinstance(value, str) else None
    if unit is None or unit.cluster != cluster:
        raise OutcomeError("unit", "is no unit of this cluster")
    return unit.id


def _hold(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _HOLD_ID.fullmatch(value):
        raise OutcomeError("hold", "is no id of a hold")
    return value


def _need(value: object, catalogue: Catalogue) -> Need | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise OutcomeError("need", "must be an object")
    try:
        return parse_need(value, catalogue)
    except NeedError as error:
        field = "need" if error.field == "need" else f"need.{error.field}"
        raise OutcomeError(field, error.reason) from error


def _seconds(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise OutcomeError("took_seconds", "must be a whole number")
    if not 0 <= value <= LONGEST_CALL_SECONDS:
        raise OutcomeError("took_seconds", f"must be 0 to {LONGEST_CALL_SECONDS}")
    return value


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction of an outcome: when, by whom, and the value before and after it.

    `by` has the role, organisation and pseudonymous account, as in every trail.
    """

    id: str
    at: datetime
    by: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The shape in answers."""
        return {
            "at": format_instant(self.at),
            "by": dict(self.by),
            "before": dict(self.before),
            "after": dict(self.after),
        }


@dataclass(frozen=True, slots=True)
class Logged:
    """An outcome as it was logged, and its corrections, oldest first.

    `logged` is what was logged at first (see `OutcomeValue.as_json`); `at` is when.
    """

    id: str
    at: datetime
    correctable_until: datetime
    by: Mapping[str, Any]
    logged: Mapping[str, Any]
    corrections: tuple[Correction, ...] = ()

    @property
    def value(self) -> Mapping[str, Any]:
        """What holds now: the last correction, or what was logged."""
        return self.corrections[-1].after if self.corrections else self.logged

    def as_json(self) -> dict[str, Any]:
        """The shape in answers: the present value, with its trace."""
        return {
            "id": self.id,
            "at": format_instant(self.at),
            "correctable_until": format_instant(self.correctable_until),
            "by": dict(self.by),
            **self.value,
            "corrections": [each.as_json() for each in self.corrections],
        }


def logged_of(entry: Mapping[str, Any]) -> Logged:
    """The outcome that a journal entry of the kind ``outcome`` tells of."""
    return Logged(
        id=entry["id"],
        at=parse_instant(entry["at"]),
        correctable_until=parse_instant(entry["correctable_until"]),
        by=entry["by"],
        logged=entry["value"],
    )


def correction_of(entry: Mapping[str, Any]) -> Correction:
    """The correction that a journal entry of the kind ``outcome_correction`` tells of."""
    return Correction(
        id=entry["correction"],
        at=parse_instant(entry["at"]),
        by=entry["by"],
        before=entry["before"],
        after=entry["after"],
    )


def with_corrections(outcome: Logged, corrections: Iterable[Correction]) -> Logged:
    """The outcome with these corrections, each once, in the order given."""
    once = {each.id: each for each in corrections}
    return replace(outcome, corrections=tuple(once.values()))
