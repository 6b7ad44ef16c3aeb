"""Two periods, or two clusters: is there a difference, or why nothing can be said. Pure.

    answer = compare_periods(points, first, second, rebased)
    answer = compare_clusters(ours, theirs, first, last, rebased)

A comparison concludes only where the figures can carry it. Whatever speaks against that is told,
all of it and not the first alone, so that somebody can mend what can be mended (approve drafts,
wait for more months) and leave what cannot. Where it concludes, the measure is the same as on the
charts: three standard errors from the mean moving range (`capacity.spc.compare`). "Not seen" never
says that two things are equal: `least` says how large a difference would have been seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import fsum
from typing import Final

from capacity.indicators.definitions import Definition, Measured
from capacity.indicators.figures import Step, next_period
from capacity.spc import FEW, Verdict, compare, unrest
from capacity.spc.conclusions import RANGE_OF_SIGMA
from capacity.spc.limits import mean_moving_range
from capacity.spc.rules import SHIFT_POINTS

MOST_UNKNOWN: Final = 0.5
"""A point of which more than this share of the time is unknown says too little to be compared."""
MOST_MISSING: Final = 0.25
"""Share of a period's points that may have no value."""


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of a series.

    `value` is in the definition's unit, ``None`` where there is none. `draft`: nobody has approved
    it. `unknown` is the share of the time, 0 to 1, that the figure says nothing of (0 where that is
    no question). `source` is where it is from, as far as that is told.
    """

    day: date
    value: float | None
    definition: Definition
    draft: bool = False
    unknown: float = 0.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Days `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


class Reason(StrEnum):
    """Why nothing can be concluded."""

    TOO_FEW = "too_few"
    """Too few known points on one side or both."""
    GAPS = "gaps"
    """More than a quarter of the points have no value."""
    UNKNOWN_TIME = "unknown_time"
    """Some points rest on less than half of their time."""
    NO_VARIATION = "no_variation"
    """Nothing varied, so nothing says how much is usual."""
    UNSTABLE = "unstable"
    """One side was on the move by itself, or holds points that are special already."""
    DRAFTS = "drafts"
    """Some figures are drafts."""
    DEFINITIONS = "definitions"
    """The two sides are not defined alike."""
    SOURCES = "sources"
    """The figures come from different registers."""
    STEPS = "steps"
    """One side is told by week and the other by month, say."""
    SIZES = "sizes"
    """Plain counts of clusters of different size."""
    REBASED = "rebased"
    """An annotated change lies within a period, so it is not one period."""
    OVERLAP = "overlap"
    """The two periods share days."""
    ORDER = "order"
    """The second period begins before the first."""


class Caution(StrEnum):
    """What to bear in mind with a conclusion."""

    SEASON = "season"
    """The two periods are not the same time of year."""
    NEIGHBOURS = "neighbours"
    """Figures of days hang together with those of the next day, which shows differences easily."""
    CLUSTERS_DIFFER = "clusters_differ"
    """Two clusters differ in much besides; the difference has no cause in it."""


class Finding(StrEnum):
    """What a comparison comes to."""

    HIGHER = "higher"
    """The second is higher by more than chance."""
    LOWER = "lower"
    NOT_SEEN = "not_seen"
    """No difference larger than chance; a smaller true one is not ruled out."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: how many points, how many of them known, and their mean."""

    points: int
    known: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """`reasons` are those against concluding, with a number each where one says more: how many
    drafts, points too few, changes within. `least` is the smallest difference that would be seen.
    """

    finding: Finding
    first: Side
    second: Side
    least: float | None
    reasons: Mapping[Reason, int] = field(default_factory=dict)
    cautions: tuple[Caution, ...] = ()

    @property
    def difference(self) -> float | None:
        """The second mean less the first."""
        if self.first.mean is None or self.second.mean is None:
            return None
        return self.second.mean - self.first.mean


def compare_periods(
    points: Sequence[Point], first: Span, second: Span, rebased: Iterable[date] = ()
) -> Answer:
    """Whether the second period differs from the first, `points` being in order of time.

    `rebased` are days of annotated changes; one on the first day of a period is what the period
    begins with, and no reason.
    """
    before = [point for point in points if point.day in first]
    after = [point for point in points if point.day in second]
    reasons = {
        **_of_periods(first, second, rebased),
        **_alike([*before, *after]),
        **_steps(before, after),
        **_added(_whole(before, FEW), _whole(after, SHIFT_POINTS)),
    }
    values = [_value(point) for point in before] + [_value(point) for point in after]
    found = compare(values, len(before))
    reasons |= _of_verdict(found.verdict)
    if moving := unrest(values[: len(before)]) + unrest(values[len(before) :]):
        reasons[Reason.UNSTABLE] = moving
    cautions = _cautions(before, after)
    finding = _finding(reasons, found.difference, found.least)
    return Answer(finding, _side(before), _side(after), found.least, reasons, cautions)


def compare_clusters(
    ours: Sequence[Point], theirs: Sequence[Point], span: Span, rebased: Iterable[date] = ()
) -> Answer:
    """Whether the second cluster differs from the first in the same weeks or months.

    Compared is the difference of each pair of points, so that what happens to both (a season, an
    epidemic) does not count; its mean must lie three standard errors from zero.
    """
    one = {point.day: point for point in ours if point.day in span}
    two = {point.day: point for point in theirs if point.day in span}
    days = sorted(one.keys() | two.keys())
    pairs = [(one.get(day), two.get(day)) for day in days]
    first, second = list(one.values()), list(two.values())
    differences = [_difference(a, b) for a, b in pairs]
    known = [each for each in differences if each is not None]
    average = mean_moving_range(differences, screen=True)
    least = 3 * average / RANGE_OF_SIGMA / len(known) ** 0.5 if average and known else None
    reasons = {
        **_alike([*first, *second]),
        **_steps(first, second),
        **({Reason.REBASED: n} if (n := _within(rebased, span)) else {}),
    }
    if len(known) < FEW:
        reasons[Reason.TOO_FEW] = FEW - len(known)
    if days and len(days) - len(known) > MOST_MISSING * len(days):
        reasons[Reason.GAPS] = len(days) - len(known)
    if unknown := sum(point.unknown > MOST_UNKNOWN for point in (*first, *second)):
        reasons[Reason.UNKNOWN_TIME] = unknown
    if any(_is_count(point.definition) for point in (*first, *second)):
        reasons[Reason.SIZES] = 1
    if len(known) >= FEW and least is None:
        reasons[Reason.NO_VARIATION] = 1
    if moving := unrest(differences):
        reasons[Reason.UNSTABLE] = moving
    mean = fsum(known) / len(known) if known else None
    finding = _finding(reasons, mean, least)
    cautions = (Caution.CLUSTERS_DIFFER, *_neighbours([*first, *second]))
    return Answer(finding, _side(first), _side(second), least, reasons, cautions)


def _finding(
    reasons: Mapping[Reason, int], difference: float | None, least: float | None
) -> Finding:
    if reasons or difference is None or least is None:
        return Finding.REFUSED
    if abs(difference) <= least:
        return Finding.NOT_SEEN
    return Finding.HIGHER if difference > 0 else Finding.LOWER


def _side(points: Sequence[Point]) -> Side:
    known = [point.value for point in points if point.value is not None]
    return Side(len(points), len(known), fsum(known) / len(known) if known else None)


def _value(point: Point) -> float | None:
    """What counts: a figure that says nothing of most of its time is none."""
    return None if point.unknown > MOST_UNKNOWN else point.value


def _difference(ours: Point | None, theirs: Point | None) -> float | None:
    if ours is None or theirs is None:
        return None
    one, two = _value(ours), _value(theirs)
    return None if one is None or two is None else two - one


def _of_periods(first: Span, second: Span, rebased: Iterable[date]) -> dict[Reason, int]:
    found: dict[Reason, int] = {}
    if first.first <= second.last and second.first <= first.last:
        found[Reason.OVERLAP] = 1
    elif second.first < first.first:
        found[Reason.ORDER] = 1
    changes = list(rebased)
    if inside := _within(changes, first) + _within(changes, second):
        found[Reason.REBASED] = inside
    return found


def _within(rebased: Iterable[date], span: Span) -> int:
    """How many annotated changes a period holds, besides one that it begins with."""
    return sum(day in span and day != span.first for day in rebased)


def _alike(points: Sequence[Point]) -> dict[Reason, int]:
    """What is not alike among all points that are compared."""
    found: dict[Reason, int] = {}
    if (kinds := len({_meaning(point.definition) for point in points})) > 1:
        found[Reason.DEFINITIONS] = kinds
    if (sources := len({point.source for point in points if point.value is not None})) > 1:
        found[Reason.SOURCES] = sources
    if drafts := sum(point.draft for point in points):
        found[Reason.DRAFTS] = drafts
    return found


def _meaning(definition: Definition) -> tuple[object, ...]:
    """What must be the same for figures to be comparable; how they are shown need not be."""
    return (
        definition.id, definition.counts, definition.per, definition.excludes,
        definition.measured, definition.kinds, definition.numerator, definition.denominator,
    )  # fmt: skip


def _is_count(definition: Definition) -> bool:
    return definition.measured in (Measured.COUNT, Measured.HOURS) and definition.per is None


def _whole(points: Sequence[Point], wanted: int) -> dict[Reason, int]:
    """Whether one side has enough of what it should have."""
    found: dict[Reason, int] = {}
    known = sum(_value(point) is not None for point in points)
    if known < wanted:
        found[Reason.TOO_FEW] = wanted - known
    if points and len(points) - known > MOST_MISSING * len(points):
        found[Reason.GAPS] = len(points) - known
    if unknown := sum(point.unknown > MOST_UNKNOWN for point in points):
        found[Reason.UNKNOWN_TIME] = unknown
    return found


def _added(one: Mapping[Reason, int], other: Mapping[Reason, int]) -> dict[Reason, int]:
    """What is wrong with either side or both, with the numbers of both."""
    return {key: one.get(key, 0) + other.get(key, 0) for key in (*one, *other)}


def _steps(first: Sequence[Point], second: Sequence[Point]) -> dict[Reason, int]:
    """Sides of which one is told by another length of period."""
    steps = {step for step in (_step(first), _step(second)) if step is not None}
    return {Reason.STEPS: len(steps)} if len(steps) > 1 else {}


def _step(points: Sequence[Point]) -> Step | None:
    """The length that most neighbours lie apart; ``None`` where nothing tells."""
    days = sorted(point.day for point in points)
    apart: dict[Step, int] = dict.fromkeys(("day", "week", "month"), 0)
    for one, two in pairwise(days):
        for step in apart:
            apart[step] += next_period(one, step) == two
    best = max(apart, key=lambda step: apart[step])
    return best if apart[best] else None


def _of_verdict(verdict: Verdict) -> dict[Reason, int]:
    """What `spc.compare` has against concluding, besides what is looked at here."""
    match verdict:
        case Verdict.NO_VARIATION:
            return {Reason.NO_VARIATION: 1}
        case Verdict.UNSTABLE_BEFORE:
            return {Reason.UNSTABLE: 1}
    return {}


def _cautions(before: Sequence[Point], after: Sequence[Point]) -> tuple[Caution, ...]:
    first, second = ({point.day.month for point in side} for side in (before, after))
    season = (Caution.SEASON,) if first != second else ()
    return (*season, *_neighbours([*before, *after]))


def _neighbours(points: Sequence[Point]) -> tuple[Caution, ...]:
    return (Caution.NEIGHBOURS,) if _step(points) == "day" else ()
