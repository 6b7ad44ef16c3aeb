"""What an indicator is: the words shown beside every figure, and which amounts it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from capacity.indicators.measures import Family, Measure, family_of
from capacity.model import UnitKind
from capacity.need import Need
from capacity.spc import Better, ChartKind
from capacity.units import Dated


class Origin(StrEnum):
    """Where figures come from."""

    HISTORY = "history"
    """Computed from our own history."""
    IMPORT = "import"
    """Handed in by whoever keeps the register, with a validation state."""


class Measured(StrEnum):
    """In what an indicator is told."""

    PERCENT = "percent"
    COUNT = "count"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    RATE = "per_1000"


class Split(StrEnum):
    """What an indicator can be split by; all can be told for the whole cluster."""

    MUNICIPALITY = "municipality"
    KIND = "kind"
    UNIT = "unit"
    HOUR_OF_WEEK = "hour_of_week"
    NEED = "need"
    AGREEMENT = "agreement"


FACTORS: Final[Mapping[Measured, tuple[int, int]]] = {
    Measured.PERCENT: (100, 1),
    Measured.COUNT: (1, 1),
    Measured.SECONDS: (1, 1),
    Measured.MINUTES: (1, 60_000),
    Measured.HOURS: (1, 3_600_000),
    Measured.RATE: (1000, 1),
}
"""What amounts are multiplied with and divided by; whole numbers, so that sums stay exact."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text in Danish and English."""

    da: str
    en: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One indicator as it is defined from a day on.

    `counts` says what is counted, `per` of what or in what (``None``: as it is), `excludes` what
    is left out, `source` where it is from, `period` is the shortest period that it is sensibly
    told for. `kinds` are the unit kinds that it is about (empty: all). For an indicator of our
    own history `numerator` and `denominator` are the amounts (no denominator: the amount itself),
    `unknown` those that say how much of `unknown_of` is not known; where there is nothing of
    `unknown_of` at all there is no figure.
    """

    id: str
    origin: Origin
    name: Text
    counts: Text
    per: Text | None
    excludes: Text
    source: Text
    period: str
    measured: Measured
    better: Better
    chart: ChartKind
    decimals: int
    splits: frozenset[Split]
    kinds: frozenset[UnitKind] = frozenset()
    numerator: tuple[Measure, ...] = ()
    denominator: tuple[Measure, ...] = ()
    unknown: tuple[Measure, ...] = ()
    unknown_of: tuple[Measure, ...] = ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Every amount that it needs, each once."""
        every = (*self.numerator, *self.denominator, *self.unknown, *self.unknown_of)
        return tuple(dict.fromkeys(every))

    @property
    def family(self) -> Family | None:
        """What its amounts are about; ``None`` for an imported one."""
        return family_of(self.numerator[0]) if self.numerator else None


@dataclass(frozen=True, slots=True)
class ReferenceNeed:
    """A need that is asked again and again of the past: was there anything for it?

    It is asked for each municipality of a cluster.
    """

    id: str
    name: Text
    need: Need


@dataclass(frozen=True, slots=True)
class Definitions:
    """All indicators by id, dated, and the needs that "no alternative" is told for."""

    indicators: Mapping[str, Dated[Definition]]
    needs: Mapping[str, ReferenceNeed]

    def on(self, day: date) -> dict[str, Definition]:
        """The definitions that hold on a day, in their order."""
        found = {key: dated.on(day) for key, dated in self.indicators.items()}
        return {key: each for key, each in found.items() if each is not None}
