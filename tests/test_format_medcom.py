"""MedCom hospital notifications: one citizen more or fewer in hospital, and nobody's name."""

import re
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, UnreadableError
from feeds.formats import medcom
from feeds.formats.medcom import FORMAT
from tests.support.formats import mangled, parsed, reads_or_refuses
from tests.support.medcom import (
    CPR,
    HOSPITAL,
    MUNICIPALITY,
    PATIENT,
    SOR,
    WARD,
    document,
    notification,
)

AT = datetime(2026, 11, 22, 11, 55, 1, tzinfo=UTC)
CODES = "http://hl7.dk/fhir/core/CodeSystem/dk-core-municipality-codes"


def read(bundle: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, document(bundle), mapping)


def moves(batch: Batch) -> list[tuple[int, str]]:
    assert batch.rejects == ()
    return [(told.change, told.kind.value) for told in batch.movements]


@pytest.mark.parametrize(
    ("activity", "status", "before", "expected"),
    [
        ("admit-inpatient", "in-progress", None, [(1, "admitted")]),
        ("admit-emergency", "in-progress", None, [(1, "admitted")]),
        ("start-leave-inpatient", "onleave", None, [(-1, "on_leave")]),
        ("end-leave-inpatient", "in-progress", None, [(1, "returned")]),
        ("discharge-inpatient-home", "finished", None, [(-1, "discharged")]),
        # The chain tells more than the message alone.
        ("start-leave-inpatient", "onleave", "admit-inpatient", [(-1, "on_leave")]),
        ("end-leave-inpatient", "in-progress", "start-leave-inpatient", [(1, "returned")]),
        ("discharge-inpatient-home", "finished", "start-leave-inpatient", []),
        ("discharge-inpatient-home", "finished", "cancel-admit-inpatient", []),
        ("admit-inpatient", "in-progress", "admit-emergency", []),
        ("admit-inpatient", "in-progress", "discharge-emergency-home", [(1, "admitted")]),
        # MedCom's own examples end a stay under an admission's code.
        ("admit-inpatient", "finished", "admit-inpatient", [(-1, "discharged")]),
        # Corrections move nobody, cancellations undo.
        ("revise-admit-inpatient", "in-progress", "admit-inpatient", []),
        ("revise-admit-inpatient", "in-progress", None, []),
        ("revise-start-leave-inpatient", "onleave", None, []),
        ("cancel-admit-inpatient", "entered-in-error", "admit-inpatient", [(-1, "cancelled")]),
        ("cancel-admit-inpatient", "entered-in-error", None, [(-1, "cancelled")]),
        ("admit-inpatient", "entered-in-error", "admit-inpatient", [(-1, "cancelled")]),
        ("cancel-start-leave-inpatient", "in-progress", None, [(1, "cancelled")]),
        ("cancel-start-leave-inpatient", "entered-in-error", None, [(1, "cancelled")]),
        ("cancel-end-leave-inpatient", "onleave", None, [(-1, "cancelled")]),
        ("cancel-discharge-inpatient-home", "in-progress", None, [(1, "cancelled")]),
    ],
)
def test_what_a_message_counts_as(
    activity: str, status: str, before: str | None, expected: list[tuple[int, str]]
) -> None:
    assert moves(read(notification(activity, status, before=before))) == expected


def test_a_revised_message_that_does_not_come_along_is_judged_by_the_activity() -> None:
    bundle = notification("discharge-inpatient-home", "finished", before="start-leave-inpatient")
    del bundle["entry"][-1]
    assert moves(read(bundle)) == [(-1, "discharged")]


def test_only_the_stays_asked_for_count() -> None:
    assert moves(read(changed("entry.2.resource.class.code", ["IMP"]))) == []
    bundle = notification("admit-emergency", stay="EMER")
    assert moves(read(bundle, {"classes": ["IMP"]})) == []
    assert moves(read(bundle)) == [(1, "admitted")]


@pytest.mark.parametrize(
    ("mapping", "receiver", "unit"),
    [
        ({}, ((SOR, MUNICIPALITY),), f"SOR:{MUNICIPALITY}"),
        ({"organisation": "sender"}, (), f"SOR:{HOSPITAL}"),
        ({"organisation": "service_provider"}, (), f"SOR:{WARD}"),
        ({"municipalities": {MUNICIPALITY: "0730"}}, ((SOR, MUNICIPALITY),), "0730"),
        ({}, ((CODES, "0730"),), "0730"),
    ],
)
def test_whom_it_is_counted_for(
    mapping: dict[str, Any], receiver: tuple[tuple[str, str], ...], unit: str
) -> None:
    (told,) = read(notification(receiver=receiver), mapping).movements
    assert (told.unit, told.message_id, told.observed_at) == (unit, "m2", AT)


def test_the_provenance_tells_when_if_the_bundle_does_not() -> None:
    (told,) = read(notification(at=None)).movements
    assert told.observed_at == AT.replace(second=2)


def changed(path: str, value: object) -> dict[str, Any]:
    """A good message with one thing put in place of another; ``None`` takes it away."""
    bundle = notification()
    *steps, last = path.split(".")
    holder: Any = bundle
    for step in steps:
        holder = holder[int(step)] if step.isdecimal() else holder[step]
    key: Any = int(last) if last.isdecimal() else last
    if value is None:
        del holder[key]
    else:
        holder[key] = value
    return bundle


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("entry.0", None, "MessageHeader"),
        ("entry.0.resource.eventCoding.code", "acknowledgement", "MessageHeader.eventCoding"),
        ("entry.0.resource.eventCoding", 3, "MessageHeader.eventCoding"),
        ("entry.0.resource.id", None, "MessageHeader.id"),
        ("entry.0.resource.id", CPR, "MessageHeader.id"),
        ("entry.0.resource.focus", None, "MessageHeader.focus"),
        ("entry.0.resource.destination", None, "MessageHeader.destination.receiver"),
        ("entry.4.resource.identifier.1.value", f"x {CPR}", "MessageHeader.destination.receiver"),
        ("entry.4.resource.identifier", [], "MessageHeader.destination.receiver"),
        ("entry.2.resource.status", "planned", "Encounter.status"),
        ("entry.2.resource.status", None, "Encounter.status"),
        ("entry.6.resource.activity.coding.0.code", "new-message", "Provenance.activity"),
        ("entry.6", None, "Provenance.activity"),
        (
            "entry.4.resource.identifier.1.system",
            ["a list"],
            "MessageHeader.destination.receiver",
        ),
        ("timestamp", "2026-11-22T12:55:01", "Bundle.timestamp"),
        ("timestamp", "2026-02-30T12:55:01Z", "Bundle.timestamp"),
        ("timestamp", "2026-11-22T12:02:01Z", "Bundle.timestamp"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_field(path: str, value: object, field: str) -> None:
    batch = read(changed(path, value))
    assert batch.movements == ()
    assert [reject.field for reject in batch.rejects] == [field]
    assert CPR not in repr(batch)


def test_no_time_at_all_is_a_reject() -> None:
    bundle = notification(at=None)
    del bundle["entry"][6]["resource"]["occurredDateTime"]
    assert [reject.field for reject in read(bundle).rejects] == ["Bundle.timestamp"]


def test_an_offset_that_contradicts_the_season_is_rejected_where_a_zone_is_declared() -> None:
    bundle = notification(at="2026-11-22T12:55:01+02:00")
    assert moves(read(bundle)) == [(1, "admitted")]
    batch = read(bundle, {"timezone": "Europe/Copenhagen"})
    assert [reject.field for reject in batch.rejects] == ["Bundle.timestamp"]


def test_a_bundle_of_messages_is_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = notification(status="planned")
    entries = [{"resource": each} for each in (notification(), {"type": 3}, bad, notification())]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [*entries, 3]}
    batch = read(bundle)
    place = "Bundle.entry[{}].resource"
    assert [told.where for told in batch.movements] == [place.format(0), place.format(3)]
    assert [reject.where for reject in batch.rejects] == [place.format(2)]
    monkeypatch.setattr(medcom, "MAX_ROWS", 2)
    with pytest.raises(UnreadableError, match="more than 2"):
        read(bundle)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"type":"x"}}]}',
        b'<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/></Bundle>',
        b"<!DOCTYPE html><html></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Bundle xmlns="http://hl7.org/fhir"/>',
    ],
)
def test_what_holds_no_message_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        parsed(FORMAT, raw)


def test_nobody_is_in_what_comes_out() -> None:
    for activity, status in (("admit-inpatient", "in-progress"), ("x", "x"), ("x", "finished")):
        batch = read(notification(activity, status))
        assert PATIENT not in repr(batch)
        assert CPR not in repr(batch)
    assert FORMAT.carries_patients


@given(
    st.one_of(
        mangled(document(notification("admit-inpatient", before="admit-emergency"))),
        st.binary(max_size=200),
    )
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    bundle: Any = deepcopy(notification(before="admit-emergency"))
    holder: Any = bundle
    while True:
        keys = list(range(len(holder))) if isinstance(holder, list) else sorted(holder)
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.integers(0, 4)) == 0:
            holder[key] = data.draw(ANYTHING)
            break
        holder = holder[key]
    try:
        raw = orjson.dumps(bundle)
    except TypeError:  # an integer that JSON cannot hold
        return
    reads_or_refuses(FORMAT, raw)


@pytest.mark.samples
def test_the_published_messages(samples: Path) -> None:
    folder = samples / "medcom-hospitalnotification"
    expected = {
        "a5e5b880": [(1, "admitted")],
        "bfab3e80": [],
        "d3128d9b": [(-1, "on_leave")],
        "g099bbf3": [(-1, "discharged")],
        "h1c8e4a8": [(1, "admitted")],
        "kcab461b": [(-1, "discharged")],
        "ld31e08a": [(-1, "discharged")],
        "m908i967": [(1, "admitted")],
    }
    for suffix in ("json", "xml"):
        found = {}
        for path in sorted(folder.rglob(f"*.{suffix}")):
            batch = parsed(FORMAT, path.read_bytes())
            found[path.name[7:15]] = moves(batch)
            assert {told.unit for told in batch.movements} <= {"SOR:953741000016009"}
            assert not any(word in repr(batch) for word in people_in(path))
        assert found == expected


def people_in(path: Path) -> set[str]:
    """Names and numbers of the patients of a published message, and their resources' ids."""
    source = path.with_suffix(".json")
    found: set[str] = set()
    for entry in orjson.loads(source.read_bytes())["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            text = orjson.dumps(entry["resource"] | {"text": None, "meta": None}).decode()
            found |= set(re.findall(r'"(?:value|family|id)":"([^"]+)"', text))
    assert len(found) >= 3
    return found
