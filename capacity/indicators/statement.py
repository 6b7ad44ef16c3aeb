"""The statement of how the acute functions are used: one line a unit, over a stretch of days.

It puts side by side what was offered (places, free places, time open, time nobody can tell), what
was used, what was asked for (asks, answers, citizens who came) and how the figures were kept
(updates, their intervals, reminders). Shares are of amounts, so lines can be added to those of a
municipality and of the cluster without being wrong. Beside them stand the use of agreements, the
outcomes of calls by the citizen's municipality, and the cluster's pressure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from capacity.indicators.measures import Measure
from capacity.model import UnitKind

FUNCTIONS: Final = frozenset({UnitKind.ACUTE_PLACE, UnitKind.ACUTE_TEAM, UnitKind.HOSPITAL_AT_HOME})
"""Kinds that the statement is about: what municipalities offer in place of admission."""

_OPEN = (Measure.FREE_MS, Measure.FULL_MS)
_KNOWN = (*_OPEN, Measure.CLOSED_MS)
_NOT_KNOWN = (Measure.STALE_MS, Measure.UNKNOWN_MS)
_DAY_MS, _HOUR_MS, _MINUTE_MS = 86_400_000, 3_600_000, 60_000
MEASURES: Final = (
    *_KNOWN, *_NOT_KNOWN, Measure.PLACE_MS, Measure.OCCUPIED_MS, Measure.FREE_PLACE_MS,
    Measure.ASKED, Measure.ACCEPTED, Measure.DECLINED, Measure.UNANSWERED, Measure.FILLED,
    Measure.ANSWERED, Measure.ANSWER_MS, Measure.UPDATES, Measure.GAPS, Measure.GAP_MS,
    Measure.LATE, Measure.REMINDERS,
)  # fmt: skip
"""The amounts that its lines need, by unit, kind and municipality."""
AGREEMENT_MEASURES: Final = (Measure.AGREEMENT_ASKED, Measure.AGREEMENT_FILLED)
"""Those of the use of agreements, by agreement and borrowing municipality."""
OUTCOME_MEASURES: Final = (
    Measure.OUTCOMES, Measure.OUTCOME_ALTERNATIVE, Measure.OUTCOME_DESPITE_FREE,
    Measure.OUTCOME_NONE_FREE, Measure.OUTCOME_OTHER, Measure.TIMED_CALLS, Measure.CALL_SECONDS,
)  # fmt: skip
"""Those of outcomes, by the unit that they name and the citizen's municipality."""
LEVELS: Final = (
    Measure.LEVEL_0_MS, Measure.LEVEL_1_MS, Measure.LEVEL_2_MS, Measure.LEVEL_3_MS,
    Measure.LEVEL_UNKNOWN_MS,
)  # fmt: skip
"""Those of pressure, of the cluster."""


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
    def is_recorded(self) -> bool:
        """Whether anything at all is recorded of it; if not, its counts are not known either."""
        return any(self.amounts.values())

    @property
    def unknown(self) -> float | None:
        """Share of the time in which nobody can tell."""
        return _share(self._sum(*_NOT_KNOWN), self._sum(*_KNOWN, *_NOT_KNOWN))

    @property
    def unknown_hours(self) -> float | None:
        """Hours in which nobody can tell; ``None`` where it was never on the board."""
        if not self._sum(*_KNOWN, *_NOT_KNOWN):
            return None
        return self._sum(*_NOT_KNOWN) / _HOUR_MS

    @property
    def open(self) -> float | None:
        """Share of the known time in which it was not closed."""
        return _share(self._sum(*_OPEN), self._sum(*_KNOWN))

    @property
    def free(self) -> float | None:
        """Share of the known time in which at least one was free."""
        return _share(self._sum(Measure.FREE_MS), self._sum(*_KNOWN))

    @property
    def place_days(self) -> float | None:
        """Days of places (or visits) that could be used, while that was known; two places for a
        day are two.
        """
        days = self._sum(Measure.PLACE_MS) / _DAY_MS
        return days or None

    @property
    def used_days(self) -> float | None:
        """Days of places in use; more than `place_days` where more were used than could be."""
        if self.place_days is None and not self._sum(Measure.OCCUPIED_MS):
            return None
        return self._sum(Measure.OCCUPIED_MS) / _DAY_MS

    @property
    def used(self) -> float | None:
        """Share of places or visits in use."""
        return _share(self._sum(Measure.OCCUPIED_MS), self._sum(Measure.PLACE_MS))

    @property
    def free_place_minutes(self) -> float | None:
        """Free places times the minutes for which they were free, after holds.

        ``None`` where nothing is known of it: never known at all, or free without a number.
        """
        free = self._sum(Measure.FREE_PLACE_MS)
        if not free and (self._sum(Measure.FREE_MS) or not self._sum(*_KNOWN)):
            return None
        return free / _MINUTE_MS

    @property
    def answer_minutes(self) -> float | None:
        """Mean minutes from asking to an answer."""
        return _mean_minutes(self._sum(Measure.ANSWER_MS), self._sum(Measure.ANSWERED))

    @property
    def update_minutes(self) -> float | None:
        """Mean minutes from one update to the next."""
        return _mean_minutes(self._sum(Measure.GAP_MS), self._sum(Measure.GAPS))

    def count(self, measure: Measure) -> int:
        """How many were asked for, accepted, declined, unanswered or filled; or of outcomes."""
        return self._sum(measure)

    def _sum(self, *measures: Measure) -> int:
        return sum(self.amounts.get(measure, 0) for measure in measures)


@dataclass(frozen=True, slots=True)
class Use:
    """How often an agreement was asked for and used, for citizens of `municipality`."""

    agreement: str
    municipality: str
    asked: int
    filled: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The whole statement of some days.

    `outcomes` are amounts by the citizen's municipality (empty: it was not said), `levels` the
    milliseconds of each surge level.
    """

    lines: Sequence[Line]
    agreements: Sequence[Use] = ()
    outcomes: Mapping[str, Mapping[Measure, int]] = field(default_factory=dict)
    levels: Mapping[Measure, int] = field(default_factory=dict)

    def of(self, municipality: str) -> "Statement":
        """The part that can be told for a municipality; pressure is the cluster's alone."""
        return Statement(
            [line for line in self.lines if line.municipality == municipality],
            [use for use in self.agreements if use.municipality == municipality],
            {key: sums for key, sums in self.outcomes.items() if key == municipality},
        )


def statement(
    amounts: Iterable[tuple[str, str, str, Measure, int]], chosen: Mapping[str, int] | None = None
) -> list[Line]:
    """Lines by municipality, kind and unit, from (unit, kind, municipality, measure, amount).

    `chosen` says for how many calls a unit was the alternative to admission. Kinds that are no
    acute functions are passed over. An amount of a unit whose kind is not told (it had left the
    catalogue by then) goes to the unit's line, where it has one.
    """
    found: dict[tuple[str, str, str], Counter[Measure]] = defaultdict(Counter)
    unplaced: dict[str, Counter[Measure]] = defaultdict(Counter)
    for unit, kind, municipality, measure, amount in amounts:
        if kind in FUNCTIONS:
            found[municipality, kind, unit][measure] += amount
        elif not kind:
            unplaced[unit][measure] += amount
    for unit, n in (chosen or {}).items():
        unplaced[unit][Measure.OUTCOME_ALTERNATIVE] += n
    lines = {unit: (place, kind, unit) for place, kind, unit in sorted(found)}
    for unit, sums in unplaced.items():
        if unit in lines:
            found[lines[unit]].update(sums)
    return [
        Line(unit, kind, place, found[place, kind, unit]) for place, kind, unit in sorted(found)
    ]


def total(lines: Iterable[Line], municipality: str = "", kind: str = "") -> Line:
    """The sum of lines; names it is to carry may be given."""
    amounts: Counter[Measure] = Counter()
    for line in lines:
        amounts.update(line.amounts)
    return Line("", kind, municipality, amounts)


def uses(amounts: Iterable[tuple[str, str, Measure, int]]) -> list[Use]:
    """The use of agreements, from (agreement, borrowing municipality, measure, amount)."""
    found: dict[tuple[str, str], Counter[Measure]] = defaultdict(Counter)
    for agreement, municipality, measure, amount in amounts:
        found[agreement, municipality][measure] += amount
    return [
        Use(*key, *(found[key][measure] for measure in AGREEMENT_MEASURES))
        for key in sorted(found)
    ]  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean_minutes(millis: int, n: int) -> float | None:
    return millis / n / _MINUTE_MS if n else None
