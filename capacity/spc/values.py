"""What goes into a chart and what comes out of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from itertools import pairwise
from math import isfinite
from typing import Final

Values = Sequence[float | None]
"""One value per period, in order of time; ``None`` where there is none."""

FEW: Final = 13
"""Limits that rest on fewer points than this are provisional, and are said to be."""


class ChartKind(StrEnum):
    """Which chart it is."""

    RUN = "run"
    """The median and runs about it; no limits."""
    XMR = "xmr"
    """Single values, limits from the mean moving range."""
    P = "p"
    """Shares: so many of so many."""
    U = "u"
    """Rates: so many per so much."""
    C = "c"
    """Counts over equal periods."""


class Side(IntEnum):
    """Above or below the centre line; of a trend, rising or falling."""

    BELOW = -1
    ABOVE = 1


class Rule(StrEnum):
    """Why a point is a special cause, in order of precedence."""

    OUTSIDE = "outside"
    """Strictly beyond a limit."""
    TREND = "trend"
    """One of seven points that rise or fall without a tie."""
    TWO_OF_THREE = "two_of_three"
    """Near a limit, as at least one more of three successive points that are all on one side."""
    SHIFT = "shift"
    """One of seven or more successive points on one side of the centre."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that a point breaks, and on which side (or in which direction, for a trend)."""

    rule: Rule
    side: Side


@dataclass(frozen=True, slots=True)
class Plotted:
    """One point with the lines at its place.

    `lower` and `upper` are ``None`` where there are no limits. `signals` are in order of
    precedence. `left_out`: the lines were made without it.
    """

    value: float | None
    centre: float | None
    lower: float | None = None
    upper: float | None = None
    signals: tuple[Signal, ...] = ()
    left_out: bool = False

    @property
    def signal(self) -> Signal | None:
        """The rule that goes before the others; ``None`` for a common cause."""
        return self.signals[0] if self.signals else None


@dataclass(frozen=True, slots=True)
class Runs:
    """How the useful points (those not on the centre) lie about it, after Anhøj.

    It is a signal when the longest run is longer than `longest_expected`, or the centre is
    crossed fewer than `fewest_crossings` times. It speaks of all points, never of a single one.
    """

    useful: int
    longest: int
    longest_expected: int
    crossings: int
    fewest_crossings: int

    @property
    def signal(self) -> bool:
        """Whether the points are not spread about the centre as chance would spread them."""
        too_long = self.longest > self.longest_expected
        return self.useful > 0 and (too_long or self.crossings < self.fewest_crossings)


@dataclass(frozen=True, slots=True)
class Segment:
    """Points `start` until before `stop`, which share a centre line.

    `n` counts the known values that the lines rest on; `centre` is ``None`` when there are none.
    `runs` is there where runs are judged as a whole (all charts but XmR).
    """

    start: int
    stop: int
    n: int
    centre: float | None
    runs: Runs | None = None

    @property
    def few(self) -> bool:
        """Whether the lines are provisional."""
        return self.n < FEW


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a point for every value handed in, and the segments that they lie in."""

    kind: ChartKind
    points: tuple[Plotted, ...]
    segments: tuple[Segment, ...]

    @property
    def last(self) -> Plotted | None:
        """The last point that has a value."""
        known = (point for point in reversed(self.points) if point.value is not None)
        return next(known, None)

    @property
    def provisional(self) -> bool:
        """Whether any segment has too few points for lines to be trusted."""
        return any(segment.few for segment in self.segments)

    def since(self, first: int) -> "Chart":
        """The points from one on, under the lines that they have: earlier ones may have made
        those.
        """
        segments = tuple(
            replace(each, start=max(0, each.start - first), stop=each.stop - first)
            for each in self.segments
            if each.stop > first
        )
        return Chart(self.kind, self.points[first:], segments)


def spans(length: int, rebase: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Start and stop of each segment. `rebase` are the points that begin a new one, in order.

    Raises `ValueError` for places that are out of order or not within the series.
    """
    starts = [0, *(place for place in rebase if place)]
    if any(before >= after for before, after in pairwise([*starts, max(length, 1)])):
        raise ValueError("segments must begin at points of the series, in order and apart")
    return pairwise([*starts, length])


def checked(values: Values) -> Values:
    """The values, if they are numbers; `ValueError` for what is not a finite number."""
    if any(value is not None and not isfinite(value) for value in values):
        raise ValueError("a value that is not a finite number; a missing one is None")
    return values


Fixed = int | Mapping[int, int] | None
"""How many of a segment's first points make its lines: of every segment, or of those that begin at
the given points; ``None``, or a segment that is not among them: all its points."""


def fixed_of(fixed: Fixed, start: int) -> int | None:
    """What is fixed of the segment that begins at a point."""
    return fixed.get(start) if isinstance(fixed, Mapping) else fixed


def baseline(values: Values, fixed: int | None) -> Values:
    """The part of a segment that its lines rest on: the first `fixed` points, or all."""
    if fixed is not None and fixed < 1:
        raise ValueError("a fixed baseline has at least one point")
    return values if fixed is None else values[:fixed]


def side_of(value: float | None, centre: float | None) -> Side | None:
    """Which side a value lies on; ``None`` exactly on the centre, and for a missing one."""
    if value is None or centre is None or value == centre:
        return None
    return Side.ABOVE if value > centre else Side.BELOW


def scaled(chart: Chart, factor: float) -> Chart:
    """The chart told in another unit: shares in percent, for instance."""

    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    points = tuple(
        replace(
            point,
            value=times(point.value),
            centre=times(point.centre),
            lower=times(point.lower),
            upper=times(point.upper),
        )
        for point in chart.points
    )
    segments = tuple(replace(each, centre=times(each.centre)) for each in chart.segments)
    return Chart(chart.kind, points, segments)
