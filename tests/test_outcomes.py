"""What can be logged about a call: codes, numbers, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from capacity.catalogue import builtin_catalogue
from capacity.need import Need
from capacity.outcomes import (
    REASONS,
    Correction,
    Logged,
    OutcomeCode,
    OutcomeError,
    OutcomeValue,
    parse_outcome,
    with_corrections,
)

CATALOGUE = builtin_catalogue()
UNIT = "favrskov-akutplads"
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
BY = {"role": "visitator", "organisation": "regionshospitalet-randers", "account": "a1"}


def parse(**values: object) -> OutcomeValue:
    return parse_outcome(values, "randers", CATALOGUE)


def test_a_click_is_enough() -> None:
    value = parse(outcome="admitted_none_free")
    assert value == OutcomeValue(OutcomeCode.ADMITTED_NONE_FREE)
    assert value.as_json() == {
        "outcome": "admitted_none_free",
        "reason": None,
        "unit": None,
        "hold": None,
        "need": None,
        "took_seconds": None,
    }


def test_everything_that_can_be_said() -> None:
    hold = "7f0c3a52-8f5e-4c39-9c3c-0d6a0c5b8a11"
    value = parse(
        outcome="alternative",
        unit=UNIT,
        hold=hold,
        need={"municipality": "0710", "capabilities": ["oxygen"]},
        took_seconds=75,
    )
    need = Need("0710", ("oxygen",))
    assert value == OutcomeValue(OutcomeCode.ALTERNATIVE, None, UNIT, hold, need, 75)
    assert parse_outcome(value.as_json(), "randers", CATALOGUE) == value


@pytest.mark.parametrize(
    ("outcome", "reason"), [(code, reason) for code, known in REASONS.items() for reason in known]
)
def test_every_reason_has_its_outcome(outcome: OutcomeCode, reason: str) -> None:
    assert parse(outcome=outcome.value, reason=reason, unit=UNIT).reason == reason


def test_every_outcome_has_a_list_of_reasons() -> None:
    assert set(REASONS) == set(OutcomeCode)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("outcome", {}),
        ("outcome", {"outcome": "admitted"}),
        ("outcome", {"outcome": ["other"]}),
        ("reason", {"outcome": "other", "reason": "transport"}),
        ("reason", {"outcome": "other", "reason": 1}),
        ("reason", {"outcome": "admitted_none_free", "reason": "other"}),
        ("unit", {"outcome": "alternative"}),
        ("unit", {"outcome": "alternative", "unit": "nowhere"}),
        ("unit", {"outcome": "other", "unit": [UNIT]}),
        ("hold", {"outcome": "other", "hold": ""}),
        ("hold", {"outcome": "other", "hold": "en fri tekst om nogen"}),
        ("hold", {"outcome": "other", "hold": 7}),
        ("need", {"outcome": "other", "need": "0730"}),
        ("need", {"outcome": "other", "need": {"note": "x"}}),
        ("need.where", {"outcome": "other", "need": {"where": "x"}}),
        ("took_seconds", {"outcome": "other", "took_seconds": 7201}),
        ("took_seconds", {"outcome": "other", "took_seconds": -1}),
        ("took_seconds", {"outcome": "other", "took_seconds": True}),
        ("took_seconds", {"outcome": "other", "took_seconds": "60"}),
        ("body", {"outcome": "other", "note": "x"}),
    ],
)
def test_what_is_no_choice_is_refused_by_its_field(field: str, values: dict[str, object]) -> None:
    with pytest.raises(OutcomeError) as refused:
        parse_outcome(values, "randers", CATALOGUE)
    assert refused.value.field == field


def test_a_unit_of_another_cluster_is_no_alternative_here() -> None:
    with pytest.raises(OutcomeError, match="no unit of this cluster"):
        parse_outcome({"outcome": "alternative", "unit": UNIT}, "horsens", CATALOGUE)


@pytest.mark.parametrize("body", [None, [], "other", 7])
def test_only_an_object_is_an_outcome(body: object) -> None:
    with pytest.raises(OutcomeError, match="must be a JSON object"):
        parse_outcome(body, "randers", CATALOGUE)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("reason", {"outcome": "other", "reason": "010190-1234"}),
        ("hold", {"outcome": "other", "hold": "0101901234"}),
        ("took_seconds", {"outcome": "other", "took_seconds": 101901234}),
        ("need.municipality", {"outcome": "other", "need": {"municipality": "010190 1234"}}),
        ("body", {"outcome": "other", "010190-1234": 1}),
        ("body", {"outcome": "other", "note": "010190-1234"}),
        ("body", {"outcome": "other", "need": {"010190-1234": 1}}),
    ],
)
def test_a_person_number_is_refused_and_not_repeated(field: str, values: dict[str, object]) -> None:
    with pytest.raises(OutcomeError) as refused:
        parse_outcome(values, "randers", CATALOGUE)
    assert refused.value.field == field
    assert "CPR" in refused.value.reason
    assert "1234" not in str(refused.value)


def test_what_holds_is_the_last_correction_and_the_trace_stays() -> None:
    first = OutcomeValue(OutcomeCode.OTHER).as_json()
    second = OutcomeValue(OutcomeCode.ADMITTED_NONE_FREE).as_json()
    logged = Logged("o1", AT, AT + timedelta(hours=1), BY, first)
    assert logged.value == first
    correction = Correction("c1", AT + timedelta(minutes=3), BY, first, second)
    corrected = with_corrections(logged, [correction, correction])
    assert corrected.value == second
    assert corrected.as_json() == {
        "id": "o1",
        "at": "2026-11-22T08:00:00Z",
        "correctable_until": "2026-11-22T09:00:00Z",
        "by": BY,
        **second,
        "corrections": [{"at": "2026-11-22T08:03:00Z", "by": BY, "before": first, "after": second}],
    }
