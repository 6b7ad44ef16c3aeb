"""Whether a series stayed where it was, judged once and as a whole."""

from math import sqrt
from typing import Final

from capacity.spc.charts import control_chart, run_chart
from capacity.spc.conclusions import RANGE_OF_SIGMA
from capacity.spc.limits import mean, mean_moving_range
from capacity.spc.rules import SHIFT_POINTS
from capacity.spc.values import Rule, Values

ONE_OUTSIDE_IN: Final = 30
"""A point beyond the limits among so many is what chance gives a stable process now and then."""


def unrest(values: Values) -> int:
    """Signs that a series did not stay where it was, more than chance gives it; 0 for none.

    The rules of charts look at each point as it comes, and over many points one of them speaks by
    chance: among a month's days of a stable process in every fourth series. Here it is the runs
    (Anhøj), the two halves, and points beyond the limits where there are more of them than one in
    `ONE_OUTSIDE_IN`. Of two stable months of days one pair in ten shows signs so; a step of two
    standard deviations in the middle is nearly always seen, a drift as large in every second.
    """
    known = sum(value is not None for value in values)
    if known < SHIFT_POINTS:
        return 0
    outside = sum(
        any(signal.rule is Rule.OUTSIDE for signal in point.signals)
        for point in control_chart(values).points
    )
    runs = sum(bool(each.runs and each.runs.signal) for each in run_chart(values).segments)
    return runs + _halves_differ(values) + max(0, outside - known // ONE_OUTSIDE_IN)


def _halves_differ(values: Values) -> bool:
    """Whether the means of the halves lie more than three standard errors apart."""
    found = [value for value in values if value is not None]
    half = len(found) // 2
    first, second = mean(found[:half]), mean(found[half:])
    average = mean_moving_range(values, screen=True)
    if not average or first is None or second is None:
        return False
    error = average / RANGE_OF_SIGMA * sqrt(1 / half + 1 / (len(found) - half))
    return abs(first - second) > 3 * error
