"""MeasureReports of beds, as JSON and as XML, and how they are read or refused."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from capacity.model import Batch, UnreadableError
from feeds.formats.fhir_format import FORMAT
from tests.support.formats import parsed

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 1, tzinfo=UTC)
LOCATIONS = "http://example.org/saner/locations"
ABSENT = {"extension": [{"url": "http://example.org/data-absent-reason", "valueCode": "unknown"}]}


def coded(*codes: str) -> dict[str, Any]:
    """A CodeableConcept of these codes."""
    return {"coding": [{"system": "http://example.org/codes", "code": code} for code in codes]}


def beds(**counts: object) -> dict[str, Any]:
    """A group with a population per code; ``None`` gives a reason for being absent."""
    populations = [
        {"code": coded(code, "measure-population")}
        | ({"_count": ABSENT} if count is None else {"count": count})
        for code, count in counts.items()
    ]
    return {"code": coded("Beds"), "population": populations}


def report(*groups: object, **changed: object) -> dict[str, Any]:
    """A MeasureReport of these groups; elements that are ``None`` are left out."""
    resource = {
        "resourceType": "MeasureReport",
        "text": {"status": "generated", "div": "<div>En <b>melding</b></div>"},
        "status": "complete",
        "type": "summary",
        "measure": "http://example.org/Measure/beds",
        "subject": {"reference": "Location/AKUT", "display": "Akutafdelingen"},
        "date": "2026-11-22T12:00:00+01:00",
        "period": {"start": "2026-11-22", "end": "2026-11-22"},
        "group": list(groups) or [beds(numTotBeds=10, numBeds=9, numBedsOcc=6)],
        **changed,
    }
    return {name: value for name, value in resource.items() if value is not None}


def bundle(*resources: object) -> dict[str, Any]:
    """A Bundle of these resources."""
    entries = [{"fullUrl": "urn:x", "resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def read(document: object, mapping: object = None) -> Batch:
    """What the parser makes of a document."""
    return parsed(FORMAT, orjson.dumps(document), mapping)


def refusal(raw: bytes) -> tuple[str, str]:
    """In which field and why a document is refused whole."""
    with pytest.raises(UnreadableError) as caught:
        parsed(FORMAT, raw)
    return caught.value.reject.field, caught.value.reject.reason


XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment --><?style none?>
<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>
 <entry><request><method value="DELETE"/></request></entry>
 <entry><resource><Location><id value="AKUT"/></Location></resource></entry>
 <entry><resource><MeasureReport>
  <text><status value="generated"/>
   <div xmlns="http://www.w3.org/1999/xhtml"><p>En <b>melding</b></p></div></text>
  <contained><Location><id value="c"/></Location></contained>
  <status value="complete"/>
  <subject><reference value="Location/AKUT"/><identifier><value value="034"/></identifier></subject>
  <date value="2026-11-22T12:00:00.0000001+01:00"/>
  <period><start value="2026-11-22"/><end value="2026-11-22"/></period>
  <group><code><coding><code value="Beds"/></coding></code>
   <population><code><coding><code value="numTotBeds"/></coding></code>
    <count value="10"/></population>
   <population><code><coding><code value="numBeds"/></coding></code><count>
     <extension url="http://example.org/data-absent-reason"><valueCode value="unknown"/></extension>
   </count></population>
  </group>
  <group><code><coding><code value="numbedsocc"/></coding></code>
   <measureScore><value value="6.0"/></measureScore></group>
 </MeasureReport></resource></entry>
</Bundle>"""
