"""Alternatives by example: the way there, places that are borrowed, and what can be held."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capacity.units import Agreement, Unit
from tests.support.alternatives import (
    AT_HOME,
    CLINIC,
    DAY,
    DISPUTE,
    EVENING,
    LENT,
    LINE,
    NEIGHBOUR,
    NOW,
    PLACE,
    SLOT,
    TEAM,
    by_road,
    codes,
    full,
    judged,
    need,
    row,
    unit,
)


@pytest.mark.parametrize(
    ("distance", "within", "verdict", "code"),
    [
        ((20, 25), None, "yes", "travel"),
        ((20, 25), 25, "yes", "travel"),
        ((20, 25), 24, "no", "travel_too_long"),
        ((20, None), 20, "yes", "travel"),
        ((20.5, None), 20, "no", "travel_too_long"),
        ((None, 25), 24, "no", "travel_too_long"),
    ],
)
def test_the_road_to_a_place(
    distance: tuple[float | None, int | None], within: int | None, verdict: str, code: str
) -> None:
    found = judged(need(within=within), PLACE, distances=by_road(*distance))
    assert found.verdict == verdict
    assert code in codes(found)
    assert (found.distance_km, found.travel_minutes) == distance


def test_who_comes_to_the_citizen_has_a_response_and_no_road() -> None:
    found = judged(need(), TEAM, distances=by_road(20, 25, TEAM))
    assert (found.travel_minutes, found.distance_km, found.response_minutes) == (None, None, 60)
    assert judged(need(), PLACE).response_minutes is None


def test_advice_needs_no_road() -> None:
    found = judged(need(within=5), LINE, distances=by_road(20, 25, LINE))
    assert found.verdict == "yes"


def test_who_would_come_after_closing_time_asks_first() -> None:
    of = unit(opening=DAY)  # until 14.00 UTC
    before = datetime(2026, 11, 23, 13, 34, tzinfo=UTC)
    given = row(of, before)
    for now, verdict in ((before, "yes"), (before + timedelta(minutes=1), "ask")):
        found = judged(need(), of, given, now=now, distances=by_road(20, 25))
        assert found.verdict == verdict
        assert ("closes_before_arrival" in codes(found)) is (verdict == "ask")


@pytest.mark.parametrize(
    ("level", "used", "verdict", "code", "holdable"),
    [
        (1, 1, "yes", "agreement", True),
        (1, 2, "no", "agreement_quota", False),
        (0, 0, "no", "agreement_surge", False),
        (None, 0, "no", "agreement_surge", False),
    ],
)
def test_borrowed_places(
    level: int | None, used: int, verdict: str, code: str, holdable: bool
) -> None:
    asked, counts = need(municipality=NEIGHBOUR), {"aftale|2026-11-23": used}
    found = judged(asked, PLACE, surge_level=level, used=counts, agreements=[LENT])
    assert (found.verdict, found.holdable) == (verdict, holdable)
    assert code in codes(found)
    assert found.agreement == ("aftale" if verdict == "yes" else None)
    if verdict == "yes":
        told = {"terms": "Efter aftale.", "used": 1, "limit": 2, "per": "day"}
        expected = {"code": "agreement", "verdict": "yes", "agreement": "aftale", **told}
        assert expected in found.reasons


def test_an_agreement_without_a_quota_counts_nothing() -> None:
    free = Agreement("fri", NEIGHBOUR, "randers-kommune", LENT.kinds, "Uden grænse.")
    found = judged(need(municipality=NEIGHBOUR), PLACE, agreements=[free])
    (told,) = [each for each in found.reasons if each["code"] == "agreement"]
    assert (told["used"], told["limit"], told["per"]) == (0, None, None)


@pytest.mark.parametrize(
    ("of", "given", "holdable"),
    [
        (PLACE, None, True),
        (TEAM, None, True),
        (SLOT, None, True),
        (AT_HOME, None, True),
        (LINE, None, False),
        (CLINIC, row(CLINIC, free=3, state="free"), False),
        (PLACE, full(PLACE), False),
        (PLACE, row(PLACE, free=None, state="unknown"), False),
        (PLACE, row(PLACE, state="closed"), False),
        (PLACE, row(PLACE, NOW - timedelta(hours=2)), False),
        (PLACE, row(PLACE, None), False),
        (PLACE, row(PLACE, disputed=DISPUTE), True),
        (unit(opening=EVENING), None, False),
    ],
)
def test_what_can_be_held(of: Unit, given: Any, holdable: bool) -> None:
    assert judged(need(), of, given).holdable is holdable


def test_figures_that_cannot_be_trusted_are_not_given() -> None:
    assert judged(need(), PLACE, row(PLACE, NOW - timedelta(hours=2))).free is None
    assert judged(need(), PLACE, row(PLACE, NOW - timedelta(hours=1))).free == 2
