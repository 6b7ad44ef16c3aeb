"""Alternatives by example: their order, and when to look again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from capacity.alternatives import next_best, rank
from capacity.model import UnitKind
from capacity.need import Need
from capacity.units import Agreement, Dated, Distance, Period, Quota, Unit
from tests.support.alternatives import (
    EVENING,
    HOME,
    LENT,
    LINE,
    NEIGHBOUR,
    NOW,
    PLACE,
    SLOT,
    at,
    catalogue,
    full,
    need,
    row,
    unit,
)


def ordered(asked: Need, rows: list[Any], *units: Unit, **world: Any) -> list[str]:
    found = rank(asked, rows, catalogue(*units, **world), NOW, 0)
    return [each.unit for each in found.alternatives]


def test_the_order() -> None:
    near = {HOME: {"b-far": Distance(minutes=30), "a-near": Distance(minutes=10)}}
    near[HOME] |= dict.fromkeys(("old", "few", "many", "many-2"), Distance(minutes=20))
    units = [
        unit("b-far"),
        unit("a-near"),
        unit("old"),
        unit("few"),
        unit("many"),
        unit("many-2", name="Many"),
        unit("unknown-way"),
        unit("advice", UnitKind.ADVICE_LINE),
        unit("hospital", organisation="hospital"),
        unit("full"),
        unit("unsure"),
        unit("elsewhere", municipality=NEIGHBOUR),
    ]
    by_id = {each.id: row(each) for each in units}
    by_id["old"] = row(units[2], NOW - timedelta(hours=1))
    by_id["few"] = row(units[3], free=1)
    by_id["full"] = full(units[9])
    by_id["unsure"] = row(units[10], None)
    expected = [
        "a-near", "many", "many-2", "few", "old", "b-far", "unknown-way",  # own, of the kind asked
        "advice",  # own, advice
        "hospital",  # serves it
        "unsure",  # to be asked
        "full", "elsewhere",  # cannot
    ]  # fmt: skip
    rows = [by_id[name] for name in sorted(by_id)]
    assert ordered(need(), rows, *units, distances=near) == expected
    assert ordered(need(), rows[::-1], *units, distances=near) == expected


def test_kinds_that_are_no_alternative_and_units_unknown_are_passed_over() -> None:
    none = [
        unit(kind.value, kind)
        for kind in (
            UnitKind.ACUTE_DEPARTMENT,
            UnitKind.VISITATION,
            UnitKind.OUT_OF_HOURS,
            UnitKind.PREHOSPITAL,
        )
    ]
    rows = [row(each, None) for each in [*none, PLACE, unit("gone")]]
    assert ordered(need(), rows, *none, PLACE) == ["plads"]


def test_the_next_best_can_be_held_if_any_can() -> None:
    units = [unit("lost"), unit("held"), LINE, unit("unsure"), unit("full"), unit("other")]
    rows = [row(each) for each in units[:3]] + [row(units[3], None), full(units[4]), row(units[5])]
    ranking = rank(need(), rows, catalogue(*units), NOW, 0)
    assert [each.unit for each in next_best(ranking, "lost")] == ["held", "other", "linje"]
    best = next_best(ranking, "lost", most=9)
    assert [each.unit for each in best] == ["held", "other", "linje", "unsure"]


# --- when to look again ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "of", "given", "then"),
    [
        (need(), PLACE, None, NOW + timedelta(minutes=55)),  # it ages
        (need(), PLACE, row(PLACE, NOW - timedelta(minutes=90)), NOW + timedelta(minutes=30)),
        (need(), PLACE, row(PLACE, NOW - timedelta(hours=3)), None),
        (need(), PLACE, row(PLACE, None), None),
        # seven hours from now it opens, and a need of an hour may wait for it after six
        (
            need(within=60),
            unit(opening=EVENING),
            row(PLACE, None),
            NOW + timedelta(hours=5),
        ),
        (
            need(within=60), SLOT, row(SLOT, ageing_at=None, stale_at=at(days=1),
                                       next_free_at=at(minutes=90)),
            NOW + timedelta(minutes=30),
        ),
    ],
)  # fmt: skip
def test_recheck(asked: Need, of: Unit, given: Any, then: datetime | None) -> None:
    rows = [row(of) if given is None else given]
    assert rank(asked, rows, catalogue(of), NOW, 0).recheck_at == then


def test_recheck_when_an_agreement_or_a_day_begins() -> None:
    asked, rows = need(municipality=NEIGHBOUR), [row(PLACE, None)]
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)

    def then(**fields: Any) -> datetime | None:
        values: dict[str, Any] = {
            "id": "aftale", "borrower": NEIGHBOUR, "lender": "randers-kommune",
            "kinds": LENT.kinds, "terms": "Efter aftale.",
        }  # fmt: skip
        agreement = Agreement(**values | fields)
        return rank(asked, rows, catalogue(PLACE, agreements=[agreement]), NOW, 0).recheck_at

    assert then() is None
    assert then(quota=Quota(1, Period.DAY)) == midnight
    assert then(since=date(2026, 11, 24)) == midnight
    assert then(until=date(2026, 11, 23)) == midnight
    changing = unit(authority=Dated(((date.min, "a"), (date(2026, 11, 24), "b"))))
    agreement = Agreement("aftale", NEIGHBOUR, "b", LENT.kinds, "Efter aftale.")
    world = catalogue(changing, agreements=[agreement])
    assert rank(asked, [row(changing, None)], world, NOW, 0).recheck_at == midnight
