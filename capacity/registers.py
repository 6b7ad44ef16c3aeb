"""Figures of registers as series: one point a period, with who vouches for it. Pure.

    points = register_series(figures, definition, members, "month", span)

A figure of the whole cluster is the sum of its municipalities' counts, and there is one only where
all of them are told: a sum that lacks a municipality would look low for no other reason. Shares of
cases told by day are summed to weeks and months in the same way; nothing else is, since so many per
1,000 citizens in a week is not what there were in a month.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from capacity.imported import Imported, Key, Signed, State, Step, value
from capacity.indicators.definitions import FACTORS, Definition, Measured
from capacity.indicators.figures import Figure, Period, next_period, period_of

Members = Callable[[date], Sequence[str]]
"""The municipalities whose figures make up the place, on a day."""

LENGTHS: Final[tuple[Step, ...]] = ("day", "week", "month")
"""From the shortest on."""


@dataclass(frozen=True, slots=True)
class RegisterPoint:
    """One period of a series: its figure, the figures that were handed in for it, and how many
    more of them there should be.
    """

    period: Period
    parts: tuple[Imported, ...]
    missing: int = 0

    @property
    def state(self) -> State | None:
        """How far the least validated part is validated; ``None`` where there is no figure."""
        states = {each.latest.state for each in self.parts}
        return next((each for each in State if each in states), None)

    @property
    def is_draft(self) -> bool:
        """Whether there is a figure and somebody has yet to approve it, or a part of it."""
        return self.state not in (None, State.APPROVED)

    @property
    def corrected(self) -> tuple[Imported, ...]:
        """The parts that had another value before."""
        return tuple(each for each in self.parts if each.earlier)

    @property
    def sources(self) -> tuple[str, ...]:
        """The registers that it is from, in the senders' words."""
        return tuple(sorted({each.latest.told.source for each in self.parts}))

    @property
    def checked(self) -> tuple[Signed, ...]:
        """Who checked it: each account once in each role."""
        return _signers(each.latest.checked for each in self.parts)

    @property
    def approved(self) -> tuple[Signed, ...]:
        """Who approved it: each account once in each role."""
        return _signers(each.latest.approved for each in self.parts)


def step_told(found: Sequence[Step], wanted: Step, definition: Definition) -> Step | None:
    """The step by which figures can be told: the wanted one, or else the next longer one that
    there is, or the longest. ``None`` where there are no figures.
    """
    there = [each for each in LENGTHS if each in found]
    if wanted in there or (there and _sums(definition) and there[0] == "day"):
        return wanted
    longer = [each for each in there if LENGTHS.index(each) > LENGTHS.index(wanted)]
    return next(iter([*longer, *there[-1:]]), None)


def register_series(
    figures: Sequence[Imported],
    definition: Definition,
    members: Members,
    step: Step,
    first: date,
    last: date,
) -> list[RegisterPoint]:
    """A point for each whole period from `first` to `last` (both included), in order.

    `figures` are those of the definition's indicator; what is of other places, or not needed, is
    passed over.
    """
    there = {each.latest.told.key: each for each in figures}
    days = _sums(definition) and step != "day" and not any(key.step == step for key in there)
    points: list[RegisterPoint] = []
    at = period_of(first, step)
    while (after := next_period(at, step)) - timedelta(days=1) <= last:
        if at >= first:
            wanted = _keys(definition.id, members, "day" if days else step, at, after)
            points.append(_point(definition, at, list(wanted), there))
        at = after
    return points


def total(definition: Definition, points: Sequence[RegisterPoint]) -> Figure:
    """The figure of all periods that have one together; of a rate the mean of them, weighted."""
    known = [each.period.figure for each in points if each.period.figure.value is not None]
    if not known:
        return Figure(None, 0, None, None)
    numerator = sum(each.numerator for each in known)
    sizes = [each.denominator for each in known if each.denominator is not None]
    denominator = sum(sizes) if sizes else None
    times, by = FACTORS[definition.measured]
    found = numerator * times / (by * (denominator or 1))
    return Figure(found, numerator, denominator, None)


def _sums(definition: Definition) -> bool:
    """Whether the figures of days add up to that of a week: shares do, case by case."""
    return definition.measured is Measured.PERCENT


def _keys(indicator: str, members: Members, step: Step, first: date, after: date) -> Iterator[Key]:
    """The figures that a period is made of."""
    day = first
    while day < after:
        for code in members(day):
            yield Key(indicator, code, step, day)
        day = next_period(day, step)


def _point(
    definition: Definition, day: date, wanted: Sequence[Key], there: Mapping[Key, Imported]
) -> RegisterPoint:
    parts = tuple(there[key] for key in wanted if key in there)
    return RegisterPoint(
        Period(day, _figure(definition, parts, len(wanted))), parts, len(wanted) - len(parts)
    )


def _figure(definition: Definition, parts: Sequence[Imported], wanted: int) -> Figure:
    """No figure where a part is missing or its denominator unknown; zero is never assumed."""
    told = [each.latest.told for each in parts]
    if not told or len(told) < wanted:
        return Figure(None, 0, None, None)
    numerator = sum(each.numerator for each in told)
    sizes = [each.denominator for each in told if each.denominator is not None]
    denominator = sum(sizes) if len(sizes) == len(told) else None
    summed = replace(told[0], numerator=numerator, denominator=denominator)
    return Figure(value(summed, definition), numerator, denominator, None)


def _signers(signed: Iterable[Signed | None]) -> tuple[Signed, ...]:
    found: dict[tuple[str, str], Signed] = {}
    for each in signed:
        if each is not None:
            found.setdefault((each.account, each.role), each)
    return tuple(found.values())
