"""Visitors of a generous limit who come again and again: places counted before they come.

A feed that pushes twenty times a second would ask the store twenty times whether it may. Whoever
came several times within the last second is counted half as often again at once, beforehand, and
those places are then given out without asking. What was counted and not used within a second is
lost to the visitor: the limit is never exceeded by it, for the store counted every place.

Pure: the time is handed in, in seconds that only go on.
"""

from dataclasses import dataclass

from capacity.board.crowd import Limit

LEAST = 600
"""Limits a minute below which every visit is asked about by itself."""
GOOD_FOR = 1.0
"""Seconds for which a place that was counted beforehand may be used."""


@dataclass(slots=True)
class _Regular:
    second: int
    came: int = 0
    before: int = 0
    """Visits in this second of the clock, and in the one before it."""
    places: int = 0
    until: float = 0.0


class Advance:
    """The regular visitors of this process and the places that wait for them."""

    def __init__(self) -> None:
        self._regulars: dict[Limit, _Regular] = {}
        self._second = 0

    def take(self, limit: Limit, now: float) -> bool:
        """Note a visit; tells whether a place waits for it, which is then used."""
        if limit.per_minute < LEAST:
            return False
        regular = self._seen(limit, int(now))
        regular.came += 1
        if not regular.places or now > regular.until:
            regular.places = 0
            return False
        regular.places -= 1
        return True

    def wanted(self, limit: Limit) -> int:
        """How many places to count beforehand, beside those for whoever is there.

        Never more than half of what the limit allows in a second.
        """
        regular = self._regulars.get(limit)
        if regular is None:
            return 0
        return min(regular.before, limit.per_minute // 60) // 2

    def put(self, limit: Limit, places: int, now: float) -> None:
        """Places that were counted beforehand."""
        regular = self._regulars.get(limit)
        if regular is not None:
            regular.places, regular.until = places, now + GOOD_FOR

    def _seen(self, limit: Limit, second: int) -> _Regular:
        if second != self._second:
            self._forget(second)
        regular = self._regulars.get(limit)
        if regular is None:
            regular = self._regulars[limit] = _Regular(second)
        elif regular.second != second:
            regular.before = regular.came if regular.second == second - 1 else 0
            regular.second, regular.came = second, 0
        return regular

    def _forget(self, second: int) -> None:
        """Let go of those who did not come in the last second, so that nobody is kept for ever."""
        self._second = second
        self._regulars = {
            limit: regular
            for limit, regular in self._regulars.items()
            if regular.second >= second - 1
        }
