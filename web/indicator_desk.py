"""Reads the indicators of a cluster, or of one of its municipalities, out of the rollups."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from capacity.history import Amount, History, Roller
from capacity.indicators.definitions import Definition, Definitions, Origin, Split
from capacity.indicators.figures import (
    Figure,
    Period,
    Step,
    chart_of,
    figure,
    next_period,
    period_of,
    series,
)
from capacity.indicators.measures import Measure
from capacity.spc import Chart

USUAL: Final[Mapping[Step, int]] = {"day": 60, "week": 26, "month": 13}
"""Periods that are shown where nobody says how many."""
MOST: Final[Mapping[Step, int]] = {"day": 92, "week": 53, "month": 24}
"""Periods that can be asked for; more could not be read on one page."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The whole periods that are looked at: days from `first` to `last`, both included."""

    step: Step
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Told:
    """One indicator over a span: a figure for each period, their chart, and one for all days."""

    definition: Definition
    periods: Sequence[Period]
    chart: Chart
    whole: Figure


def span_of(step: Step, n: int, first: date, last: date) -> Span | None:
    """The last `n` whole periods of the days from `first` to `last`; ``None``: not one."""
    until = period_of(last + _DAY, step)
    since = until
    for _ in range(n):
        since = period_of(since - _DAY, step)
    while since < first:
        since = next_period(since, step)
    return Span(step, since, until - _DAY) if since < until else None


def told(definition: Definition, since: date, found: Iterable[Amount], span: Span) -> Told:
    """An indicator from its amounts by day; none of before `since`, when it was defined so."""
    first = max(span.first, since)
    daily = [(date.fromisoformat(str(each.by[0])), each.measure, each.amount) for each in found]
    periods = series(definition, daily, first, span.last, span.step)
    sums: Counter[Measure] = Counter()
    for day, measure, amount in daily:
        if periods and day >= periods[0].day:
            sums[measure] += amount
    return Told(definition, periods, chart_of(definition, periods), figure(definition, sums))


class IndicatorDesk:
    """The indicators of our own history. Raises `HistoryUnavailableError` while that is away."""

    def __init__(self, history: History, definitions: Definitions, cluster: str) -> None:
        self._roller = Roller(history)
        self._definitions = definitions
        self._cluster = cluster

    async def whole_days(self) -> tuple[date, date] | None:
        """The first and the last day that figures can be of."""
        return await self._roller.whole_days(self._cluster)

    async def read(self, span: Span, municipality: str | None = None) -> list[Told]:
        """Every indicator of a span, in the order of the definitions.

        Of a municipality only those that can be told for one.
        """
        wanted = self._wanted(span.last, municipality)
        measures = {measure for _, each in wanted for measure in each.measures}
        by = ("day", "kind", "municipality")
        found = await self._roller.amounts(self._cluster, measures, span.first, span.last, by)
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
    wanted: Sequence[tuple[date, Definition]],
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
            definition,
            since,
            (
                each
                for measure in definition.measures
                for each in of_measure[measure]
                if not definition.kinds or each.by[1] in definition.kinds
            ),
            span,
        )
        for since, definition in wanted
    ]
