"""Visitors of a generous limit who come again and again: places counted before they come.

A feed that pushes every second would wait at each push until the store has said that it may. So
for whoever has come lately half as many places again are counted beforehand, and given out without
asking; when few are left, more are counted meanwhile. The store counts every place, so no more
visits are made than it allowed; but they are made later than they were counted, which can put a
minute over its limit by as many places as wait in the processes. What is not used within ten
seconds of the last count is lost to the visitor.

Pure: the time is handed in, in seconds that only go on.
"""

from dataclasses import dataclass

from capacity.board.crowd import Limit

LEAST = 600
"""Limits a minute below which every visit is asked about by itself."""
PERIOD = 10
"""Seconds in which visits are counted, to see how many are to be expected."""
GOOD_FOR = 10.0
"""Seconds after the last count for which places may be used."""


@dataclass(slots=True)
class _Regular:
    period: int
    came: int = 0
    before: int = 0
    """Visits in this period of the clock, and in the one before it."""
    places: int = 0
    until: float = 0.0


class Advance:
    """The regular visitors of this process and the places that wait for them."""

    def __init__(self) -> None:
        self._regulars: dict[Limit, _Regular] = {}
        self._period = 0

    def take(self, limit: Limit, now: float) -> bool:
        """Note a visit; tells whether a place waits for it, which is then used."""
        if limit.per_minute < LEAST:
            return False
        regular = self._seen(limit, int(now // PERIOD))
        regular.came += 1
        if not regular.places or now > regular.until:
            regular.places = 0
            return False
        regular.places -= 1
        return True

    def wanted(self, limit: Limit) -> int:
        """How many places to count beforehand, beside those for whoever is there."""
        regular = self._regulars.get(limit)
        return 0 if regular is None else max(0, _most(limit, regular) - regular.places)

    def runs_low(self, limit: Limit) -> bool:
        """Whether it is time to count more: no more than a fifth of what may wait is left."""
        regular = self._regulars.get(limit)
        return regular is not None and regular.places <= _most(limit, regular) // 5

    def put(self, limit: Limit, places: int, now: float) -> None:
        """Places that were counted beforehand."""
        regular = self._regulars.get(limit)
        if regular is not None:
            left = regular.places if now <= regular.until else 0
            regular.places, regular.until = left + places, now + GOOD_FOR

    def _seen(self, limit: Limit, period: int) -> _Regular:
        if period != self._period:
            self._forget(period)
        regular = self._regulars.get(limit)
        if regular is None:
            regular = self._regulars[limit] = _Regular(period)
        elif regular.period != period:
            regular.before = regular.came if regular.period == period - 1 else 0
            regular.period, regular.came = period, 0
        return regular

    def _forget(self, period: int) -> None:
        """Let go of those who stayed away for a period, so that nobody is kept for ever."""
        self._period = period
        self._regulars = {
            limit: regular
            for limit, regular in self._regulars.items()
            if regular.period >= period - 1
        }


def _most(limit: Limit, regular: _Regular) -> int:
    """How many places may wait: half of the visits to be expected, never more than half of what
    the limit allows in a second."""
    expected = max(regular.came, regular.before)
    return (min(expected, limit.per_minute // 60) + 1) // 2
