"""Places that are counted before the visitor comes."""

from capacity.board.advance import GOOD_FOR, LEAST, Advance
from capacity.board.crowd import Limit

OFTEN = Limit("key", "somebody", 1200)


def came(advance: Advance, times: int, now: float, limit: Limit = OFTEN) -> int:
    """How many of them found a place."""
    return sum(advance.take(limit, now) for _ in range(times))


def test_nothing_is_counted_beforehand_for_who_comes_for_the_first_time() -> None:
    advance = Advance()
    assert came(advance, 30, 10.0) == 0
    assert advance.wanted(OFTEN) == 0


def test_half_as_many_as_came_in_the_last_second_are() -> None:
    advance = Advance()
    came(advance, 8, 10.5)
    assert came(advance, 1, 11.2) == 0
    assert advance.wanted(OFTEN) == 4
    advance.put(OFTEN, 4, 11.2)
    assert came(advance, 6, 11.5) == 4


def test_never_more_than_half_of_what_a_second_allows() -> None:
    advance = Advance()
    came(advance, 500, 10.0)
    came(advance, 1, 11.0)
    assert advance.wanted(OFTEN) == 10


def test_places_that_nobody_took_in_time_are_gone() -> None:
    advance = Advance()
    came(advance, 8, 10.0)
    came(advance, 1, 11.0)
    advance.put(OFTEN, 4, 11.0)
    assert came(advance, 4, 11.1 + GOOD_FOR) == 0
    assert came(advance, 4, 11.2) == 0


def test_who_pauses_for_a_second_begins_anew() -> None:
    advance = Advance()
    came(advance, 8, 10.0)
    came(advance, 1, 12.0)
    assert advance.wanted(OFTEN) == 0


def test_small_limits_are_asked_about_one_by_one() -> None:
    advance, small = Advance(), Limit("address", "somebody", LEAST - 1)
    came(advance, 8, 10.0, small)
    came(advance, 8, 11.0, small)
    assert advance.wanted(small) == 0


def test_nobody_is_kept_who_stays_away() -> None:
    advance = Advance()
    for number in range(50):
        came(advance, 1, 10.0, Limit("address", str(number), 6000))
    came(advance, 1, 12.0)
    assert len(advance._regulars) == 1
