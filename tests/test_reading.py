"""From raw fields to a checked report: every field, every refusal, by name."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import (
    COUNTS,
    EXTRA_FIELDS,
    AdviceReport,
    Closure,
    Inconsistency,
    LoadReport,
    PlaceReport,
    Report,
    ReportType,
    SlotReport,
    TeamReport,
)
from capacity.privacy import CPR_REASON
from capacity.reading import (
    MAX_COUNT,
    MAX_ID,
    MAX_TEXT,
    MAX_WORDS,
    FieldError,
    LocalTime,
    read_report,
    shown,
)
from tests.support.formats import CPR, NOW

OBSERVED = "2026-11-22T11:00:00Z"
BASE: dict[str, object] = {"unit": "a", "observed_at": OBSERVED}


def read(report_type: ReportType | None = None, **fields: object) -> Report:
    return read_report({**BASE, **fields}, NOW, report_type)


def fault(report_type: ReportType | None = None, **fields: object) -> tuple[str, str]:
    with pytest.raises(FieldError) as caught:
        read(report_type, **fields)
    assert str(caught.value) == f"{caught.value.field}: {caught.value.reason}"
    return caught.value.field, caught.value.reason


def test_a_place_with_everything() -> None:
    found = read(
        type="place",
        total=6,
        staffed=5,
        occupied=2,
        reserved=1,
        closed=0,
        free=2,
        note="  tæt på \n fuld ",
        capabilities_off=["iv", " ekg "],
        closure={
            "reason": "vandskade",
            "reopens_at": "2026-11-23T08:00:00+01:00",
            "reopens_itself": True,
        },
    )
    assert found == PlaceReport(
        unit="a",
        observed_at=datetime(2026, 11, 22, 11, tzinfo=UTC),
        total=6,
        staffed=5,
        occupied=2,
        reserved=1,
        closed=0,
        free=2,
        stated_free=2,
        note="tæt på fuld",
        capabilities_off=("iv", "ekg"),
        closure=Closure("vandskade", datetime(2026, 11, 23, 7, tzinfo=UTC), reopens_itself=True),
    )


@pytest.mark.parametrize(
    ("report_type", "fields", "cls"),
    [
        ("place", {}, PlaceReport),
        ("team", {"on_duty": True, "next_free_at": "2026-11-22T13:00Z"}, TeamReport),
        ("load", {"waiting": 3, "wait_minutes": 25}, LoadReport),
        ("slot", {"next_free_at": "2026-11-23T09:00Z"}, SlotReport),
        ("advice", {"on_duty": False, "waiting": 0, "wait_minutes": 0}, AdviceReport),
    ],
)
def test_each_type_has_its_own_fields(
    report_type: str, fields: dict[str, Any], cls: type[Report]
) -> None:
    found = read(type=report_type, **fields)
    assert type(found) is cls
    assert found.type == report_type
    for name, value in fields.items():
        kept = getattr(found, name)
        assert (kept.isoformat()[:16] + "Z" if isinstance(kept, datetime) else kept) == value
    assert read(ReportType(report_type), **fields) == found
    bare = read(type=report_type)
    assert all(getattr(bare, name) is None for name in fields)


def test_the_rows_own_type_beats_the_default() -> None:
    assert read().type is ReportType.PLACE
    assert read(ReportType.LOAD, type=None).type is ReportType.LOAD
    assert read(ReportType.LOAD, type="team").type is ReportType.TEAM


def test_what_is_absent_or_null_is_unknown_and_never_zero() -> None:
    for fields in ({}, dict.fromkeys((*COUNTS, "note", "closure", "capabilities_off"))):
        found = read(**fields)
        assert all(getattr(found, name) is None for name in (*COUNTS, "stated_free", "note"))
        assert found.closure is None
        assert found.capabilities_off == ()


def test_a_source_that_keeps_no_reservations_withholds_none() -> None:
    assert read(total=5, occupied=2).free == 3
    assert read(total=5, occupied=2, reserved=None).free is None
    assert read(total=5, occupied=2, closed=None).free is None
    assert read(total=5, occupied=2, closed=None).closed is None
    assert read(total=5, occupied=2).reserved is None


def test_a_contradiction_is_kept_and_shown() -> None:
    found = read(total=5, occupied=7, reserved=0, closed=0, free=1)
    assert (found.total, found.occupied, found.free, found.stated_free) == (5, 7, 0, 1)
    assert set(found.inconsistencies) == {
        Inconsistency.OCCUPIED_OVER_TOTAL,
        Inconsistency.FREE_CONTRADICTS_PARTS,
    }


@pytest.mark.parametrize("name", [*COUNTS, "waiting", "wait_minutes"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("5", "is not a whole number"),
        (True, "is not a whole number"),
        (2.5, "is not a whole number"),
        (float("nan"), "is not a whole number"),
        (float("inf"), "is not a whole number"),
        ([1], "is not a whole number"),
        ({}, "is not a whole number"),
        (-1, "is negative"),
        (-999999, "is negative"),
        (-0.0001, "is not a whole number"),
        (-3.0, "is negative"),
        (MAX_COUNT + 1, "is over 100000, which no unit has"),
        (1e300, "is over 100000, which no unit has"),
        (10**400, "is over 100000, which no unit has"),
    ],
)
def test_a_count_that_is_none(name: str, value: object, reason: str) -> None:
    assert fault(ReportType.LOAD, **{name: value}) == (name, reason)


def test_whole_numbers_may_be_written_as_decimals() -> None:
    found = read(total=5.0, occupied=-0.0, reserved=0, closed=MAX_COUNT)
    assert (found.total, found.occupied, found.closed) == (5, 0, MAX_COUNT)
    assert type(found.total) is int


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"unit": None}, "unit", "is missing"),
        ({"unit": ""}, "unit", "is missing"),
        ({"unit": "  "}, "unit", "is missing"),
        ({"unit": 5}, "unit", "is not a text"),
        ({"unit": "a\nb"}, "unit", "is no identifier"),
        ({"unit": "\ud800"}, "unit", "is no identifier"),
        ({"unit": "x" * (MAX_ID + 1)}, "unit", "is no identifier"),
        ({"type": "bed"}, "type", "is none of place, team"),
        ({"type": ["place"]}, "type", "is none of place, team"),
        ({"observed_at": None}, "observed_at", "is missing"),
        ({"observed_at": 1700000000}, "observed_at", "is not an ISO 8601"),
        ({"observed_at": "i går"}, "observed_at", "not an ISO 8601"),
        ({"observed_at": "2026-11-22T11:00"}, "observed_at", "no offset"),
        ({"observed_at": "2026-11-22T12:02:01Z"}, "observed_at", "more than two minutes"),
        ({"observed_at": datetime.fromisoformat("2026-11-22T11:00")}, "observed_at", "no offset"),
        ({"note": 5}, "note", "is not a text"),
        ({"note": "x" * (MAX_TEXT + 1)}, "note", "is longer than 500"),
        ({"note": "a\0b"}, "note", "holds control characters"),
        ({"note": "a\ud800b"}, "note", "holds control characters"),
        ({"capabilities_off": "iv"}, "capabilities_off", "is not a list of texts"),
        ({"capabilities_off": ["iv", 5]}, "capabilities_off", "is not a list of texts"),
        ({"capabilities_off": ["x"] * (MAX_WORDS + 1)}, "capabilities_off", "is too long"),
        ({"capabilities_off": ["x" * (MAX_ID + 1)]}, "capabilities_off", "is too long"),
        ({"capabilities_off": ["a\rb"]}, "capabilities_off", "holds control characters"),
        ({"closure": "ferie"}, "closure", "is not an object"),
        ({"closure": {}}, "closure.reason", "is missing"),
        ({"closure": {"reason": " "}}, "closure.reason", "is missing"),
        ({"closure": {"reason": 5}}, "closure.reason", "is not a text"),
        ({"closure": {"reason": "x", "until": 1}}, "closure.until", "is no field of a closure"),
        ({"closure": {"reason": "x", "reopens_at": "snart"}}, "closure.reopens_at", "not an ISO"),
        ({"closure": {"reason": "x", "reopens_itself": 1}}, "closure.reopens_itself", "neither"),
        ({"closure": {"reason": "x", "reopens_itself": True}}, "closure.reopens_at", "is missing"),
        ({"totl": 5}, "totl", "is no field of a place report"),
        ({"waiting": 5}, "waiting", "is no field of a place report"),
        ({"type": "team", "on_duty": "ja"}, "on_duty", "is neither true nor false"),
        ({"type": "slot", "next_free_at": "x"}, "next_free_at", "not an ISO"),
        ({"b\nad": 5}, "(field name)", "is no field of a place report"),
        ({"x" * 99: 5}, "x" * 60, "is no field of a place report"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], field: str, reason: str) -> None:
    named, why = fault(**fields)
    assert named == field
    assert reason in why


def test_two_minutes_ahead_is_still_the_present() -> None:
    assert read(observed_at="2026-11-22T12:02:00Z").observed_at == NOW + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"note": f"pt. {CPR}"}, "note"),
        ({"note": "120499 \n \t -  \n 1234"}, "note"),
        ({"note": "120499" + " " * 30 + "1234"}, "note"),
        ({"unit": CPR}, "unit"),
        ({"observed_at": CPR}, "observed_at"),
        ({"total": 1204991234}, "total"),
        ({"total": CPR}, "total"),
        ({"type": CPR}, "type"),
        ({"closure": {"reason": CPR}}, "closure"),
        ({"capabilities_off": ["iv", CPR]}, "capabilities_off"),
        ({"mystery": {"deep": [CPR]}}, "mystery"),
        ({CPR: 1}, "(field name)"),
        ({CPR: CPR}, "(field name)"),
    ],
)
def test_a_person_number_is_refused_wherever_it_stands(fields: dict[str, Any], field: str) -> None:
    assert fault(**fields) == (field, CPR_REASON)


def test_local_times_are_placed_by_the_sources_zone() -> None:
    local = LocalTime(ZoneInfo("Europe/Copenhagen"), "second")
    raw: dict[str, Any] = {
        "unit": "a",
        "type": "team",
        "observed_at": "2026-10-25T02:30",
        "next_free_at": datetime.fromisoformat("2026-10-25T09:00"),
        "closure": {"reason": "nat", "reopens_at": "2026-10-25T07:00"},
    }
    found = read_report(raw, NOW, local=local)
    assert isinstance(found, TeamReport)
    assert found.observed_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert found.next_free_at == datetime(2026, 10, 25, 8, tzinfo=UTC)
    assert found.closure == Closure("nat", datetime(2026, 10, 25, 6, tzinfo=UTC))


def test_an_instant_that_a_parser_placed() -> None:
    eastern = timezone(timedelta(hours=-5))
    found = read(observed_at=datetime(2026, 11, 22, 6, 0, 0, 1999, tzinfo=eastern))
    assert found.observed_at == datetime(2026, 11, 22, 11, 0, 0, 1000, tzinfo=UTC)
    with pytest.raises(FieldError, match="outside the years"):
        read(observed_at=datetime(9999, 12, 31, 23, tzinfo=eastern))


def test_names_are_cut_and_cleaned_before_they_are_shown() -> None:
    assert shown("total") == "total"
    assert shown("x" * 61) == "x" * 60
    assert shown(f"{'x' * 55}{CPR}") == "(field name)"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(OBSERVED)
    | st.just(CPR),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = (
    st.sampled_from(
        sorted(
            set().union(
                {"unit", "type", "observed_at", "note", "closure", "capabilities_off", *COUNTS},
                *EXTRA_FIELDS.values(),
            )
        )
    )
    | st.text()
)


@given(st.dictionaries(names, values), st.sampled_from([None, *ReportType]))
def test_anything_is_a_report_or_a_named_fault(
    raw: dict[str, object], report_type: ReportType | None
) -> None:
    try:
        found = read_report({**BASE, **raw}, NOW, report_type)
    except FieldError as error:
        fault = error
    else:
        assert CPR not in repr(found)
        for name in COUNTS:
            count = getattr(found, name)
            assert count is None or (type(count) is int and 0 <= count <= MAX_COUNT)
        return
    assert fault.field.strip()
    assert fault.field.isprintable()
    assert CPR not in str(fault)
