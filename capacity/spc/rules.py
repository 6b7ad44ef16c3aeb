"""The four rules, over the values of one segment: what is a special cause, and why."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from capacity.spc.limits import Limits
from capacity.spc.runs import long_runs
from capacity.spc.values import Rule, Side, Signal, Values, side_of

SHIFT_POINTS: Final = 7
TREND_POINTS: Final = 7
WINDOW: Final = 3

Found = Sequence[Side | None]
"""Of each point the side or direction in which it breaks a rule; ``None`` where it does not."""


def signals_of(values: Values, limits: Limits) -> list[tuple[Signal, ...]]:
    """Of each value the rules that it breaks, in order of precedence."""
    sides = [side_of(value, limits.centre) for value in values]
    found: dict[Rule, Found] = {
        Rule.OUTSIDE: _outside(values, sides, limits),
        Rule.TREND: _trend(values),
        Rule.TWO_OF_THREE: _two_of_three(values, sides, limits),
        Rule.SHIFT: long_runs(sides, SHIFT_POINTS),
    }
    return [
        tuple(Signal(rule, side) for rule in Rule if (side := found[rule][index]) is not None)
        for index in range(len(values))
    ]


def _outside(values: Values, sides: Found, limits: Limits) -> Found:
    return [
        side if value is not None and limits.outside(value) else None
        for value, side in zip(values, sides, strict=True)
    ]


def _trend(values: Values) -> Found:
    """All points of a trend have its direction; a peak of two trends has that of the later."""
    found: list[Side | None] = [None] * len(values)
    for end in range(TREND_POINTS, len(values) + 1):
        window = slice(end - TREND_POINTS, end)
        direction = _direction(values[window])
        if direction is not None:
            found[window] = [direction] * TREND_POINTS
    return found


def _direction(values: Values) -> Side | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    steps = [side_of(after, before) for before, after in pairwise(known)]
    return steps[0] if len(set(steps)) == 1 else None


def _two_of_three(values: Values, sides: Found, limits: Limits) -> Found:
    near = [value is not None and limits.near(value) for value in values]
    found: list[Side | None] = [None] * len(values)
    for start in range(len(values) - WINDOW + 1):
        window = range(start, start + WINDOW)
        side = sides[start]
        if side is None or any(sides[index] is not side for index in window):
            continue
        if sum(near[index] for index in window) >= 2:
            for index in window:
                found[index] = side if near[index] else found[index]
    return found
