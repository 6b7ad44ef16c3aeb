"""Limits from the mean moving range, and the two ways in which there are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import Final

from capacity.spc.values import Values

WIDTH: Final = 2.66
"""Limits lie so many mean moving ranges from the mean: three sigma, for a range of two values."""
ODD_RANGE: Final = 3.267
"""A moving range of so many mean moving ranges, or more, is left out of the mean."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Lines of one segment. `lower` and `upper` are ``None`` together: no variation is known.

    That is so with a single value, and where the moving ranges that are left are all zero: from
    values which never moved nobody can tell how far they usually move, and limits without width
    would call every other value special.
    """

    centre: float | None
    lower: float | None = None
    upper: float | None = None

    def near(self, value: float) -> bool:
        """Whether a value is strictly more than two thirds of the way to a limit, not beyond."""
        if self.centre is None or self.lower is None or self.upper is None or self.outside(value):
            return False
        reach = (self.upper - self.centre) * 2 / 3
        return abs(value - self.centre) > reach

    def outside(self, value: float) -> bool:
        """Whether a value is strictly beyond a limit."""
        if self.lower is None or self.upper is None:
            return False
        return not self.lower <= value <= self.upper


def mean(values: Sequence[float]) -> float | None:
    """The mean, of an exact sum; ``None`` of nothing."""
    return fsum(values) / len(values) if values else None


def mean_moving_range(values: Values, *, screen: bool) -> float | None:
    """The mean distance between neighbours; ``None`` when there are no two.

    A missing value has no neighbours. With `screen`, ranges of at least `ODD_RANGE` times the
    mean are left out, in one pass.
    """
    ranges = [abs(b - a) for a, b in pairwise(values) if a is not None and b is not None]
    average = mean(ranges)
    if not average or not screen:
        return average
    return mean([each for each in ranges if each < ODD_RANGE * average])


def limits_of(values: Values, *, screen: bool) -> Limits:
    """The mean and its limits, which are neither clipped nor rounded."""
    centre = mean([value for value in values if value is not None])
    average = mean_moving_range(values, screen=screen)
    if centre is None or not average:
        return Limits(centre)
    return Limits(centre, centre - WIDTH * average, centre + WIDTH * average)
