"""Runs about a centre line, judged as a whole (Anhøj's rules), and single runs in order."""

from collections.abc import Sequence
from itertools import groupby, pairwise
from math import comb, log2

from capacity.spc.values import Runs, Side, Values, side_of


def runs_about(values: Values, centre: float | None) -> Runs | None:
    """How the values lie about `centre`; ``None`` when there is no centre."""
    if centre is None:
        return None
    found = (side_of(value, centre) for value in values)
    sides = [side for side in found if side is not None]
    if not sides:
        return Runs(0, 0, 0, 0, 0)
    return Runs(
        useful=len(sides),
        longest=max(len(list(group)) for _, group in groupby(sides)),
        longest_expected=round(log2(len(sides))) + 3,
        crossings=sum(before is not after for before, after in pairwise(sides)),
        fewest_crossings=_twentieth(len(sides) - 1),
    )


def _twentieth(tosses: int) -> int:
    """The 5 % quantile of heads in tosses of a fair coin, in whole numbers: the smallest count
    that at most so many heads have a chance of at least one in twenty for.
    """
    total = 0
    for heads in range(tosses + 1):
        total += comb(tosses, heads)
        if 20 * total >= 2**tosses:
            return heads
    return tosses


def long_runs(sides: Sequence[Side | None], length: int) -> list[Side | None]:
    """Of each place the side, if it is one of at least `length` successive ones on one side."""
    found: list[Side | None] = []
    for side, group in groupby(sides):
        size = len(list(group))
        found += [side if size >= length else None] * size
    return found
