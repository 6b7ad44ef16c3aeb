"""Compares two periods of one place, or two places over one time, by the figures of the charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from capacity.annotated import concerning, rebased
from capacity.comparison import Answer, Point, Span, compare_clusters, compare_periods
from capacity.history import annotations as noted
from capacity.imports import Imports
from capacity.indicators.definitions import Definition, Origin, Split
from capacity.indicators.figures import Figure, Step, chart_of, next_period, period_of
from capacity.registers import step_told
from web.indicator_desk import IndicatorDesk, Told
from web.indicator_desk import Span as Periods
from web.register_desk import RegisterDesk
from web.services import Services

MOST_PERIODS: Final = 400
"""Of one side: more than a year of days."""


@dataclass(frozen=True, slots=True)
class Place:
    """A whole cluster, or one municipality of it."""

    cluster: str
    municipality: str | None = None


@dataclass(frozen=True, slots=True)
class Wished:
    """What is to be compared: two periods of `place`, or with `other` two places over `first`.

    `second` is ``None`` exactly where `other` is not.
    """

    indicator: str
    step: Step
    place: Place
    first: Span
    second: Span | None = None
    other: Place | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides as charts have them, and what the comparison comes to."""

    wished: Wished
    first: Told
    second: Told
    answer: Answer


def is_too_long(span: Span, step: Step) -> bool:
    """Whether a period has more points than can be compared."""
    day = period_of(span.first, step)
    for _ in range(MOST_PERIODS + 1):
        if day > span.last:
            return False
        day = next_period(day, step)
    return True


async def compared(services: Services, wished: Wished) -> Compared:
    """The comparison; raises `HistoryUnavailableError`."""
    changes = await _rebased(services, wished.place, wished.indicator)
    first = await _told(services, wished, wished.place, wished.first)
    if wished.other is not None:
        changes += await _rebased(services, wished.other, wished.indicator)
        second = await _told(services, wished, wished.other, wished.first)
        answer = compare_clusters(_points(first), _points(second), wished.first, changes)
    else:
        assert wished.second is not None
        second = await _told(services, wished, wished.place, wished.second)
        points = {each.day: each for each in (*_points(first), *_points(second))}
        ordered = [points[day] for day in sorted(points)]
        answer = compare_periods(ordered, wished.first, wished.second, changes)
    return Compared(wished, first, second, answer)


async def _rebased(services: Services, place: Place, indicator: str) -> list[date]:
    found = await services.history.read(lambda sql: noted.annotations(sql, place.cluster))
    return rebased(concerning(found, place.municipality, indicator))


async def _told(services: Services, wished: Wished, place: Place, span: Span) -> Told:
    """One side over the whole periods of a span; no baseline of before it, which is not it."""
    since, definition = _defined(services, wished.indicator, span.last)
    first = max(span.first, since)
    if definition.origin is Origin.IMPORT:
        desk = RegisterDesk(services, place.cluster)
        step = await _step(services, place, wished, definition)
        periods = Periods(step, first, span.last)
        return await desk.series(definition, since, periods, (), place.municipality)
    own = IndicatorDesk(services.history, services.rollups.definitions, place.cluster)
    days = await own.whole_days()
    if days:
        first, last = max(first, days[0]), min(span.last, days[1])
        told = await own.read(
            Periods(wished.step, first, last), place.municipality, only=wished.indicator
        )
        if first <= last and told:
            return told[0]
    nothing = Figure(None, 0, None, None)
    return Told(definition, [], chart_of(definition, []), nothing, wished.step)


def _defined(services: Services, indicator: str, day: date) -> tuple[date, Definition]:
    """How an indicator is defined on a day, or at first, and since when."""
    values = services.rollups.definitions.indicators[indicator].values
    return next((each for each in reversed(values) if each[0] <= day), values[0])


async def _step(services: Services, place: Place, wished: Wished, definition: Definition) -> Step:
    """By which step a register's figures are told there."""
    latest = await Imports(services.history, services.clock).latest_periods(place.cluster)
    steps = [step for indicator, step in latest if indicator == wished.indicator]
    return step_told(steps, wished.step, definition) or wished.step


def _points(told: Told) -> Sequence[Point]:
    """The points of a series as comparisons take them."""
    return [
        Point(
            period.day,
            period.figure.value,
            told.definition,
            draft=any(each.is_draft for each in told.register[at : at + 1]),
            unknown=period.figure.unknown or 0.0,
            source="; ".join(name for each in told.register[at : at + 1] for name in each.sources),
        )
        for at, period in enumerate(told.periods)
    ]


def can_be_of(definition: Definition, place: Place) -> bool:
    """Whether an indicator is told for such a place."""
    return place.municipality is None or Split.MUNICIPALITY in definition.splits
