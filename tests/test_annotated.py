"""Changes noted on charts: where limits begin anew, which rest on a baseline, what is marked."""

from datetime import UTC, date, datetime, timedelta

import pytest

from capacity.annotated import (
    LONGEST_TEXT,
    Annotation,
    Change,
    Effect,
    Version,
    charted,
    concerning,
    fault,
    rebased,
    standing,
)
from capacity.imported import Signed
from capacity.indicators.figures import Figure, Period
from capacity.spc import xmr
from tests.support.registers import DEFINITIONS

RATE = DEFINITIONS.on(date(2026, 11, 22))["acute_admissions"]
SHARE = DEFINITIONS.on(date(2026, 11, 22))["readmissions_30"]
BY = Signed("a-1", "coordinator", datetime(2026, 3, 1, tzinfo=UTC))
FIRST = date(2026, 1, 5)
WEEK = timedelta(days=7)
START = Change(FIRST + 15 * WEEK, "Prøvehandlingen begynder", Effect.REBASE)
KEPT = Change(FIRST, "Før prøvehandlingen", Effect.BASELINE, until=FIRST + 15 * WEEK)
VALUES = [10.0, 12.0, 11.0, 9.0, 10.0] * 3 + [20.0, 22.0, 21.0, 19.0, 20.0] * 3


def weeks(values: list[float], first: date = FIRST) -> list[Period]:
    return [
        Period(first + n * WEEK, Figure(value, int(value), 100, None))
        for n, value in enumerate(values)
    ]


def noted(change: Change, *, withdrawn: bool = False, number: int = 1) -> Annotation:
    return Annotation(number, (Version(1, change, withdrawn, BY),))


def test_limits_begin_anew_at_a_change() -> None:
    chart, marks = charted(RATE, weeks(VALUES), "week", [START])
    assert [(each.start, each.stop) for each in chart.segments] == [(0, 15), (15, 30)]
    assert chart == xmr(VALUES, rebase=(15,))
    assert [(each.index, each.change) for each in marks] == [(15, START)]
    plain, _ = charted(RATE, weeks(VALUES), "week", [])
    assert len(plain.segments) == 1


def test_a_change_within_a_period_counts_from_the_next() -> None:
    midweek = Change(START.day - timedelta(days=3), "Midt i ugen", Effect.REBASE)
    chart, _ = charted(RATE, weeks(VALUES), "week", [midweek])
    assert chart.segments[1].start == 15


def test_a_note_changes_no_line() -> None:
    note = Change(START.day, "Influenza")
    chart, marks = charted(RATE, weeks(VALUES), "week", [note])
    assert chart == xmr(VALUES)
    assert marks[0].index == 15


def test_a_baseline_stays_and_what_follows_is_held_against_it() -> None:
    chart, _ = charted(RATE, weeks(VALUES), "week", [KEPT])
    assert chart.points == xmr(VALUES, fixed=16).points
    assert chart.points[-1].centre == pytest.approx(sum(VALUES[:16]) / 16)
    assert all(each.signal is not None for each in chart.points[16:])


def test_a_baseline_of_before_the_chart_still_makes_its_lines() -> None:
    whole, _ = charted(RATE, weeks(VALUES), "week", [KEPT])
    later = weeks(VALUES)[20:]
    chart, marks = charted(RATE, later, "week", [KEPT], weeks(VALUES)[:16])
    assert len(chart.points) == 10
    assert [(each.centre, each.upper) for each in chart.points] == [
        (each.centre, each.upper) for each in whole.points[20:]
    ]
    assert not marks
    assert chart.segments[0].start == 0
    assert not chart.segments[0].few


def test_a_baseline_of_shares_stays_too() -> None:
    chart, _ = charted(SHARE, weeks(VALUES), "week", [KEPT])
    assert chart.points[-1].centre == pytest.approx(sum(VALUES[:16]) / 16)


def test_only_the_last_change_of_before_counts() -> None:
    day = START.day + 7 * WEEK
    assert standing([KEPT], day) == KEPT
    assert standing([KEPT, START], day) is None
    assert standing([KEPT, Change(START.day, "note")], day) == KEPT
    assert standing([KEPT], FIRST) is None
    assert standing([], day) is None
    assert rebased([KEPT, START, Change(day, "note")]) == [KEPT.day, START.day]


def test_what_concerns_a_chart() -> None:
    local = Change(START.day, "Nyt akutteam", Effect.REBASE, municipality="0710")
    other = Change(FIRST, "Ny definition", Effect.REBASE, indicator="ready_days")
    every = [noted(START), noted(local), noted(other), noted(KEPT, withdrawn=True)]
    assert concerning(every, "0710", RATE.id) == [START, local]
    assert concerning(every, "0730", RATE.id) == [START]
    assert concerning(every, None, "ready_days")[0] == other
    (_, on_cluster) = concerning(every, None, RATE.id)
    assert (on_cluster.text, on_cluster.effect) == (local.text, Effect.NOTE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Change(FIRST, "  "), "text"),
        (Change(FIRST, "x" * (LONGEST_TEXT + 1)), "text"),
        (Change(FIRST, "x", Effect.BASELINE), "until"),
        (Change(FIRST, "x", Effect.REBASE, until=START.day), "until"),
        (Change(FIRST, "x", Effect.BASELINE, until=FIRST), "until"),
    ],
)
def test_a_change_that_contradicts_itself_is_refused(change: Change, field: str) -> None:
    found = fault(change)
    assert found is not None
    assert found[0] == field
    assert fault(START) is None
    assert fault(KEPT) is None
