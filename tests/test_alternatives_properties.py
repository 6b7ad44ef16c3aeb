"""Alternatives in general: what no rows, needs, hours or agreements may ever lead to."""

import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.alternatives import Alternative, Ranking
from capacity.findings import Verdict
from capacity.suitability import TAKING_PART
from tests.support.alternative_worlds import ABILITIES, World, worlds

WORST = {verdict: n for n, verdict in enumerate(Verdict)}


def by_unit(ranking: Ranking) -> dict[str, Alternative]:
    return {each.unit: each for each in ranking.alternatives}


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_every_unit_that_takes_part_is_there_once_in_the_order_of_verdicts(world: World) -> None:
    found = world.rank().alternatives
    expected = sorted(each.id for each in world.units if each.kind in TAKING_PART)
    assert sorted(each.unit for each in found) == expected
    assert [WORST[each.verdict] for each in found] == sorted(WORST[each.verdict] for each in found)


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_the_verdict_is_the_worst_of_its_reasons_which_come_weightiest_first(world: World) -> None:
    for each in world.rank().alternatives:
        weights = [WORST[reason["verdict"]] for reason in each.reasons]
        assert weights == sorted(weights, reverse=True)
        assert WORST[each.verdict] == max(weights, default=0)


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_what_is_stale_or_unknown_is_never_a_yes_and_has_no_number(world: World) -> None:
    for each in world.rank().alternatives:
        if each.freshness in ("stale", "unknown"):
            assert each.verdict is not Verdict.YES
            assert each.free is None
            assert not each.holdable


@settings(deadline=None, max_examples=150)
@given(worlds(), st.sampled_from(ABILITIES))
def test_a_further_capability_never_makes_a_verdict_better(world: World, more: str) -> None:
    needed = tuple(dict.fromkeys((*world.need.capabilities, more)))
    before = by_unit(world.rank())
    after = by_unit(world.rank(need=replace(world.need, capabilities=needed)))
    for unit_id, found in after.items():
        assert WORST[found.verdict] >= WORST[before[unit_id].verdict]


@settings(deadline=None, max_examples=150)
@given(worlds(), st.integers(1, 3))
def test_more_free_never_makes_a_verdict_or_a_place_worse(world: World, more: int) -> None:
    before = [each.unit for each in world.rank().alternatives]
    for index, given_row in enumerate(world.rows):
        if given_row["free"] is None:
            continue
        better = {**given_row, "free": given_row["free"] + more}
        after = world.rank(rows=[*world.rows[:index], better, *world.rows[index + 1 :]])
        name = given_row["unit"]
        if name in before:
            old, new = by_unit(world.rank())[name], by_unit(after)[name]
            assert WORST[new.verdict] <= WORST[old.verdict]
            assert [each.unit for each in after.alternatives].index(name) <= before.index(name)


@settings(deadline=None, max_examples=150)
@given(worlds(most=4), st.randoms())
def test_the_order_of_the_rows_does_not_matter(world: World, chance: random.Random) -> None:
    shuffled = chance.sample(world.rows, len(world.rows))
    assert world.rank(rows=shuffled) == world.rank()


@settings(deadline=None, max_examples=150)
@given(worlds(), st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5))
def test_until_it_is_to_be_looked_at_again_nothing_changes(
    world: World, fractions: list[float]
) -> None:
    now_found = world.rank()
    until = now_found.recheck_at or world.now + timedelta(days=3)
    assert until > world.now
    last = until - timedelta(milliseconds=1)
    moments = [world.now + (last - world.now) * each for each in fractions]
    for moment in (*moments, last):
        later = world.rank(now=moment)
        assert later == now_found


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_following_the_rechecks_misses_nothing(world: World) -> None:
    """A page that asks again at each recheck shows at every quarter hour what is true then."""
    shown, due = world.rank(), world.now
    for quarter in range(1, 24 * 4):
        moment = world.now + timedelta(minutes=15 * quarter)
        while shown.recheck_at is not None and shown.recheck_at <= moment:
            assert shown.recheck_at > due
            due = shown.recheck_at
            shown = world.rank(now=due)
        assert world.rank(now=moment).alternatives == shown.alternatives
