"""The rules of the field over counts and times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Closure, Freshness, Inconsistency, State
from capacity.rules import (
    FUTURE_TOLERANCE,
    free_places,
    freshness_at,
    inconsistencies,
    is_from_the_future,
    state_of,
    unusable,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
known = st.integers(0, 60)
maybe = st.none() | known
PARTS = {"total": 5, "staffed": None, "occupied": 2, "reserved": 1, "closed": 0}


def free(**changed: int | None) -> int | None:
    return free_places(**{**PARTS, **changed})


def test_free_is_total_less_occupied_reserved_and_closed() -> None:
    assert free() == 2
    assert free(closed=2) == 0


def test_free_is_never_below_zero() -> None:
    assert free(occupied=9) == 0


@pytest.mark.parametrize("part", ["total", "occupied", "reserved", "closed"])
def test_an_unknown_part_makes_free_unknown_and_never_zero(part: str) -> None:
    assert free(**{part: None}) is None


def test_an_unstaffed_place_is_not_free() -> None:
    assert free(staffed=4) == 1
    assert free(staffed=4, closed=1) == 1
    assert free(staffed=9) == 2


def test_of_two_free_counts_the_lower_holds() -> None:
    assert free(stated=1) == 1
    assert free(stated=4) == 2
    assert free(stated=1, occupied=None) == 1
    assert free(stated=9, occupied=None) == 4
    assert free(stated=3, total=None) == 3


@given(total=known, occupied=known, reserved=known, closed=known, staffed=maybe, stated=maybe)
def test_free_by_known_parts(
    total: int, occupied: int, reserved: int, closed: int, staffed: int | None, stated: int | None
) -> None:
    unstaffed = 0 if staffed is None else total - staffed
    expected = max(0, total - occupied - reserved - max(closed, unstaffed))
    found = free_places(
        total=total,
        staffed=staffed,
        occupied=occupied,
        reserved=reserved,
        closed=closed,
        stated=stated,
    )
    assert found == (expected if stated is None else min(stated, expected))


@given(total=maybe, occupied=maybe, reserved=maybe, closed=maybe, staffed=maybe, stated=maybe)
def test_learning_more_never_adds_places(
    total: int | None,
    occupied: int | None,
    reserved: int | None,
    closed: int | None,
    staffed: int | None,
    stated: int | None,
) -> None:
    """What is shown as free stays within every known part."""
    found = free_places(
        total=total,
        staffed=staffed,
        occupied=occupied,
        reserved=reserved,
        closed=closed,
        stated=stated,
    )
    if found is not None:
        assert found >= 0
        if total is not None:
            assert found <= max(0, total - (occupied or 0) - (reserved or 0) - (closed or 0))
        if stated is not None:
            assert found <= stated


def test_unusable_places() -> None:
    assert unusable(5, 3, 1) == 2
    assert unusable(5, 3, 4) == 4
    assert unusable(5, None, 1) == 1
    assert unusable(None, 3, 1) == 1
    assert unusable(5, 3, None) is None


def contradictions(**changed: int | None) -> set[Inconsistency]:
    return set(inconsistencies(**{**PARTS, "stated": None, **changed}))


def test_a_report_that_agrees_with_itself() -> None:
    assert contradictions() == set()
    assert contradictions(stated=2) == set()
    assert contradictions(total=None, stated=9) == set()


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"occupied": 6}, {Inconsistency.OCCUPIED_OVER_TOTAL}),
        ({"occupied": 5}, {Inconsistency.PARTS_OVER_TOTAL}),
        ({"closed": 3}, {Inconsistency.PARTS_OVER_TOTAL}),
        ({"staffed": 6}, {Inconsistency.STAFFED_OVER_TOTAL}),
        ({"stated": 1}, {Inconsistency.FREE_CONTRADICTS_PARTS}),
        ({"stated": 4, "reserved": None}, {Inconsistency.FREE_CONTRADICTS_PARTS}),
        ({"stated": 1, "reserved": None}, set()),
        (
            {"stated": 6, "occupied": None},
            {Inconsistency.FREE_OVER_TOTAL, Inconsistency.FREE_CONTRADICTS_PARTS},
        ),
    ],
)
def test_contradictions_are_named(
    changed: dict[str, int | None], found: set[Inconsistency]
) -> None:
    assert contradictions(**changed) == found


CLOSED = Closure(reason="sygdom")


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"free": 2, "closure": CLOSED}, State.CLOSED),
        ({"free": 2, "on_duty": False}, State.CLOSED),
        ({"free": 2, "on_duty": True}, State.FREE),
        ({"free": 2}, State.FREE),
        ({"free": 0}, State.OCCUPIED),
        ({"free": 0, "total": 4, "occupied": 4, "out_of_use": 0}, State.OCCUPIED),
        ({"free": 0, "total": 4, "occupied": 1, "out_of_use": 4}, State.OCCUPIED),
        ({"free": 0, "total": 4, "occupied": 0, "out_of_use": 4}, State.CLOSED),
        ({"free": 0, "total": 4, "occupied": 0, "out_of_use": 3}, State.OCCUPIED),
        ({"free": None, "total": 4, "out_of_use": 4}, State.CLOSED),
        ({"free": None}, State.UNKNOWN),
        ({"free": None, "on_duty": True}, State.UNKNOWN),
        ({"free": None, "on_duty": True, "answers_when_on_duty": True}, State.FREE),
        ({"free": None, "on_duty": None, "answers_when_on_duty": True}, State.UNKNOWN),
    ],
)
def test_the_state_of_a_unit(values: dict[str, object], state: State) -> None:
    given_values: dict[str, object] = {
        "total": None,
        "occupied": None,
        "out_of_use": None,
        "closure": None,
        "on_duty": None,
        **values,
    }
    assert state_of(**given_values) is state  # type: ignore[arg-type]


def test_freshness_by_the_clock() -> None:
    ageing, stale = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)

    def at(minutes: float) -> Freshness:
        return freshness_at(NOW + timedelta(minutes=minutes), NOW, ageing, stale)

    assert at(4.99) is Freshness.FRESH
    assert at(5) is Freshness.AGEING
    assert at(9.99) is Freshness.AGEING
    assert at(10) is Freshness.STALE
    assert freshness_at(NOW, None, None, None) is Freshness.UNKNOWN
    assert freshness_at(NOW, NOW, None, None) is Freshness.UNKNOWN
    assert freshness_at(NOW, NOW, None, stale) is Freshness.FRESH


def test_two_minutes_ahead_is_a_clock_and_more_is_the_future() -> None:
    assert timedelta(minutes=2) == FUTURE_TOLERANCE
    assert not is_from_the_future(NOW + timedelta(minutes=2), NOW)
    assert is_from_the_future(NOW + timedelta(minutes=2, milliseconds=1), NOW)
