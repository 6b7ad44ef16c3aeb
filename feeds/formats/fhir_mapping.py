"""What a source says about its FHIR documents."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from capacity.reading import FieldError
from capacity.rules import is_from_the_future
from feeds.formats import Mapping
from feeds.formats.fhir_elements import Resource, instant_of, object_of

FhirField = Literal[
    "total",
    "staffed",
    "occupied",
    "reserved",
    "closed",
    "free",
    "waiting",
    "wait_minutes",
]
BedState = Literal["free", "occupied", "reserved", "closed"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CODES: dict[str, FhirField] = {
    # SANER
    "numTotBeds": "total",
    "numBeds": "staffed",
    "numBedsOcc": "occupied",
    # our own
    "numBedsClosed": "closed",
    "numBedsReserved": "reserved",
    "numBedsFree": "free",
    "numWaiting": "waiting",
    "numWaitMinutes": "wait_minutes",
    # SAFR (LOINC) and NHSN; unoccupied means staffed and not blocked there, so it is our free
    "112579-8": "occupied",
    "112578-0": "free",
    "AllBedsOccupied": "occupied",
    "AllBedsUnoccupied": "free",
}
BED_STATES: dict[str, BedState] = {
    "U": "free",
    "O": "occupied",
    "I": "occupied",
    "C": "closed",
    "H": "closed",
    "K": "closed",
}
"""HL7 table 0116. An isolated bed (I) holds a patient in isolation; one that is being cleaned (H)
or is contaminated (K) is empty and cannot be taken."""


class FhirMapping(Mapping):
    """Which codes hold which figures, what belongs to a unit, and what instant a source means."""

    codes: dict[str, FhirField] = Field(default=CODES, min_length=1)
    """MeasureReport codes, ``code`` or ``system|code``; replaces the default ones altogether."""
    group: str | None = None
    """Look only into groups of a MeasureReport with this code, ``Beds`` for instance."""
    observed: Literal["date", "period_end"] = "date"
    """Which element of a MeasureReport says when its figures were true."""
    undated: Literal["refuse", "received"] = "refuse"
    """What to do with beds and slots that tell no time: refuse them, or take them as true when
    received (right only for a source that is asked directly and never serves from a cache)."""
    place_types: tuple[str, ...] = ("bd",)
    """Physical types of the Locations that are counted; ``bd`` is a bed, ``ve`` a vehicle."""
    bed_states: dict[str, BedState] = Field(default=BED_STATES, min_length=1)
    """Operational status -> what it means; replaces the default table altogether."""
    window_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 48
    """How far ahead slots are counted."""
    closed_reason: Annotated[str, Field(min_length=1, max_length=200)] = "Uden for åbningstid"
    """Why a service is closed outside its hours, as the board shows it."""
    ages: Literal["all", "adults", "children"] = "all"
    """Whose beds of a DEMIS report are counted."""
    notified: Literal["changes", "whole_units"] = "changes"
    """Whether the resources in a notification are only those that changed, or a unit's all."""

    def first_known(self, names: list[str]) -> str | None:
        """The first of the names that is a unit of the source."""
        return next((name for name in names if name in self.types or name in self.units), None)


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for all resources of a document.

    `snapshot` is when the document as a whole was put together. `partial` says why counts over
    the document would be too low. In a notice, `changes_only` are there.
    """

    mapping: FhirMapping
    received_at: datetime
    snapshot: datetime | FieldError | None = None
    partial: str | None = None
    changes_only: bool = False

    @classmethod
    def of(
        cls,
        mapping: FhirMapping,
        received_at: datetime,
        snapshot: datetime | FieldError | None,
        partial: str | None,
        *,
        changes_only: bool,
    ) -> "Context":
        """The context of a document; a time that no snapshot can have is as good as a bad one."""
        if isinstance(snapshot, datetime):
            if is_from_the_future(snapshot, received_at):
                snapshot = FieldError("observed_at", "lies more than two minutes in the future")
            elif snapshot < EPOCH:
                snapshot = FieldError("observed_at", "lies before 1970")
        return cls(mapping, received_at, snapshot, partial, changes_only)

    @property
    def now(self) -> datetime:
        """The instant that plans and opening hours are looked at."""
        if isinstance(self.snapshot, FieldError):
            raise self.snapshot
        return self.snapshot or self.received_at

    def refuse_partial(self) -> None:
        """Refuse to count over a document of which a part is missing."""
        if self.partial:
            raise FieldError("total", f"cannot be counted: {self.partial}")

    def observed(self, resources: list[Resource]) -> datetime:
        """When what several resources say together was true: see `feeds.formats.fhir_format`."""
        if isinstance(self.snapshot, FieldError):
            raise self.snapshot
        if self.snapshot is not None:
            return self.snapshot
        local, updated = self.mapping.local_time, []
        for resource in resources:
            text = object_of(resource.body, "meta").get("lastUpdated")
            if text is not None:
                updated.append(instant_of("meta.lastUpdated", text, local))
        if updated:
            return max(updated)
        if self.mapping.undated == "received":
            return self.received_at
        raise FieldError(
            "observed_at", "is missing: neither the document nor its resources tell their time"
        )

    @property
    def window(self) -> timedelta:
        """How far ahead slots are counted."""
        return timedelta(hours=self.mapping.window_hours)
