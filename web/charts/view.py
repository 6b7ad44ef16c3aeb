"""What a chart shows beside its statistics: names, dates, unit, target, marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from capacity.spc import Better, Chart


class Step(StrEnum):
    """What one point stands for; a point's day is the first of it."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened at a point and is written into the chart: where, and what.

    `rebase`: the lines begin anew there, which must be so in the chart itself.
    """

    index: int
    text: str
    rebase: bool = False


@dataclass(frozen=True, slots=True)
class ChartView:
    """One chart to be shown. Texts are in the reader's language already.

    `id` is unique on the page. `days` has the day on which each point's period begins. `unit` is
    shown behind figures ("%", "min"), `decimals` is how many of them are shown. `drafts` are the
    points whose figures nobody has approved yet; `remarks` are what the table says of a point
    besides. `notes` are sentences that belong to the figure,
    such as what is counted and from where; they stand under it.
    """

    id: str
    title: str
    chart: Chart
    days: Sequence[date]
    step: Step
    unit: str = ""
    decimals: int = 1
    better: Better = Better.NEITHER
    target: float | None = None
    changes: Sequence[Change] = ()
    drafts: frozenset[int] = frozenset()
    remarks: Mapping[int, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        """A chart with a day missing would put every later figure on the wrong day."""
        if len(self.days) != len(self.chart.points):
            raise ValueError("a chart needs one day for each point")

    @property
    def line_decimals(self) -> int:
        """Decimals of means and limits, which are hardly ever whole where the values are."""
        return max(1, self.decimals)
