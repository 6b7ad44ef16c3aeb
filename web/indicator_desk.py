"""Reads the indicators of a cluster, or of one of its municipalities, out of the rollups."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from capacity.annotated import Annotation, Change, Mark, charted, concerning, standing
from capacity.history import Amount, History, Roller
from capacity.indicators.definitions import Definition, Definitions, Origin, Split
from capacity.indicators.figures import (
    Figure,
    Period,
    Step,
    figure,
    next_period,
    period_of,
    series,
)
from capacity.indicators.measures import Measure
from capacity.registers import RegisterPoint
from capacity.spc import Chart

USUAL: Final[Mapping[Step, int]] = {"day": 60, "week": 26, "month": 13}
"""Periods that are shown where nobody says how many."""
MOST: Final[Mapping[Step, int]] = {"day": 92, "week": 53, "month": 24}
"""Periods that can be asked for; more could not be read on one page."""
LONGEST_BASELINE: Final = timedelta(days=2 * 366)
"""Of a longer one the last days make the lines."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The whole periods that are looked at: days from `first` to `last`, both included."""

    step: Step
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Told:
    """One indicator over a span: a figure for each period, their chart, and one for all days.

    `step` is the length of its periods. `marks` are the changes noted in that time, and `base` a
    baseline of before it on which the lines rest. Of an indicator that is handed in `register`
    says of each period who vouches for it; it is empty for those of our own history.
    """

    definition: Definition
    periods: Sequence[Period]
    chart: Chart
    whole: Figure
    step: Step
    marks: Sequence[Mark] = ()
    base: Change | None = None
    register: Sequence[RegisterPoint] = ()


def span_of(step: Step, n: int, first: date, last: date) -> Span | None:
    """The last `n` whole periods of the days from `first` to `last`; ``None``: not one."""
    until = period_of(last + _DAY, step)
    since = until
    for _ in range(n):
        since = period_of(since - _DAY, step)
    while since < first:
        since = next_period(since, step)
    return Span(step, since, until - _DAY) if since < until else None


def told(
    definition: Definition,
    since: date,
    found: Iterable[Amount],
    span: Span,
    changes: Sequence[Change] = (),
) -> Told:
    """An indicator from its amounts by day; none of before `since`, when it was defined so.

    Amounts of days before the span are those of a baseline of before it.
    """
    first = max(span.first, since)
    daily = [(date.fromisoformat(str(each.by[0])), each.measure, each.amount) for each in found]
    periods = series(definition, daily, first, span.last, span.step)
    base = standing(changes, first)
    days = baseline_days(base, since, first)
    before = series(definition, daily, *days, span.step) if days else []
    sums: Counter[Measure] = Counter()
    for day, measure, amount in daily:
        if periods and day >= periods[0].day:
            sums[measure] += amount
    chart, marks = charted(definition, periods, span.step, changes, before)
    whole = figure(definition, sums)
    return Told(definition, periods, chart, whole, span.step, marks, base if before else None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An indicator to be told, since when it is defined so, and the changes that concern it."""

    since: date
    definition: Definition
    changes: Sequence[Change]


def baseline_days(base: Change | None, since: date, first: date) -> tuple[date, date] | None:
    """The days of a baseline of before `first`, none of them before `since`; first and last."""
    if base is None or base.until is None:
        return None
    begun = max(base.day, since, base.until - LONGEST_BASELINE)
    last = min(base.until, first - _DAY)
    return (begun, last) if begun <= last else None


def baselines(wanted: Iterable[Wanted], span: Span) -> list[tuple[date, date]]:
    """The days before a span whose figures its charts need, each once: first and last."""
    days: set[date] = set()
    for each in wanted:
        begun = max(span.first, each.since)
        found = baseline_days(standing(each.changes, begun), each.since, begun)
        if found is not None:
            n = (found[1] - found[0]).days + 1
            days |= {found[0] + _DAY * number for number in range(n)}
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and ranges[-1][1] + _DAY == day:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


class IndicatorDesk:
    """The indicators of our own history. Raises `HistoryUnavailableError` while that is away."""

    def __init__(self, history: History, definitions: Definitions, cluster: str) -> None:
        self._roller = Roller(history)
        self._definitions = definitions
        self._cluster = cluster

    async def whole_days(self) -> tuple[date, date] | None:
        """The first and the last day that figures can be of."""
        return await self._roller.whole_days(self._cluster)

    async def read(
        self,
        span: Span,
        municipality: str | None = None,
        *,
        annotations: Sequence[Annotation] = (),
        only: str = "",
    ) -> list[Told]:
        """Every indicator of a span, or `only` one, in the order of the definitions.

        Of a municipality only those that can be told for one. `annotations` are those of the
        cluster.
        """
        wanted = [
            Wanted(since, each, concerning(annotations, municipality, each.id))
            for since, each in self._wanted(span.last, municipality)
            if only in ("", each.id)
        ]
        if baselines(wanted, span) and (days := await self.whole_days()):
            wanted = [replace(each, since=max(each.since, days[0])) for each in wanted]
        measures = {measure for each in wanted for measure in each.definition.measures}
        by = ("day", "kind", "municipality")
        found = await self._roller.amounts(self._cluster, measures, span.first, span.last, by)
        for first, last in baselines(wanted, span):
            found += await self._roller.amounts(self._cluster, measures, first, last, by)
        return await asyncio.to_thread(_all_told, wanted, found, span, municipality)

    def _wanted(self, day: date, municipality: str | None) -> list[tuple[date, Definition]]:
        """What is defined on a day, and since when it is defined so."""
        found = []
        for key, each in self._definitions.on(day).items():
            dated = self._definitions.indicators[key].values
            since = max(begun for begun, _ in dated if begun <= day)
            split = municipality is None or Split.MUNICIPALITY in each.splits
            if each.origin is Origin.HISTORY and split:
                found.append((since, each))
        return found


def _all_told(
    wanted: Sequence[Wanted],
    found: Iterable[Amount],
    span: Span,
    municipality: str | None,
) -> list[Told]:
    of_measure: dict[Measure, list[Amount]] = defaultdict(list)
    for each in found:
        if municipality in (None, each.by[2]):
            of_measure[each.measure].append(each)
    return [
        told(
            each.definition,
            each.since,
            (
                amount
                for measure in each.definition.measures
                for amount in of_measure[measure]
                if not each.definition.kinds or amount.by[1] in each.definition.kinds
            ),
            span,
            each.changes,
        )
        for each in wanted
    ]
