"""Reads the statement of how a cluster's acute functions are used, out of the rollups."""

from collections import Counter, defaultdict
from datetime import date

from capacity.history import Amount, History, Roller
from capacity.indicators.measures import Measure
from capacity.indicators.statement import (
    AGREEMENT_MEASURES,
    FUNCTIONS,
    LEVELS,
    MEASURES,
    OUTCOME_MEASURES,
    Line,
    Statement,
    statement,
    uses,
)
from capacity.units import Catalogue


class StatementDesk:
    """The statement of one cluster. Raises `HistoryUnavailableError` while history is away."""

    def __init__(self, history: History, catalogue: Catalogue, cluster: str) -> None:
        self._roller = Roller(history)
        self._catalogue = catalogue
        self._cluster = cluster

    async def read(self, first: date, last: date) -> Statement:
        """The statement of the days `first` to `last`, both included.

        Acute functions of the catalogue that nothing is recorded of have a line too: a list that
        passed them over would look complete.
        """
        amounts, cluster = self._roller.amounts, self._cluster
        of_unit = ("subject", "kind", "municipality")
        told = await amounts(cluster, MEASURES, first, last, of_unit)
        asked = await amounts(cluster, AGREEMENT_MEASURES, first, last, ("subject", "municipality"))
        calls = await amounts(cluster, OUTCOME_MEASURES, first, last, ("subject", "municipality"))
        levels = await amounts(cluster, LEVELS, first, last, ())
        chosen: Counter[str] = Counter()
        outcomes: dict[str, Counter[Measure]] = defaultdict(Counter)
        for each in calls:
            unit, municipality = str(each.by[0]), str(each.by[1])
            outcomes[municipality][each.measure] += each.amount
            if each.measure is Measure.OUTCOME_ALTERNATIVE and unit:
                chosen[unit] += each.amount
        lines = statement((_of(each) for each in told), chosen)
        return Statement(
            lines=sorted([*lines, *self._silent(lines)], key=_in_order),
            agreements=uses((str(e.by[0]), str(e.by[1]), e.measure, e.amount) for e in asked),
            outcomes=outcomes,
            levels={each.measure: each.amount for each in levels},
        )

    def _silent(self, lines: list[Line]) -> list[Line]:
        told = {line.unit for line in lines}
        return [
            Line(unit.id, unit.kind.value, unit.municipality, {})
            for unit in self._catalogue.units_of(self._cluster)
            if unit.kind in FUNCTIONS and unit.id not in told
        ]


def _of(each: Amount) -> tuple[str, str, str, Measure, int]:
    unit, kind, municipality = (str(value) for value in each.by)
    return unit, kind, municipality, each.measure, each.amount


def _in_order(line: Line) -> tuple[str, str, str]:
    return line.municipality, line.kind, line.unit
