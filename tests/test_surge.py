"""The surge level's rule: what it rests on, that it does not flap, and what it never does."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.surge import (
    Crossing,
    Fact,
    SurgeRule,
    SurgeState,
    Threshold,
    Values,
    crossings,
    may_fall_at,
    next_state,
    state_from_json,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = SurgeRule(
    levels=(
        {Fact.FREE: Threshold(30, 45), Fact.LOAD: Threshold(90, 85), Fact.WAITING: Threshold(5, 2)},
        {Fact.FREE: Threshold(15, 28), Fact.LOAD: Threshold(98, 93)},
        {Fact.LOAD: Threshold(105, 100)},
    ),
    fall_after=30 * MINUTE,
)


def values(free: int | None = 60, load: int | None = 70, waiting: int | None = 0) -> Values:
    return {Fact.FREE: free, Fact.LOAD: load, Fact.WAITING: waiting}


def levels(told: Sequence[Values], every: timedelta = 60 * MINUTE) -> list[int]:
    """The levels that follow from one figure after the other."""
    found: list[int] = []
    state = None
    for n, each in enumerate(told):
        state = next_state(each, RULE, state, NOW + n * every)
        found.append(state.level)
    return found


@pytest.mark.parametrize(
    ("figures", "level"),
    [
        (values(), 0),
        (values(free=31, load=89, waiting=4), 0),
        (values(free=30), 1),
        (values(load=90), 1),
        (values(waiting=5), 1),
        (values(free=15), 2),
        (values(free=0), 2),
        (values(load=98), 2),
        (values(load=105), 3),
        (values(load=140, free=100), 3),
    ],
)
def test_any_one_threshold_is_enough(figures: Values, level: int) -> None:
    assert next_state(figures, RULE, None, NOW).level == level


def test_it_is_left_only_at_the_lower_figure() -> None:
    told = [values(load=load) for load in (89, 90, 86, 89, 85, 89, 90)]

    assert levels(told) == [0, 1, 1, 1, 0, 0, 1]


def test_free_places_count_the_other_way() -> None:
    assert levels([values(free=n) for n in (31, 30, 44, 45, 31, 15, 27, 28, 45)]) == [
        0, 1, 1, 0, 0, 2, 2, 1, 0,
    ]  # fmt: skip


def test_a_level_rises_at_once_and_falls_only_after_its_time() -> None:
    state = next_state(values(), RULE, None, NOW)
    state = next_state(values(load=99), RULE, state, NOW + MINUTE)
    assert (state.level, state.since) == (2, NOW + MINUTE)

    early = next_state(values(), RULE, state, NOW + 30 * MINUTE)
    assert (early.level, early.wanted) == (2, 0)
    assert may_fall_at(early, RULE) == NOW + 31 * MINUTE
    later = next_state(values(), RULE, early, NOW + 31 * MINUTE)
    assert (later.level, later.since) == (0, NOW + 31 * MINUTE)
    assert may_fall_at(later, RULE) is None


def test_a_higher_level_starts_its_time_anew() -> None:
    state = next_state(values(load=91), RULE, None, NOW)
    state = next_state(values(load=99), RULE, state, NOW + 29 * MINUTE)

    state = next_state(values(), RULE, state, NOW + 31 * MINUTE)

    assert state.level == 2


def test_a_clock_that_goes_back_frees_nothing() -> None:
    state = next_state(values(load=99), RULE, None, NOW)

    assert next_state(values(), RULE, state, NOW - timedelta(days=1)).level == 2


def test_unknown_figures_leave_the_level_and_say_so() -> None:
    nothing = values(None, None, None)
    state = next_state(values(load=99), RULE, None, NOW)

    state = next_state(nothing, RULE, state, NOW + 40 * MINUTE)
    assert (state.level, state.unknown_since) == (2, NOW + 40 * MINUTE)
    state = next_state(nothing, RULE, state, NOW + 90 * MINUTE)
    assert (state.level, state.unknown_since) == (2, NOW + 40 * MINUTE)
    state = next_state(values(), RULE, state, NOW + 91 * MINUTE)
    assert (state.level, state.unknown_since) == (0, None)


def test_the_one_figure_that_a_level_rests_on_is_not_taken_as_low_when_it_goes_unknown() -> None:
    state = next_state(values(load=99), RULE, None, NOW)

    state = next_state(values(load=None), RULE, state, NOW + 40 * MINUTE)

    assert (state.level, state.unknown_since) == (2, NOW + 40 * MINUTE)
    worse = next_state(values(free=30, load=None), RULE, state, NOW + 41 * MINUTE)
    assert (worse.level, worse.unknown_since) == (2, NOW + 40 * MINUTE)


def test_a_figure_that_nothing_rests_on_may_be_unknown() -> None:
    state = next_state(values(waiting=None), RULE, None, NOW)

    assert (state.level, state.unknown_since) == (0, None)


def test_before_anything_is_known_the_level_is_normal_and_unknown() -> None:
    assert next_state({}, RULE, None, NOW) == SurgeState(0, NOW, unknown_since=NOW)


def test_what_it_rests_on_is_told_by_its_highest_threshold() -> None:
    state = next_state(values(free=20, load=99), RULE, None, NOW)

    assert crossings(RULE, state.holding) == {
        Fact.FREE: Crossing(1, Threshold(30, 45)),
        Fact.LOAD: Crossing(2, Threshold(98, 93)),
    }


def test_thresholds_that_were_taken_out_hold_nothing_any_more() -> None:
    state = next_state(values(load=106), RULE, None, NOW)
    milder = SurgeRule(RULE.levels[:1], timedelta(minutes=1))

    state = next_state(values(load=106), milder, state, NOW + MINUTE)

    assert state.level == 1


def test_a_stored_state_of_a_newer_program_is_read() -> None:
    stored = SurgeState(2, NOW, frozenset({(2, Fact.LOAD)})).as_json()
    stored["holding"] = [[2, "load"], [3, "weather"]]

    assert state_from_json(stored) == SurgeState(2, NOW, frozenset({(2, Fact.LOAD)}))


# --- for all figures and thresholds ---

_FIGURES = st.fixed_dictionaries({fact: st.one_of(st.none(), st.integers(0, 130)) for fact in Fact})


@st.composite
def rules(draw: st.DrawFn) -> SurgeRule:
    """Any rule that a catalogue may state: each level's thresholds no milder than the last's."""
    by_level: list[dict[Fact, Threshold]] = [{}, {}, {}]
    for fact in Fact:
        ups = sorted(draw(st.lists(st.integers(10, 120), min_size=3, max_size=3)))
        bands = draw(st.lists(st.integers(1, 10), min_size=3, max_size=3))
        downs = [up - band for up, band in zip(ups, bands, strict=True)]
        downs = [max(downs[: n + 1]) for n in range(3)]
        downs = [min(down, up - 1) for down, up in zip(downs, ups, strict=True)]
        for level, (up, down) in zip(by_level, zip(ups, downs, strict=True), strict=True):
            if draw(st.booleans()):
                low = Threshold(130 - up, 130 - down)  # mirrored: worse when lower
                level[fact] = low if fact is Fact.FREE else Threshold(up, down)
    return SurgeRule(tuple(by_level), draw(st.integers(0, 60)) * MINUTE)


_STEPS = st.lists(st.tuples(_FIGURES, st.integers(0, 90)), min_size=1, max_size=12)


def played(rule: SurgeRule, steps: Sequence[tuple[Values, int]]) -> list[SurgeState]:
    states: list[SurgeState] = []
    now = NOW
    for figures, minutes in steps:
        now += minutes * MINUTE
        states.append(next_state(figures, rule, states[-1] if states else None, now))
    return states


@given(rules(), _STEPS)
def test_the_same_look_again_changes_nothing(
    rule: SurgeRule, steps: Sequence[tuple[Values, int]]
) -> None:
    state = played(rule, steps)[-1]
    now = NOW + sum(minutes for _, minutes in steps) * MINUTE

    assert next_state(steps[-1][0], rule, state, now) == state
    assert played(rule, steps)[-1] == state


@given(rules(), _STEPS, _STEPS)
def test_a_restart_in_between_makes_no_difference(
    rule: SurgeRule, first: Sequence[tuple[Values, int]], then: Sequence[tuple[Values, int]]
) -> None:
    whole = played(rule, [*first, *then])
    state = whole[len(first) - 1]
    stored = orjson.dumps(state.as_json())

    assert state_from_json(orjson.loads(stored)) == state
    now = NOW + (sum(minutes for _, minutes in first) + then[0][1]) * MINUTE
    again = next_state(then[0][0], rule, state_from_json(orjson.loads(stored)), now)
    assert again == whole[len(first)]


@given(rules(), _STEPS, _FIGURES, st.dictionaries(st.sampled_from(Fact), st.integers(0, 60)))
def test_more_pressure_never_means_a_lower_level(
    rule: SurgeRule, before: Sequence[tuple[Values, int]], figures: Values, more: dict[Fact, int]
) -> None:
    state = played(rule, before)[-1]
    now = NOW + timedelta(days=1)
    worse: dict[Fact, int | None] = dict(figures)
    for fact, n in more.items():
        value = figures[fact]
        worse[fact] = None if value is None else value - n if fact is Fact.FREE else value + n

    milder, harder = (next_state(each, rule, state, now) for each in (figures, worse))

    assert milder.level <= harder.level
    assert milder.holding <= harder.holding


@given(rules(), _STEPS)
def test_a_level_has_its_reasons_or_waits_its_time(
    rule: SurgeRule, steps: Sequence[tuple[Values, int]]
) -> None:
    now = NOW
    for (_, minutes), state in zip(steps, played(rule, steps), strict=True):
        now += minutes * MINUTE
        assert state.level in range(4)
        assert state.wanted <= state.level
        if state.wanted < state.level:
            assert now - state.since < rule.fall_after


@given(rules(), st.sampled_from(Fact), st.data())
def test_inside_the_band_nothing_flaps(rule: SurgeRule, fact: Fact, data: st.DataObject) -> None:
    """A figure that stays within less than the narrowest band: no level is entered twice."""
    bands = [abs(it.up - it.down) for _, about, it in rule.switches() if about is fact]
    width = min(bands, default=10) - 1
    lowest = data.draw(st.integers(0, 130))
    wobble = st.one_of(st.none(), st.integers(lowest, lowest + width))
    told = data.draw(st.lists(wobble, min_size=1, max_size=30))
    start = data.draw(_FIGURES)
    impatient = SurgeRule(rule.levels, timedelta(0))  # the time at a level must not be what helps

    steps = [({**start, fact: value}, 60) for value in [start[fact], *told]]
    entered = [level for level, _ in groupby(s.level for s in played(impatient, steps)[1:])]

    assert len(entered) == len(set(entered)), entered


def test_the_shipped_thresholds_are_in_order_and_marked_as_assumed() -> None:
    cluster = builtin_catalogue().clusters["randers"]
    assert cluster.surge is not None
    assert len(cluster.surge.levels) == 3
    assert cluster.surge.facts() == frozenset(Fact)
    assert "surge" in cluster.assumptions
