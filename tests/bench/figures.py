"""The arithmetic: what a measurement hands in, and medians, quantiles and ratios of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Better = Literal["less", "more"]


class CannotRunError(Exception):
    """This measurement cannot be made here; the text says why. It is reported, never skipped."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the extremes it was taken from."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured in several runs, the product beside a baseline.

    `product[i]` and `baseline[i]` were measured one right after the other, so their ratio is
    taken pair by pair. `against` says in a few words what the baseline is.
    """

    what: str
    unit: str
    better: Better
    product: tuple[float, ...]
    baseline: tuple[float, ...]
    against: str

    def __post_init__(self) -> None:
        if not self.product or len(self.product) != len(self.baseline):
            raise ValueError(f"{self.what}: every run needs the product's value and the baseline's")

    @property
    def ratio(self) -> Spread:
        """Product over baseline. Against `better="less"`, below 1 is better than the baseline."""
        pairs = zip(self.product, self.baseline, strict=True)
        return Spread.of([ours / theirs if theirs else math.inf for ours, theirs in pairs])

    def as_json(self) -> dict[str, object]:
        """All values and the spreads of them."""
        ratio = self.ratio
        return {
            "what": self.what,
            "unit": self.unit,
            "better": self.better,
            "against": self.against,
            "product": list(self.product),
            "baseline": list(self.baseline),
            "ratio": {
                name: value if math.isfinite(value) else None
                for name, value in (
                    ("median", ratio.median),
                    ("low", ratio.low),
                    ("high", ratio.high),
                )
            },
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """A comparison that could not be made here, and why; it stands in the table."""

    what: str
    why: str

    def as_json(self) -> dict[str, object]:
        """As the results keep it."""
        return {"what": self.what, "not_measured": self.why}


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
