"""Reads the indicators that registers hand in, and puts them beside those of our own history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from capacity.annotated import Annotation, charted, concerning, standing
from capacity.history import annotations as noted
from capacity.imports import Imports, Step
from capacity.indicators.definitions import Definition, Origin, Split
from capacity.indicators.figures import next_period
from capacity.registers import RegisterPoint, register_series, step_told, total
from capacity.units import danish_day
from web.indicator_desk import USUAL, IndicatorDesk, Span, Told, baseline_days, span_of
from web.services import Services

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to be seen of a place: `span` is that of our own history's figures, ``None``
    where there are none; `missing` are the indicators of which nothing was ever handed in.
    """

    span: Span | None
    told: Sequence[Told]
    missing: Sequence[Definition]


class RegisterDesk:
    """The imported indicators of one cluster. Raises `HistoryUnavailableError`."""

    def __init__(self, services: Services, cluster: str) -> None:
        self._imports = Imports(services.history, services.clock)
        self._definitions = services.rollups.definitions
        self._cluster = services.catalogue.clusters[cluster]

    async def read(
        self,
        step: Step,
        n: int,
        until: date,
        municipality: str | None = None,
        *,
        annotations: Sequence[Annotation] = (),
        only: str = "",
    ) -> tuple[list[Told], list[Definition]]:
        """The last `n` periods of every imported indicator, or of `only` one, and those of which
        there is nothing.

        Each series ends with the last period that any municipality has told, and not after
        `until`; it is told by another step where there is none of `step`, with as many periods as
        are usual then.
        """
        found, missing = [], []
        latest = await self._imports.latest_periods(self._cluster.id)
        for since, definition in self._wanted(until, municipality, only):
            steps = {each: day for (key, each), day in latest.items() if key == definition.id}
            told_by = step_told(list(steps), step, definition)
            if told_by is None:
                missing.append(definition)
                continue
            of = told_by if told_by in steps else "day"
            last = min(next_period(steps[of], of) - _DAY, until)
            count = n if told_by == step else USUAL[told_by]
            span = span_of(told_by, count, since, last)
            if span is not None:
                changes = annotations, municipality
                found.append(await self.series(definition, since, span, *changes))
        return found, missing

    async def series(
        self,
        definition: Definition,
        since: date,
        span: Span,
        annotations: Sequence[Annotation],
        municipality: str | None,
    ) -> Told:
        """One indicator over a span; periods of before the first that was told are left out."""
        changes = concerning(annotations, municipality, definition.id)
        base = standing(changes, span.first)
        days = baseline_days(base, since, span.first)
        first = days[0] if days else span.first
        figures = await self._imports.figures(
            self._cluster.id, indicator=definition.id, first=first, last=span.last
        )

        def members(day: date) -> Sequence[str]:
            of_cluster = self._cluster.municipalities.on(day) or ()
            return [code for code in of_cluster if municipality in (None, code)]

        def points(first: date, last: date) -> list[RegisterPoint]:
            return register_series(figures, definition, members, span.step, first, last)

        register = _from_the_first(points(max(span.first, since), span.last))
        before = [each.period for each in points(*days)] if days else []
        periods = [each.period for each in register]
        chart, marks = charted(definition, periods, span.step, changes, before)
        whole = total(definition, register)
        on = base if before else None
        return Told(definition, periods, chart, whole, span.step, marks, on, register)

    def _wanted(
        self, day: date, municipality: str | None, only: str
    ) -> list[tuple[date, Definition]]:
        found = []
        for key, dated in self._definitions.indicators.items():
            each = dated.on(day)
            if each is None or each.origin is not Origin.IMPORT or only not in ("", key):
                continue
            if municipality is None or Split.MUNICIPALITY in each.splits:
                found.append((max(begun for begun, _ in dated.values if begun <= day), each))
        return found


async def look(
    services: Services,
    cluster: str,
    step: Step,
    n: int,
    municipality: str | None = None,
    *,
    until: date | None = None,
    only: str = "",
) -> Found:
    """The last `n` whole periods of every indicator of a place, or of `only` one: ours first, then
    those of registers. With `until` as it would be told the day after that one.
    """
    annotations = await services.history.read(lambda sql: noted.annotations(sql, cluster))
    desk = IndicatorDesk(services.history, services.rollups.definitions, cluster)
    days = await desk.whole_days()
    span = None
    if days:
        last = days[1] if until is None else min(days[1], until)
        span = span_of(step, n, days[0], last)
    told = []
    if span is not None:
        told = await desk.read(span, municipality, annotations=annotations, only=only)
    today = until or danish_day(services.clock())
    registers = RegisterDesk(services, cluster)
    others, missing = await registers.read(
        step, n, today, municipality, annotations=annotations, only=only
    )
    return Found(span, [*told, *others], missing)


def _from_the_first(points: Sequence[RegisterPoint]) -> list[RegisterPoint]:
    told = [index for index, each in enumerate(points) if each.parts]
    return list(points[told[0] :]) if told else []
