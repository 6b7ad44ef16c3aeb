"""Charts of things counted: shares (p), rates (u) and plain counts (c).

Their limits follow from chance alone, three sigma about the mean of all counts, and are clipped to
what is possible: never below 0, for shares never above 1. A point left out of the limits is still
held against them; it is left out of the runs. Points beyond a limit are flagged, and runs are
judged as a whole. A period with nothing to count in (size 0) has no value.
"""

from collections.abc import Collection, Sequence
from math import fsum, sqrt

from capacity.spc.runs import runs_about
from capacity.spc.values import (
    Chart,
    ChartKind,
    Fixed,
    Plotted,
    Rule,
    Segment,
    Signal,
    Values,
    checked,
    fixed_of,
    side_of,
    spans,
)

SIGMAS = 3


def p_chart(
    counts: Values,
    sizes: Values,
    *,
    rebase: Sequence[int] = (),
    fixed: Fixed = None,
    leave_out: Collection[int] = (),
) -> Chart:
    """Of `sizes` cases so many `counts`; raises `ValueError` for more counted than there were.

    Where shares come from very many cases, chance explains too little and nearly every point
    falls outside: use `xmr` on the shares then.
    """
    for count, size in zip(counts, sizes, strict=True):
        if count is not None and size is not None and count > size:
            raise ValueError("more counted than there were")
    return _chart(ChartKind.P, counts, sizes, rebase, fixed, leave_out)


def u_chart(
    counts: Values,
    sizes: Values,
    *,
    rebase: Sequence[int] = (),
    fixed: Fixed = None,
    leave_out: Collection[int] = (),
) -> Chart:
    """So many `counts` in so much (`sizes`: citizens, bed days, hours)."""
    return _chart(ChartKind.U, counts, sizes, rebase, fixed, leave_out)


def c_chart(
    counts: Values,
    *,
    rebase: Sequence[int] = (),
    fixed: Fixed = None,
    leave_out: Collection[int] = (),
) -> Chart:
    """So many `counts` in periods of the same size."""
    return _chart(ChartKind.C, counts, [1] * len(counts), rebase, fixed, leave_out)


def _chart(
    kind: ChartKind,
    counts: Values,
    sizes: Values,
    rebase: Sequence[int],
    fixed: Fixed,
    leave_out: Collection[int],
) -> Chart:
    if len(sizes) != len(counts):
        raise ValueError("there must be one size for each count")
    if any(each is not None and each < 0 for each in (*checked(counts), *checked(sizes))):
        raise ValueError("counts and sizes cannot be negative")
    points: list[Plotted] = []
    segments = []
    for start, stop in spans(len(counts), rebase):
        part = [_pair(counts[index], sizes[index]) for index in range(start, stop)]
        kept = fixed_of(fixed, start)
        end = stop if kept is None else min(stop, start + max(1, kept))
        used = [
            pair
            for index, pair in enumerate(part[: end - start], start=start)
            if pair is not None and index not in leave_out
        ]
        size = fsum(of for _, of in used)
        centre = fsum(count for count, _ in used) / size if size else None
        plotted = [
            _plotted(kind, pair, centre, left_out=index in leave_out)
            for index, pair in enumerate(part, start=start)
        ]
        judged = [point.value for point in plotted if not point.left_out]
        points += plotted
        segments.append(Segment(start, stop, len(used), centre, runs_about(judged, centre)))
    return Chart(kind, tuple(points), tuple(segments))


def _pair(count: float | None, size: float | None) -> tuple[float, float] | None:
    return None if count is None or not size else (count, size)


def _plotted(
    kind: ChartKind, pair: tuple[float, float] | None, centre: float | None, *, left_out: bool
) -> Plotted:
    if pair is None or centre is None:
        return Plotted(pair and pair[0] / pair[1], centre, left_out=left_out)
    count, size = pair
    value = count / size
    spread = centre * (1 - centre) if kind is ChartKind.P else centre
    reach = SIGMAS * sqrt(max(0.0, spread) / size)
    lower, upper = max(0.0, centre - reach), centre + reach
    if kind is ChartKind.P:
        upper = min(1.0, upper)
    side = side_of(value, centre)
    outside = side is not None and not lower <= value <= upper
    signals = (Signal(Rule.OUTSIDE, side),) if outside and side is not None else ()
    return Plotted(value, centre, lower, upper, signals, left_out)
