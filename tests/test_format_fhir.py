"""FHIR MeasureReports for bed capacity: figures, the unit, the instant, and the documents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from capacity.model import LoadReport, PlaceReport, ReportType
from feeds.formats import BadMappingError, fhir_xml
from feeds.formats.fhir_format import FORMAT
from tests.support.formats import NOW, faults
from tests.support.measure_reports import (
    LOCATIONS,
    SEEN,
    XML,
    beds,
    bundle,
    coded,
    read,
    refusal,
    report,
)


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
