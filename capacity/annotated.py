"""Dated changes that a steering group notes on its charts, and what they do to the lines. Pure.

A change is of a whole cluster or of one municipality, of every indicator or of one. It may only be
marked, or have limits begin anew (a *rebase*), or do so and fix them too: then they rest on the
days of a *baseline*, and all that follows is held against those. Nothing that was noted is lost: a
correction or a withdrawal is a further version.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from capacity.imported import Signed
from capacity.indicators.definitions import Definition
from capacity.indicators.figures import Figure, Period, Step, chart_of, next_period
from capacity.spc import Chart

LONGEST_TEXT: Final = 200
"""Letters; it stands below a chart."""


class Effect(StrEnum):
    """What a change does to the lines of charts."""

    NOTE = "note"
    """It is only marked."""
    REBASE = "rebase"
    """Limits begin anew."""
    BASELINE = "baseline"
    """Limits begin anew, rest on the days until a last one, and stay."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is noted of one day.

    `municipality` and `indicator` are ``None`` where it is of the whole cluster and of every
    indicator. `until` is the last day of a baseline; ``None`` for the other effects.
    """

    day: date
    text: str
    effect: Effect = Effect.NOTE
    municipality: str | None = None
    indicator: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a change, from 1: what it said, or that it was withdrawn, and by whom."""

    number: int
    change: Change
    withdrawn: bool
    by: Signed


@dataclass(frozen=True, slots=True)
class Annotation:
    """A change with all its versions, the first one first; there is at least one."""

    id: int
    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version:
        """The version that counts."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Mark:
    """A change at a point of a series."""

    index: int
    change: Change


@dataclass(frozen=True, slots=True)
class Lines:
    """What changes do to a chart: where segments begin, how many first points make the lines of
    which segment, and what is marked where.
    """

    rebase: tuple[int, ...] = ()
    fixed: Mapping[int, int] | None = None
    marks: tuple[Mark, ...] = ()


def fault(change: Change) -> tuple[str, str] | None:
    """Field and reason where a change contradicts itself."""
    if not change.text.strip():
        return "text", "is missing"
    if len(change.text) > LONGEST_TEXT:
        return "text", f"is longer than {LONGEST_TEXT} characters"
    if (change.effect is Effect.BASELINE) is (change.until is None):
        return "until", "is the last day of a baseline, and of nothing else"
    if change.until is not None and change.until <= change.day:
        return "until", "must be a day after the first one"
    return None


def concerning(
    annotations: Iterable[Annotation], municipality: str | None, indicator: str
) -> list[Change]:
    """The changes that count for one chart, in order of time.

    Those of a municipality are marked on the cluster's charts too, where they have no other
    effect: most of the cluster went on as before.
    """
    found = []
    for each in annotations:
        change = each.latest.change
        if each.latest.withdrawn or change.indicator not in (None, indicator):
            continue
        if change.municipality in (None, municipality):
            found.append(change)
        elif municipality is None:
            found.append(replace(change, effect=Effect.NOTE, until=None))
    return sorted(found, key=lambda each: each.day)


def rebased(changes: Iterable[Change]) -> list[date]:
    """The days on which limits begin anew."""
    return [each.day for each in changes if each.effect is not Effect.NOTE]


def standing(changes: Iterable[Change], first: date) -> Change | None:
    """The baseline that still holds on a day and began before it: it needs its own figures."""
    before = [each for each in changes if each.effect is not Effect.NOTE and each.day < first]
    last = before[-1] if before else None
    return last if last is not None and last.effect is Effect.BASELINE else None


def lines_over(
    changes: Iterable[Change], days: Sequence[date], base: Change | None = None
) -> Lines:
    """What changes do to a series whose periods begin on `days`.

    A change counts from the first period that begins on its day or later: the one that it falls
    into is of both times. `base` is a baseline that the series begins with.
    """
    starts: set[int] = set()
    fixed: dict[int, int] = {}
    marks = []
    if base is not None and base.until is not None:
        fixed[0] = max(1, bisect_right(days, base.until))
    for change in changes:
        index = bisect_left(days, change.day)
        if index == len(days) or change.day < days[0]:
            continue
        marks.append(Mark(index, change))
        if change.effect is not Effect.NOTE:
            starts.add(index)
            fixed.pop(index, None)
        if change.until is not None:
            fixed[index] = max(1, bisect_right(days, change.until) - index)
    return Lines(tuple(sorted(starts)), fixed, tuple(marks))


def charted(
    definition: Definition,
    periods: Sequence[Period],
    step: Step,
    changes: Sequence[Change],
    before: Sequence[Period] = (),
) -> tuple[Chart, tuple[Mark, ...]]:
    """The chart of some periods under what was noted, and what is marked in it.

    `before` are the periods of a baseline that still holds (`standing`) although it began before
    the first of `periods`: they make its lines and are not shown.
    """
    if not periods:
        return chart_of(definition, periods), ()
    known = [each for each in before if each.day < periods[0].day]
    base = standing(changes, known[-1].day + timedelta(days=1)) if known else None
    if known and (after := next_period(known[-1].day, step)) < periods[0].day:
        known.append(Period(after, Figure(None, 0, None, None)))
    every = [*known, *periods]
    lines = lines_over(changes, [each.day for each in every], base if known else None)
    chart = chart_of(definition, every, rebase=lines.rebase, fixed=lines.fixed)
    marks = tuple(
        replace(each, index=each.index - len(known))
        for each in lines.marks
        if each.index >= len(known) and each.change.day >= periods[0].day
    )
    return chart.since(len(known)), marks
