"""The statement of how the acute functions are used: one line a unit, over a stretch of days.

It puts side by side what was offered (time open, time nobody can tell), what was used (places or
visits), and what was asked for (asks, answers, citizens who came). Shares are of amounts, so lines
can be added to those of a municipality and of the cluster without being wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from capacity.indicators.measures import Measure
from capacity.model import UnitKind

FUNCTIONS: Final = frozenset({UnitKind.ACUTE_PLACE, UnitKind.ACUTE_TEAM, UnitKind.HOSPITAL_AT_HOME})
"""Kinds that the statement is about: what municipalities offer in place of admission."""

_KNOWN = (Measure.FREE_MS, Measure.FULL_MS, Measure.CLOSED_MS)
_NOT_KNOWN = (Measure.STALE_MS, Measure.UNKNOWN_MS)
MEASURES: Final = (
    *_KNOWN, *_NOT_KNOWN, Measure.PLACE_MS, Measure.OCCUPIED_MS, Measure.ASKED, Measure.ACCEPTED,
    Measure.DECLINED, Measure.UNANSWERED, Measure.FILLED, Measure.ANSWERED, Measure.ANSWER_MS,
)  # fmt: skip
"""The amounts that a statement needs, by unit, kind and municipality."""


@dataclass(frozen=True, slots=True)
class Line:
    """One unit (or the sum of several, where names are empty).

    Shares are 0 to 1, and ``None`` where there is nothing they could be of. `unknown` is of all
    time on the board; `open` and `free` are of the time that is known; `used` is of the places or
    visits that could be used while that was known, and above 1 where more were.
    """

    unit: str
    kind: str
    municipality: str
    amounts: Mapping[Measure, int]

    @property
    def unknown(self) -> float | None:
        """Share of the time in which nobody can tell."""
        return _share(self._sum(*_NOT_KNOWN), self._sum(*_KNOWN, *_NOT_KNOWN))

    @property
    def open(self) -> float | None:
        """Share of the known time in which it was not closed."""
        return _share(self._sum(Measure.FREE_MS, Measure.FULL_MS), self._sum(*_KNOWN))

    @property
    def free(self) -> float | None:
        """Share of the known time in which at least one was free."""
        return _share(self._sum(Measure.FREE_MS), self._sum(*_KNOWN))

    @property
    def used(self) -> float | None:
        """Share of places or visits in use."""
        return _share(self._sum(Measure.OCCUPIED_MS), self._sum(Measure.PLACE_MS))

    @property
    def answer_minutes(self) -> float | None:
        """Mean minutes from asking to an answer."""
        mean = _share(self._sum(Measure.ANSWER_MS), self._sum(Measure.ANSWERED))
        return None if mean is None else mean / 60_000

    def count(self, measure: Measure) -> int:
        """How many were asked for, accepted, declined, unanswered or filled."""
        return self._sum(measure)

    def _sum(self, *measures: Measure) -> int:
        return sum(self.amounts.get(measure, 0) for measure in measures)


def statement(
    amounts: Iterable[tuple[str, str, str, Measure, int]],
) -> list[Line]:
    """Lines by municipality, kind and unit, from (unit, kind, municipality, measure, amount).

    Kinds that are no acute functions are passed over.
    """
    found: dict[tuple[str, str, str], Counter[Measure]] = defaultdict(Counter)
    for unit, kind, municipality, measure, amount in amounts:
        if kind in FUNCTIONS:
            found[municipality, kind, unit][measure] += amount
    return [
        Line(unit, kind, place, found[place, kind, unit]) for place, kind, unit in sorted(found)
    ]


def total(lines: Iterable[Line], municipality: str = "", kind: str = "") -> Line:
    """The sum of lines; names it is to carry may be given."""
    amounts: Counter[Measure] = Counter()
    for line in lines:
        amounts.update(line.amounts)
    return Line("", kind, municipality, amounts)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
