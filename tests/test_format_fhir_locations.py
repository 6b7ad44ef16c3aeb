"""Beds of FHIR Locations counted for their units: by status, by unit, at an instant."""

from datetime import datetime
from typing import Any

import pytest

from capacity.model import PlaceReport, ReportType, TeamReport
from feeds.formats import BadMappingError
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import Resource, bundle, concept
from tests.support.fhir_locations import (
    HOUSE,
    SEEN,
    STAMP,
    bed,
    beds,
    dated,
    location,
    only,
    read,
    room,
    ward,
)
from tests.support.formats import NOW, faults


def test_beds_by_their_status() -> None:
    batch = read(dated(ward("AKUT"), *beds("UUOICHK")))
    assert only(batch) == PlaceReport(
        unit="AKUT", observed_at=SEEN, total=7, occupied=2, closed=3, free=2
    )
    assert batch.places == ("Bundle.entry[1].resource",)


def test_a_bed_without_status_makes_occupied_and_free_unknown() -> None:
    for states in ("UO.", "UOX"):
        found = only(read(dated(*beds(states))))
        assert (found.total, found.occupied, found.closed, found.free) == (3, None, 0, None)


def test_status_codes_go_by_their_letters_whatever_case_and_system() -> None:
    status: list[dict[str, Any]] = [
        {"code": "o"}, {"system": "urn:local", "code": "O"}, {"code": "u"}, {"display": "Ledig"},
    ]  # fmt: skip
    made = [bed(f"b{n}", "AKUT", "U", operationalStatus=s) for n, s in enumerate(status)]
    found = only(read(dated(*made[:3])))
    assert (found.total, found.occupied, found.free) == (3, 2, 1)
    assert only(read(dated(*made))).free is None


def test_suspended_beds_are_closed_and_others_not_counted() -> None:
    made = [
        bed("1", "AKUT", "U"),
        bed("2", "AKUT", "U", status="suspended"),
        bed("3", "AKUT", "O", status="suspended"),
        bed("4", "AKUT", None, status="suspended"),
        bed("5", "AKUT", "U", status="inactive"),
        bed("6", "AKUT", "U", mode="kind"),
        bed("7", "AKUT", "U", status=None),
    ]
    found = only(read(dated(*made)))
    assert (found.total, found.occupied, found.closed, found.free) == (5, 1, 2, 2)


@pytest.mark.parametrize(
    "shut", [{"status": "suspended"}, {"status": "inactive"}, {"operationalStatus": {"code": "C"}}]
)
def test_a_closed_ward_closes_its_empty_beds(shut: dict[str, Any]) -> None:
    found = only(read(dated(ward("AKUT", **shut), *beds("UUO."))))
    assert (found.total, found.occupied, found.closed, found.free) == (4, 1, 3, 0)
    inside = [ward("AKUT"), room("R", "AKUT", **shut), *beds("UO", "R"), *beds("U")]
    found = only(read(dated(*inside), {"types": {"AKUT": "place"}}))
    assert (found.total, found.occupied, found.closed, found.free) == (3, 1, 1, 1)


def test_other_locations_are_no_beds() -> None:
    status = {"code": "U"}
    others = [
        ward("AKUT", operationalStatus=status),
        room("R", "AKUT", operationalStatus=status),
        location("AMB", mode="kind", physicalType=concept("ve")),
    ]
    assert (
        only(
            read(dated(*others, *beds("UO", "R"))),
        ).total
        == 2
    )


def test_a_location_without_physical_type_counts_by_its_status() -> None:
    plain = [
        location("AKUT", operationalStatus={"code": "U"}),
        location("1", "AKUT", operationalStatus={"code": "U"}),
        location("2", "AKUT", operationalStatus={"code": "O"}),
        location("3", "AKUT"),
    ]
    found = only(read(dated(*plain)))
    assert (found.unit, found.total, found.occupied, found.free) == ("AKUT", 2, 1, 1)


def test_other_tables_and_vehicles() -> None:
    made = [
        location(f"amb-{n}", "STATION", physicalType=concept("VE"), operationalStatus={"code": s})
        for n, s in enumerate(("hjemme", "TUR", "booket", "værksted"))
    ]
    mapping = {
        "place_types": ["ve"],
        "bed_states": {
            "hjemme": "free", "tur": "occupied", "booket": "reserved", "værksted": "closed",
        },
        "report_type": "team",
    }  # fmt: skip
    (found,) = read(dated(*made), mapping).reports
    assert isinstance(found, TeamReport)
    assert (found.total, found.occupied, found.reserved, found.closed, found.free) == (
        4,
        1,
        1,
        1,
        1,
    )


@pytest.mark.parametrize("wrong", [{"bed_states": {"U": "ledig"}}, {"bed_states": {}}])
def test_a_table_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(BadMappingError, match="bed_states"):
        FORMAT.read_mapping(wrong)


def test_versions_of_one_bed_are_one_bed() -> None:
    def version(state: str, number: str | None, updated: str | None) -> Resource:
        return bed("1", "AKUT", state, meta={"versionId": number, "lastUpdated": updated})

    newest = version("O", "3", "2026-11-22T10:00:00Z")
    olds = [
        version("U", "2", "2026-11-22T09:00:00Z"),
        version("U", "4", "x"),
        version("U", None, None),
    ]
    for order in ([newest, *olds], [*olds, newest]):
        assert only(read(dated(*order, type="history"))).occupied == 1
    numbered = [version("U", "9", STAMP), version("O", "10", STAMP), version("U", "x", STAMP)]
    assert only(read(dated(*numbered))).occupied == 1
    nameless = [bed(None, "AKUT", "U"), bed(None, "AKUT", "U")]
    assert only(read(dated(*nameless))).total == 2


@pytest.mark.parametrize(
    ("mapping", "totals"),
    [
        ({}, {"AKUT": 3, "alone": 1}),
        ({"types": {"R1": "place"}}, {"R1": 2, "AKUT": 1, "alone": 1}),
        ({"units": {"034": "rhr-akutafdeling"}}, {"034": 3, "alone": 1}),
        ({"units": {"HUS": "x"}}, {"HUS": 3, "alone": 1}),
        ({"units": {"R1-0": "x", "AKUT": "y"}}, {"R1-0": 1, "AKUT": 2, "alone": 1}),
    ],
)
def test_the_unit_is_the_first_that_is_declared_on_the_way_up(
    mapping: object, totals: dict[str, int]
) -> None:
    batch = read(dated(*HOUSE), mapping)
    assert batch.rejects == ()
    assert {report.unit: report.total for report in batch.reports} == totals


@pytest.mark.parametrize(
    ("part_of", "unit"),
    [
        ({"reference": "Location/AKUT/_history/2"}, "AKUT"),
        ({"reference": "https://ehr.example/fhir/Location/AKUT"}, "AKUT"),
        ({"reference": "#AKUT"}, "AKUT"),
        ({"reference": "urn:uuid:1"}, "urn:uuid:1"),
        ({"identifier": {"value": "034"}}, "034"),
        ({"display": "Akut"}, "b"),
        ({"reference": 5, "identifier": {"value": 5}}, "b"),
    ],
)
def test_references_of_every_kind(part_of: object, unit: str) -> None:
    assert only(read(dated(bed("b", None, "U", partOf=part_of)))).unit == unit


def test_a_full_url_is_followed() -> None:
    document = dated(bed("b", None, "U", partOf={"reference": "urn:uuid:1"}), ward("AKUT"))
    document["entry"][1]["fullUrl"] = "urn:uuid:1"
    assert only(read(document)).unit == "AKUT"
    document["entry"][1]["resource"]["resourceType"] = "Organization"
    assert only(read(document)).unit == "urn:uuid:1"


def test_locations_inside_of_each_other_do_not_hang() -> None:
    circle = [room("A", "B"), room("B", "A"), bed("b", "A", "U"), bed("self", "self", "U")]
    assert {r.unit: r.total for r in read(dated(*circle)).reports} == {"A": 1, "self": 1}
    tower = [room(str(n), str(n + 1)) for n in range(30)]
    assert faults(read(dated(bed("b", "0", "U"), *tower))) == [
        ("Bundle.entry[0].resource", "partOf")
    ]


def test_a_unit_that_has_no_name_is_refused() -> None:
    assert faults(read(dated(bed(None, None, "U")))) == [("Bundle.entry[0].resource", "id")]


def test_the_type_is_the_units() -> None:
    (found,) = read(dated(*beds("UO")), {"types": {"AKUT": "load"}}).reports
    assert found.type is ReportType.LOAD


# Which instant


@pytest.mark.parametrize(
    ("elements", "updated", "mapping", "instant"),
    [
        ({"timestamp": STAMP, "meta": {"lastUpdated": "2026-11-22T10:00:00Z"}}, STAMP, {}, SEEN),
        ({"meta": {"lastUpdated": STAMP}}, "2026-11-22T10:00:00Z", {}, SEEN),
        ({}, STAMP, {}, SEEN),
        ({}, None, {"undated": "received"}, NOW),
        ({"timestamp": "2026-11-22T12:00:00"}, None, {"timezone": "Europe/Copenhagen"}, SEEN),
    ],
)
def test_when_it_was_true(
    elements: dict[str, Any], updated: str | None, mapping: object, instant: datetime
) -> None:
    made = beds("UO")
    if updated:
        made[0]["meta"] = {"lastUpdated": "2026-11-22T09:00:00Z"}
        made[1]["meta"] = {"lastUpdated": updated}
    assert only(read(bundle(*made, **elements), mapping)).observed_at == instant


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        ({}, "observed_at"),
        ({"timestamp": "yesterday"}, "Bundle.timestamp"),
        ({"meta": {"lastUpdated": 5}}, "Bundle.meta.lastUpdated"),
        ({"timestamp": "9999-12-31T23:59:59-12:00"}, "Bundle.timestamp"),
        ({"timestamp": "9999-12-31T23:59:59Z"}, "observed_at"),
        ({"timestamp": "2026-11-22T12:03:00Z"}, "observed_at"),
        ({"timestamp": "0001-01-01T00:00:00Z"}, "observed_at"),
    ],
)
def test_without_a_time_nothing_is_counted(elements: dict[str, Any], field: str) -> None:
    assert faults(read(bundle(*beds("UO"), **elements))) == [("Bundle.entry[0].resource", field)]


@pytest.mark.parametrize("meta", [{"lastUpdated": "x"}, []])
def test_a_bed_whose_time_is_none_spoils_its_unit(meta: object) -> None:
    made = [*beds("UO"), *beds("U", "B")]
    made[1]["meta"] = meta
    made[2]["meta"] = {"lastUpdated": STAMP}
    batch = read(bundle(*made))
    assert [report.unit for report in batch.reports] == ["B"]
    assert [fault[0] for fault in faults(batch)] == ["Bundle.entry[0].resource"]
