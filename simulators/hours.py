"""What depends on the hour of the day: rates, and how many are at work.

Simulated time is a number of minutes since a midnight; only the hour of the day matters, every
simulated day is the same ordinary weekday.
"""

from collections.abc import Sequence

HOUR = 60.0
DAY = 24 * HOUR


def hour_of(minute: float) -> int:
    """The hour of the day, 0 to 23."""
    return int(minute % DAY // HOUR)


class Rates:
    """A rate that changes each hour of the day: arrivals per hour, or a chance of leaving.

    One idea serves both. Events that come at such a rate are found by asking when the rate, added
    up over time, reaches a need drawn from an exponential distribution with mean 1.
    """

    def __init__(self, per_hour: Sequence[float]) -> None:
        """`per_hour` holds 24 numbers >= 0, of which one at least is more than 0."""
        if len(per_hour) != 24 or min(per_hour) < 0 or not sum(per_hour):
            raise ValueError("24 rates are needed, none negative, not all 0")
        self._per_hour = tuple(per_hour)
        self.per_day = sum(per_hour)

    @classmethod
    def spread(cls, per_day: float, weights: Sequence[float]) -> "Rates":
        """`per_day` events, spread over the hours by their weights."""
        return cls([per_day * weight / sum(weights) for weight in weights])

    def reached(self, start: float, need: float) -> float:
        """The minute, from `start` on, at which the rate has added up to `need`."""
        days, need = divmod(need, self.per_day)
        minute = start + days * DAY
        while True:
            boundary = (minute // HOUR + 1) * HOUR
            rate = self._per_hour[hour_of(minute)]
            within = rate * (boundary - minute) / HOUR
            if need < within:
                return minute + need / rate * HOUR
            need -= within
            minute = boundary
