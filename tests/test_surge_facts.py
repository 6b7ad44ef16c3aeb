"""Which figures of a board the surge level is judged by, and which count as unknown."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Closure
from capacity.row import Row
from capacity.surge import Fact
from capacity.surge_facts import FactCount, Facts, Places, count_facts
from tests.support.board_page import BASE, CATALOGUE, ordinary_rows, row

NOMINAL = {unit.id: unit.places for unit in CATALOGUE.units.values()}
PLACES = (
    "randers-akutplads-1",
    "randers-akutplads-2",
    "favrskov-akutplads",
    "norddjurs-akutplads",
    "syddjurs-akutplads",
)


def counted(*rows: Row, later: timedelta = timedelta(0)) -> Facts:
    return count_facts(rows, NOMINAL, BASE + later)


def place(unit: str, free: int | None, total: int | None, **more: Any) -> Row:
    return row(unit, total=total, free=free, **more)


def test_an_ordinary_afternoon() -> None:
    """Norddjurs is stale, Syddjurs is closed: one unknown, one place not free."""
    facts = count_facts(ordinary_rows(), NOMINAL, BASE)

    assert facts.places == Places(free=3, of=6, closed=1, unknown=1, units=5)
    assert (facts.occupied, facts.beds, facts.waiting, facts.wait_minutes) == (52, 50, 3, 4)
    assert facts.values(50) == {Fact.FREE: 50, Fact.LOAD: 104, Fact.WAITING: 3, Fact.WAIT: 4}
    assert facts.stale_at == BASE + timedelta(minutes=4)  # the department's figure, a minute old


def test_percentages_are_cut_so_that_what_is_compared_is_what_is_shown() -> None:
    facts = counted(
        place(PLACES[0], 1, 2),
        place(PLACES[1], 0, 1),
        row("rhr-akutafdeling", total=51, occupied=50),
    )

    assert facts.values(1)[Fact.FREE] == 33
    assert facts.values(1)[Fact.LOAD] == 98


def test_a_unit_that_is_stale_or_never_told_is_unknown_and_neither_free_nor_full() -> None:
    facts = counted(
        place(PLACES[0], 2, 2),
        place(PLACES[1], None, 1),
        row(PLACES[2], minutes_old=300, total=2, free=2),
    )

    assert facts.places == Places(free=2, of=2, unknown=2, units=3)
    assert facts.values(33)[Fact.FREE] == 100
    assert facts.values(34)[Fact.FREE] is None


def test_a_figure_goes_unknown_at_the_instant_it_is_stale() -> None:
    department = row("rhr-akutafdeling", total=50, occupied=40)

    just = counted(department, later=timedelta(minutes=5) - timedelta(milliseconds=1))
    then = counted(department, later=timedelta(minutes=5))

    assert just.values(50)[Fact.LOAD] == 80
    assert then.values(50)[Fact.LOAD] is None
    assert just.stale_at == BASE + timedelta(minutes=5)
    assert then.stale_at is None


@pytest.mark.parametrize("total", [None, 2])
def test_a_closed_unit_offers_nothing_of_the_places_it_has(total: int | None) -> None:
    facts = counted(
        place(PLACES[0], 2, total, closure=Closure("sygdom")),
        place(PLACES[2], 2, 2),
    )

    assert facts.places == Places(free=2, of=4, closed=2, units=2)
    assert facts.values(100)[Fact.FREE] == 50


def test_unstaffed_places_are_out_of_use() -> None:
    facts = counted(place(PLACES[0], 0, 2, staffed=1, occupied=1))

    assert facts.places == Places(free=0, of=2, closed=1, units=1)


def test_with_everything_closed_nothing_is_free() -> None:
    facts = counted(*(place(unit, 0, 0, closure=Closure("nat")) for unit in PLACES))

    assert facts.values(100)[Fact.FREE] == 0


def test_without_rows_nothing_is_known() -> None:
    facts = counted()

    assert facts.values(1) == dict.fromkeys(Fact)
    assert facts.stale_at is None


def test_a_department_without_places_or_count_is_unknown() -> None:
    told: list[dict[str, Any]] = [{"total": 50}, {"occupied": 50}, {"total": 0, "occupied": 1}]
    for fields in told:
        facts = counted(row("rhr-akutafdeling", **fields))
        assert facts.values(50)[Fact.LOAD] is None, fields


def test_other_kinds_do_not_count() -> None:
    facts = counted(
        row("randers-akutteam", total=4, free=4, on_duty=True),
        row("laegevagt-randers", waiting=40, wait_minutes=90),
        row("rhr-hjemmeindlaeggelse", total=6, free=6),
    )

    assert facts == Facts(Places(), None, None, None, None)


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 600), st.booleans()),
        min_size=5,
        max_size=5,
    )
)
def test_closing_a_unit_or_filling_a_place_never_looks_like_relief(
    units: list[tuple[int | None, int, bool]],
) -> None:
    """Worse in any one unit: the free share of what is known never rises."""

    def rows(worse: int | None, how: str) -> list[Row]:
        found = []
        for n, (free, minutes, closed) in enumerate(units):
            shut = closed or (n == worse and how == "closed")
            less = free - 1 if free and n == worse and how == "fuller" else free
            closure = Closure("lukket") if shut else None
            found.append(
                row(PLACES[n], minutes, total=9, free=less, closure=closure)
                if free is not None or closed
                else row(PLACES[n], minutes, total=9)
            )
        return found

    def share(worse: int | None, how: str) -> int | None:
        return count_facts(rows(worse, how), NOMINAL, BASE).values(1)[Fact.FREE]

    before = share(None, "")
    for n, (free, _, _) in enumerate(units):
        for how in ("closed", "fuller") if free is not None else ():
            after = share(n, how)
            assert (before is None) == (after is None)
            assert before is None or after is None or after <= before


CHANGE = st.tuples(
    st.sampled_from([*PLACES, "rhr-akutafdeling", "randers-akutteam"]),
    st.integers(-5, 700),
    st.none() | st.integers(0, 9),
    st.booleans(),
)


@given(st.lists(st.tuples(CHANGE, st.integers(-30, 90)), max_size=40))
def test_rows_put_one_by_one_count_as_rows_counted_at_once(
    changes: list[tuple[tuple[str, int, int | None, bool], int]],
) -> None:
    """Whatever changes, goes stale meanwhile, or is looked at with a clock that was put back."""
    count, rows, now = FactCount(NOMINAL), dict[str, Row](), BASE
    for (unit, minutes, number, closed), later in changes:
        closure = Closure("lukket") if closed else None
        name = "occupied" if unit == "rhr-akutafdeling" else "free"
        figure: dict[str, Any] = {name: number}
        rows[unit] = row(unit, minutes, total=9, closure=closure, **figure)
        count.put(rows[unit])
        now += timedelta(minutes=later)
        assert count.at(now) == count_facts(rows.values(), NOMINAL, now)


def test_ends_of_rows_that_are_gone_do_not_pile_up() -> None:
    count = FactCount(NOMINAL)
    for minutes in range(1000):
        count.put(row(PLACES[0], -minutes, total=2, free=1))
        count.at(BASE)
    assert len(count._ends) < 200
