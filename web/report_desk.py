"""Gathers a cluster's monthly report out of history: charts, figures, statement, calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from capacity.history.gaps import Missing, missing
from capacity.history.rollups import read_rolled
from capacity.indicators.days import begin, end
from capacity.indicators.definitions import Definition
from capacity.indicators.figures import Figure
from capacity.indicators.statement import Statement
from capacity.ledger import Finding
from web.indicator_desk import MOST, IndicatorDesk, Span, Told, span_of
from web.ledger_desk import LedgerDesk
from web.months import Month
from web.register_desk import look
from web.services import Services
from web.statement_desk import StatementDesk

CHART_DAYS: Final = MOST["day"]
"""Days of a chart: the month and, for its limits, about two before it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The cluster (``None``) or one municipality: its charts, and the month's figures by id.

    `missing` are the indicators of registers of which nothing was ever handed in.
    """

    municipality: str | None
    told: Sequence[Told]
    figures: Mapping[str, Figure]
    missing: Sequence[Definition]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a month's figures rest on: `days` are those of the month that there are figures of,
    `known` all that there are; `through` is until when history was counted, and `missing` what it
    is known to lack.
    """

    month: Month
    days: tuple[date, date]
    known: tuple[date, date]
    through: datetime
    missing: Missing


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report tells; its charts are of `span`."""

    basis: Basis
    span: Span
    places: Sequence[Place]
    statement: Statement
    findings: Mapping[Finding, int]


class ReportDesk:
    """The reports of one cluster. Raises `HistoryUnavailableError` and `BoardUnavailableError`."""

    def __init__(self, services: Services, cluster: str) -> None:
        history = services.history
        self._services = services
        self._history = history
        self._cluster = cluster
        self._indicators = IndicatorDesk(history, services.rollups.definitions, cluster)
        self._statement = StatementDesk(history, services.catalogue, cluster)
        self._ledger = LedgerDesk(history, services.outcomes, services.catalogues, cluster)

    async def known(self) -> tuple[date, date] | None:
        """The first and the last day that figures can be of."""
        return await self._indicators.whole_days()

    async def basis(self, month: Month, known: tuple[date, date]) -> Basis | None:
        """What a month's figures rest on; ``None`` where there is no day with figures in it."""
        days = month.days(known)
        rolled = await self._history.read(lambda c: read_rolled(c, self._cluster))
        if days is None or rolled is None:
            return None
        since, until = begin(days[0]), end(days[1])
        lost = await self._history.read(lambda c: missing(c, self._cluster, since, until))
        return Basis(month, days, known, rolled.through, lost)

    async def statement(self, basis: Basis) -> Statement:
        """The statement of use of a month."""
        return await self._statement.read(*basis.days)

    async def read(self, basis: Basis, municipalities: Sequence[str]) -> Report | None:
        """The report of a month; ``None`` where there is nothing to draw."""
        first, last = basis.days
        span = span_of("day", CHART_DAYS, basis.known[0], last)
        if span is None:
            return None
        return Report(
            basis=basis,
            span=span,
            places=[await self._place(basis.days, code) for code in (None, *municipalities)],
            statement=await self.statement(basis),
            findings=await self._ledger.counts(begin(first), end(last)),
        )

    async def _place(self, days: tuple[date, date], code: str | None) -> Place:
        first, last = days
        found = await look(self._services, self._cluster, "day", CHART_DAYS, code, until=last)
        month = await self._indicators.read(Span("day", first, last), code)
        figures = {each.definition.id: each.whole for each in month}
        for told in found.told:
            figures |= _of_register(told, first)
        return Place(code, found.told, figures, found.missing)


def _of_register(told: Told, day: date) -> dict[str, Figure]:
    """What was handed in of the month of a day."""
    if not told.register or told.step != "month":
        return {}
    of_month = [each.figure for each in told.periods if each.day == day.replace(day=1)]
    return {told.definition.id: of_month[0]} if of_month else {}
