"""Figures from sums of amounts: one figure, a series of periods, a profile of the week, a chart."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from capacity.indicators.definitions import FACTORS, Definition
from capacity.indicators.measures import Measure
from capacity.spc import Chart, ChartKind, Fixed, control_chart, p_chart, scaled

Step = Literal["day", "week", "month"]
Sums = Mapping[Measure, int]


@dataclass(frozen=True, slots=True)
class Figure:
    """What an indicator comes to.

    `value` is in the definition's unit; ``None`` where nothing was there or nothing of it is
    known: that is never zero. `denominator` is ``None`` where there is none. `unknown` is the
    share, 0 to 1, of the time that the figure says nothing of; ``None`` where that is no question.
    """

    value: float | None
    numerator: int
    denominator: int | None
    unknown: float | None


def figure(definition: Definition, sums: Sums) -> Figure:
    """The figure of these sums. The last division is the only step that is not exact."""
    numerator = _sum(sums, definition.numerator)
    denominator = _sum(sums, definition.denominator) if definition.denominator else None
    unknown = None
    total = _sum(sums, definition.unknown_of)
    if definition.unknown:
        unknown = _sum(sums, definition.unknown) / total if total else 1.0
    value = None
    if denominator != 0 and unknown != 1 and (total or not definition.unknown_of):
        times, by = FACTORS[definition.measured]
        value = numerator * times / (by * (1 if denominator is None else denominator))
    return Figure(value, numerator, denominator, unknown)


def _sum(sums: Sums, measures: Iterable[Measure]) -> int:
    return sum(sums.get(measure, 0) for measure in measures)


@dataclass(frozen=True, slots=True)
class Period:
    """One point of a series: the day on which it begins, and its figure."""

    day: date
    figure: Figure


def period_of(day: date, step: Step) -> date:
    """The first day of the day, week (from Monday) or month that a day is in."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def next_period(day: date, step: Step) -> date:
    """The first day of the period that follows on the one that begins on `day`."""
    if step == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if step == "week" else 1)


def series(
    definition: Definition,
    daily: Iterable[tuple[date, Measure, int]],
    first: date,
    last: date,
    step: Step,
) -> list[Period]:
    """One figure for each whole period from `first` to `last` (both included), in order.

    Hand in only days that are rolled up: a day without any amount counts as a day on which
    nothing was asked or logged. Periods that the days do not hold wholly are left out, or the
    first and the last would look low for no other reason.
    """
    found: dict[date, Counter[Measure]] = defaultdict(Counter)
    for day, measure, amount in daily:
        found[period_of(day, step)][measure] += amount
    periods = []
    at = period_of(first, step)
    while (after := next_period(at, step)) - timedelta(days=1) <= last:
        if at >= first:
            periods.append(Period(at, figure(definition, found[at])))
        at = after
    return periods


def week_profile(
    definition: Definition, hourly: Iterable[tuple[date, int, Measure, int]]
) -> dict[tuple[int, int], Figure]:
    """One figure for each hour of the week, by weekday (0 is Monday) and the hour clocks show."""
    found: dict[tuple[int, int], Counter[Measure]] = defaultdict(Counter)
    for day, hour, measure, amount in hourly:
        found[day.weekday(), hour][measure] += amount
    return {
        (weekday, hour): figure(definition, found[weekday, hour])
        for weekday in range(7)
        for hour in range(24)
    }


def chart_of(
    definition: Definition,
    periods: Sequence[Period],
    *,
    rebase: Sequence[int] = (),
    fixed: Fixed = None,
) -> Chart:
    """The chart that the definition asks for, as far as the points can carry it."""
    if definition.chart is ChartKind.P:
        counts = [each.figure.numerator for each in periods]
        sizes = [each.figure.denominator for each in periods]
        chart = p_chart(counts, sizes, rebase=rebase, fixed=fixed)
        return scaled(chart, FACTORS[definition.measured][0])
    return control_chart([each.figure.value for each in periods], rebase=rebase, fixed=fixed)
