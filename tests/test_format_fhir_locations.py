"""Beds of FHIR Locations counted for their units."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, PlaceReport, ReportType, TeamReport, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats import BadMappingError
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import Resource, bundle, concept, ndjson, resource, to, xml
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
STAMP = "2026-11-22T12:00:00+01:00"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"


def location(own_id: str | None, part_of: str | None = None, **elements: Any) -> Resource:
    around = to("Location", part_of) if part_of else None
    return resource("Location", own_id, **{"status": "active", "partOf": around, **elements})


def bed(own_id: str | None, part_of: str | None, state: str | None, **elements: Any) -> Resource:
    status = {"system": STATUS, "code": state} if state else None
    kind = concept("bd", PHYSICAL)
    return location(
        own_id, part_of, **{"physicalType": kind, "operationalStatus": status, **elements}
    )


def ward(own_id: str, part_of: str | None = None, **elements: Any) -> Resource:
    return location(own_id, part_of, physicalType=concept("wa", PHYSICAL), **elements)


def room(own_id: str, part_of: str, **elements: Any) -> Resource:
    return location(own_id, part_of, physicalType=concept("ro", PHYSICAL), **elements)


def beds(states: str, part_of: str = "AKUT") -> list[Resource]:
    """A bed for each letter; a dot has no status."""
    return [
        bed(f"{part_of}-{n}", part_of, state if state != "." else None)
        for n, state in enumerate(states)
    ]


def dated(*resources: object, **elements: Any) -> Resource:
    return bundle(*resources, **{"timestamp": STAMP, **elements})


def read(document: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, orjson.dumps(document), mapping)


def only(batch: Batch) -> PlaceReport:
    assert batch.rejects == ()
    (report,) = batch.reports
    assert isinstance(report, PlaceReport)
    return report


# Counting


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


# Which unit

HOUSE = [
    ward("AKUT", "HUS", identifier=[{"value": "034"}, {"system": "no value"}]),
    room("R1", "AKUT"),
    *beds("UO", "R1"),
    *beds("U", "AKUT"),
    bed("alone", None, "U"),
]


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


# Parts that are missing


def test_a_page_of_a_search_counts_nothing() -> None:
    document = dated(*beds("UO"), link=[{"relation": "self"}, {"relation": "next", "url": "x"}])
    batch = read(document)
    assert faults(batch) == [("Bundle.entry[0].resource", "total")]
    assert "one page of several" in batch.rejects[0].reason
    document["link"].pop()
    assert only(read(document)).total == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"operationalStatus": "U"}, "operationalStatus"),
        ({"name": f"Hansen {CPR}"}, "name"),
    ],
)
def test_a_bed_that_is_refused_spoils_its_unit_only(wrong: dict[str, Any], field: str) -> None:
    batch = read(dated(bed("x", "AKUT", "U", **wrong), *beds("UO"), *beds("U", "B")))
    assert [report.unit for report in batch.reports] == ["B"]
    assert faults(batch) == [
        ("Bundle.entry[0].resource", field),
        ("Bundle.entry[0].resource", "total"),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"partOf": []}, "partOf"),
        ({"physicalType": []}, "physicalType"),
        ({"identifier": {}}, "identifier"),
        ({"id": 5}, "id"),
        ({"partOf": {"identifier": []}}, "identifier"),
        ({"partOf": [], "name": CPR}, "name"),
    ],
)
def test_a_bed_that_cannot_be_placed_might_be_anyones(wrong: dict[str, Any], field: str) -> None:
    batch = read(dated(bed("x", "AKUT", "U") | wrong, *beds("UO"), *beds("U", "B")))
    assert batch.reports == ()
    assert [fault[1] for fault in faults(batch)] == [field, "total", "total"]


def test_a_person_in_the_ward_spoils_what_it_names() -> None:
    batch = read(dated(ward("AKUT", name=CPR), *beds("UO")))
    assert only_reason(batch) == {CPR_REASON}
    assert only_units(batch) == ["AKUT"]


def only_reason(batch: Batch) -> set[str]:
    return {reject.reason for reject in batch.rejects}


def only_units(batch: Batch) -> list[str]:
    return [report.unit for report in batch.reports]


# Documents


def test_one_location_alone() -> None:
    alone = bed("b", None, "O", meta={"lastUpdated": STAMP})
    batch = read(alone)
    assert (only(batch).unit, only(batch).occupied, batch.places) == ("b", 1, ("Location",))


def test_xml_reads_as_json_does() -> None:
    document = dated(
        ward("AKUT", identifier=[{"value": "034"}]),
        bed("1", "AKUT", "O", identifier=[{"value": "x"}, {"value": "y"}]),
        bed("2", "AKUT", "U", partOf={"identifier": {"value": "AKUT"}}),
        link=[{"relation": "self", "url": "x"}],
    )
    mapping = {"types": {"AKUT": "place"}}
    assert parsed(FORMAT, xml(document), mapping) == read(document, mapping)
    assert only(read(document, mapping)).total == 2


def test_ndjson_with_and_without_a_manifest() -> None:
    manifest = {"transactionTime": STAMP, "output": []}
    batch = parsed(FORMAT, ndjson(manifest, b"", *beds("UO")))
    assert (only(batch).total, only(batch).observed_at) == (2, SEEN)
    assert batch.places == ("line 3",)
    made = [location | {"meta": {"lastUpdated": STAMP}} for location in beds("UO")]
    assert only(parsed(FORMAT, b"\xef\xbb\xbf" + ndjson(*made))).observed_at == SEEN


@pytest.mark.parametrize("line", [b"{", b"[]", b"5", b'{"resourceType": "Loc'])
def test_ndjson_with_a_broken_line_counts_nothing(line: bytes) -> None:
    measured = resource("MeasureReport", subject=to("Location", "B"), date=STAMP, group=[
        {"population": [{"code": concept("numBedsOcc"), "count": 3}]}])  # fmt: skip
    batch = parsed(FORMAT, ndjson({"transactionTime": STAMP}, *beds("UO"), measured, line))
    assert [(r.unit, r.occupied) for r in batch.reports] == [("B", 3)]
    assert faults(batch) == [("line 2", "total"), ("line 5", "line")]
    assert batch.rejects[0].reason == "cannot be counted: line 5 is broken"


def test_ndjson_without_a_resource_is_no_ndjson() -> None:
    with pytest.raises(UnreadableError, match="not valid JSON"):
        parsed(FORMAT, b'{"a": 1}\n{"b": 2}\n')


@pytest.mark.parametrize(
    "document",
    [
        ward("AKUT"),
        bundle(ward("AKUT"), room("R", "AKUT")),
        bundle(bed("b", "AKUT", "U", status="inactive")),
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"resource": ward("AKUT")}, {}]},
    ],
)
def test_locations_without_beds_tell_nothing(document: object) -> None:
    with pytest.raises(UnreadableError, match="resource: is missing or tells of no capacity"):
        read(document)


@pytest.mark.parametrize(
    ("document", "where", "field"),
    [
        ({"resourceType": "Parameters", "parameter": {}}, "Parameters", "parameter"),
        ({"resourceType": "Bundle", "link": {}}, "Bundle", "link"),
        ({"resourceType": "Bundle", "meta": []}, "Bundle", "meta"),
        ({"transactionTime": STAMP, "output": [{}]}, "document", "output"),
    ],
)
def test_documents_of_another_shape_are_named(document: object, where: str, field: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(document)
    assert (caught.value.reject.where, caught.value.reject.field) == (where, field)


def test_too_many_resources_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.formats.fhir_documents.MAX_RESOURCES", 3)
    with pytest.raises(UnreadableError, match="more than 3 resources"):
        read(dated(*beds("UUUU")))


def test_a_large_hospital_is_counted_quickly() -> None:
    """Five thousand beds; the suite's time-out is the bound, were it to take squared time."""
    wards = [ward(f"w{n}", "HUS") for n in range(100)]
    rooms = [room(f"r{n}", f"w{n % 100}") for n in range(1_000)]
    made = [bed(f"b{n}", f"r{n % 1_000}", "UO"[n % 2]) for n in range(5_000)]
    batch = read(dated(*wards, *rooms, *made))
    assert len(batch.reports) == 100
    assert sum(report.total or 0 for report in batch.reports) == 5_000


# Anything at all

FULL = orjson.dumps(dated(*HOUSE))
LINES = ndjson({"transactionTime": STAMP}, *HOUSE)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("AKUTx/", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.binary() | mangled(FULL, LINES, xml(dated(*HOUSE))))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {"undated": "received", "types": {"AKUT": "place"}})


@given(
    st.sampled_from(["operationalStatus", "partOf", "physicalType", "identifier", "id", "meta",
                     "status", "mode", "resourceType"]),
    anything,
)  # fmt: skip
def test_any_shape_is_read_or_refused(name: str, value: object) -> None:
    for odd in (bed("x", "AKUT", "U") | {name: value}, ward("AKUT") | {name: value}):
        document = dated(*beds("UO"), odd)
        reads_or_refuses(FORMAT, orjson.dumps(document), {"types": {"AKUT": "place"}})


@given(
    st.lists(st.sampled_from("UOICHK."), max_size=12), st.lists(st.sampled_from("AB"), min_size=12)
)
def test_counts_equal_a_count_by_hand(states: list[str], wards: list[str]) -> None:
    made = [
        bed(f"b{n}", part_of, None if state == "." else state)
        for n, (state, part_of) in enumerate(zip(states, wards, strict=False))
    ]
    batch = read(dated(*made))
    assert batch.rejects == ()
    expected = {}
    for unit in sorted(set(wards[: len(states)])):
        own = [s for s, w in zip(states, wards, strict=False) if w == unit]
        taken = sum(s in "OI" for s in own)
        closed = sum(s in "CHK" for s in own)
        unknown = "." in own
        expected[unit] = (
            len(own), None if unknown else taken, closed,
            None if unknown else len(own) - taken - closed,
        )  # fmt: skip
    found = {r.unit: (r.total, r.occupied, r.closed, r.free) for r in batch.reports}
    assert found == expected


# Published resources


@pytest.mark.samples
def test_published_locations_have_no_beds(samples: Path) -> None:
    paths = [*samples.glob("fhir-core-r4/Location*"), *samples.glob("dk-core/Location*")]
    assert len(paths) == 5
    for path in paths:
        with pytest.raises(UnreadableError, match="tells of no capacity"):
            FORMAT.parse(path.read_bytes(), None, NOW)


@pytest.mark.samples
def test_published_locations_with_beds_put_into_them(samples: Path) -> None:
    """The published ward, known by its identifier there, with beds of ours."""
    published = orjson.loads((samples / "fhir-core-r4" / "Location-1.json").read_bytes())
    document = dated(published, *beds("UUO", "1"))
    found = only(read(document, {"units": {"B1-S.F2": "rhr-akutafdeling"}}))
    assert (found.unit, found.total, found.free) == ("B1-S.F2", 3, 2)
    assert found.observed_at == NOW - timedelta(hours=1)
