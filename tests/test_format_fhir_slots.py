"""Free appointments counted from FHIR Schedules and Slots."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, ReportType, SlotReport
from capacity.privacy import CPR_REASON
from feeds.formats import BadMappingError
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import Resource, bundle, ndjson, resource, to, xml
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
STAMP = "2026-11-22T12:00:00+01:00"


def at(hours: float) -> str:
    """An instant so many hours after the document."""
    return (SEEN + timedelta(hours=hours)).isoformat()


def slot(hours: float, status: object = "free", schedule: str = "S", **elements: Any) -> Resource:
    return resource(
        "Slot",
        **{
            "schedule": to("Schedule", schedule),
            "status": status,
            "start": at(hours),
            "end": at(hours + 0.25),
            **elements,
        },
    )


def schedule(own_id: str | None = "S", *actors: str, **elements: Any) -> Resource:
    references = [{"reference": actor} for actor in actors] or None
    return resource("Schedule", own_id, actor=references, **elements)


def dated(*resources: object, **elements: Any) -> Resource:
    return bundle(*resources, **{"timestamp": STAMP, **elements})


def read(document: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, orjson.dumps(document), mapping)


def only(batch: Batch) -> SlotReport:
    assert batch.rejects == ()
    (report,) = batch.reports
    assert isinstance(report, SlotReport)
    return report


# Counting


def test_slots_by_their_status() -> None:
    slots = [
        slot(1, "busy"), slot(2, "busy"), slot(3, "busy-tentative"), slot(4, "busy-unavailable"),
        slot(20), slot(5), slot(6), slot(0.5, "entered-in-error"),
    ]  # fmt: skip
    batch = read(dated(schedule(), *slots))
    assert only(batch) == SlotReport(
        unit="S",
        observed_at=SEEN,
        total=7,
        occupied=2,
        reserved=1,
        closed=1,
        free=3,
        stated_free=3,
        next_free_at=SEEN + timedelta(hours=5),
    )
    assert batch.places == ("Bundle.entry[1].resource",)


def test_the_window_takes_in_what_begins_inside_of_it() -> None:
    slots = [slot(-0.1), slot(0), slot(47.9), slot(48), slot(100)]
    found = only(read(dated(*slots)))
    assert (found.total, found.free, found.next_free_at) == (2, 2, SEEN)
    wide = only(read(dated(*slots), {"window_hours": 101}))
    assert wide.total == 4
    narrow = only(read(dated(*slots[2:]), {"window_hours": 1}))
    assert (narrow.total, narrow.free, narrow.next_free_at) == (0, 0, None)


def test_a_plan_that_does_not_reach_so_far_is_unknown_and_not_zero() -> None:
    found = only(read(dated(slot(-24), slot(-0.25))))
    assert (found.total, found.occupied, found.free, found.next_free_at) == (None,) * 4
    running = only(read(dated(slot(-0.2))))
    assert (running.total, running.free) == (0, 0)


@pytest.mark.parametrize("hours", [0, 10_000, "x"])
def test_a_window_that_makes_no_sense_is_refused(hours: object) -> None:
    with pytest.raises(BadMappingError, match="window_hours"):
        FORMAT.read_mapping({"window_hours": hours})


def test_a_slot_that_cannot_be_read_costs_itself_only() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"status": "open"}, "status"),
        ({"status": None}, "status"),
        ({"status": []}, "status"),
        ({"start": "2026-91-01T00:00:00Z"}, "start"),
        ({"start": None}, "start"),
        ({"end": 5}, "end"),
        ({"end": at(-1)}, "end"),
        ({"schedule": None}, "schedule"),
        ({"schedule": []}, "schedule"),
        ({"schedule": {"reference": ""}}, "schedule"),
        ({"schedule": {"reference": 5}}, "schedule"),
        ({"comment": f"til {CPR}"}, "comment"),
    ]
    made = [slot(1) | changed for changed, _ in wrong]
    batch = read(dated(*made, slot(2)))
    assert [r.total for r in batch.reports] == [1]
    assert faults(batch) == [
        (f"Bundle.entry[{n}].resource", field) for n, (_, field) in enumerate(wrong)
    ]


def test_times_without_offset_are_the_sources() -> None:
    local = slot(0, start="2026-11-22T12:30:00", end="2026-11-22T12:45:00")
    found = only(read(dated(local), {"timezone": "Europe/Copenhagen"}))
    assert found.next_free_at == SEEN + timedelta(minutes=30)
    assert faults(read(dated(local))) == [("Bundle.entry[0].resource", "start")]


# Which unit

PLACES = [
    resource("Location", "L1", identifier=[{"value": "subakut-medicin"}]),
    resource("HealthcareService", "H1"),
    schedule(
        "S", "Practitioner/p", "Location/L1", "HealthcareService/H1", identifier=[{"value": "46"}]
    ),
]


@pytest.mark.parametrize(
    ("known", "unit"),
    [(None, "L1"), ("S", "S"), ("46", "46"), ("H1", "H1"), ("subakut-medicin", "subakut-medicin")],
)
def test_the_unit_is_the_schedule_or_what_it_is_about(known: str | None, unit: str) -> None:
    mapping = {"units": {known: "rhr-subakut-medicin"}} if known else None
    found = [r for r in read(dated(*PLACES, slot(1)), mapping).reports if r.total is not None]
    assert [(r.unit, r.total) for r in found] == [(unit, 1)]


@pytest.mark.parametrize(
    ("made", "unit"),
    [
        (schedule("S", "Practitioner/p"), "S"),
        (schedule("S", "Practitioner/p", "https://x.example/fhir/Location/L2"), "L2"),
        (schedule("S", "urn:uuid:1"), "S"),
        (schedule("S", ""), "S"),
        (schedule("T"), "S"),
    ],
)
def test_a_person_is_never_the_unit(made: Resource, unit: str) -> None:
    assert only(read(dated(made, slot(1)))).unit == unit


def test_several_schedules_of_one_unit_are_added_up() -> None:
    made = [schedule("S", "Location/L"), schedule("T", "Location/L")]
    assert only(read(dated(*made, slot(1), slot(2, schedule="T")))).total == 2


def test_full_urls_and_schedules_without_id() -> None:
    document = dated(schedule(None, identifier=[{"value": "46"}]), slot(1))
    document["entry"][0]["fullUrl"] = "urn:uuid:9"
    document["entry"][1]["resource"]["schedule"] = {"reference": "urn:uuid:9"}
    assert only(read(document)).unit == "46"
    del document["entry"][0]["resource"]["identifier"]
    assert only(read(document)).unit == "urn:uuid:9"
    document["entry"][0]["fullUrl"] = document["entry"][1]["resource"]["schedule"]["reference"] = (
        "/"
    )
    assert faults(read(document)) == [("Bundle.entry[1].resource", "schedule")]


def test_a_schedule_that_is_not_in_use_is_left_out() -> None:
    made = [schedule("S", active=False), slot(1), schedule("T", active=True), slot(1, schedule="T")]
    assert only(read(dated(*made))).unit == "T"


@pytest.mark.parametrize(
    ("wrong", "field"), [({"actor": {}}, "actor"), ({"identifier": {}}, "identifier")]
)
def test_a_schedule_of_another_shape_is_named_at_its_slots(
    wrong: dict[str, Any], field: str
) -> None:
    batch = read(dated(schedule("S") | wrong, slot(1), slot(2, schedule="T")))
    assert faults(batch) == [("Bundle.entry[1].resource", field)]
    assert [r.unit for r in batch.reports] == ["T"]


def test_the_type_is_the_units() -> None:
    (found,) = read(dated(slot(1)), {"types": {"S": "load"}}).reports
    assert found.type is ReportType.LOAD


def test_a_person_number_in_a_unit_is_refused() -> None:
    batch = read(dated(schedule(CPR), slot(1, schedule=CPR)))
    assert batch.reports == ()
    assert {reject.reason for reject in batch.rejects} == {CPR_REASON}


# Which instant


def test_without_a_time_of_the_document_the_newest_slot_tells_it() -> None:
    made = [slot(-3, meta={"lastUpdated": at(-3)}), slot(2, meta={"lastUpdated": at(-2)})]
    found = only(read(bundle(*made)))
    assert found.observed_at == SEEN - timedelta(hours=2)
    assert found.total == 1  # looked at when received, not when it was last changed
    assert faults(read(bundle(slot(1)))) == [("Bundle.entry[0].resource", "observed_at")]
    assert only(read(bundle(slot(2)), {"undated": "received"})).observed_at == NOW


def test_a_bad_time_of_the_document_is_said_at_every_unit() -> None:
    document = bundle(slot(1), slot(2, schedule="T"), timestamp="now")
    assert {field for _, field in faults(read(document))} == {"Bundle.timestamp"}
    assert len(read(document).rejects) == 2


# Documents


def test_a_page_of_a_search_counts_nothing() -> None:
    batch = read(dated(slot(1), link=[{"relation": "next"}]))
    assert faults(batch) == [("Bundle.entry[0].resource", "total")]


def test_xml_reads_as_json_does() -> None:
    made = schedule("S", "Location/L1", active=False), schedule("T", "Location/L1", active=True)
    document = dated(*made, slot(1), slot(2, schedule="T"), slot(3, "busy", schedule="T"))
    assert parsed(FORMAT, xml(document)) == read(document)
    assert (only(read(document)).total, only(read(document)).unit) == (2, "L1")


def test_ndjson_of_mixed_resources() -> None:
    lines = ndjson(
        {"transactionTime": STAMP}, schedule("S", "Location/L1"), slot(1), slot(2, "busy")
    )
    batch = parsed(FORMAT, lines)
    assert (only(batch).unit, only(batch).total, batch.places) == ("L1", 2, ("line 3",))
    assert only(parsed(FORMAT, ndjson(slot(0.5), slot(2)), {"undated": "received"})).total == 1


def test_versions_of_one_slot_are_one_slot() -> None:
    old = slot(1, meta={"lastUpdated": at(-2)}) | {"id": "x"}
    new = slot(1, "busy", meta={"lastUpdated": at(-1)}) | {"id": "x"}
    for order in ([old, new], [new, old]):
        found = only(read(dated(*order)))
        assert (found.total, found.occupied, found.free) == (1, 1, 0)


# Anything at all

FULL = dated(*PLACES, slot(1), slot(2, "busy"), slot(3, "busy-tentative"))
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("SL1/", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.binary() | mangled(orjson.dumps(FULL), xml(FULL), ndjson(*PLACES, slot(1))))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {"undated": "received", "timezone": "Europe/Copenhagen"})


@given(
    st.sampled_from(["schedule", "status", "start", "end", "actor", "id", "identifier", "active",
                     "meta"]),
    anything,
)  # fmt: skip
def test_any_shape_is_read_or_refused(name: str, value: object) -> None:
    document = dated(schedule("S", "Location/L1") | {name: value}, slot(1) | {name: value}, slot(2))
    reads_or_refuses(FORMAT, orjson.dumps(document))


@given(
    st.lists(
        st.tuples(
            st.integers(-50, 100),
            st.sampled_from(["free", "busy", "busy-tentative", "busy-unavailable"]),
        ),
        min_size=1,
    )
)
def test_counts_equal_a_count_by_hand(slots: list[tuple[int, str]]) -> None:
    found = only(read(dated(*(slot(hours, status) for hours, status in slots))))
    inside = [(hours, status) for hours, status in slots if 0 <= hours < 48]
    free = [hours for hours, status in inside if status == "free"]
    if all(hours < 0 for hours, _ in slots):
        assert (found.total, found.free) == (None, None)
    else:
        assert (found.total, found.free) == (len(inside), len(free))
        assert found.inconsistencies == ()
    assert found.next_free_at == (SEEN + timedelta(hours=min(free)) if free else None)


# Published resources


@pytest.mark.samples
def test_the_published_slots_of_one_schedule(samples: Path) -> None:
    folder = samples / "fhir-core-r4"
    names = ("Schedule-example", "Slot-1", "Slot-2", "Slot-3", "Slot-example")
    resources = [orjson.loads((folder / f"{name}.json").read_bytes()) for name in names]
    found = only(read(bundle(*resources, timestamp="2013-12-25T08:00:00Z")))
    assert (found.unit, found.total, found.free) == ("1", 4, 1)
    assert (found.occupied, found.reserved, found.closed) == (1, 1, 1)
    assert found.next_free_at == datetime(2013, 12, 25, 9, 15, tzinfo=UTC)


@pytest.mark.samples
def test_the_published_bulk_files_with_slots_put_beside_them(samples: Path) -> None:
    folder = samples / "fhir-scheduling-links"
    manifest = b" ".join((folder / "$bulk-publish").read_bytes().split())
    begin = datetime(2021, 4, 23, tzinfo=UTC)
    slots = [
        slot(1, schedule=f"{10 + n}", start=begin.isoformat(), end=begin.isoformat())
        for n in range(9)
    ]
    raw = b"\n".join(
        [manifest, *((folder / f"{n}.ndjson").read_bytes() for n in ("locations", "schedules"))]
    )
    batch = parsed(FORMAT, raw + b"\n" + ndjson(*slots))
    assert batch.rejects == ()
    assert [report.unit for report in batch.reports] == [str(n) for n in range(9)]
    assert {(r.total, r.free) for r in batch.reports} == {(1, 1)}
    assert {r.observed_at for r in batch.reports} == {
        datetime(2021, 4, 22, 14, 28, 21, 582000, tzinfo=UTC)
    }
