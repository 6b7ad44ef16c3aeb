"""FHIR R4 MeasureReport for bed capacity, in the SANER style, as JSON or XML.

A MeasureReport alone, or a Bundle of any type with MeasureReports among other resources. JSON and
XML are told apart by the first character. Only what is used is checked; narrative may be there.

| element | field | notes |
|---|---|---|
| ``subject.identifier.value`` | unit | else the text of SANER's ``.../locations`` extension, else |
| | | the last part of ``subject.reference`` (``Location/AKUT`` -> AKUT) |
| ``date`` | observed_at | when the figures were put together; see below |
| ``numTotBeds`` | total | codes are compared without case and whatever their system: |
| ``numBeds`` | staffed | published reports write numbeds and numBeds, under four systems |
| ``numBedsOcc`` | occupied | |
| ``numBedsClosed numBedsReserved numBedsFree`` | closed reserved free | codes of our own |
| ``numWaiting numWaitMinutes`` | waiting wait_minutes | of our own; they make it a load report |

A figure is the ``count`` of the population with that code, or, where the *group* bears the code,
the count of its initial population or its ``measureScore``. A code with no count (whatever its
data-absent-reason) is unknown, never 0; a code that is not there is a figure that is not kept.
A mapping can name other codes, for intensive care say, and the one group to look into.

**Which instant.** ``date`` says when the report was made, and a bed count is taken when the report
is made; ``period`` is mostly the whole day that the count is filed under, which would give every
report of a day the same instant. A source that reports on days gone by says
``observed = "period_end"``. ``period.end`` is used too where ``date`` is missing. A date without
time is midnight in the source's zone (UTC if it has none); as the end of a period it runs to the
end of that day, but never past the moment of receipt.

A MeasureReport without any of the codes, about tests done for instance, is no error beside one
that has them; a document that has none at all is unreadable as a bed-capacity report.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from capacity.instants import BadInstantError, localize, parse_instant
from capacity.model import Batch, ReportType
from capacity.privacy import CPR_REASON, first_cpr
from capacity.reading import FieldError, shown
from feeds.formats import Format, Mapping
from feeds.formats.fhir_xml import load_xml
from feeds.formats.gathering import DOCUMENT, Gathering, unreadable
from feeds.formats.own_json import load_json

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
CODES: dict[str, FhirField] = {
    "numTotBeds": "total",
    "numBeds": "staffed",
    "numBedsOcc": "occupied",
    "numBedsClosed": "closed",
    "numBedsReserved": "reserved",
    "numBedsFree": "free",
    "numWaiting": "waiting",
    "numWaitMinutes": "wait_minutes",
}
_LOAD_ONLY = frozenset({"waiting", "wait_minutes"})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_Object = dict[str, Any]


class FhirMapping(Mapping):
    """Which codes hold which figures, and what instant a source means."""

    codes: dict[str, FhirField] = Field(default=CODES, min_length=1)
    """Population (or group) codes -> our fields; replaces the default ones altogether."""
    group: str | None = None
    """Look only into groups with this code, ``Beds`` for instance."""
    observed: Literal["date", "period_end"] = "date"


def parse(raw: bytes, mapping: FhirMapping | None, received_at: datetime) -> Batch:
    """Reports of a MeasureReport or a Bundle of them; see the module's table."""
    mapping = mapping or FhirMapping()
    is_xml = raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    document = load_xml(raw) if is_xml else load_json(raw)
    gathering = Gathering(received_at)
    seen = 0
    for where, resource in _resources(document):
        try:
            _refuse_cpr(resource)
            if resource.get("resourceType") != "MeasureReport":
                continue
            seen += 1
            fields = _fields(resource, mapping, received_at)
        except FieldError as error:
            gathering.reject(where, error)
            continue
        if fields is not None:
            gathering.read(where, fields, _type(fields, mapping))
    batch = gathering.batch()
    if not batch.reports and not batch.rejects and not _is_empty_bundle(document):
        what = "carries no bed capacity: none of its codes is known" if seen else "is missing"
        raise unreadable("MeasureReport", what)
    return batch


def _resources(document: object) -> Iterator[tuple[str, _Object]]:
    if not isinstance(document, dict):
        raise unreadable(DOCUMENT, "is not a FHIR resource")
    kind = document.get("resourceType")
    if kind == "MeasureReport":
        yield "MeasureReport", document
    elif kind == "Bundle":
        try:
            entries = _objects(document, "entry")
        except FieldError as error:
            raise unreadable(error.field, error.reason, "Bundle") from error
        for index, entry in enumerate(entries):
            resource = entry.get("resource")
            if isinstance(resource, dict):
                yield f"Bundle.entry[{index}].resource", resource
    else:
        raise unreadable("resourceType", "is neither MeasureReport nor Bundle")


def _is_empty_bundle(document: object) -> bool:
    """A search that found nothing is an answer, not an error."""
    return (
        isinstance(document, dict)
        and document.get("resourceType") == "Bundle"
        and not document.get("entry")
    )


def _fields(resource: _Object, mapping: FhirMapping, received_at: datetime) -> _Object | None:
    """The raw fields of one MeasureReport, or ``None`` when it is not about beds."""
    figures = _figures(resource, mapping)
    if not figures:
        return None
    if resource.get("status", "complete") != "complete":
        raise FieldError("status", "is not complete, so the figures do not hold")
    return {
        "unit": _unit(_object(resource, "subject")),
        "observed_at": _observed(resource, mapping, received_at),
        **figures,
    }


def _refuse_cpr(resource: _Object) -> None:
    """Of other resources too: they are not read, but nobody shall send people here."""
    identifying = first_cpr(resource)
    if identifying is not None:
        raise FieldError(shown(identifying), CPR_REASON)


def _type(fields: _Object, mapping: FhirMapping) -> ReportType | None:
    declared = mapping.type_of(fields["unit"])
    return declared or (ReportType.LOAD if _LOAD_ONLY & fields.keys() else None)


def _figures(resource: _Object, mapping: FhirMapping) -> _Object:
    fields = {code.casefold(): field for code, field in mapping.codes.items()}
    wanted = mapping.group and mapping.group.casefold()
    figures: _Object = {}
    for group in _objects(resource, "group"):
        codes = _codes(group)
        if wanted and wanted not in codes:
            continue
        populations = _objects(group, "population")
        found = [(codes, _figure_of_group(group, populations))]
        found += [(_codes(population), population.get("count")) for population in populations]
        for codes, figure in found:
            for field in {fields[code] for code in codes if code in fields}:
                if figures.setdefault(field, figure) != figure:
                    raise FieldError(field, "is given twice, with different figures")
    return figures


def _figure_of_group(group: _Object, populations: list[_Object]) -> object:
    """What a group says where it bears the code itself."""
    initial = [p for p in populations if "initial-population" in _codes(p)]
    count = (initial or [{}])[0].get("count")
    return _object(group, "measureScore").get("value") if count is None else count


def _codes(element: _Object) -> frozenset[str]:
    codings = _objects(_object(element, "code"), "coding")
    codes = (coding.get("code") for coding in codings)
    return frozenset(code.casefold() for code in codes if isinstance(code, str))


def _unit(subject: _Object) -> object:
    reference = subject.get("reference")
    parts = reference.split("/") if isinstance(reference, str) else []
    if "Patient" in parts or subject.get("type") == "Patient":
        raise FieldError("subject", "is a patient; reports are about units only")
    own = _object(subject, "identifier").get("value")
    if own is not None:
        return own
    for extension in _objects(subject, "extension"):
        url, text = extension.get("url"), extension.get("valueString")
        if isinstance(url, str) and url.endswith("/locations") and text is not None:
            return text
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    if not parts or not parts[-1]:
        raise FieldError("subject", "names no location by identifier or reference")
    return parts[-1].removeprefix("#")


def _observed(resource: _Object, mapping: FhirMapping, received_at: datetime) -> datetime:
    made, end = resource.get("date"), _object(resource, "period").get("end")
    if end is None or (made is not None and mapping.observed == "date"):
        return _instant("date", made, mapping)
    if isinstance(end, str) and _DAY.fullmatch(end):
        day_after = _instant("period.end", end, mapping, timedelta(days=1))
        return min(day_after, received_at)
    return _instant("period.end", end, mapping)


def _instant(
    field: str, text: object, mapping: FhirMapping, later: timedelta = timedelta()
) -> datetime:
    if text is None:
        raise FieldError(field, "is missing")
    if not isinstance(text, str):
        raise FieldError(field, "is not an ISO 8601 date and time")
    local = mapping.local_time
    try:
        if _DAY.fullmatch(text):
            midnight = datetime.fromisoformat(text) + later
            return localize(midnight, local.zone) if local.zone else midnight.replace(tzinfo=UTC)
        return parse_instant(text, local.zone, local.repeated)
    except BadInstantError as error:
        raise FieldError(field, str(error)) from error
    except (ValueError, OverflowError) as error:
        raise FieldError(field, "is no day of the calendar") from error


def _object(holder: _Object, name: str) -> _Object:
    value = holder.get(name, {})
    if not isinstance(value, dict):
        raise FieldError(name, "is not an object")
    return value


def _objects(holder: _Object, name: str) -> list[_Object]:
    value = holder.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise FieldError(name, "is not a list of objects")
    return value


FORMAT = Format(
    "fhir",
    ("application/fhir+json", "application/fhir+xml", "application/json", "application/xml"),
    parse,
    FhirMapping,
)
