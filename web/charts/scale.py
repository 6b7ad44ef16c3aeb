"""From values to places: round steps for the axis of values, few enough labels for that of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Puts values from `low` to `high` between two places (of which the first may be larger)."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)


def round_steps(values: Iterable[float], most: int = 6) -> tuple[float, ...]:
    """Round marks, the same distance apart, from at or below the smallest value to at or above
    the largest; about `most` of them, at least two. From zero where values are near enough to it.
    """
    known = list(values)
    low, high = min(known, default=0.0), max(known, default=1.0)
    if 0 <= low < 0.4 * high:
        low = 0.0
    if low == high:
        low, high = (low - 0.5, high + 0.5) if low else (0.0, 1.0)
    rough = (high - low) / (most - 1)
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in STEPS if each * power >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return tuple(index * step for index in range(first, last + 1))


def some_of(length: int, most: int) -> tuple[int, ...]:
    """At most `most` places of a series, the same distance apart, from its beginning."""
    if not length:
        return ()
    return tuple(range(0, length, ceil(length / most)))
