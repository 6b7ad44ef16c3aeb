"""Run charts and XmR charts, and which of the two the points can carry."""

from collections.abc import Sequence
from statistics import median

from capacity.spc.limits import Limits, limits_of
from capacity.spc.rules import signals_of
from capacity.spc.runs import runs_about
from capacity.spc.values import (
    FEW,
    Chart,
    ChartKind,
    Fixed,
    Plotted,
    Segment,
    Values,
    baseline,
    checked,
    fixed_of,
    spans,
)


def control_chart(
    values: Values, *, rebase: Sequence[int] = (), fixed: Fixed = None, screen: bool = True
) -> Chart:
    """An XmR chart where the points can carry one, else a run chart.

    They cannot where fewer than `FEW` are known, or where a segment has no limits because nothing
    ever varied in it.
    """
    known = sum(value is not None for value in values)
    chart = xmr(values, rebase=rebase, fixed=fixed, screen=screen)
    if known >= FEW and all(chart.points[each.start].upper is not None for each in chart.segments):
        return chart
    return run_chart(values, rebase=rebase, fixed=fixed)


def xmr(
    values: Values, *, rebase: Sequence[int] = (), fixed: Fixed = None, screen: bool = True
) -> Chart:
    """Single values with limits from the mean moving range, whatever their number.

    `rebase` are the points that begin a new segment: limits are made anew, and no run goes on.
    With `fixed` the first points of each segment make its limits and those after are held against
    them. `screen` leaves odd moving ranges out of the limits.
    """
    points: list[Plotted] = []
    segments = []
    for start, stop in spans(len(values), rebase):
        part = checked(values[start:stop])
        base = baseline(part, fixed_of(fixed, start))
        lines = limits_of(base, screen=screen)
        points += _plotted(part, lines)
        segments.append(Segment(start, stop, _known(base), lines.centre))
    return Chart(ChartKind.XMR, tuple(points), tuple(segments))


def run_chart(values: Values, *, rebase: Sequence[int] = (), fixed: Fixed = None) -> Chart:
    """The median and the runs about it; its signal is one of the whole segment (`Runs.signal`)."""
    points: list[Plotted] = []
    segments = []
    for start, stop in spans(len(values), rebase):
        part = checked(values[start:stop])
        known = [value for value in baseline(part, fixed_of(fixed, start)) if value is not None]
        centre = median(known) if known else None
        points += [Plotted(value, centre) for value in part]
        segments.append(Segment(start, stop, len(known), centre, runs_about(part, centre)))
    return Chart(ChartKind.RUN, tuple(points), tuple(segments))


def _plotted(values: Values, lines: Limits) -> list[Plotted]:
    return [
        Plotted(value, lines.centre, lines.lower, lines.upper, signals)
        for value, signals in zip(values, signals_of(values, lines), strict=True)
    ]


def _known(values: Values) -> int:
    return sum(value is not None for value in values)
