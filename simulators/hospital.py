"""The hospital and region systems: status documents that are fetched, FHIR that is pushed.

**json_poll** (rhr-status, region-status). ``GET /{source}.json`` on the simulators' own port
answers the document of `simulators.own_json` with a strong ``ETag``; the same tag in
``If-None-Match`` answers 304. A new document (a new ``observed_at``) is made every tick.

**fhir_push**, **fhir_xml_push** (rhr-fhir). One FHIR R4 MeasureReport for each location, pushed
like the JSON of the municipalities, as ``application/fhir+json`` or ``application/fhir+xml``, in
the style of the SANER guide: status ``complete``, type ``summary``, ``subject.reference``
``Location/AKUT``, ``date`` = ``period.start`` = ``period.end`` = when it was observed (with
milliseconds and the local offset), one group ``Beds`` with a population for each count:

- ``numTotBeds``: all beds, ``numBeds``: staffed beds, ``numBedsOcc``: occupied (may exceed them),
- ``numWaiting``: arrived and not yet received; only where the location has a reception (AKUT).

A count that is not known has no ``count`` but ``_count`` with a data-absent-reason.
"""

import json
from collections.abc import Mapping
from html import escape

from simulators.care_csv import COPENHAGEN
from simulators.document import STRANGE_ID, WRONG_WORD, Document, Emission, Flaw
from simulators.figures import Figures, Look
from simulators.own_json import reports

SANER = "http://hl7.org/fhir/us/saner"
FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
Resource = dict[str, object]


def status(look: Look, flaw: Flaw | None = None) -> Emission:
    """The document that is fetched."""
    return (reports(look, flaw),)


def fhir_json(look: Look, flaw: Flaw | None = None) -> Emission:
    """A MeasureReport for each location; with `flaw`, a Bundle of them whose last is bad."""
    return tuple(
        Document(json.dumps(resource, ensure_ascii=False).encode(), FHIR_JSON, ".json")
        for resource in _resources(look, flaw)
    )


def fhir_xml(look: Look, flaw: Flaw | None = None) -> Emission:
    """The same as `fhir_json`, as XML."""
    return tuple(
        Document(to_xml(resource).encode(), FHIR_XML, ".xml") for resource in _resources(look, flaw)
    )


def _resources(look: Look, flaw: Flaw | None) -> list[Resource]:
    found = [measure_report(own, figures, look) for own, figures in look.units.items()]
    if flaw is None:
        return found
    own, figures = list(look.units.items())[-1]
    bad = measure_report(own, figures, look, flaw)
    entries = [{"resource": resource} for resource in (*found[:-1], bad)]
    return [{"resourceType": "Bundle", "type": "collection", "entry": entries}]


def measure_report(own: str, figures: Figures, look: Look, flaw: Flaw | None = None) -> Resource:
    """The report of one location, members in the order that FHIR's XML asks for."""
    at = look.at.astimezone(COPENHAGEN).isoformat(timespec="milliseconds")
    location = STRANGE_ID if flaw is Flaw.STRANGER else own
    counts: dict[str, object] = {
        "numTotBeds": figures.total,
        "numBeds": figures.staffed,
        "numBedsOcc": figures.occupied,
    }
    if figures.waiting is not None:
        counts["numWaiting"] = figures.waiting
    if flaw in (Flaw.WORD, Flaw.NEGATIVE):
        counts["numBedsOcc"] = WRONG_WORD if flaw is Flaw.WORD else -1
    return {
        "resourceType": "MeasureReport",
        "id": f"{own.lower()}-{int(look.at.timestamp() * 1000)}",
        "status": "complete",
        "type": "summary",
        "measure": f"{SANER}/Measure/CDCPatientImpactAndHospitalCapacity",
        "subject": {"reference": f"Location/{location}"},
        "date": at,
        "reporter": {"display": "Regionshospitalet Randers"},
        "period": {"start": at, "end": at},
        "group": [
            {
                "code": _coded(f"{SANER}/CodeSystem/MeasureGroupSystem", "Beds"),
                "population": [_population(code, count) for code, count in counts.items()],
            }
        ],
    }


def _population(code: str, count: object) -> Resource:
    coded = _coded(f"{SANER}/CodeSystem/MeasurePopulationSystem", code)
    if count is None:
        return {"code": coded, "_count": {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}}
    return {"code": coded, "count": count}


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def to_xml(resource: Resource) -> str:
    """FHIR's XML of a resource given as FHIR's JSON."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _resource_xml(resource, root=True)


def _resource_xml(resource: Mapping[str, object], *, root: bool = False) -> str:
    name = str(resource["resourceType"])
    space = ' xmlns="http://hl7.org/fhir"' if root else ""
    return f"<{name}{space}>{_members_xml(resource)}</{name}>"


def _members_xml(members: Mapping[str, object]) -> str:
    return "".join(
        _member_xml(name, value)
        for name, values in members.items()
        if name != "resourceType" and not (name == "url" and "valueCode" in members)
        for value in (values if isinstance(values, list) else [values])
    )


def _member_xml(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return f'<{name} value="{escape(str(value))}"/>'
    if "resourceType" in value:
        return f"<{name}>{_resource_xml(value)}</{name}>"
    url = f' url="{escape(str(value["url"]))}"' if name == "extension" else ""
    name = name.removeprefix("_")
    return f"<{name}{url}>{_members_xml(value)}</{name}>"
