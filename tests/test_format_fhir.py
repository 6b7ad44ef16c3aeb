"""FHIR MeasureReports for bed capacity, as JSON and as XML."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, LoadReport, PlaceReport, ReportType, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats import BadMappingError, fhir_xml
from feeds.formats.fhir_format import FORMAT
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 1, tzinfo=UTC)
LOCATIONS = "http://example.org/saner/locations"
ABSENT = {"extension": [{"url": "http://example.org/data-absent-reason", "valueCode": "unknown"}]}


def coded(*codes: str) -> dict[str, Any]:
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
    entries = [{"fullUrl": "urn:x", "resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def read(document: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, orjson.dumps(document), mapping)


def refusal(raw: bytes) -> tuple[str, str]:
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


# Figures


def test_a_report_alone() -> None:
    batch = read(report())
    assert batch.reports == (
        PlaceReport(unit="AKUT", observed_at=SEEN, total=10, staffed=9, occupied=6, free=3),
    )
    assert batch.places == ("MeasureReport",)


def test_codes_go_by_their_letters_whatever_case_and_system() -> None:
    assert read(report(beds(NUMTOTBEDS=10, numbeds=9, numBedsOcc=6))) == read(report())


def test_a_count_that_is_absent_is_unknown_and_never_zero() -> None:
    found = read(report(beds(numTotBeds=10, numBedsOcc=None))).reports[0]
    assert (found.total, found.occupied, found.free) == (10, None, None)
    zero = read(report(beds(numTotBeds=10, numBedsOcc=0))).reports[0]
    assert (zero.occupied, zero.free) == (0, 10)


def test_reservations_that_are_kept_but_unknown_make_free_unknown() -> None:
    kept = read(report(beds(numTotBeds=10, numBedsOcc=6, numBedsReserved=None))).reports[0]
    assert kept.free is None
    known = read(report(beds(numTotBeds=10, numBedsOcc=6, numBedsReserved=1, numBedsClosed=1)))
    assert known.reports[0].free == 2


def test_groups_that_bear_the_code_themselves() -> None:
    def group(code: str, *populations: object, score: object = None) -> dict[str, Any]:
        made = {"code": coded(code), "population": list(populations)}
        return made if score is None else {**made, "measureScore": {"value": score}}

    initial = {"code": coded("initial-population"), "count": 10}
    found = read(
        report(
            group("numTotBeds", initial, score=10),
            group("numbeds", {"code": coded("initial-population")}, score=9.0),
            group("numBedsOcc"),
            group("positivePercent", score=0.5),
        )
    ).reports[0]
    assert (found.total, found.staffed, found.occupied) == (10, 9, None)


def test_figures_given_twice_must_agree() -> None:
    assert read(report(beds(numBeds=9), beds(numbeds=9))).reports[0].staffed == 9
    batch = read(bundle(report(beds(numBeds=9), beds(numbeds=8)), report()))
    assert faults(batch) == [("Bundle.entry[0].resource", "staffed")]
    assert len(batch.reports) == 1


@pytest.mark.parametrize("count", ["5", -1, 2.5, True, [], {"value": 5}, 10**6])
def test_a_count_that_is_no_count_is_refused_by_field(count: object) -> None:
    batch = read(bundle(report(beds(numTotBeds=count)), report()))
    assert faults(batch) == [("Bundle.entry[0].resource", "total")]
    assert batch.places == ("Bundle.entry[1].resource",)


def test_a_mapping_names_other_codes_and_the_group() -> None:
    intensive = {**beds(numICUBeds=4, numICUBedsOcc=3), "code": coded("ICU")}
    codes = {"numICUBeds": "total", "numICUBedsOcc": "occupied"}
    both = report(beds(numTotBeds=10, numICUBeds=99), intensive)
    found = read(both, {"codes": codes, "group": "icu"})
    assert (found.reports[0].total, found.reports[0].occupied) == (4, 3)


def test_a_queue_makes_it_a_load_report() -> None:
    queue = beds(numTotBeds=10, numWaiting=7, numWaitMinutes=40)
    found = read(report(queue)).reports[0]
    assert isinstance(found, LoadReport)
    assert (found.total, found.waiting, found.wait_minutes) == (10, 7, 40)
    assert faults(read(report(queue), {"types": {"AKUT": "place"}})) == [
        ("MeasureReport", "waiting")
    ]
    assert read(report(), {"report_type": "load"}).reports[0].type is ReportType.LOAD


# Which unit


@pytest.mark.parametrize(
    ("subject", "unit"),
    [
        ({"reference": "Location/AKUT"}, "AKUT"),
        ({"reference": "https://ehr.example/fhir/Location/AKUT/_history/3"}, "AKUT"),
        ({"reference": "#AKUT"}, "AKUT"),
        ({"reference": "urn:uuid:4c83e586-1277-4132-9b4e-3d1c14d38983"},
         "urn:uuid:4c83e586-1277-4132-9b4e-3d1c14d38983"),
        ({"reference": "Location/x", "identifier": {"system": "y", "value": "034"}}, "034"),
        ({"reference": "Location/x", "extension": [{"url": LOCATIONS, "valueString": "X1"}]}, "X1"),
        ({"reference": "Location/x", "extension": [{"url": "/geo"}, {"url": 5}]}, "x"),
        ({"reference": "Location/x", "identifier": {"system": "y"}}, "x"),
    ],
)  # fmt: skip
def test_the_unit_is_the_subjects_identifier(subject: object, unit: str) -> None:
    assert read(report(subject=subject)).reports[0].unit == unit


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        (None, "subject"),
        ({}, "subject"),
        ({"display": "x"}, "subject"),
        ({"reference": ""}, "subject"),
        ({"reference": "Location/"}, "subject"),
        ({"reference": 5}, "subject"),
        ([], "subject"),
        ("Location/x", "subject"),
        ({"identifier": "x"}, "identifier"),
        ({"identifier": {"value": 34}}, "unit"),
        ({"extension": {}}, "extension"),
        ({"reference": "Patient/1"}, "subject"),
        ({"type": "Patient", "identifier": {"value": "1"}}, "subject"),
    ],
)
def test_a_subject_that_names_no_unit_is_refused(subject: object, field: str) -> None:
    assert faults(read(report(subject=subject))) == [("MeasureReport", field)]


# Which instant


@pytest.mark.parametrize(
    ("changed", "mapping", "instant"),
    [
        ({}, {}, SEEN),
        ({"date": "2026-11-22T12:00:00.3855935+01:00"}, {}, SEEN.replace(microsecond=385000)),
        ({"date": "2026-11-22"}, {}, datetime(2026, 11, 22, tzinfo=UTC)),
        ({"date": "2026-11-22"}, {"timezone": "Europe/Copenhagen"},
         datetime(2026, 11, 21, 23, tzinfo=UTC)),
        ({"date": "2026-10-25T02:30"}, {"timezone": "Europe/Copenhagen", "repeated": "second"},
         datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ({"date": None}, {}, NOW),
        ({"date": None, "period": {"end": "2026-11-20"}}, {}, datetime(2026, 11, 21, tzinfo=UTC)),
        ({"date": None, "period": {"end": "2026-11-20T10:00:00Z"}}, {},
         datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ({"period": {"end": "2026-11-20"}}, {"observed": "period_end"},
         datetime(2026, 11, 21, tzinfo=UTC)),
        ({"period": {"end": "2026-11-20"}},
         {"observed": "period_end", "timezone": "Europe/Copenhagen"},
         datetime(2026, 11, 20, 23, tzinfo=UTC)),
        ({"period": None}, {"observed": "period_end"}, SEEN),
    ],
)  # fmt: skip
def test_when_it_was_true(changed: dict[str, Any], mapping: object, instant: datetime) -> None:
    assert read(report(**changed), mapping).reports[0].observed_at == instant


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"date": None, "period": None}, "date"),
        ({"date": 20261122}, "date"),
        ({"date": "2026-11"}, "date"),
        ({"date": "2026-02-30"}, "date"),
        ({"date": "2026-11-22T12:00:00"}, "date"),
        ({"date": "2026-11-23"}, "observed_at"),
        ({"date": None, "period": {"end": 5}}, "period.end"),
        ({"date": None, "period": {"end": "9999-12-31"}}, "period.end"),
        ({"date": None, "period": []}, "period"),
    ],
)
def test_a_time_that_is_none_is_refused_by_field(changed: dict[str, Any], field: str) -> None:
    assert faults(read(report(**changed))) == [("MeasureReport", field)]


# Documents


def test_a_bundle_with_other_resources() -> None:
    testing = report({"code": coded("positivePercent"), "measureScore": {"value": 0.5}})
    batch = read(bundle({"resourceType": "Organization"}, testing, report(), None, "x"))
    assert batch.places == ("Bundle.entry[2].resource",)
    assert batch.rejects == ()


def test_a_report_about_something_else_is_not_looked_into_further() -> None:
    testing = report({"code": coded("tests")}, subject=None, date="x", status="error")
    assert read(bundle(testing, report())).rejects == ()


@pytest.mark.parametrize("status", ["pending", "error", 5])
def test_figures_that_are_not_final_are_refused(status: object) -> None:
    assert faults(read(report(status=status))) == [("MeasureReport", "status")]
    assert len(read(report(status=None)).reports) == 1


def test_a_search_that_found_nothing_is_an_answer() -> None:
    nothing: list[dict[str, Any]] = [{}, {"entry": []}]
    for entries in nothing:
        batch = read({"resourceType": "Bundle", "type": "searchset", **entries})
        assert (batch.reports, batch.rejects) == ((), ())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"group": {}}, "group"),
        ({"group": [5]}, "group"),
        ({"group": [{"population": {}}]}, "population"),
        ({"group": [{"code": []}]}, "code"),
        ({"group": [{"code": {"coding": {}}}]}, "coding"),
        ({"group": [{"measureScore": 5}]}, "measureScore"),
    ],
)
def test_elements_of_another_shape_are_named(changed: dict[str, Any], field: str) -> None:
    assert faults(read(report(**changed))) == [("MeasureReport", field)]


def test_codes_that_are_no_texts_are_passed_over() -> None:
    odd = {"code": {"coding": [{"code": 5}, {"system": "x"}, {"code": "numTotBeds"}]}, "count": 3}
    assert read(report({"population": [odd]})).reports[0].total == 3


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (b"", "document", "is empty"),
        (b"[]", "document", "is not a FHIR resource"),
        (b"{", "document", "is not valid JSON"),
        (b"{}", "resourceType", "is neither"),
        (b'{"resourceType": "Patient"}', "resourceType", "is neither"),
        (b'{"resourceType": "Bundle", "entry": {}}', "entry", "is not a list of objects"),
        (b'{"resourceType": "Bundle", "entry": [{}]}', "resource", "is missing"),
        (b'{"resourceType": "MeasureReport"}', "MeasureReport", "carries no bed capacity"),
        (b"<a>\n <", "document", "is not well-formed XML (line 2, column 2)"),
        (b"<html><p>503</html>", "document", "is a web page"),
        (b"<!DOCTYPE html><p>", "document", "is a web page"),
        (b"<Bundle/>", "document", "not in the FHIR namespace"),
        (b'<Patient xmlns="http://hl7.org/fhir"/>', "resourceType", "is neither"),
        (b'<Bundle xmlns="http://hl7.org/fhir"><entry/></Bundle>', "resource", "is missing"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document", "has a DOCTYPE"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document", "has a DOCTYPE"),
        (b"<a>&x;</a>", "document", "is not well-formed XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "document", "encoding"),
        (b'<?xml version="1.0" encoding="shift-jis"?><a/>', "document", "encoding"),
        (b"<a>\0</a>", "document", "NUL"),
        ("<a/>".encode("utf-16"), "document", "is UTF-16"),
        (b"<a>" * 61 + b"</a>" * 61, "document", "is nested more than 60 deep"),
    ],
)
def test_what_is_no_capacity_report_is_refused(raw: bytes, field: str, reason: str) -> None:
    found, why = refusal(raw)
    assert found == field
    assert reason in why


def test_xml_of_too_many_elements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_xml, "MAX_ELEMENTS", 20)
    assert "more than 20 elements" in refusal(XML)[1]


@pytest.mark.parametrize("codes", [{}, {"numBeds": "beds"}])
def test_a_mapping_that_makes_no_sense_is_refused(codes: object) -> None:
    with pytest.raises(BadMappingError, match="codes"):
        FORMAT.read_mapping({"codes": codes})


# XML


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
