"""Two periods or two clusters: what is concluded, and every reason for which nothing is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.comparison import (
    Answer,
    Caution,
    Finding,
    Point,
    Reason,
    Span,
    compare_clusters,
    compare_periods,
)
from capacity.indicators.definitions import Text
from capacity.indicators.figures import next_period
from capacity.spc import compare
from tests.support.registers import DEFINITIONS
from web.pages.comparison import sentences
from web.words import Words

MONTHLY = DEFINITIONS.on(date(2026, 1, 1))["acute_admissions"]
COUNT = DEFINITIONS.on(date(2026, 1, 1))["asks"]
START = date(2023, 1, 1)
STEADY = [8.1, 8.4, 7.9, 8.2, 8.6, 8.0, 8.3, 7.8, 8.5, 8.1, 8.2, 7.9, 8.4, 8.0, 8.3, 7.9]
"""About 8.2, by chance up and down."""


def days(n: int, first: date = START) -> list[date]:
    found = [first]
    while len(found) < n:
        found.append(next_period(found[-1], "month"))
    return found


def series(values: Sequence[float | None], first: date = START) -> list[Point]:
    return [
        Point(day, value, MONTHLY)
        for day, value in zip(days(len(values), first), values, strict=True)
    ]


def halves(points: Sequence[Point], at: int) -> tuple[Span, Span]:
    """The points before place `at`, and those from it on."""
    return Span(points[0].day, points[at - 1].day), Span(points[at].day, points[-1].day)


def compared(before: Sequence[float | None], after: Sequence[float | None]) -> Answer:
    points = series([*before, *after])
    return compare_periods(points, *halves(points, len(before)))


def why(answer: Answer) -> set[Reason]:
    assert (answer.finding is Finding.REFUSED) is bool(answer.reasons)
    return set(answer.reasons)


def test_a_true_difference_is_found_and_an_absent_one_is_not() -> None:
    lower = compared(STEADY, [value - 2 for value in STEADY[:8]])
    assert lower.finding is Finding.LOWER
    assert lower.difference == pytest.approx(-2, abs=0.1)
    assert lower.least is not None
    assert lower.least < 2
    assert compared(STEADY, [value + 2 for value in STEADY[:8]]).finding is Finding.HIGHER
    same = compared(STEADY, STEADY[3:12])
    assert same.finding is Finding.NOT_SEEN
    assert same.least is not None
    assert abs(same.difference or 0) <= same.least


def test_it_is_the_statistics_of_the_charts() -> None:
    after = [value - 1 for value in STEADY[:9]]
    answer, known = compared(STEADY, after), compare([*STEADY, *after], len(STEADY))
    assert (answer.difference, answer.least) == (known.difference, known.least)


@pytest.mark.parametrize(("before", "after", "missing"), [(12, 7, 1), (13, 6, 1), (10, 5, 5)])
def test_too_few_points_are_no_ground(before: int, after: int, missing: int) -> None:
    answer = compared(STEADY[:before], [value - 5 for value in STEADY[:after]])
    assert answer.reasons[Reason.TOO_FEW] == missing


def test_missing_points_are_not_guessed() -> None:
    gappy: list[float | None] = [*STEADY, None, None, None, None, None, None]
    assert Reason.GAPS in why(compared(gappy, STEADY[:8]))
    assert Reason.TOO_FEW in why(compared([None] * 16, STEADY[:8]))
    assert Reason.TOO_FEW in why(compare_periods([], Span(START, START), Span(START, START)))


def test_what_never_varied_says_nothing_of_what_is_usual() -> None:
    assert why(compared([8.0] * 16, [9.0] * 8)) == {Reason.NO_VARIATION}


def test_a_process_on_the_move_is_not_compared() -> None:
    rising = [value + 0.5 * n for n, value in enumerate(STEADY)]
    assert Reason.UNSTABLE in why(compared(rising, STEADY[:8]))
    assert Reason.UNSTABLE in why(compared(STEADY, rising))
    outlier = [*STEADY[:8], 30.0, *STEADY[8:]]
    assert Reason.UNSTABLE in why(compared(outlier, STEADY[:8]))


def test_what_chance_gives_a_stable_month_of_days_is_no_ground() -> None:
    """Of stable months a tenth or so is refused; of those with a step in them nearly all are."""
    chance = Random(11)

    def month(step: float = 0.0) -> list[float]:
        return [chance.gauss(10, 2) + (step if day >= 15 else 0) for day in range(30)]

    refused = sum(Reason.UNSTABLE in why(compared(month(), month())) for _ in range(200))
    assert refused < 40
    seen = sum(Reason.UNSTABLE in why(compared(month(), month(4.0))) for _ in range(100))
    assert seen > 90


def altered(change: Callable[[int, Point], Point]) -> Answer:
    """A clear difference, with some points altered."""
    points = series([*STEADY, *(value - 2 for value in STEADY[:8])])
    points = [change(n, point) for n, point in enumerate(points)]
    return compare_periods(points, *halves(points, len(STEADY)))


def test_the_unaltered_one_concludes() -> None:
    assert altered(lambda _, point: point).finding is Finding.LOWER


def test_drafts_are_not_concluded_from() -> None:
    answer = altered(lambda n, point: replace(point, draft=n in (3, 20)))
    assert answer.reasons == {Reason.DRAFTS: 2}


def test_definitions_must_mean_the_same() -> None:
    other = replace(MONTHLY, excludes=Text("Intet.", "Nothing."))
    answer = altered(lambda n, point: replace(point, definition=other) if n > 15 else point)
    assert why(answer) == {Reason.DEFINITIONS}
    renamed = replace(MONTHLY, name=Text("Et navn", "A name"), decimals=3)
    answer = altered(lambda n, point: replace(point, definition=renamed) if n > 15 else point)
    assert answer.finding is Finding.LOWER


def test_figures_of_two_registers_are_not_mixed() -> None:
    answer = altered(lambda n, point: replace(point, source="LPR" if n < 16 else "DST"))
    assert why(answer) == {Reason.SOURCES}


def test_time_that_is_mostly_unknown_carries_nothing() -> None:
    answer = altered(lambda n, point: replace(point, unknown=0.6 if n == 2 else 0.5))
    assert answer.reasons == {Reason.UNKNOWN_TIME: 1}


def test_weeks_and_months_are_not_compared() -> None:
    points = series(STEADY)
    weekly = [
        Point(date(2025, 1, 6) + timedelta(weeks=n), value - 2, MONTHLY)
        for n, value in enumerate(STEADY)
    ]
    first = Span(points[0].day, points[-1].day)
    answer = compare_periods([*points, *weekly], first, Span(weekly[0].day, weekly[-1].day))
    assert Reason.STEPS in why(answer)


def test_an_annotated_change_within_a_period_parts_it() -> None:
    points = series([*STEADY, *(value - 2 for value in STEADY[:8])])
    first, second = halves(points, len(STEADY))

    def reasons(*changes: date) -> set[Reason]:
        return why(compare_periods(points, first, second, changes))

    assert reasons(second.first) == set()
    assert reasons(first.first, date(2010, 1, 1)) == set()
    assert reasons(points[5].day) == {Reason.REBASED}
    assert reasons(points[-1].day) == {Reason.REBASED}


def test_periods_must_lie_apart_and_in_order() -> None:
    points = series([*STEADY, *(value - 2 for value in STEADY[:8])])
    first, second = halves(points, len(STEADY))
    assert Reason.OVERLAP in why(compare_periods(points, first, replace(second, first=first.last)))
    assert Reason.ORDER in why(compare_periods(points, second, first))


def test_other_times_of_the_year_are_pointed_out() -> None:
    assert altered(lambda _, point: point).cautions == (Caution.SEASON,)
    twelve = [*STEADY, *STEADY[:8]]
    points = series([*twelve, *(value - 2 for value in twelve)])
    assert compare_periods(points, *halves(points, 24)).cautions == ()
    daily = [replace(point, day=START + timedelta(days=n)) for n, point in enumerate(points)]
    assert Caution.NEIGHBOURS in compare_periods(daily, *halves(daily, 24)).cautions


# Clusters


def season(n: int) -> float:
    return 3.0 if n % 12 in (0, 1, 11) else 0.0


def test_what_happens_to_both_clusters_does_not_count() -> None:
    noise = Random(7)
    ours = [8 + season(n) + noise.uniform(-0.4, 0.4) for n in range(24)]
    theirs = [6.5 + season(n) + noise.uniform(-0.4, 0.4) for n in range(24)]
    span = Span(START, date(2030, 1, 1))
    answer = compare_clusters(series(ours), series(theirs), span)
    assert answer.finding is Finding.LOWER
    assert answer.cautions == (Caution.CLUSTERS_DIFFER,)
    alike = [value + noise.uniform(-0.4, 0.4) for value in ours]
    assert compare_clusters(series(ours), series(alike), span).finding is Finding.NOT_SEEN


def test_clusters_are_refused_for_the_same_reasons() -> None:
    span = Span(START, date(2030, 1, 1))
    ours, theirs = series(STEADY), series([value - 3 for value in reversed(STEADY)])

    def reasons(*changes: date, **altered: object) -> set[Reason]:
        other = [replace(point, **altered) for point in theirs]  # type: ignore[arg-type]
        return why(compare_clusters(ours, other, span, changes))

    assert reasons() == set()
    assert reasons(draft=True) == {Reason.DRAFTS}
    assert reasons(source="DST") == {Reason.SOURCES}
    assert reasons(definition=replace(MONTHLY, per=None)) == {Reason.DEFINITIONS}
    assert reasons(date(2023, 6, 1)) == {Reason.REBASED}
    assert Reason.TOO_FEW in why(compare_clusters(ours, theirs[:12], span))
    assert Reason.GAPS in why(compare_clusters(ours, theirs[:11], span))
    assert Reason.NO_VARIATION in why(compare_clusters(ours, ours, span))
    assert Reason.UNKNOWN_TIME in reasons(unknown=0.9)
    assert Reason.TOO_FEW in why(compare_clusters([], [], span))
    counts = [replace(point, definition=COUNT) for point in ours]
    others = [replace(point, definition=COUNT) for point in theirs]
    assert why(compare_clusters(counts, others, span)) == {Reason.SIZES}


_SERIES = st.lists(st.none() | st.floats(0, 100), max_size=40)


@given(_SERIES, _SERIES, st.sets(st.sampled_from(days(40)), max_size=2))
def test_it_answers_or_says_why_not(
    first: list[float | None], second: list[float | None], changes: set[date]
) -> None:
    points = series([*first, *second]) if first or second else []
    spans = (
        Span(START, days(len(first) + 1)[-1] - timedelta(days=1)),
        Span(days(len(first) + 1)[-1], date(2040, 1, 1)),
    )
    answers = [compare_periods(points, *spans, changes)]
    if first and second:
        both = Span(START, date(2040, 1, 1))
        answers.append(compare_clusters(series(first), series(second), both, changes))
    for answer in answers:
        assert (answer.finding is Finding.REFUSED) is bool(answer.reasons)
        assert all(n > 0 for n in answer.reasons.values())
        for lang in ("da", "en"):
            said = sentences(answer, Words(lang), "før", "efter", "{:.1f}".format)
            assert len(said.why) == len(answer.reasons)


def test_sentences_say_it_in_both_languages() -> None:
    answer = compared(STEADY, [value - 2 for value in STEADY[:8]])
    danish = sentences(answer, Words(), "foråret", "efteråret", "{:.1f} pr. 1.000".format)
    assert danish.found.startswith("Efteråret ligger lavere end foråret: 6.2 pr. 1.000 mod 8.2")
    assert danish.mind == (
        "Perioderne er ikke samme tid på året; noget af forskellen kan være årstiden.",
    )
    refused = altered(lambda n, point: replace(point, draft=n == 3))
    english = sentences(refused, Words("en"), "before", "after", str)
    assert english.found == "Before and after cannot be compared:"
    assert english.why == ("1 figure is a draft that nobody has approved.",)
    assert english.mind == ()
