"""What may be concluded from a chart: is a target met, is a signal good, did a start change it."""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

from capacity.spc.charts import run_chart
from capacity.spc.limits import mean, mean_moving_range
from capacity.spc.rules import SHIFT_POINTS
from capacity.spc.values import FEW, Chart, Side, Signal, Values, checked

RANGE_OF_SIGMA: Final = 1.128
"""The mean range of two values, in sigmas."""


class Better(StrEnum):
    """Which way an indicator should go."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Meaning(StrEnum):
    """What a special cause says."""

    IMPROVEMENT = "improvement"
    CONCERN = "concern"
    HIGH = "high"
    """No direction is better, and it is above or rising."""
    LOW = "low"


class Assurance(StrEnum):
    """Whether a target will be met as long as nothing changes."""

    PASS = "pass"  # noqa: S105 - an answer, not a secret
    FAIL = "fail"
    HIT_OR_MISS = "hit_or_miss"


def meaning(signal: Signal, better: Better) -> Meaning:
    """Whether a signal is good news."""
    above = signal.side is Side.ABOVE
    if better is Better.NEITHER:
        return Meaning.HIGH if above else Meaning.LOW
    return Meaning.IMPROVEMENT if above is (better is Better.HIGHER) else Meaning.CONCERN


def assurance(chart: Chart, target: float | None, better: Better) -> Assurance | None:
    """Where a target lies against the limits of the last point; ``None``: nothing can be said.

    Strictly beyond both limits it is always met or always missed; on a limit or between them it
    is met or missed by chance.
    """
    last = chart.last
    if target is None or better is Better.NEITHER or last is None:
        return None
    if last.lower is None or last.upper is None:
        return None
    if last.lower <= target <= last.upper:
        return Assurance.HIT_OR_MISS
    above = target > last.upper
    return Assurance.FAIL if above is (better is Better.HIGHER) else Assurance.PASS


class Verdict(StrEnum):
    """What a comparison of before and after comes to; the first four refuse to conclude."""

    TOO_FEW_BEFORE = "too_few_before"
    """Fewer than `FEW` known points before."""
    TOO_FEW_AFTER = "too_few_after"
    """Fewer points after than a shift needs."""
    NO_VARIATION = "no_variation"
    """Nothing varied before, so nothing says how much is usual."""
    UNSTABLE_BEFORE = "unstable_before"
    """It was on the move already; what would have come without the start is not known."""
    CHANGED = "changed"
    NOT_SEEN = "not_seen"
    """A difference no larger than chance gives; a smaller true one is not ruled out."""

    @property
    def concludes(self) -> bool:
        """Whether it is an answer and not a refusal."""
        return self in (Verdict.CHANGED, Verdict.NOT_SEEN)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods side by side.

    `least` is the smallest difference of the two means that would be more than chance, given
    their lengths; ``None`` where no variation is known.
    """

    verdict: Verdict
    n_before: int
    n_after: int
    before: float | None
    after: float | None
    least: float | None

    @property
    def difference(self) -> float | None:
        """After minus before."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


def compare(values: Values, start: int) -> Comparison:
    """Whether the mean from point `start` on differs from that before it by more than chance.

    Three standard errors of the difference, with the variation of the time before (mean moving
    range, odd ranges left out). Neighbours are taken to vary independently: figures of one day
    and the next that hang together show differences too easily; compare weeks or months then.
    """
    checked(values)
    first, second = values[:start], values[start:]
    before = [value for value in first if value is not None]
    after = [value for value in second if value is not None]
    average = mean_moving_range(first, screen=True)
    least = None
    if average and after:
        least = 3 * average / RANGE_OF_SIGMA * sqrt(1 / len(before) + 1 / len(after))
    means = mean(before), mean(after)
    verdict = _refusal(first, len(before), len(after), least)
    if verdict is None:
        assert means[0] is not None
        assert means[1] is not None
        assert least is not None
        changed = abs(means[1] - means[0]) > least
        verdict = Verdict.CHANGED if changed else Verdict.NOT_SEEN
    return Comparison(verdict, len(before), len(after), *means, least)


def _refusal(first: Values, before: int, after: int, least: float | None) -> Verdict | None:
    if before < FEW:
        return Verdict.TOO_FEW_BEFORE
    if after < SHIFT_POINTS:
        return Verdict.TOO_FEW_AFTER
    if least is None:
        return Verdict.NO_VARIATION
    (whole,) = run_chart(first).segments
    if whole.runs is not None and whole.runs.signal:
        return Verdict.UNSTABLE_BEFORE
    return None
