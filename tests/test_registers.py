"""Figures of registers as series: sums need all their parts, and nothing that was told is lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.imported import Imported, Key, Signed, State, Step, Told, Version
from capacity.indicators.figures import Figure
from capacity.registers import register_series, step_told, total
from tests.support.registers import DEFINITIONS

DAY = date(2026, 11, 22)
RATE = DEFINITIONS.on(DAY)["acute_admissions"]
SHARE = DEFINITIONS.on(DAY)["readmissions_30"]
CODES = ("0706", "0707", "0710", "0730")
BY = Signed("a-1", "coordinator", datetime(2026, 3, 1, tzinfo=UTC))
OTHER = Signed("a-2", "administrator", datetime(2026, 3, 2, tzinfo=UTC))
JANUARY, MARCH = date(2026, 1, 1), date(2026, 3, 31)


def all_of_them(_: date) -> Sequence[str]:
    return CODES


def alone(_: date) -> Sequence[str]:
    return ("0730",)


def imported(
    told: Told, *earlier: Told, checked: Signed | None = None, approved: Signed | None = None
) -> Imported:
    every = (*earlier, told)
    versions = [Version(n, "randers", each, n, BY) for n, each in enumerate(every, start=1)]
    versions[-1] = replace(versions[-1], checked=checked, approved=approved)
    return Imported(tuple(versions))


def figure(
    code: str, period: date, numerator: int, denominator: int | None = 1000,
    indicator: str = RATE.id, step: Step = "month",
) -> Told:  # fmt: skip
    return Told(Key(indicator, code, step, period), numerator, denominator, "LPR")


def test_a_cluster_is_the_sum_of_its_municipalities() -> None:
    found = [imported(figure(code, JANUARY, 10 * n)) for n, code in enumerate(CODES, start=1)]
    (point,) = register_series(found, RATE, all_of_them, "month", JANUARY, date(2026, 1, 31))
    assert point.period.figure == Figure(25.0, 100, 4000, None)
    assert point.missing == 0


def test_a_sum_that_lacks_a_municipality_is_not_known() -> None:
    found = [imported(figure(code, JANUARY, 10)) for code in CODES[1:]]
    points = register_series(found, RATE, all_of_them, "month", JANUARY, MARCH)
    assert [each.period.figure.value for each in points] == [None, None, None]
    assert [each.missing for each in points] == [1, 4, 4]
    assert total(RATE, points).value is None
    (one, *_) = register_series(found, RATE, lambda _: ("0707",), "month", JANUARY, MARCH)
    assert one.period.figure.value == 10.0


def test_an_unknown_denominator_leaves_no_value() -> None:
    found = [imported(figure("0730", JANUARY, 10, None))]
    (point, *_) = register_series(found, RATE, alone, "month", JANUARY, MARCH)
    assert point.period.figure == Figure(None, 10, None, None)
    assert point.missing == 0


def test_the_least_validated_part_says_how_far_it_is_validated() -> None:
    parts = [
        imported(figure("0706", JANUARY, 1), checked=BY, approved=OTHER),
        imported(figure("0707", JANUARY, 1), checked=BY),
        imported(figure("0710", JANUARY, 1), checked=BY, approved=OTHER),
    ]

    def state(*found: Imported) -> tuple[State | None, bool]:
        (point, *_) = register_series(found, RATE, all_of_them, "month", JANUARY, MARCH)
        return point.state, point.is_draft

    assert state(parts[0]) == (State.APPROVED, False)
    assert state(*parts) == (State.CHECKED, True)
    assert state(*parts, imported(figure("0730", JANUARY, 1))) == (State.DRAFT, True)
    assert state() == (None, False)
    (point, *_) = register_series(parts, RATE, all_of_them, "month", JANUARY, MARCH)
    assert point.checked == (BY,)
    assert point.approved == (OTHER,)


def test_a_correction_counts_and_the_earlier_value_is_there() -> None:
    told = imported(figure("0730", JANUARY, 12), figure("0730", JANUARY, 10))
    (point, *_) = register_series([told], RATE, alone, "month", JANUARY, MARCH)
    assert point.period.figure.numerator == 12
    assert [each.earlier[0].told.numerator for each in point.corrected] == [10]


def days(n: int, indicator: str) -> list[Imported]:
    return [
        imported(figure("0730", JANUARY + timedelta(days=at), at, 100, indicator, "day"))
        for at in range(n)
    ]


def test_shares_of_days_add_up_to_weeks_and_months() -> None:
    found = days(60, SHARE.id)
    months = register_series(found, SHARE, alone, "month", JANUARY, date(2026, 3, 1))
    assert [each.period.figure.numerator for each in months] == [
        sum(range(31)), sum(range(31, 59)),
    ]  # fmt: skip
    assert months[0].period.figure.denominator == 3100
    lacking = [each for each in found if each.latest.told.key.period.day != 9]
    (january, *_) = register_series(lacking, SHARE, alone, "month", JANUARY, MARCH)
    assert january.period.figure.value is None
    assert january.missing == 1


@pytest.mark.parametrize(
    ("there", "wanted", "of_share", "of_rate"),
    [
        ((), "day", None, None),
        (("month",), "day", "month", "month"),
        (("month", "week"), "day", "week", "week"),
        (("day",), "month", "month", "day"),
        (("week",), "month", "week", "week"),
        (("week", "month"), "month", "month", "month"),
    ],
)
def test_what_is_not_told_by_the_wanted_step_is_told_by_another(
    there: tuple[Step, ...], wanted: Step, of_share: Step | None, of_rate: Step | None
) -> None:
    assert step_told(there, wanted, SHARE) == of_share
    assert step_told(there, wanted, RATE) == of_rate


@given(st.sets(st.tuples(st.sampled_from(CODES), st.integers(0, 5))))
def test_a_sum_is_there_exactly_where_all_its_parts_are(there: set[tuple[str, int]]) -> None:
    months = [date(2026, month, 1) for month in range(1, 7)]
    found = [imported(figure(code, months[at], 7)) for code, at in there]
    points = register_series(found, RATE, all_of_them, "month", JANUARY, date(2026, 6, 30))
    for at, point in enumerate(points):
        parts = sum(each == at for _, each in there)
        assert point.missing == len(CODES) - parts
        assert point.period.figure.value == (7.0 if parts == len(CODES) else None)
