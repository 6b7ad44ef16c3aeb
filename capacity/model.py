"""The words of the field as types: unit kinds, reports, rejects, batches and rows.

A *report* is what one source says about one unit at one moment. A *row* (see `capacity.row`) is
what the board shows of a unit. ``None`` always means unknown and never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class ReportType(StrEnum):
    """The five shapes a report can have."""

    PLACE = "place"
    TEAM = "team"
    LOAD = "load"
    SLOT = "slot"
    ADVICE = "advice"


class UnitKind(StrEnum):
    """Every kind of unit that offers acute capacity (Danish terms live in the catalogue)."""

    ACUTE_PLACE = "acute_place"
    ACUTE_TEAM = "acute_team"
    ACUTE_DEPARTMENT = "acute_department"
    VISITATION = "visitation"
    SUBACUTE_SLOT = "subacute_slot"
    ADVICE_LINE = "advice_line"
    HOSPITAL_AT_HOME = "hospital_at_home"
    OUT_OF_HOURS = "out_of_hours"
    ACUTE_CLINIC = "acute_clinic"
    PREHOSPITAL = "prehospital"


REPORT_TYPE_OF_KIND: Mapping[UnitKind, ReportType] = {
    UnitKind.ACUTE_PLACE: ReportType.PLACE,
    UnitKind.HOSPITAL_AT_HOME: ReportType.PLACE,
    UnitKind.ACUTE_TEAM: ReportType.TEAM,
    UnitKind.PREHOSPITAL: ReportType.TEAM,
    UnitKind.ACUTE_DEPARTMENT: ReportType.LOAD,
    UnitKind.VISITATION: ReportType.LOAD,
    UnitKind.OUT_OF_HOURS: ReportType.LOAD,
    UnitKind.ACUTE_CLINIC: ReportType.LOAD,
    UnitKind.SUBACUTE_SLOT: ReportType.SLOT,
    UnitKind.ADVICE_LINE: ReportType.ADVICE,
}


class State(StrEnum):
    """What a unit offers, by its last report; how old that is, is `Freshness`."""

    FREE = "free"
    OCCUPIED = "occupied"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Freshness(StrEnum):
    """How far a figure can be trusted for its age."""

    FRESH = "fresh"
    AGEING = "ageing"
    STALE = "stale"
    UNKNOWN = "unknown"


class Inconsistency(StrEnum):
    """Ways in which one report contradicts itself; shown, never corrected in silence."""

    OCCUPIED_OVER_TOTAL = "occupied_over_total"
    STAFFED_OVER_TOTAL = "staffed_over_total"
    PARTS_OVER_TOTAL = "parts_over_total"
    FREE_OVER_TOTAL = "free_over_total"
    FREE_CONTRADICTS_PARTS = "free_contradicts_parts"


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a unit is closed, when it expects to reopen, and whether it then does so by itself."""

    reason: str
    reopens_at: datetime | None = None
    reopens_itself: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one source says about one unit at one moment.

    Counts are whole numbers >= 0 or ``None`` (unknown). `stated_free` is the free count that the
    source gave itself; `free` is the ruled one (`capacity.rules.free_places`), before holds.
    `unit` is the source's own identifier until the intake has resolved it to a catalogue id.
    """

    type: ClassVar[ReportType]

    unit: str
    observed_at: datetime
    total: int | None = None
    staffed: int | None = None
    occupied: int | None = None
    reserved: int | None = None
    closed: int | None = None
    free: int | None = None
    stated_free: int | None = None
    capabilities_off: tuple[str, ...] = ()
    closure: Closure | None = None
    note: str | None = None
    inconsistencies: tuple[Inconsistency, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceReport(Report):
    """Staffed places: municipal acute places, hospital at home."""

    type = ReportType.PLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamReport(Report):
    """A team or vehicles that drive out; counts are crews (or visits that can be taken)."""

    type = ReportType.TEAM
    on_duty: bool | None = None
    next_free_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport(Report):
    """Pressure on a department, visitation or queue; `wait_minutes` is the present waiting time."""

    type = ReportType.LOAD
    waiting: int | None = None
    wait_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotReport(Report):
    """Subacute appointments; `next_free_at` is when the next free one begins."""

    type = ReportType.SLOT
    next_free_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceReport(Report):
    """A telephone line; `on_duty` says whether it answers now."""

    type = ReportType.ADVICE
    on_duty: bool | None = None
    waiting: int | None = None
    wait_minutes: int | None = None


REPORT_CLASSES: Mapping[ReportType, type[Report]] = {
    cls.type: cls for cls in (PlaceReport, TeamReport, LoadReport, SlotReport, AdviceReport)
}
COUNTS = ("total", "staffed", "occupied", "reserved", "closed", "free")
EXTRA_FIELDS: Mapping[ReportType, frozenset[str]] = {
    kind: frozenset(f.name for f in fields(cls)) - frozenset(f.name for f in fields(Report))
    for kind, cls in REPORT_CLASSES.items()
}
"""The fields a report type has beyond those that all reports share."""


class MovementKind(StrEnum):
    """What happened to a patient of whom nothing else is known."""

    ADMITTED = "admitted"
    DISCHARGED = "discharged"
    TRANSFERRED_IN = "transferred_in"
    TRANSFERRED_OUT = "transferred_out"
    ON_LEAVE = "on_leave"
    RETURNED = "returned"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One patient more (`change` +1) or fewer (-1) in a unit; says nothing about who.

    A movement is no figure: it moves the occupied count of a unit that has one.
    `observed_at` is when the source recorded it. `message_id` names the message that told it,
    so that a message that comes again counts once; a transfer's two movements share one.
    `where` is the place in the document.
    """

    unit: str
    observed_at: datetime
    change: int
    kind: MovementKind
    message_id: str
    where: str


class BedUse(StrEnum):
    """What a single bed is used for; a bed out of use for whatever reason is closed."""

    FREE = "free"
    OCCUPIED = "occupied"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BedStatus:
    """How one bed of a unit is used.

    A unit's figures follow once the use of all its `beds` is known (``None``: the source's
    mapping does not say how many they are). `bed` is the source's own name of it.
    """

    unit: str
    bed: str
    use: BedUse
    beds: int | None
    observed_at: datetime
    where: str


@dataclass(frozen=True, slots=True)
class Reject:
    """One thing that could not be used: where in the document, which field, and why."""

    where: str
    field: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """The shape every answer and log uses."""
        return {"where": self.where, "field": self.field, "reason": self.reason}


class UnreadableError(Exception):
    """A document of which no part can be read; carries the reject that says why."""

    def __init__(self, where: str, field_name: str, reason: str) -> None:
        self.reject = Reject(where, field_name, reason)
        super().__init__(f"{where}: {field_name}: {reason}")


@dataclass(frozen=True, slots=True)
class Batch:
    """What a parser made of one document; a bad row costs itself only.

    `places` tells where in the document each report came from (same order and length as
    `reports`), so that a later refusal, an unknown unit for instance, can still point at it.
    """

    reports: tuple[Report, ...] = ()
    places: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = field(default=())
    movements: tuple[Movement, ...] = ()
    beds: tuple[BedStatus, ...] = ()
