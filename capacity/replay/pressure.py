"""The surge level, and the use of agreements, at any moment of a stretch of the past. Pure.

Both are made from entries of the journal; what they are is in docs/history.md.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from operator import itemgetter
from typing import Any, Final

from capacity.holds import LIVE, HoldState
from capacity.instants import parse_instant

Told = tuple[datetime, str, Mapping[str, Any]]
"""An entry of the journal: when, its kind, its data."""

COUNTED: Final = frozenset({*LIVE, HoldState.FILLED.value})
"""States of a hold that uses a place of an agreement's quota."""


@dataclass(frozen=True, slots=True)
class Level:
    """A surge level as it counted: `by_hand` where a person had set it, until `until`."""

    level: int
    since: datetime
    by_hand: bool = False
    until: datetime | None = None


class PastSurge:
    """Surge levels from entries of the kinds ``surge`` and ``surge_override``, oldest first.

    The entries must begin with the last of each kind before the stretch that is asked for.
    """

    def __init__(self, entries: Iterable[Told]) -> None:
        told = list(entries)
        self._computed = [(at, data["level"]) for at, kind, data in told if kind == "surge"]
        self._overrides = [(at, data) for at, kind, data in told if kind == "surge_override"]

    def at(self, instant: datetime) -> Level | None:
        """The level that counted at `instant`; ``None`` where none is known."""
        return self._by_hand(instant) or self._by_rule(instant)

    def level(self, instant: datetime) -> int | None:
        """Its number alone."""
        found = self.at(instant)
        return None if found is None else found.level

    def _by_rule(self, instant: datetime) -> Level | None:
        place = bisect_right(self._computed, instant, key=itemgetter(0))
        if not place:
            return None
        since, level = self._computed[place - 1]
        return Level(level, since)

    def _by_hand(self, instant: datetime) -> Level | None:
        """The last override, unless it was lifted, replaced by none, or over by then."""
        place = bisect_right(self._overrides, instant, key=itemgetter(0))
        if not place:
            return None
        since, told = self._overrides[place - 1]
        until = parse_instant(told["override"]["until"])
        if told["event"] != "set" or until <= instant:
            return None
        return Level(told["override"]["level"], since, by_hand=True, until=until)


class PastUse:
    """How many places were used under agreements, from entries of the kind ``hold``, oldest first.

    A quota counts the holds of its own day, week or month, so entries from the beginning of the
    earliest period that is asked for are enough.
    """

    def __init__(self, entries: Iterable[tuple[datetime, Mapping[str, Any]]]) -> None:
        moves: dict[str, list[tuple[datetime, int]]] = {}
        counted: dict[str, bool] = {}
        for at, hold in entries:
            quota = hold.get("quota")
            if not quota:
                continue
            before, after = counted.get(hold["id"], False), hold["state"] in COUNTED
            counted[hold["id"]] = after
            if before is not after:
                moves.setdefault(quota, []).append((at, 1 if after else -1))
        self._counts = {
            quota: ([at for at, _ in found], list(accumulate(by for _, by in found)))
            for quota, found in moves.items()
        }

    def at(self, instant: datetime) -> dict[str, int]:
        """The counts at `instant`, by `Allowed.usage_key`; what is not used is left out."""
        found: dict[str, int] = {}
        for quota, (moments, counts) in self._counts.items():
            place = bisect_right(moments, instant)
            if place and counts[place - 1] > 0:
                found[quota] = counts[place - 1]
        return found
