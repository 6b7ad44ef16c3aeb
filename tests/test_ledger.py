"""The ledger's classes: each case by hand, and over many moments against the ranking itself."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.agreements import NO_USE
from capacity.alternatives import rank
from capacity.findings import Verdict
from capacity.ledger import Case, Finding, counts, judge, sample
from capacity.model import Closure
from capacity.need import Need, Where
from capacity.outcomes import Logged, OutcomeCode
from capacity.row import Row, row_of
from tests.support.board_page import BASE, CATALOGUE, ordinary_rows, row

NEED = Need("0730", ("oxygen",), 120, Where.PLACE)
NOTHING = [row_of(unit, None) for unit in CATALOGUE.units_of("randers")]
ADMITTED = OutcomeCode.ADMITTED_NONE_FREE


def call(
    outcome: OutcomeCode = ADMITTED, need: Need | None = NEED, number: int = 0, **value: Any
) -> Logged:
    told = {
        "outcome": outcome.value, "reason": None, "unit": None, "hold": None,
        "need": None if need is None else need.as_json(), "took_seconds": None,
    }  # fmt: skip
    by = {"role": "visitator", "organisation": None, "account": "a"}
    return Logged(f"call-{number}", BASE, BASE + timedelta(hours=1), by, told | value)


def rows_with(*some: Row) -> list[Row]:
    """No unit has ever reported, but these."""
    told = {each["unit"]: each for each in some}
    return [told.get(each["unit"], each) for each in full() if each["unit"]]


def full() -> list[Row]:
    """Every unit of Randers that could take somebody is full, by a fresh figure."""
    return [
        row(each["unit"], 1, total=1, free=0) if each["unit"] in PLACES else each
        for each in ordinary_rows()
    ]


PLACES = [u.id for u in CATALOGUE.units_of("randers") if u.kind == "acute_place"]


def judged(*some: Row, outcome: Logged | None = None, level: int = 0) -> Case:
    return judge(outcome or call(), rows_with(*some), CATALOGUE, level)


def test_a_free_and_fresh_place_was_missed() -> None:
    case = judged(row("randers-akutplads-1", 5, total=2, free=2))
    assert case.finding is Finding.MISSED
    assert [each.unit for each in case.alternatives] == ["randers-akutplads-1"]
    assert case.matching == 1


def test_what_was_logged_as_despite_free_is_judged_by_the_board_all_the_same() -> None:
    outcome = call(OutcomeCode.ADMITTED_DESPITE_FREE)
    assert judged(outcome=outcome).finding is Finding.NONE


def test_nothing_that_matched_was_free() -> None:
    case = judged(row("favrskov-akutplads", 5, total=2, free=2))  # another's, without agreement
    assert case.finding is Finding.NONE
    assert case.matching == 0
    assert all(each.verdict is Verdict.NO for each in case.alternatives)


def test_a_place_that_lacks_what_is_needed_is_not_missed() -> None:
    need = Need("0730", ("palliation",), 120, Where.PLACE)
    assert judged(row("randers-akutplads-1", 5, total=2, free=2), outcome=call(need=need)).finding \
        is Finding.NONE  # fmt: skip


def test_a_borrowed_place_is_missed_only_when_the_level_of_then_opened_it() -> None:
    free = row("favrskov-akutplads", 5, total=2, free=2)
    assert judged(free, level=2).finding is Finding.MISSED
    assert judged(free, level=1).finding is Finding.NONE


def test_a_free_place_with_an_old_figure_is_no_missed_one() -> None:
    case = judged(row("randers-akutplads-1", 300, total=2, free=2))
    assert case.finding is Finding.STALE
    assert [each.unit for each in case.alternatives] == ["randers-akutplads-1"]


@pytest.mark.parametrize("fields", [{"free": 0}, {"closed": 2, "free": 0, "closure": Closure("x")}])
def test_an_old_figure_that_said_none_is_none(fields: dict[str, Any]) -> None:
    case = judged(row("randers-akutplads-1", 300, total=2, **fields))
    assert case.finding in (Finding.NONE, Finding.ASK)


def test_a_place_that_never_reported_is_as_unsure_as_an_old_one() -> None:
    unit = CATALOGUE.units["randers-akutplads-1"]
    assert judged(row_of(unit, None)).finding is Finding.STALE


def test_a_place_that_is_disputed_had_to_be_asked() -> None:
    free = row("randers-akutplads-1", 5, total=2, free=2)
    free["disputed"] = {
        "source": "nurse", "free": 0, "state": "occupied", "observed_at": free["observed_at"],
    }  # fmt: skip
    assert judged(free).finding is Finding.ASK


def test_an_advice_line_is_no_place() -> None:
    need = Need("0730", (), None, Where.EITHER)
    line = row("rhr-geriatri-raad", 1, on_duty=True)
    alternatives = judge(call(need=need), [line], CATALOGUE, 0)
    assert alternatives.finding is Finding.NONE


@pytest.mark.parametrize(
    ("outcome", "finding"),
    [
        (call(OutcomeCode.ALTERNATIVE, unit="randers-akutplads-1"), Finding.USED),
        (call(OutcomeCode.OTHER), Finding.OTHER),
        (call(need=None), Finding.NOT_JUDGED),
        (call(need=Need()), Finding.NOT_JUDGED),
        (call(need=Need("0730", ("never-heard-of",))), Finding.NOT_JUDGED),
    ],
)
def test_what_is_not_held_against_the_board(outcome: Logged, finding: Finding) -> None:
    free = row("randers-akutplads-1", 5, total=2, free=2)
    assert judged(free, outcome=outcome).finding is finding


def test_a_moment_of_which_nothing_is_recorded_is_not_judged() -> None:
    assert judge(call(), [], CATALOGUE, 0).finding is Finding.NO_HISTORY


def test_a_correction_is_what_counts() -> None:
    first = call(OutcomeCode.OTHER)
    from capacity.outcomes import Correction, with_corrections

    after = call().logged
    corrected = with_corrections(first, [Correction("c", BASE, first.by, first.logged, after)])
    assert judged(outcome=corrected).finding is Finding.NONE


# Against the ranking itself

FIGURES = st.fixed_dictionaries(
    {"free": st.sampled_from([None, 0, 1, 3]), "minutes_old": st.sampled_from([1, 150, 300, 2000])}
)
NEEDS = st.builds(
    Need,
    municipality=st.sampled_from([None, "0730", "0710", "0706"]),
    capabilities=st.sampled_from([(), ("oxygen",), ("iv_antibiotics",), ("palliation",)]),
    within_minutes=st.sampled_from([None, 30, 60, 480]),
    where=st.sampled_from(Where),
)


def directly(need: Need, rows: Sequence[Row], level: int, used: Mapping[str, int]) -> Finding:
    """The class as it reads in docs/replay.md, from the ranking and the rows."""
    by_unit = {each["unit"]: each for each in rows}
    stale = asked = False
    for each in rank(need, rows, CATALOGUE, BASE, level, used).alternatives:
        if each.kind == "advice_line" or each.verdict == "no":
            continue
        if each.verdict == "yes" and each.free is not None and each.free >= 1:
            return Finding.MISSED
        asked = True
        doubts = {r["code"] for r in each.reasons if r["verdict"] == "ask"}
        if doubts and not doubts - {"stale", "never_reported", "free_unknown"}:
            stale = stale or by_unit[each.unit]["free"] != 0
    return Finding.STALE if stale else Finding.ASK if asked else Finding.NONE


@given(
    need=NEEDS.filter(lambda need: need != Need()),
    figures=st.dictionaries(st.sampled_from(sorted(PLACES)), FIGURES),
    level=st.integers(0, 3),
    used=st.sampled_from([NO_USE, {"favrskov-hos-randers|2026-W48": 2}]),
)
@settings(max_examples=150, deadline=None)
def test_the_class_follows_from_the_ranking_of_that_moment(
    need: Need, figures: dict[str, dict[str, Any]], level: int, used: Mapping[str, int]
) -> None:
    told = {
        unit: row(unit, said["minutes_old"], total=4, free=said["free"])
        for unit, said in figures.items()
    }
    rows = [told.get(each["unit"], each) for each in NOTHING]
    for outcome in (ADMITTED, OutcomeCode.ADMITTED_DESPITE_FREE):
        case = judge(call(outcome, need), rows, CATALOGUE, level, used)
        if directly(need, rows, level, used) is Finding.ASK and not case.alternatives:
            pytest.fail("asked, and nobody to ask")
        assert case.finding is directly(need, rows, level, used)


# The week, and a sample of it


def cases(number: int) -> list[Case]:
    return [Case(call(number=n), Finding.NONE) for n in range(number)]


def test_every_case_counts_once() -> None:
    found = counts([*cases(3), Case(call(), Finding.MISSED)])
    assert (found[Finding.NONE], found[Finding.MISSED], found[Finding.USED]) == (3, 1, 0)
    assert sum(found.values()) == 4


def test_a_sample_is_the_same_for_the_same_seed_and_in_order() -> None:
    whole = cases(60)
    drawn = sample(whole, 10, "uge 47")
    assert drawn == sample(whole, 10, "uge 47")
    assert drawn != sample(whole, 10, "uge 48")
    assert [each for each in whole if each in drawn] == drawn
    assert sample(whole, 100, "x") == whole


def test_a_call_more_changes_a_sample_by_one_at_most() -> None:
    for seed in map(str, range(20)):
        before, after = sample(cases(40), 8, seed), sample(cases(41), 8, seed)
        ids = [{each.outcome.id for each in found} for found in (before, after)]
        assert len(ids[0] - ids[1]) <= 1


def test_every_call_is_drawn_about_as_often() -> None:
    drawn = itertools.chain.from_iterable(sample(cases(20), 5, str(n)) for n in range(400))
    often: dict[str, int] = {}
    for each in drawn:
        often[each.outcome.id] = often.get(each.outcome.id, 0) + 1
    assert len(often) == 20
    assert all(60 < n < 140 for n in often.values())  # 100, within four and a half deviations
