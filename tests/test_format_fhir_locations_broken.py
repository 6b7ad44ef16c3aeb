"""Beds of FHIR Locations with parts missing or wrong: what may be untrue is not counted."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import bundle, concept, ndjson, resource, to, xml
from tests.support.fhir_locations import (
    HOUSE,
    SEEN,
    STAMP,
    bed,
    beds,
    dated,
    only,
    read,
    room,
    ward,
)
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses


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
