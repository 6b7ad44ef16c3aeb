"""FHIR R4 Location: the beds of a unit, counted by their operational status.

| element of a bed's Location | meaning |
|---|---|
| ``physicalType`` ``bd`` (or those of ``place_types``) | it is counted; without physical type |
| | it is if it has an operational status and nothing is part of it |
| ``operationalStatus`` U | free |
| O, I (isolated: a patient in isolation) | occupied |
| C, H (housekeeping), K (contaminated) | closed |
| no status, or one that the table lacks | ``occupied`` of the unit is unknown, so ``free`` is |
| ``status`` suspended | closed, unless occupied |
| ``status`` inactive, ``mode`` kind | not counted: it is no bed of today |
| ``partOf`` | the way up to the unit; see below |

``total`` is the number of beds, and the unit's report stands at its first bed. ``closed`` counts
the beds that are known to be. A room or ward on the way up that is suspended, inactive or closed
closes its beds that are not occupied.

**Which unit.** The first of the bed, its room, its ward and so on that the source declares (by id
or identifier); if none is, the ward (physical type ``wa``), else what the bed is part of, else the
bed alone.

A unit one of whose beds cannot be read is refused, not counted short; so are all units of a Bundle
that is one page of several, or of NDJSON with a broken line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from capacity.reading import FieldError
from feeds.formats.fhir_elements import (
    Directory,
    Finding,
    Object,
    Resource,
    codes_of,
    codes_of_coding,
    last_part,
    names_of,
    object_of,
)
from feeds.formats.fhir_mapping import BedState, Context
from feeds.limits import LIMITS

MAX_LEVELS = LIMITS.location_levels
"""Of Locations inside of Locations; a hospital has about five."""
_WARD = "wa"


class _Level(NamedTuple):
    """A bed, or one of the Locations around it."""

    names: list[str]
    body: Object


class _Belonging(NamedTuple):
    """The unit a bed belongs to, whether the bed is that unit itself, and whether it is shut."""

    unit: str
    is_unit: bool
    shut: bool


@dataclass(slots=True)
class _Tally:
    """The beds of one unit."""

    first: Resource
    beds: list[Resource] = field(default_factory=list)
    states: list[BedState | None] = field(default_factory=list)
    unreadable: str | None = None

    def fields(self, unit: str, context: Context) -> Object:
        context.refuse_partial()
        if self.unreadable:
            raise FieldError("total", f"cannot be counted: {self.unreadable} was refused")
        unknown = None in self.states
        counts = {name: self.states.count(name) for name in ("reserved", "closed")}
        return {
            "unit": unit,
            "observed_at": context.observed(self.beds),
            "total": len(self.states),
            "occupied": None if unknown else self.states.count("occupied"),
            **{name: count for name, count in counts.items() if count or name == "closed"},
        }


def counted(resources: Sequence[Resource], context: Context) -> Iterator[Finding]:
    """One finding for each unit that has beds, and one for each bed that cannot be read."""
    wards = _Wards([r for r in resources if r.type == "Location"], context)
    tallies: dict[str, _Tally] = {}
    lost: str | None = None
    for resource in wards.locations:
        try:
            if not wards.counts(resource):
                continue
            belonging = wards.belonging(resource)
        except FieldError as error:
            # Any unit's bed.
            lost = lost or f"{resource.where} was refused"
            if not resource.refused:
                yield Finding(resource.at, resource.where, error)
            continue
        if context.changes_only and not belonging.is_unit:
            continue
        tally = tallies.setdefault(belonging.unit, _Tally(resource))
        try:
            tally.states.append(wards.state(resource, belonging))
            tally.beds.append(resource)
        except FieldError as error:
            tally.unreadable = tally.unreadable or resource.where
            yield Finding(resource.at, resource.where, error)
        if resource.refused:
            tally.unreadable = tally.unreadable or resource.where
    for unit, tally in tallies.items():
        yield _finding(unit, tally, context, lost)


def _finding(unit: str, tally: _Tally, context: Context, lost: str | None) -> Finding:
    first = tally.first
    try:
        if lost:
            raise FieldError("total", f"cannot be counted: {lost}")
        fields = tally.fields(unit, context)
    except FieldError as error:
        return Finding(first.at, first.where, error)
    return Finding(first.at, first.where, fields, context.mapping.type_of(unit))


class _Wards:
    """The Locations of a document, and how they lie inside each other."""

    def __init__(self, locations: list[Resource], context: Context) -> None:
        mapping = context.mapping
        self.locations = locations
        self._mapping = mapping
        self._directory = Directory(locations)
        self._types = frozenset(name.casefold() for name in mapping.place_types)
        self._states = {code.casefold(): state for code, state in mapping.bed_states.items()}
        self._around = {around.at for around in map(self._parent, locations) if around is not None}

    def counts(self, resource: Resource) -> bool:
        """Whether a Location is one of the beds."""
        body = resource.body
        if body.get("mode") == "kind" or body.get("status") == "inactive":
            return False
        types = codes_of(object_of(body, "physicalType"))
        if types:
            return bool(types & self._types)
        return "operationalStatus" in body and resource.at not in self._around

    def belonging(self, bed: Resource) -> _Belonging:
        """The unit of a bed, found on the way up."""
        levels = self._levels(bed)
        shut = any(self._is_shut(level.body) for level in levels[1:])
        for level in levels:
            known = self._mapping.first_known(level.names)
            if known is not None:
                return _Belonging(known, level is levels[0], shut)
        wards = [w for w in levels[1:] if _WARD in codes_of(object_of(w.body, "physicalType"))]
        unit = (wards or levels[1:2] or levels)[0]
        if not unit.names:
            raise FieldError("id", "is missing, and so is what the bed is part of")
        return _Belonging(unit.names[0], unit is levels[0], shut)

    def state(self, bed: Resource, belonging: _Belonging) -> BedState | None:
        """What a bed's status means; ``None`` when it is not known."""
        state = self._status(bed.body)
        if state != "occupied" and (belonging.shut or bed.body.get("status") == "suspended"):
            return "closed"
        return state

    def _status(self, body: Object) -> BedState | None:
        codes = codes_of_coding(object_of(body, "operationalStatus"))
        return next((self._states[code] for code in codes if code in self._states), None)

    def _is_shut(self, body: Object) -> bool:
        return body.get("status") in ("suspended", "inactive") or self._status(body) == "closed"

    def _parent(self, resource: Resource) -> Resource | None:
        part_of = resource.body.get("partOf")
        return self._directory.find("Location", part_of) if isinstance(part_of, dict) else None

    def _levels(self, bed: Resource) -> list[_Level]:
        levels = [_Level(names_of(bed.body), bed.body)]
        passed, current = {bed.at}, bed
        while len(levels) <= MAX_LEVELS:
            part_of = object_of(current.body, "partOf")
            around = self._parent(current)
            if around is None or around.at in passed:
                outside = _names_in(part_of) if around is None else []
                return [*levels, _Level(outside, {})] if outside else levels
            levels.append(_Level(names_of(around.body), around.body))
            passed.add(around.at)
            current = around
        raise FieldError("partOf", f"goes through more than {MAX_LEVELS} Locations")


def _names_in(reference: Object) -> list[str]:
    """What a reference to a Location outside of the document calls it."""
    named = (last_part(reference.get("reference")), object_of(reference, "identifier").get("value"))
    return [name for name in named if isinstance(name, str)]
