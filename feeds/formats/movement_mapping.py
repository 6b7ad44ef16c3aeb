"""What the mappings of formats that tell movements have in common."""

from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from capacity.model import Movement, MovementKind, Report, ReportType
from capacity.reading import MAX_COUNT, read_report
from feeds.formats import Mapping

Count = Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)]


class Start(BaseModel):
    """A known figure to count from, for a unit of which no other source ever gives one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    observed_at: AwareDatetime
    occupied: Count
    total: Count | None = None
    staffed: Count | None = None
    reserved: Count | None = None
    closed: Count | None = None


class MovementMapping(Mapping):
    """Where counting begins, and what to do with movements elsewhere.

    `start` and `units` go by the source's own identifiers. `other_units` says what becomes of a
    movement in a unit that the source does not list: ``reject`` it, or ``pass`` it over, as a
    hospital that sends every ward's movements needs. The other end of a transfer is always
    passed over.
    """

    start: dict[str, Start] = Field(default={})
    other_units: Literal["reject", "pass"] = "reject"


CHANGE: dict[MovementKind, int] = {
    MovementKind.ADMITTED: 1,
    MovementKind.DISCHARGED: -1,
    MovementKind.TRANSFERRED_IN: 1,
    MovementKind.TRANSFERRED_OUT: -1,
    MovementKind.ON_LEAVE: -1,
    MovementKind.RETURNED: 1,
}
"""How each kind changes the number of patients; a cancellation may undo either."""


def passes_over(mapping: Mapping) -> bool:
    """Whether movements in units that a source does not list are nobody's fault."""
    return isinstance(mapping, MovementMapping) and mapping.other_units == "pass"


def start_of(mapping: Mapping, unit: str, report_type: ReportType, now: datetime) -> Report | None:
    """The figure that the mapping gives to count from, by the source's own identifier."""
    start = mapping.start.get(unit) if isinstance(mapping, MovementMapping) else None
    if start is None or start.observed_at > now:
        return None
    return read_report({"unit": unit, **start.model_dump(exclude_unset=True)}, now, report_type)


def message_key(source: str, movement: Movement) -> str:
    """What a message is remembered by: it cannot be read back, whatever its sender put in."""
    told = f"{source}\x1f{movement.message_id}".encode()
    return blake2b(told, digest_size=16).hexdigest()
