"""FHIR R4 Schedule and Slot: how many appointments of a unit are free in the coming hours.

| element | field | notes |
|---|---|---|
| ``Slot.schedule`` | unit | the first of the Schedule's id, identifiers and actors that is |
| | | declared; if none is, its Location or HealthcareService, else its id |
| ``Slot.status`` free | free | |
| busy | occupied | |
| busy-tentative | reserved | |
| busy-unavailable | closed | |
| entered-in-error | | not counted |
| the first ``Slot.start`` that is free | next_free_at | |
| all of these | total | |

Counted are slots that begin within the window (48 hours, or the mapping's ``window_hours``) after
the document was put together (or else received); one that has begun is no longer to be had.
A unit whose last slot lies before the window has unknown figures, not zero: the plan does not
reach so far. Units without any Slot in the document are not reported. A slot that cannot be read
costs itself only, which makes the unit look fuller than it is, never emptier. Schedules that are
not ``active`` are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from capacity.model import EXTRA_FIELDS, ReportType
from capacity.reading import FieldError
from feeds.formats.fhir_elements import (
    Directory,
    Finding,
    Object,
    Resource,
    instant_of,
    last_part,
    names_of,
    object_of,
    objects_of,
)
from feeds.formats.fhir_mapping import Context

_COUNTED = {
    "free": "free",
    "busy": "occupied",
    "busy-tentative": "reserved",
    "busy-unavailable": "closed",
}
_ACTORS = ("Location", "HealthcareService")


@dataclass(slots=True)
class _Plan:
    """The slots of one unit."""

    first: Resource
    slots: list[Resource] = field(default_factory=list)
    times: list[tuple[datetime, datetime, str]] = field(default_factory=list)

    def fields(self, unit: str, kind: ReportType, context: Context) -> Object:
        context.refuse_partial()
        begin = context.now
        reaches = any(end > begin for _, end, _ in self.times)
        inside = [
            (start, what)
            for start, _, what in self.times
            if begin <= start < begin + context.window
        ]
        free = [start for start, what in inside if what == "free"]
        figures: Object = {"total": None, "occupied": None, "free": None}
        if reaches:
            figures = {name: sum(what == name for _, what in inside) for name in _COUNTED.values()}
            figures["total"] = len(inside)
        if "next_free_at" in EXTRA_FIELDS[kind]:
            figures["next_free_at"] = min(free, default=None)
        return {"unit": unit, "observed_at": context.observed(self.slots), **figures}


def planned(resources: Sequence[Resource], context: Context) -> Iterator[Finding]:
    """One finding for each unit that has slots, and one for each slot that cannot be read."""
    if context.changes_only:
        return
    schedules = _Schedules(resources, context)
    plans: dict[str, _Plan] = {}
    for resource in resources:
        if resource.type != "Slot" or resource.refused:
            continue
        try:
            unit = schedules.unit_of(object_of(resource.body, "schedule"))
            if unit is None or resource.body.get("status") == "entered-in-error":
                continue
            time = _time(resource.body, context)
        except FieldError as error:
            yield Finding(resource.at, resource.where, error)
            continue
        plan = plans.setdefault(unit, _Plan(resource))
        plan.slots.append(resource)
        plan.times.append(time)
    for unit, plan in plans.items():
        first = plan.first
        kind = context.mapping.type_of(unit) or ReportType.SLOT
        try:
            yield Finding(first.at, first.where, plan.fields(unit, kind, context), kind)
        except FieldError as error:
            yield Finding(first.at, first.where, error)


def _time(slot: Object, context: Context) -> tuple[datetime, datetime, str]:
    """When a slot begins and ends, and which count it belongs to."""
    status = slot.get("status")
    what = _COUNTED.get(status) if isinstance(status, str) else None
    if what is None:
        raise FieldError("status", f"is none of {', '.join(_COUNTED)}, entered-in-error")
    local = context.mapping.local_time
    start = instant_of("start", slot.get("start"), local)
    end = instant_of("end", slot.get("end"), local)
    if end < start:
        raise FieldError("end", "lies before start")
    return start, end, what


class _Schedules:
    """Which unit the slots of a schedule belong to."""

    def __init__(self, resources: Sequence[Resource], context: Context) -> None:
        self._directory = Directory(resources)
        self._mapping = context.mapping
        self._units: dict[str, str | None] = {}

    def unit_of(self, reference: Object) -> str | None:
        """The unit behind a reference to a Schedule; ``None`` if that is not in use."""
        text = reference.get("reference")
        if not isinstance(text, str):
            raise FieldError("schedule", "names no Schedule by reference")
        if text not in self._units:
            self._units[text] = self._read(reference, last_part(text))
        return self._units[text]

    def _read(self, reference: Object, own: str | None) -> str | None:
        schedule = self._directory.find("Schedule", reference)
        if schedule is None:
            if own is None:
                raise FieldError("schedule", "names no Schedule by reference")
            return own
        if schedule.body.get("active") is False:
            return None
        names, actors = names_of(schedule.body), self._actors(schedule.body)
        known = self._mapping.first_known([*names, *(n for _, found in actors for n in found)])
        offering = [found[0] for kind, found in actors if kind in _ACTORS]
        unit = known or next(iter([*offering, *names]), own)
        if unit is None:
            raise FieldError("schedule", "is a Schedule without id")
        return unit

    def _actors(self, schedule: Object) -> list[tuple[str | None, list[str]]]:
        """The resource type and the names of each actor that has any."""
        actors = []
        for actor in objects_of(schedule, "actor"):
            kinds = [k for k in _ACTORS if f"{k}/" in str(actor.get("reference"))]
            found = [r for k in _ACTORS if (r := self._directory.find(k, actor)) is not None]
            kind = str(found[0].type) if found else next(iter(kinds), None)
            own = last_part(actor.get("reference"))
            names = [*([own] if own else []), *(n for r in found for n in names_of(r.body))]
            if names:
                actors.append((kind, list(dict.fromkeys(names))))
        return actors
