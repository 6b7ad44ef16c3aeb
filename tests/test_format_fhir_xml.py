"""FHIR MeasureReports as XML, with persons in them, of any content, and as published."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import PlaceReport
from capacity.privacy import CPR_REASON
from feeds.formats.fhir_format import FORMAT
from tests.support.formats import CPR, faults, mangled, parsed, reads_or_refuses
from tests.support.measure_reports import (
    LATER,
    SEEN,
    XML,
    beds,
    bundle,
    coded,
    read,
    refusal,
    report,
)


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
def test_xml_reads_as_json_does(before: bytes) -> None:
    batch = parsed(FORMAT, before + XML)
    assert batch.reports == (
        PlaceReport(unit="034", observed_at=SEEN, total=10, staffed=None, occupied=6, free=4),
    )
    assert batch.places == ("Bundle.entry[2].resource",)
    assert batch.rejects == ()


def test_blanks_before_the_document_do_not_matter() -> None:
    body = XML[XML.index(b"<Bundle") :]
    assert parsed(FORMAT, b" \r\n" + body).reports == parsed(FORMAT, XML).reports


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'count value="10"', b'count value="ten"', "total"),
        (b'count value="10"', b'count value="-1"', "total"),
        (b'count value="10"', b'count value="1.5"', "total"),
        (b"<subject>", b"<subject/><subject>", "subject"),
        (b'"2026-11-22T12:00:00.0000001+01:00"', b'"2026-11-22T12:00:00"', "date"),
        (b'<measureScore><value value="6.0"/>', b'<measureScore value="6">', "measureScore"),
    ],
)
def test_errors_in_xml_are_named_as_in_json(old: bytes, new: bytes, field: str) -> None:
    assert old in XML
    assert faults(parsed(FORMAT, XML.replace(old, new))) == [("Bundle.entry[2].resource", field)]


# Person numbers


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"subject": {"reference": f"Location/{CPR}"}}, "subject.reference"),
        ({"subject": {"identifier": {"value": CPR}}}, "subject.identifier.value"),
        ({"subject": {"reference": "Location/x", "display": CPR}}, "subject.display"),
        ({"text": {"div": f"<div>{CPR}</div>"}}, "text.div"),
        ({"extension": [{"valueInteger": 1204991234}]}, "extension[0].valueInteger"),
    ],
)
def test_a_person_number_anywhere_is_refused(changed: dict[str, Any], field: str) -> None:
    batch = read(bundle(report(**changed), report()))
    assert len(batch.reports) == 1
    assert [(r.where, r.field, r.reason) for r in batch.rejects] == [
        ("Bundle.entry[0].resource", field, CPR_REASON)
    ]


def test_a_person_in_another_resource_or_in_xml_is_refused_too() -> None:
    patient = {"resourceType": "Patient", "identifier": [{"value": CPR}]}
    batch = read(bundle(patient, report()))
    assert faults(batch) == [("Bundle.entry[0].resource", "identifier[0].value")]
    assert len(batch.reports) == 1
    told = XML.replace(b"<b>melding</b>", b"<b>" + CPR.encode() + b"</b>")
    assert faults(parsed(FORMAT, told)) == [("Bundle.entry[2].resource", "text.div")]


# Anything at all

FULL = orjson.dumps(bundle(report(), report(beds(numTotBeds=1, numWaiting=2))))
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.binary() | mangled(FULL, XML))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {"timezone": "Europe/Copenhagen", "observed": "period_end"})


@given(
    st.dictionaries(
        st.sampled_from(["subject", "group", "date", "period", "status", "text"]), anything
    ),
    st.sampled_from(["group", "population", "code", "coding", "measureScore", "subject"]),
    anything,
)
def test_any_shape_is_read_or_refused(changed: dict[str, Any], name: str, value: object) -> None:
    odd = {"code": coded("numBeds"), "population": [{"code": coded("numTotBeds"), name: value}]}
    reads_or_refuses(FORMAT, orjson.dumps(report(**changed)))
    reads_or_refuses(FORMAT, orjson.dumps(report({**odd, name: value}, odd)))
    reads_or_refuses(FORMAT, orjson.dumps(report(subject={name: value, "reference": value})))
    reads_or_refuses(FORMAT, orjson.dumps({"resourceType": "Bundle", "entry": [value, changed]}))


# Published reports


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ExampleNJ-20200404-CDCPatientImpactAndHospitalCapacity.json",
         ("34", datetime(2020, 4, 4, tzinfo=UTC), 20000, 15000, None, None)),
        ("ExampleNJ-20200404-CDCPatientImpactAndHospitalCapacity.xml",
         ("34", datetime(2020, 4, 4, tzinfo=UTC), 20000, 15000, None, None)),
        ("ExampleNJ-20200406-CDCPatientImpactAndHospitalCapacity.json",
         ("34", datetime(2020, 4, 6, tzinfo=UTC), 20000, 15000, None, None)),
        ("ExampleNJ-20200406-CDCPatientImpactAndHospitalCapacity.xml",
         ("34", datetime(2020, 4, 6, tzinfo=UTC), 20000, 15000, None, None)),
        ("FHIR-461.json",
         ("Loc-Org-1065", datetime(2020, 4, 8, 15, 44, 4, 385000, tzinfo=UTC), 10, 9, 2, 7)),
    ],
)  # fmt: skip
def test_the_published_bed_reports(samples: Path, name: str, expected: tuple[Any, ...]) -> None:
    raw = (samples / "fhir-saner" / "measurereports" / f"MeasureReport-{name}").read_bytes()
    batch = FORMAT.parse(raw, None, LATER)
    (found,) = batch.reports
    assert batch.rejects == ()
    assert expected == (
        found.unit,
        found.observed_at,
        found.total,
        found.staffed,
        found.occupied,
        found.free,
    )


@pytest.mark.samples
def test_published_reports_about_tests_carry_no_beds(samples: Path) -> None:
    folder = samples / "fhir-saner" / "measurereports"
    others = [*folder.glob("*FEMADaily*"), folder / "MeasureReport-FHIR-463.json"]
    assert len(others) == 5
    for path in others:
        assert refusal(path.read_bytes())[1].startswith("carries no bed capacity")


@pytest.mark.samples
@pytest.mark.parametrize(
    ("unit", "counts"),
    [
        ("X140008", (219, 206, 43, 163)),
        ("X140049", (57, 48, 11, 37)),
        ("X140124", (65, 61, 13, 48)),
        ("X140250", (762, 648, 152, 496)),
    ],
)
def test_the_madison_bundles(samples: Path, unit: str, counts: tuple[int, ...]) -> None:
    raw = (samples / "saner-madison" / "t0" / f"{unit}-measureReports.json").read_bytes()
    batch = FORMAT.parse(raw, None, LATER)
    (found,) = batch.reports
    assert batch.rejects == ()
    assert (found.unit, found.total, found.staffed, found.occupied, found.free) == (unit, *counts)
    assert found.observed_at == datetime(2020, 5, 15, 5, 0, tzinfo=UTC)


@pytest.mark.samples
def test_messages_about_citizens_are_refused(samples: Path) -> None:
    paths = sorted((samples / "medcom-hospitalnotification").rglob("Bundle-*"))
    assert paths
    for path in paths:
        batch = FORMAT.parse(path.read_bytes(), None, LATER)
        assert batch.reports == ()
        assert {reject.reason for reject in batch.rejects} == {CPR_REASON}
