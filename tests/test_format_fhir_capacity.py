"""Bed capacity in SAFR and NHSN MeasureReports: LOINC codes, systems, figures that are absent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.model import Batch, PlaceReport
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import Resource, bundle, concept, resource, xml
from tests.support.formats import NOW, faults, parsed

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
LOINC = "http://loinc.org"
NHSN = "http://hl7.org/fhir/us/nhsn-dqm/CodeSystem/healthcare-capacity-codes"
ABSENT = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
         "valueCode": "not-applicable"}
    ]
}  # fmt: skip


def group(code: str, count: int | None, system: str = LOINC) -> dict[str, Any]:
    """A group that bears the code itself, its count at the initial population."""
    said = {"_count": ABSENT} if count is None else {"count": count}
    return {
        "code": concept(code, system),
        "population": [{"code": concept("initial-population"), **said}],
    }


def report(*groups: object, **elements: Any) -> Resource:
    return resource(
        "MeasureReport",
        **{
            "status": "complete",
            "type": "individual",
            "subject": {"identifier": {"system": "http://example.org/location", "value": "123"}},
            "date": "2026-11-22T12:00:00+01:00",
            "group": list(groups),
            **elements,
        },
    )


def read(document: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, orjson.dumps(document), mapping)


def only(batch: Batch) -> PlaceReport:
    assert batch.rejects == ()
    (found,) = batch.reports
    assert isinstance(found, PlaceReport)
    return found


SAFR = report(group("112579-8", 17), group("112578-0", 5), group("112575-6", 4))


def test_loinc_codes_of_occupied_and_unoccupied_beds() -> None:
    assert only(read(SAFR)) == PlaceReport(
        unit="123", observed_at=SEEN, occupied=17, free=5, stated_free=5
    )


def test_the_codes_of_nhsn_in_any_case_say_the_same() -> None:
    groups = [group("allbedsoccupied", 17, NHSN), group("AllBedsUNoccupied", 5, NHSN)]
    assert read(report(*groups)) == read(SAFR)


def test_no_total_is_made_up_of_two_parts() -> None:
    assert only(read(SAFR)).total is None


@pytest.mark.parametrize(("occupied", "free"), [(None, 5), (17, None), (None, None), (0, 0)])
def test_an_absent_count_is_unknown_and_never_zero(occupied: int | None, free: int | None) -> None:
    found = only(read(report(group("112579-8", occupied), group("112578-0", free))))
    assert (found.occupied, found.free) == (occupied, free)


def test_only_absent_counts_are_still_a_report() -> None:
    assert only(read(report(group("112579-8", None)))).occupied is None


def test_a_code_may_be_asked_for_with_its_system() -> None:
    made = report(group("1", 17, "urn:a"), group("1", 9, "urn:B"))
    assert faults(read(made, {"codes": {"1": "occupied"}})) == [("MeasureReport", "occupied")]
    assert only(read(made, {"codes": {"urn:b|1": "occupied"}})).occupied == 9
    assert only(read(made, {"codes": {"URN:A|1": "total", "urn:b|1": "occupied"}})).total == 17


def test_a_part_of_the_hospital_by_its_own_codes() -> None:
    intensive = {"codes": {"http://loinc.org|112575-6": "occupied"}}
    assert only(read(SAFR, intensive)).occupied == 4


def test_a_contained_location_is_no_bed() -> None:
    inside = {"resourceType": "Location", "id": "c", "operationalStatus": {"code": "U"}}
    made = report(group("112579-8", 1), contained=[inside], subject={"reference": "#c"})
    assert only(read(made)).unit == "c"


def test_reports_and_beds_in_one_document_stand_in_its_order() -> None:
    beds = [
        resource("Location", f"b{n}", operationalStatus={"code": "O"}, partOf={"reference": "L/W"})
        for n in range(2)
    ]
    batch = read(bundle(beds[0], SAFR, beds[1], timestamp="2026-11-22T11:00:00Z"))
    assert [(r.unit, r.occupied) for r in batch.reports] == [("W", 2), ("123", 17)]
    assert batch.places == ("Bundle.entry[0].resource", "Bundle.entry[1].resource")


def test_xml_reads_as_json_does() -> None:
    made = bundle(report(group("112579-8", 17), group("112578-0", None)))
    assert parsed(FORMAT, xml(made)) == read(made)


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BedCapacityMeasureReport",
         ("urn:uuid:4c83e586-1277-4132-9b4e-3d1c14d38983", 0, 0,
          datetime(2025, 3, 5, 13, 15, tzinfo=UTC))),
        ("bed-capacity-measurereport-example-hosp",
         ("123", 177, 5, datetime(2023, 8, 28, 7, 1, 7, 563000, tzinfo=UTC))),
    ],
)  # fmt: skip
def test_the_published_reports(samples: Path, name: str, expected: tuple[object, ...]) -> None:
    raw = (samples / "fhir-safr-nhsn" / f"MeasureReport-{name}.json").read_bytes()
    found = only(FORMAT.parse(raw, None, NOW))
    assert (found.unit, found.occupied, found.free, found.observed_at) == expected
    assert (found.total, found.staffed) == (None, None)


@pytest.mark.samples
def test_absent_figures_of_the_published_report_are_unknown(samples: Path) -> None:
    """Adults outside of intensive care: occupied is given, unoccupied is not applicable there."""
    name = "MeasureReport-bed-capacity-measurereport-example-hosp.json"
    codes = {f"{NHSN}|AdultNonICUOccupied": "occupied", "adultnonicuunoccupied": "free"}
    mapping = FORMAT.read_mapping({"codes": codes})
    found = only(FORMAT.parse((samples / "fhir-safr-nhsn" / name).read_bytes(), mapping, NOW))
    assert (found.occupied, found.free) == (3, None)
