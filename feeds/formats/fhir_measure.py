"""FHIR MeasureReport for bed capacity: SANER, SAFR (LOINC) and NHSN codes, and some of our own.

| element | field | notes |
|---|---|---|
| ``subject.identifier.value`` | unit | else the text of SANER's ``.../locations`` extension, else |
| | | the last part of ``subject.reference`` (``Location/AKUT`` -> AKUT) |
| ``date`` | observed_at | when the figures were put together; see below |
| ``numTotBeds`` | total | codes are compared without case and whatever their system: |
| ``numBeds`` | staffed | published reports write numbeds and numBeds, under four systems |
| ``numBedsOcc``, ``112579-8``, ``AllBedsOccupied`` | occupied | |
| ``numBedsFree``, ``112578-0``, ``AllBedsUnoccupied`` | free | |
| ``numBedsClosed numBedsReserved`` | closed reserved | codes of our own |
| ``numWaiting numWaitMinutes`` | waiting wait_minutes | of our own; they make it a load report |

A figure is the ``count`` of the population with that code, or, where the *group* bears the code,
the count of its initial population or its ``measureScore``. A code with no count (whatever its
data-absent-reason) is unknown, never 0; a code that is not there is a figure that is not kept.
Reports with occupied and unoccupied beds only have no total: the sum is not worked out, as nobody
says that every bed is one or the other. A mapping can name other codes, for intensive care say,
with or without their system (``http://loinc.org|112575-6``), and the one group to look into.

**Which instant.** ``date`` says when the report was made, and a bed count is taken when the report
is made; ``period`` is mostly the whole day that the count is filed under, which would give every
report of a day the same instant. A source that reports on days gone by says
``observed = "period_end"``. ``period.end`` is used too where ``date`` is missing. A date without
time is midnight in the source's zone (UTC if it has none); as the end of a period it runs to the
end of that day, but never past the moment of receipt.

A MeasureReport without any of the codes, about tests done for instance, is no error beside one
that has them; a document that has none at all is unreadable as a bed-capacity report.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from capacity.model import ReportType
from capacity.reading import FieldError
from feeds.formats.fhir_elements import (
    Finding,
    Object,
    Resource,
    codes_of,
    instant_of,
    is_day,
    last_part,
    object_of,
    objects_of,
)
from feeds.formats.fhir_mapping import Context, FhirMapping

_LOAD_ONLY = frozenset({"waiting", "wait_minutes"})


def measured(resources: Sequence[Resource], context: Context) -> Iterator[Finding]:
    """What the MeasureReports among the resources say, one by one."""
    mapping = context.mapping
    for resource in resources:
        if resource.type != "MeasureReport" or resource.refused:
            continue
        try:
            fields = _fields(resource.body, mapping, context.received_at)
        except FieldError as error:
            yield Finding(resource.at, resource.where, error)
            continue
        if fields is not None:
            yield Finding(resource.at, resource.where, fields, _type(fields, mapping))


def _fields(resource: Object, mapping: FhirMapping, received_at: datetime) -> Object | None:
    """The raw fields of one MeasureReport, or ``None`` when it is not about beds."""
    figures = _figures(resource, mapping)
    if not figures:
        return None
    if resource.get("status", "complete") != "complete":
        raise FieldError("status", "is not complete, so the figures do not hold")
    return {
        "unit": _unit(object_of(resource, "subject")),
        "observed_at": _observed(resource, mapping, received_at),
        **figures,
    }


def _type(fields: Object, mapping: FhirMapping) -> ReportType | None:
    declared = mapping.type_of(fields["unit"])
    return declared or (ReportType.LOAD if _LOAD_ONLY & fields.keys() else None)


def _figures(resource: Object, mapping: FhirMapping) -> Object:
    fields = {code.casefold(): field for code, field in mapping.codes.items()}
    wanted = mapping.group and mapping.group.casefold()
    figures: Object = {}
    for group in objects_of(resource, "group"):
        codes = codes_of(object_of(group, "code"))
        if wanted and wanted not in codes:
            continue
        populations = objects_of(group, "population")
        found = [(codes, _figure_of_group(group, populations))]
        found += [(_codes(population), population.get("count")) for population in populations]
        for codes, figure in found:
            for field in {fields[code] for code in codes if code in fields}:
                if figures.setdefault(field, figure) != figure:
                    raise FieldError(field, "is given twice, with different figures")
    return figures


def _figure_of_group(group: Object, populations: list[Object]) -> object:
    """What a group says where it bears the code itself."""
    initial = [p for p in populations if "initial-population" in _codes(p)]
    count = (initial or [{}])[0].get("count")
    return object_of(group, "measureScore").get("value") if count is None else count


def _codes(population: Object) -> frozenset[str]:
    return codes_of(object_of(population, "code"))


def _unit(subject: Object) -> object:
    reference = subject.get("reference")
    parts = reference.split("/") if isinstance(reference, str) else []
    if "Patient" in parts or subject.get("type") == "Patient":
        raise FieldError("subject", "is a patient; reports are about units only")
    own = object_of(subject, "identifier").get("value")
    if own is not None:
        return own
    for extension in objects_of(subject, "extension"):
        url, text = extension.get("url"), extension.get("valueString")
        if isinstance(url, str) and url.endswith("/locations") and text is not None:
            return text
    named = last_part(reference)
    if named is None:
        raise FieldError("subject", "names no location by identifier or reference")
    return named


def _observed(resource: Object, mapping: FhirMapping, received_at: datetime) -> datetime:
    made, end = resource.get("date"), object_of(resource, "period").get("end")
    local = mapping.local_time
    if end is None or (made is not None and mapping.observed == "date"):
        return instant_of("date", made, local)
    if is_day(end):
        return min(instant_of("period.end", end, local, timedelta(days=1)), received_at)
    return instant_of("period.end", end, local)
