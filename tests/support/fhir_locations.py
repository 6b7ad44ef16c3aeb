"""Wards, rooms and beds as FHIR Locations, and the report that comes of them."""

from datetime import UTC, datetime
from typing import Any

import orjson

from capacity.model import Batch, PlaceReport
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import Resource, bundle, concept, resource, to
from tests.support.formats import parsed

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
STAMP = "2026-11-22T12:00:00+01:00"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"


def location(own_id: str | None, part_of: str | None = None, **elements: Any) -> Resource:
    """A Location inside of another."""
    around = to("Location", part_of) if part_of else None
    return resource("Location", own_id, **{"status": "active", "partOf": around, **elements})


def bed(own_id: str | None, part_of: str | None, state: str | None, **elements: Any) -> Resource:
    """A bed with a status of HL7's table 0116."""
    status = {"system": STATUS, "code": state} if state else None
    kind = concept("bd", PHYSICAL)
    return location(
        own_id, part_of, **{"physicalType": kind, "operationalStatus": status, **elements}
    )


def ward(own_id: str, part_of: str | None = None, **elements: Any) -> Resource:
    """A ward."""
    return location(own_id, part_of, physicalType=concept("wa", PHYSICAL), **elements)


def room(own_id: str, part_of: str, **elements: Any) -> Resource:
    """A room."""
    return location(own_id, part_of, physicalType=concept("ro", PHYSICAL), **elements)


def beds(states: str, part_of: str = "AKUT") -> list[Resource]:
    """A bed for each letter; a dot has no status."""
    return [
        bed(f"{part_of}-{n}", part_of, state if state != "." else None)
        for n, state in enumerate(states)
    ]


def dated(*resources: object, **elements: Any) -> Resource:
    """A Bundle with a time."""
    return bundle(*resources, **{"timestamp": STAMP, **elements})


def read(document: object, mapping: object = None) -> Batch:
    """What the parser makes of a document."""
    return parsed(FORMAT, orjson.dumps(document), mapping)


def only(batch: Batch) -> PlaceReport:
    """The only report, with nothing refused."""
    assert batch.rejects == ()
    (report,) = batch.reports
    assert isinstance(report, PlaceReport)
    return report


HOUSE = [
    ward("AKUT", "HUS", identifier=[{"value": "034"}, {"system": "no value"}]),
    room("R1", "AKUT"),
    *beds("UO", "R1"),
    *beds("U", "AKUT"),
    bed("alone", None, "U"),
]
