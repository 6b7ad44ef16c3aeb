"""Indicators by hour of the week, out of the rollups: when it is full, and when nobody can tell."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from capacity.history import Amount, History, Roller
from capacity.indicators.definitions import Definition, Definitions, Origin, Split
from capacity.indicators.figures import Figure, week_profile
from capacity.indicators.measures import Measure

USUAL: Final = 28
"""Days that are told of where nobody says how many: four of each day of the week."""
MOST: Final = 92
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_MONDAY: Final = date(2024, 1, 1)
"""Any Monday: sums of all Mondays are told as if they were of this one."""

Hour = tuple[int, int]
"""Day of the week (0 is Monday) and hour that clocks show."""
_Sums = dict[Hour, Counter[Measure]]


@dataclass(frozen=True, slots=True)
class Profile:
    """One indicator: a figure for each of the 168 hours of the week."""

    definition: Definition
    hours: Mapping[Hour, Figure]


@dataclass(frozen=True, slots=True)
class _Wanted:
    definition: Definition
    since: date

    def counts(self, day: date, kind: str) -> bool:
        """Whether an amount of a day and a kind of unit is part of it."""
        kinds = self.definition.kinds
        return day >= self.since and (not kinds or kind in kinds)


class ProfileDesk:
    """The profiles of one cluster. Raises `HistoryUnavailableError` while history is away."""

    def __init__(self, history: History, definitions: Definitions, cluster: str) -> None:
        self._roller = Roller(history)
        self._definitions = definitions
        self._cluster = cluster

    async def days(self, n: int) -> tuple[date, date] | None:
        """The last `n` days that there are figures of, first and last; ``None``: not one."""
        known = await self._roller.whole_days(self._cluster)
        return known and (max(known[0], known[1] - (n - 1) * _DAY), known[1])

    async def read(self, first: date, last: date, municipality: str | None) -> list[Profile]:
        """Every indicator that can be told by hour, over the days `first` to `last`.

        Of a municipality only those that can be told for one. History is read a week at a time.
        """
        wanted = list(self._wanted(last, municipality))
        measures = {measure for each in wanted for measure in each.definition.measures}
        sums: dict[str, _Sums] = {each.definition.id: defaultdict(Counter) for each in wanted}
        by = ("day", "hour", "kind", "municipality")
        since = first
        while since <= last:
            until = min(since + _WEEK - _DAY, last)
            found = await self._roller.amounts(self._cluster, measures, since, until, by)
            await asyncio.to_thread(_add, sums, wanted, found, municipality)
            since = until + _DAY
        return [
            Profile(each.definition, _profile(each.definition, sums[each.definition.id]))
            for each in wanted
        ]

    def _wanted(self, day: date, municipality: str | None) -> Iterable[_Wanted]:
        for key, each in self._definitions.on(day).items():
            splits = {Split.HOUR_OF_WEEK} | ({Split.MUNICIPALITY} if municipality else set())
            if each.origin is Origin.HISTORY and splits <= set(each.splits):
                dated = self._definitions.indicators[key].values
                yield _Wanted(each, max(begun for begun, _ in dated if begun <= day))


def _add(
    sums: Mapping[str, _Sums],
    wanted: Sequence[_Wanted],
    found: Iterable[Amount],
    municipality: str | None,
) -> None:
    of_measure: dict[Measure, list[_Wanted]] = defaultdict(list)
    for each in wanted:
        for measure in each.definition.measures:
            of_measure[measure].append(each)
    for amount in found:
        day, hour, kind, place = amount.by
        on = date.fromisoformat(str(day))
        if municipality in (None, place):
            for each in of_measure[amount.measure]:
                if each.counts(on, str(kind)):
                    hours = sums[each.definition.id][on.weekday(), int(hour)]
                    hours[amount.measure] += amount.amount


def _profile(definition: Definition, sums: _Sums) -> Mapping[Hour, Figure]:
    return week_profile(
        definition,
        (
            (_MONDAY + weekday * _DAY, hour, measure, amount)
            for (weekday, hour), amounts in sums.items()
            for measure, amount in amounts.items()
        ),
    )
