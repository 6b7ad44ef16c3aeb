"""FHIR Subscription notifications, and the events that one of them reveals as missing."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats import fhir_subscription
from feeds.formats.fhir_format import FORMAT
from feeds.formats.fhir_subscription import EventCounter, SubscriptionNotice, read_notice
from tests.support.fhir import Resource, bundle, concept, resource, to, xml
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

HOOK = "https://ehr.example/fhir/Subscription/beds"
STAMP = "2026-11-22T12:00:00+01:00"


def event(number: object, focus: str | None = None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": number},
        {"name": "timestamp", "valueInstant": STAMP},
    ]
    if focus:
        parts.append({"name": "focus", "valueReference": {"reference": focus}})
    return {"name": "notification-event", "part": parts}


def status(kind: str, total: object = "2", *events: object, **changed: Any) -> Resource:
    stated = {
        "subscription": {"valueReference": {"reference": HOOK}},
        "status": {"valueCode": "active"},
        "type": {"valueCode": kind},
        "events-since-subscription-start": {"valueString": total},
        **changed,
    }
    parameters = [{"name": name, **value} for name, value in stated.items() if value is not None]
    return {"resourceType": "Parameters", "id": "s", "parameter": [*parameters, *events]}


def notification(state: Resource, *resources: Resource) -> Resource:
    return bundle(state, *resources, type="history", timestamp=STAMP)


def full(*resources: Resource, number: str = "2") -> Resource:
    state = status("event-notification", number, event(number, "https://ehr.example/fhir/x/1"))
    return notification(state, *resources)


def notice(made: object) -> SubscriptionNotice:
    found = read_notice(orjson.dumps(made))
    assert found is not None
    return found


def read(made: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, orjson.dumps(made), mapping)


MEASURED = resource(
    "MeasureReport",
    subject=to("Location", "AKUT"),
    date=STAMP,
    group=[{"population": [{"code": concept("numBedsOcc"), "count": 7}]}],
)
BED = resource("Location", "b1", operationalStatus={"code": "O"}, partOf=to("Location", "AKUT"))
SLOT = resource("Slot", "s1", schedule=to("Schedule", "S"), status="free",
                start="2026-11-22T13:00:00Z", end="2026-11-22T13:15:00Z")  # fmt: skip
ENCOUNTER = resource("Encounter", "e", status="in-progress", subject={"display": f"Hansen {CPR}"})
PATIENT = resource("Patient", "p", identifier=[{"value": CPR}])


# What a notice says


def test_handshake_and_heartbeat() -> None:
    for kind in ("handshake", "heartbeat", "query-status"):
        made = notification(status(kind, "0"))
        assert notice(made) == SubscriptionNotice(kind, HOOK, "active", 0, ())
        assert notice(made).tells_all
        assert read(made) == Batch()


def test_an_empty_one_and_one_with_ids_only() -> None:
    empty = notification(status("event-notification", "2", event("2")))
    assert notice(empty) == SubscriptionNotice("empty", HOOK, "active", 2, (2,))
    ids = notification(status("query-event", "3", event("3", "Location/b"), event("2", "Slot/s")))
    assert notice(ids) == SubscriptionNotice("id-only", HOOK, "active", 3, (2, 3))
    for made in (empty, ids):
        assert not notice(made).tells_all
        assert read(made) == Batch()


def test_the_state_alone_as_the_status_operation_gives_it() -> None:
    made = status("event-notification", "2", event("2"))
    assert notice(made).kind == "empty"
    assert read(made) == Batch()


def test_numbers_of_every_type_that_servers_write() -> None:
    for value in ({"valueString": "12"}, {"valueUnsignedInt": 12}, {"valueInteger": 12}):
        made = status("heartbeat", **{"events-since-subscription-start": value})
        assert notice(made).events_since_start == 12
    nothing = status("heartbeat", **{"events-since-subscription-start": None, "status": None})
    assert notice(nothing) == SubscriptionNotice("heartbeat", HOOK, None, None, ())


def test_secrets_and_foci_are_not_kept() -> None:
    state = status("event-notification", "2", event("2", "Encounter/e"))
    state["parameter"][-1]["part"].append({"name": "authorization-value", "valueString": "s3cret"})
    assert "s3cret" not in repr(notice(state))
    assert "Encounter" not in repr(notice(state))


@pytest.mark.parametrize(
    "made",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": []}, {"name": "type"}]},
        bundle({"resourceType": "Parameters", "parameter": 5}, type="history"),
        bundle({"resourceType": "Parameters", "parameter": [5]}, type="history"),
        bundle(MEASURED, type="history"),
        bundle(type="history"),
        bundle(status("handshake")),
    ],
)
def test_other_documents_are_no_notices(made: object) -> None:
    assert read_notice(orjson.dumps(made)) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"type": {"valueCode": "event"}}, "type"),
        ({"type": {"valueCode": 5}}, "valueCode"),
        ({"type": {}}, "type"),
        ({"status": {"valueCode": []}}, "valueCode"),
        ({"subscription": {}}, "subscription"),
        ({"subscription": {"valueReference": {"reference": "x" * 201}}}, "subscription"),
        ({"subscription": {"valueReference": {"reference": "a\nb"}}}, "subscription"),
        ({"subscription": {"valueReference": {"reference": CPR}}}, "subscription"),
        ({"subscription": {"valueReference": []}}, "valueReference"),
        ({"events-since-subscription-start": {"valueString": "two"}},
         "events-since-subscription-start"),
        ({"events-since-subscription-start": {"valueString": "9" * 19}},
         "events-since-subscription-start"),
        ({"events-since-subscription-start": {"valueInteger": -1}},
         "events-since-subscription-start"),
    ],
)  # fmt: skip
def test_a_notice_with_something_wrong_is_unreadable(changed: dict[str, Any], field: str) -> None:
    for raw in (status("heartbeat", **changed), notification(status("heartbeat", **changed))):
        for read_it in (read_notice, lambda raw: parsed(FORMAT, raw)):
            with pytest.raises(UnreadableError) as caught:
                read_it(orjson.dumps(raw))
            reject = caught.value.reject
            assert (reject.where, reject.field) == ("notification", field)
            assert CPR not in reject.reason


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"name": "notification-event", "part": 5}, "part"), (event("x"), "event-number")],
)
def test_events_of_another_shape(wrong: object, field: str) -> None:
    with pytest.raises(UnreadableError, match=field):
        read(notification(status("event-notification", "2", wrong)))


def test_a_flood_of_events_in_one_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_subscription, "MAX_EVENTS", 3)
    with pytest.raises(UnreadableError, match="more than 3 times"):
        read(notification(status("event-notification", "9", *(event(str(n)) for n in range(4)))))


# What it brings


def test_a_measure_report_is_read() -> None:
    batch = read(full(MEASURED))
    assert [(r.unit, r.occupied) for r in batch.reports] == [("AKUT", 7)]
    assert notice(full(MEASURED)).kind == "full-resource"
    assert notice(full(MEASURED)).tells_all


def test_single_beds_and_slots_only_say_that_something_changed() -> None:
    for part in (BED, SLOT):
        assert read(full(part)) == Batch()
        assert not notice(full(part)).tells_all
    assert not notice(full(MEASURED, BED)).tells_all
    assert [r.unit for r in read(full(MEASURED, BED)).reports] == ["AKUT"]


def test_a_bed_that_is_a_unit_by_itself_is_read() -> None:
    batch = read(full(BED), {"types": {"b1": "place"}})
    assert [(r.unit, r.total, r.occupied) for r in batch.reports] == [("b1", 1, 1)]


def test_a_source_whose_notifications_hold_whole_units() -> None:
    batch = read(full(BED, SLOT), {"notified": "whole_units"})
    assert [(r.unit, r.total) for r in batch.reports] == [("AKUT", 1), ("S", 1)]
    assert batch.rejects == ()


def test_fewer_resources_than_events_do_not_tell_all() -> None:
    state = status("event-notification", "3", event("2", "a/1"), event("3", "a/2"))
    assert not notice(notification(state, MEASURED)).tells_all
    assert notice(notification(state, MEASURED, MEASURED)).tells_all


def test_patients_are_dropped_unread() -> None:
    made = full(ENCOUNTER, PATIENT, MEASURED)
    assert [resource.type for resource in notice(made).resources] == ["MeasureReport"]
    assert CPR not in repr(notice(made))
    batch = read(made)
    assert (len(batch.reports), batch.rejects) == (1, ())
    assert read(full(ENCOUNTER)) == Batch()
    assert not notice(full(ENCOUNTER)).tells_all


def test_a_person_in_what_is_read_is_refused() -> None:
    batch = read(full(MEASURED | {"subject": {"display": CPR}}))
    assert faults(batch) == [("Bundle.entry[1].resource", "subject.display")]
    assert batch.rejects[0].reason == CPR_REASON


def test_xml_reads_as_json_does() -> None:
    made = full(MEASURED, ENCOUNTER)
    assert parsed(FORMAT, xml(made)) == read(made)
    found = read_notice(xml(made))
    assert found is not None
    assert (found.kind, found.events_since_start, found.event_numbers) == ("full-resource", 2, (2,))


# What is missing


def test_numbers_in_a_row_are_no_gap() -> None:
    counter = EventCounter()
    assert [counter.note(HOOK, number) for number in (0, 1, 2, 2, 3)] == [False] * 5


@pytest.mark.parametrize(
    ("numbers", "gaps"),
    [
        ([2], [True]),  # others came before us
        ([1, 3, 4], [False, True, False]),
        ([1, 2, 1], [False, False, True]),  # the server counts anew, or something came late
        ([1, 3, 2, 3], [False, True, True, False]),
        ([10**18], [True]),
    ],
)
def test_everything_else_is_a_gap(numbers: list[int], gaps: list[bool]) -> None:
    counter = EventCounter()
    assert [counter.note(HOOK, number) for number in numbers] == gaps


def test_subscriptions_are_counted_apart() -> None:
    counter = EventCounter()
    assert not counter.note("a", 1)
    assert not counter.note("b", 1)
    assert not counter.note("a", 2)
    assert counter.note("b", 3)


def test_the_one_longest_silent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_subscription, "MAX_SUBSCRIPTIONS", 2)
    counter = EventCounter()
    for name in ("a", "b", "a", "c"):
        counter.note(name, 1)
    assert not counter.note("a", 2)
    assert counter.note("b", 2)


def one(kind: str, total: str, *numbers: str) -> SubscriptionNotice:
    return notice(notification(status(kind, total, *(event(number) for number in numbers))))


def test_whole_notices() -> None:
    counter = EventCounter()
    said = [
        (one("handshake", "0"), False),
        (one("event-notification", "1", "1"), False),
        (one("event-notification", "3", "2", "3"), False),
        (one("heartbeat", "3"), False),
        (one("heartbeat", "5"), True),
        (one("event-notification", "6", "6"), False),
        (one("event-notification", "8", "7"), True),
        (one("event-notification", "11", "9", "11"), True),
        (one("heartbeat", "2"), True),
        (one("event-notification", "3", "3"), False),
        (one("handshake", "40"), False),
        (one("event-notification", "41", "41"), False),
        (one("handshake", "0"), False),
        (one("event-notification", "1", "1"), False),
        (notice(status("heartbeat", **{"events-since-subscription-start": None})), False),
    ]
    assert [counter.note_notice(told) for told, _ in said] == [gap for _, gap in said]


def test_after_our_restart_a_heartbeat_shows_what_was_missed() -> None:
    assert EventCounter().note_notice(one("heartbeat", "57"))
    assert not EventCounter().note_notice(one("heartbeat", "0"))


@given(st.sets(st.integers(1, 30)), st.integers(1, 30))
def test_whatever_is_lost_shows_by_the_next_heartbeat_at_the_latest(
    lost: set[int], last: int
) -> None:
    counter = EventCounter()
    arrived = [n for n in range(1, last + 1) if n not in lost]
    gaps = [counter.note(HOOK, number) for number in arrived]
    gaps.append(counter.note_notice(one("heartbeat", str(last))))
    assert any(gaps) is (len(arrived) < last)


# Anything at all

FULL = full(MEASURED, BED, SLOT, ENCOUNTER)


@given(st.binary() | mangled(orjson.dumps(FULL), xml(FULL), orjson.dumps(status("heartbeat"))))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw, {"notified": "whole_units"})
    try:
        found = read_notice(raw)
    except UnreadableError:
        return
    assert found is None or found.subscription


# Published notifications


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "kind", "numbers"),
    [
        ("handshake", "handshake", ()),
        ("empty", "empty", (2,)),
        ("empty-with-auth", "empty", (2,)),
        ("id-only", "id-only", (2,)),
        ("id-only-with-auth", "id-only", (2,)),
        ("id-only-with-query", "id-only", (2,)),
        ("full-resource", "full-resource", (2,)),
        ("full-resource-with-query", "full-resource", (2,)),
    ],
)
def test_the_published_notifications(
    samples: Path, name: str, kind: str, numbers: tuple[int, ...]
) -> None:
    raw = (samples / "fhir-subscriptions" / f"Bundle-r4-notification-{name}.json").read_bytes()
    found = read_notice(raw)
    assert found is not None
    assert (found.kind, found.event_numbers, found.resources) == (kind, numbers, ())
    assert found.subscription == "https://example.org/fhir/Subscription/admission"
    assert found.tells_all is (kind == "handshake")
    assert FORMAT.parse(raw, None, NOW) == Batch()
    assert read_notice(xml(orjson.loads(raw))) == found


@pytest.mark.samples
def test_the_published_status_and_subscriptions(samples: Path) -> None:
    folder = samples / "fhir-subscriptions"
    found = read_notice((folder / "Parameters-r4-notification-status.json").read_bytes())
    assert found is not None
    assert (found.kind, found.events_since_start) == ("empty", 2)
    for path in folder.glob("Subscription-*"):
        assert read_notice(path.read_bytes()) is None
        with pytest.raises(UnreadableError, match="is neither"):
            FORMAT.parse(path.read_bytes(), None, NOW)
