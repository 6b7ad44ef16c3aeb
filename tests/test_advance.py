"""Places that are counted before the visitor comes."""

from capacity.board.advance import GOOD_FOR, LEAST, PERIOD, Advance
from capacity.board.crowd import Limit

OFTEN = Limit("key", "somebody", 1200)


def came(advance: Advance, times: int, now: float, limit: Limit = OFTEN) -> int:
    """How many of them found a place."""
    return sum(advance.take(limit, now) for _ in range(times))


def test_nobody_has_a_place_before_one_was_counted() -> None:
    advance = Advance()
    assert advance.wanted(OFTEN) == 0
    assert came(advance, 30, 10.0) == 0


def test_whoever_came_is_expected_half_as_often_again() -> None:
    advance = Advance()
    for visits, expected in ((1, 1), (1, 1), (1, 2), (4, 4)):
        came(advance, visits, 10.5)
        assert advance.wanted(OFTEN) == expected
    advance.put(OFTEN, 4, 10.6)
    assert came(advance, 6, 10.7) == 4


def test_so_often_as_in_the_period_before_if_that_was_more() -> None:
    advance = Advance()
    came(advance, 8, 10.0)
    assert came(advance, 1, 10.0 + PERIOD) == 0
    assert advance.wanted(OFTEN) == 4
    came(advance, 1, 10.0 + 2 * PERIOD)
    assert advance.wanted(OFTEN) == 1


def test_never_more_than_half_of_what_a_second_allows() -> None:
    advance = Advance()
    came(advance, 500, 10.0)
    assert advance.wanted(OFTEN) == 10


def test_more_are_wanted_once_a_fifth_of_them_is_left() -> None:
    advance = Advance()
    came(advance, 500, 10.0)
    advance.put(OFTEN, 10, 10.0)
    for left in range(9, 2, -1):
        assert came(advance, 1, 10.1) == 1
        assert not advance.runs_low(OFTEN), left
    assert came(advance, 1, 10.1) == 1
    assert advance.runs_low(OFTEN)
    assert advance.wanted(OFTEN) == 8
    advance.put(OFTEN, 8, 10.2)
    assert came(advance, 12, 10.3) == 10


def test_places_that_nobody_took_in_time_are_gone() -> None:
    advance = Advance()
    came(advance, 8, 10.0)
    advance.put(OFTEN, 4, 11.0)
    assert came(advance, 4, 11.1 + GOOD_FOR) == 0
    assert came(advance, 4, 11.2 + GOOD_FOR) == 0


def test_nor_do_they_come_back_with_new_ones() -> None:
    advance = Advance()
    came(advance, 8, 10.0)
    advance.put(OFTEN, 4, 11.0)
    advance.put(OFTEN, 2, 11.1 + GOOD_FOR)
    assert came(advance, 4, 11.2 + GOOD_FOR) == 2


def test_who_stays_away_for_a_period_begins_anew() -> None:
    advance = Advance()
    came(advance, 8, 10.0)
    came(advance, 1, 10.0 + 2 * PERIOD)
    assert advance.wanted(OFTEN) == 1


def test_small_limits_are_asked_about_one_by_one() -> None:
    advance, small = Advance(), Limit("address", "somebody", LEAST - 1)
    came(advance, 8, 10.0, small)
    came(advance, 8, 11.0, small)
    assert advance.wanted(small) == 0
    assert not advance.runs_low(small)


def test_nobody_is_kept_who_stays_away() -> None:
    advance = Advance()
    for number in range(50):
        came(advance, 1, 10.0, Limit("address", str(number), 6000))
    came(advance, 1, 10.0 + 2 * PERIOD)
    assert len(advance._regulars) == 1
