"""Amounts: what is counted of holds and calls, how long pressure stood, and needs had nothing."""

from collections import Counter
from datetime import UTC, datetime

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.alternatives import rank
from capacity.catalogue import builtin_catalogue
from capacity.findings import Verdict
from capacity.indicators.calls import hold_counts, outcome_counts, unit_counts
from capacity.indicators.days import Window
from capacity.indicators.definitions import ReferenceNeed, Text
from capacity.indicators.measures import Key, Measure
from capacity.indicators.needs import best, merged, need_times
from capacity.indicators.pressure import Level, SurgeEntry, levels, pressure
from capacity.indicators.shown import Slice, in_force, shown_of, slices
from capacity.indicators.time_use import time_use
from capacity.instants import format_instant
from capacity.need import Need, Where
from capacity.outcomes import Correction, Logged
from tests.support.raw_days import MINUTE, World

CATALOGUE = builtin_catalogue()
UNIT = "randers-akutplads-1"
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""Ten by Danish clocks, a Monday."""
HOUR = Window(AT, AT + 60 * MINUTE, 10)


def after(minutes: float) -> datetime:
    return AT + minutes * MINUTE


# --- what people did -----------------------------------------------------------------------------


def hold(name: str, *path: tuple[str, float], **more: object) -> dict[str, object]:
    world = World(CATALOGUE)
    world.hold(name, UNIT, [(state, after(minutes)) for state, minutes in path], **more)
    found: dict[str, object] = orjson.loads(world.journal[-1].data)
    return found


def test_holds_count_in_the_hour_they_were_asked_whatever_came_of_them() -> None:
    need = {"municipality": "0710"}
    found = hold_counts(
        [
            hold("a", ("asked", 0), ("accepted", 2), ("filled", 90)),
            hold("b", ("asked", 5), ("declined", 6.5)),
            hold("c", ("asked", 59), ("expired", 89)),
            hold("d", ("asked", 60), ("filled", 61), agreement="lån", need=need),
            hold("e", ("asked", 70)),
        ],
        lambda _: CATALOGUE,
    )
    ten, eleven = (("acute_place", "0730", hour) for hour in (10, 11))
    assert found == {
        Key(Measure.ASKED, UNIT, *ten): 3,
        Key(Measure.ACCEPTED, UNIT, *ten): 1,
        Key(Measure.DECLINED, UNIT, *ten): 1,
        Key(Measure.ANSWERED, UNIT, *ten): 2,
        Key(Measure.ANSWER_MS, UNIT, *ten): 210_000,
        Key(Measure.UNANSWERED, UNIT, *ten): 1,
        Key(Measure.FILLED, UNIT, *ten): 1,
        Key(Measure.ASKED, UNIT, *eleven): 2,
        Key(Measure.FILLED, UNIT, *eleven): 1,
        Key(Measure.AGREEMENT_ASKED, "lån", "", "0710", 11): 1,
        Key(Measure.AGREEMENT_FILLED, "lån", "", "0710", 11): 1,
    }


def logged(outcome: str, *later: str, **more: object) -> Logged:
    plain = {"unit": None, "need": None, "took_seconds": None}
    value = plain | {"outcome": outcome} | more
    corrections = tuple(
        Correction(each, AT, {}, value, value | {"outcome": each}) for each in later
    )
    return Logged("o", AT, AT, {}, value, corrections)


def test_outcomes_count_by_what_stands_after_corrections() -> None:
    need = {"municipality": "0706"}
    found = outcome_counts(
        [
            logged("alternative", unit=UNIT, need=need, took_seconds=80),
            logged("admitted_none_free", "other", need=need),
            logged("admitted_despite_free", "admitted_none_free"),
        ]
    )
    assert found == {
        Key(Measure.OUTCOMES, UNIT, "", "0706", 10): 1,
        Key(Measure.OUTCOME_ALTERNATIVE, UNIT, "", "0706", 10): 1,
        Key(Measure.TIMED_CALLS, UNIT, "", "0706", 10): 1,
        Key(Measure.CALL_SECONDS, UNIT, "", "0706", 10): 80,
        Key(Measure.OUTCOMES, "", "", "0706", 10): 1,
        Key(Measure.OUTCOME_OTHER, "", "", "0706", 10): 1,
        Key(Measure.OUTCOMES, "", "", "", 10): 1,
        Key(Measure.OUTCOME_NONE_FREE, "", "", "", 10): 1,
    }


def test_events_of_a_unit_that_is_gone_still_count() -> None:
    found = unit_counts(Measure.LATE, [(UNIT, AT), (UNIT, AT), ("gone", AT)], lambda _: CATALOGUE)
    assert found[Key(Measure.LATE, UNIT, "acute_place", "0730", 10)] == 2
    assert found[Key(Measure.LATE, "gone", "", "", 10)] == 1


# --- how often somebody tells --------------------------------------------------------------------


def habits(world: World) -> dict[Measure, int]:
    found: Counter[Measure] = Counter()
    for parts in shown_in_hour(world).values():
        for key, amount in time_use(parts, 10).items():
            found[key.measure] += amount
    wanted = (Measure.UPDATES, Measure.GAPS, Measure.GAP_MS)
    return {measure: found[measure] for measure in wanted}


def test_an_update_is_a_new_word_and_not_a_row_written_anew() -> None:
    world = World(CATALOGUE)
    world.report(UNIT, after(-40), total=2, occupied=1)
    assert habits(world) == {Measure.UPDATES: 0, Measure.GAPS: 0, Measure.GAP_MS: 0}
    world.hold_row(UNIT, after(5), 1)
    world.report(UNIT, after(20), total=2, occupied=1)
    world.hold_row(UNIT, after(25), 0)
    world.report(UNIT, after(30), total=2, occupied=0, observed=after(20), source="nurse")
    told = {Measure.UPDATES: 2, Measure.GAPS: 2, Measure.GAP_MS: 70 * 60_000}
    assert habits(world) == told
    world.leave(UNIT, after(40))
    world.report(UNIT, after(50), total=2, occupied=1)
    assert habits(world) == told | {Measure.UPDATES: 3}, "what was gone begins anew"


# --- pressure ------------------------------------------------------------------------------------


def computed(minutes: float, level: int) -> SurgeEntry:
    return SurgeEntry(after(minutes), "surge", {"level": level})


def by_hand(minutes: float, event: str, level: int, until: float) -> SurgeEntry:
    told = {"level": level, "until": format_instant(after(until))}
    return SurgeEntry(after(minutes), "surge_override", {"event": event, "override": told})


def stretches(*entries: SurgeEntry) -> list[tuple[float, float, int | None]]:
    found = levels(entries, AT, after(60))
    return [((e.since - AT) / MINUTE, (e.until - AT) / MINUTE, e.level) for e in found]


def test_a_level_set_by_hand_goes_before_the_computed_one_until_it_ends() -> None:
    assert stretches() == [(0, 60, None)]
    assert stretches(computed(-90, 1), computed(20, 2)) == [(0, 20, 1), (20, 60, 2)]
    over = by_hand(10, "set", 3, 40)
    assert stretches(computed(-5, 0), over) == [(0, 10, 0), (10, 40, 3), (40, 60, 0)]
    lifted = by_hand(30, "lifted", 3, 40)
    assert stretches(computed(-5, 0), over, lifted) == [(0, 10, 0), (10, 30, 3), (30, 60, 0)]
    meanwhile = stretches(computed(-5, 0), over, computed(20, 1))
    assert meanwhile == [(0, 10, 0), (10, 20, 3), (20, 40, 3), (40, 60, 1)]
    standing = stretches(by_hand(-60, "set", 2, 15), computed(-30, 1))
    assert standing == [(0, 15, 2), (15, 60, 1)]


def test_pressure_fills_the_window_and_unknown_is_its_own() -> None:
    found = pressure(levels([computed(20, 2)], AT - 60 * MINUTE, after(120)), HOUR)
    assert found == {
        Key(Measure.LEVEL_UNKNOWN_MS, "", "", "", 10): 20 * 60_000,
        Key(Measure.LEVEL_2_MS, "", "", "", 10): 40 * 60_000,
    }


# --- needs ---------------------------------------------------------------------------------------

PLACE = ReferenceNeed("place", Text("a", "b"), Need(within_minutes=240, where=Where.PLACE))
CALM = [Level(AT, after(60), 0)]


def shown_in_hour(world: World) -> dict[str, list[Slice]]:
    changes = [
        shown_of(order, change.unit, change.applied_at, change.row.decode())
        for order, change in enumerate(world.changes)
    ]
    standing = {c.unit: c for c in changes if c.at < AT}
    lines = in_force(standing, [c for c in changes if AT <= c.at < HOUR.until])
    return {unit: slices(standing, line, HOUR) for unit, line in lines.items()}


def needed(world: World, *municipalities: str) -> dict[str, float]:
    found = need_times(shown_in_hour(world), CALM, CATALOGUE, [PLACE], municipalities, 10)
    return {f"{key.measure} {key.municipality}": n / 60_000 for key, n in found.items()}


def test_a_need_has_the_best_of_all_units_and_old_figures_are_neither_yes_nor_no() -> None:
    world = World(CATALOGUE)
    world.report(UNIT, after(-10), stale_after=40, total=2, occupied=2, reserved=0, closed=0)
    assert needed(world, "0730") == {"need_none_ms 0730": 30, "need_ask_ms 0730": 30}
    world.report(UNIT, after(10), total=2, occupied=1, reserved=0, closed=0)
    world.report(UNIT, after(20), total=2, occupied=2, reserved=0, closed=0)
    assert needed(world, "0730") == {"need_none_ms 0730": 50, "need_yes_ms 0730": 10}
    world.leave(UNIT, after(50))
    assert needed(world, "0730") == {"need_none_ms 0730": 40, "need_yes_ms 0730": 10}


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(-30, 59), st.sampled_from([UNIT, "favrskov-akutplads", "randers-akutteam"]),
            st.sampled_from([10, 45, 300]), st.sampled_from([None, 0, 1, 2]),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_needs_equal_ranking_anew_every_minute(
    told: list[tuple[int, str, int, int | None]],
) -> None:
    world = World(CATALOGUE)
    for minute, unit, stale_after, occupied in sorted(told, key=lambda each: each[0]):
        if unit in CATALOGUE.units:
            world.report(
                unit, after(minute), stale_after=stale_after, total=2, occupied=occupied,
                reserved=0, closed=0,
            )  # fmt: skip
    parts = shown_in_hour(world)
    need = Need("0730", (), 240, Where.PLACE)
    expected: Counter[Verdict] = Counter()
    for minute in range(60):
        now = after(minute)
        rows = [p.row for found in parts.values() for p in found if p.since <= now < p.until]
        ranked = rank(need, rows, CATALOGUE, now, 0).alternatives
        if ranked:
            expected[ranked[0].verdict] += 1
    names = {"need_yes_ms": Verdict.YES, "need_ask_ms": Verdict.ASK, "need_none_ms": Verdict.NO}
    found = {names[key.split()[0]]: n for key, n in needed(world, "0730").items()}
    assert found == expected


def test_the_same_words_after_a_silence_are_not_taken_for_the_silence() -> None:
    world = World(CATALOGUE)
    world.report(UNIT, after(0), stale_after=20, total=2, occupied=0, reserved=0, closed=0)
    world.report(UNIT, after(40), stale_after=30, total=2, occupied=0, reserved=0, closed=0)
    assert needed(world, "0730") == {"need_yes_ms 0730": 40, "need_ask_ms 0730": 20}


def test_a_source_that_ticks_is_judged_once_while_it_says_the_same() -> None:
    world = World(CATALOGUE)
    for minute in range(0, 60, 5):
        world.report(UNIT, after(minute), stale_after=30, total=2, occupied=minute // 30)
    (parts,) = shown_in_hour(world).values()
    assert len(parts) == 12
    assert len(list(merged(parts))) == 1
    world.report(UNIT, after(58), total=2, occupied=2)
    (parts,) = shown_in_hour(world).values()
    assert [(p.since - AT) / MINUTE for p in merged(parts)] == [0, 58]
    assert list(best([])) == []
