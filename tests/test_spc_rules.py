"""The statistics against their definitions, read word by word in exact fractions."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capacity.spc import (
    Better,
    ChartKind,
    Meaning,
    Rule,
    Side,
    Signal,
    Verdict,
    assurance,
    c_chart,
    compare,
    control_chart,
    meaning,
    p_chart,
    run_chart,
    u_chart,
    xmr,
)

Whole = list[int | None]

# Eighths are exact in binary, so a value that equals the mean in fractions equals it in floats.
eighths = st.integers(-40, 40)
series = st.lists(st.one_of(eighths, eighths, eighths, st.none()), max_size=40)
alternating = [10.0, 12.0] * 8


def rules_by_definition(numbers: Whole, *, screen: bool) -> list[set[tuple[Rule, int]]]:
    """Which rules each value breaks, by the words of the definitions; numbers in eighths."""
    values = [None if n is None else Fraction(n, 8) for n in numbers]
    known = [value for value in values if value is not None]
    found: list[set[tuple[Rule, int]]] = [set() for _ in values]
    if not known:
        return found
    mean = sum(known, Fraction(0)) / len(known)
    reach = reach_by_definition(values, screen=screen)
    away = [None if value is None else value - mean for value in values]

    def beyond(index: int, part: Fraction) -> bool:
        at = away[index]
        # Floats cannot tell a value exactly on such a line from one beyond it.
        assume(at is None or reach is None or abs(at) != reach * part)
        return bool(reach) and at is not None and reach is not None and abs(at) > reach * part

    def all_on(side: int, window: Sequence[int]) -> bool:
        return all((at := away[index]) is not None and at * side > 0 for index in window)

    for start in range(len(values)):
        for side in (-1, 1):
            if all_on(side, [start]) and beyond(start, Fraction(1)):
                found[start].add((Rule.OUTSIDE, side))
            seven = range(start, start + 7)
            if seven.stop <= len(values) and all_on(side, seven):
                for index in seven:
                    found[index].add((Rule.SHIFT, side))
            three = range(start, start + 3)
            near = [
                index
                for index in three
                if index < len(values)
                and beyond(index, Fraction(2, 3))
                and not beyond(index, Fraction(1))
            ]
            if three.stop <= len(values) and all_on(side, three) and len(near) >= 2:
                for index in near:
                    found[index].add((Rule.TWO_OF_THREE, side))
    for start in range(len(values) - 6):
        seven_values = values[start : start + 7]
        if None in seven_values:
            continue
        steps = {(b > a) - (b < a) for a, b in pairwise(v for v in seven_values if v is not None)}
        if steps in ({1}, {-1}):
            (direction,) = steps
            for index in range(start, start + 7):
                found[index] = {each for each in found[index] if each[0] is not Rule.TREND}
                found[index].add((Rule.TREND, direction))
    return found


def reach_by_definition(values: list[Fraction | None], *, screen: bool) -> Fraction | None:
    ranges = [abs(b - a) for a, b in pairwise(values) if a is not None and b is not None]
    if not ranges or not sum(ranges):
        return None
    average = sum(ranges, Fraction(0)) / len(ranges)
    if screen:
        assume(average * Fraction("3.267") not in ranges)
        ranges = [each for each in ranges if each < average * Fraction("3.267")]
        average = sum(ranges, Fraction(0)) / len(ranges) if ranges else Fraction(0)
    return average * Fraction("2.66") or None


@settings(deadline=None)
@given(series, st.booleans())
def test_every_rule_is_as_its_words_say(numbers: Whole, screen: bool) -> None:
    values = [None if n is None else n / 8 for n in numbers]
    chart = xmr(values, screen=screen)
    found = [{(each.rule, int(each.side)) for each in point.signals} for point in chart.points]
    assert found == rules_by_definition(numbers, screen=screen)
    for point in chart.points:
        order = [list(Rule).index(each.rule) for each in point.signals]
        assert order == sorted(order)


@settings(deadline=None)
@given(series, st.integers(-5, 5), st.sampled_from([1, 2, 4]))
def test_another_unit_or_zero_gives_the_same_signals(numbers: Whole, add: int, times: int) -> None:
    rules_by_definition(numbers, screen=True)
    before = xmr([None if n is None else n / 8 for n in numbers])
    after = xmr([None if n is None else n * times + add for n in numbers])
    assert [p.signals for p in before.points] == [p.signals for p in after.points]


@settings(deadline=None)
@given(series)
def test_upside_down_and_backwards(numbers: Whole) -> None:
    values = [None if n is None else n / 8 for n in numbers]
    chart = xmr(values)
    turned = xmr([None if v is None else -v for v in values])
    flipped = [tuple(Signal(s.rule, Side(-s.side)) for s in p.signals) for p in turned.points]
    assert [p.signals for p in chart.points] == flipped
    backwards = xmr(values[::-1]).points[::-1]
    for there, back in zip(chart.points, backwards, strict=True):
        assert {s.rule for s in there.signals} == {s.rule for s in back.signals}


@settings(deadline=None)
@given(series, series)
def test_segments_know_nothing_of_each_other(first: Whole, second: Whole) -> None:
    if not first or not second:
        return
    both = xmr([*first, *second], rebase=[len(first)])
    assert both.points == xmr(first).points + xmr(second).points


@settings(deadline=None)
@given(series, st.integers(1, 12))
def test_a_fixed_baseline_is_the_only_thing_limits_rest_on(numbers: Whole, fixed: int) -> None:
    chart = xmr(numbers, fixed=fixed)
    alone = xmr(numbers[:fixed])
    if numbers:
        assert chart.points[-1].upper == alone.points[-1].upper
        assert chart.segments[0].n == alone.segments[0].n


def test_a_shared_peak_has_the_direction_of_what_follows() -> None:
    up_and_down = xmr([1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1])
    trends = [next(s.side for s in p.signals if s.rule is Rule.TREND) for p in up_and_down.points]
    assert trends == [Side.ABOVE] * 6 + [Side.BELOW] * 7


def test_what_never_varied_has_no_limits_and_becomes_a_run_chart() -> None:
    for values in ([3.0] * 20, [1.0] * 10 + [9.0] + [1.0] * 10):
        assert xmr(values).points[0].upper is None
        chart = control_chart(values)
        assert chart.kind is ChartKind.RUN
        assert not any(segment.runs and segment.runs.signal for segment in chart.segments)
    unscreened = xmr([1.0] * 10 + [9.0] + [1.0] * 10, screen=False)
    assert [bool(p.signal) and p.value == 9 for p in unscreened.points].count(True) == 1


@pytest.mark.parametrize(("n", "kind"), [(12, ChartKind.RUN), (13, ChartKind.XMR)])
def test_thirteen_known_points_carry_limits(n: int, kind: ChartKind) -> None:
    values = [None, *alternating[:n], None]
    assert control_chart(values).kind is kind
    assert xmr(values).provisional is (n < 13)


def test_nothing_is_a_chart_without_points() -> None:
    for chart in (control_chart([]), xmr([]), run_chart([]), c_chart([])):
        assert chart.points == ()
        assert chart.last is None
        assert chart.segments[0].centre is None
    only_gaps = control_chart([None, None])
    assert [point.signals for point in only_gaps.points] == [(), ()]


@pytest.mark.parametrize("values", [[1.0, float("nan")], [float("inf")]])
def test_what_is_no_number_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        xmr(values)
    with pytest.raises(ValueError, match="finite"):
        run_chart(values)


@pytest.mark.parametrize("rebase", [(3, 2), (2, 2), (5,), (-1,)])
def test_segments_begin_within_the_series_and_in_order(rebase: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="segments"):
        xmr([1, 2, 3, 4, 5], rebase=rebase)


def test_a_baseline_needs_a_point() -> None:
    with pytest.raises(ValueError, match="baseline"):
        xmr([1, 2], fixed=0)


counted = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda p: (min(p), max(p)))


@settings(deadline=None)
@given(st.lists(st.one_of(counted, st.none()), min_size=1, max_size=30))
def test_shares_and_rates_stay_possible(pairs: list[tuple[int, int] | None]) -> None:
    counts = [None if pair is None else pair[0] for pair in pairs]
    sizes = [None if pair is None else pair[1] for pair in pairs]
    shares, rates = p_chart(counts, sizes), u_chart(counts, sizes)
    for pair, share, rate in zip(pairs, shares.points, rates.points, strict=True):
        assert (share.value is None) is (pair is None or pair[1] == 0)
        assert share.value == rate.value
        if share.lower is not None and share.upper is not None and share.centre is not None:
            assert 0 <= share.lower <= share.centre <= share.upper <= 1
            assert rate.lower is not None
            assert rate.lower >= 0


def test_more_cases_than_there_were_are_refused() -> None:
    with pytest.raises(ValueError, match="more counted"):
        p_chart([3], [2])
    with pytest.raises(ValueError, match="one size"):
        u_chart([3], [])
    with pytest.raises(ValueError, match="negative"):
        c_chart([-1])


def test_a_signal_is_good_or_bad_by_what_is_better() -> None:
    up, down = Signal(Rule.SHIFT, Side.ABOVE), Signal(Rule.SHIFT, Side.BELOW)
    assert meaning(up, Better.HIGHER) is meaning(down, Better.LOWER) is Meaning.IMPROVEMENT
    assert meaning(up, Better.LOWER) is meaning(down, Better.HIGHER) is Meaning.CONCERN
    assert (meaning(up, Better.NEITHER), meaning(down, Better.NEITHER)) == ("high", "low")


def test_no_assurance_without_limits() -> None:
    assert assurance(run_chart(alternating), 11, Better.HIGHER) is None
    assert assurance(xmr([]), 11, Better.HIGHER) is None


def test_a_lasting_change_is_seen_and_chance_is_not() -> None:
    lower = [value - 6 for value in alternating]
    changed = compare([*alternating, *lower], 16)
    assert changed.verdict is Verdict.CHANGED
    assert changed.difference == -6
    same = compare([*alternating, *alternating], 16)
    assert same.verdict is Verdict.NOT_SEEN
    assert same.verdict.concludes
    assert same.least == pytest.approx(3 * 2 / 1.128 * (2 / 16) ** 0.5)


@pytest.mark.parametrize(
    ("values", "start", "verdict"),
    [
        ([*alternating[:12], *alternating], 12, Verdict.TOO_FEW_BEFORE),
        ([*alternating, *alternating[:6]], 16, Verdict.TOO_FEW_AFTER),
        ([*alternating, *[None] * 9], 16, Verdict.TOO_FEW_AFTER),
        ([5.0] * 16 + alternating, 16, Verdict.NO_VARIATION),
        ([*range(16), *alternating], 16, Verdict.UNSTABLE_BEFORE),
        ([], 0, Verdict.TOO_FEW_BEFORE),
    ],
)
def test_a_comparison_that_the_points_cannot_carry_is_refused(
    values: list[float | None], start: int, verdict: Verdict
) -> None:
    compared = compare(values, start)
    assert compared.verdict is verdict
    assert not compared.verdict.concludes


def years(seed: int, effect: float) -> list[float | None]:
    """A year of weeks without any trend, of which the second half differs by so many sigmas."""
    random = Random(seed)
    return [random.gauss(50 + 4 * effect * (week >= 26), 4) for week in range(52)]


def test_a_seeded_effect_is_found_and_an_absent_one_is_not() -> None:
    absent = [compare(years(seed, 0), 26).verdict for seed in range(300)]
    assert absent.count(Verdict.CHANGED) <= 6
    assert absent.count(Verdict.NOT_SEEN) > 250
    for effect in (1.5, -1.5):
        seeded = [compare(years(seed, effect), 26) for seed in range(300)]
        found = [each for each in seeded if each.verdict.concludes]
        assert len(found) > 260
        seen = [each for each in found if each.verdict is Verdict.CHANGED]
        assert len(seen) >= 0.97 * len(found)
        assert all((each.difference or 0) * effect > 0 for each in seen)
