"""Indicators: definitions that are whole, and figures that never take unknown for zero."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.config_file import ConfigError
from capacity.indicator_catalogue import builtin_definitions, load_definitions
from capacity.indicators.definitions import Definition, Origin, Split
from capacity.indicators.figures import (
    chart_of,
    figure,
    next_period,
    period_of,
    series,
    week_profile,
)
from capacity.indicators.measures import WHOLE_DAY, Key, Measure, Tally, with_whole_day
from capacity.indicators.statement import MEASURES, Line, Statement, Use, statement, total, uses
from capacity.spc import ChartKind

CATALOGUE = builtin_catalogue()
DEFINITIONS = builtin_definitions(CATALOGUE)
TODAY = DEFINITIONS.on(date(2026, 11, 1))
UNIT = "randers-akutplads-1"


# --- definitions ---------------------------------------------------------------------------------


def test_every_shipped_indicator_is_told_in_both_languages() -> None:
    assert len(TODAY) >= 30
    for each in TODAY.values():
        for text in (each.name, each.counts, each.excludes, each.source):
            assert text.da != text.en or len(text.da) < 20, each.id
        assert (each.per is not None) is (each.origin is Origin.IMPORT or bool(each.denominator))
    issued = {
        "occupancy", "free_place_minutes", "no_alternative", "stale_minutes", "update_interval",
        "asks", "accepted_share", "declined_share", "answer_minutes", "agreement_use",
        "surge_hours", "outcomes", "function_use", "acute_admissions", "acute_admissions_65",
        "preventable_admissions", "readmissions_30", "ready_days",
    }  # fmt: skip
    assert issued <= TODAY.keys()


def test_every_amount_is_of_use_to_some_indicator() -> None:
    used = {measure for each in TODAY.values() for measure in each.measures}
    assert set(Measure) - used == {Measure.HELD_MS, Measure.OUTCOME_OTHER}


INDICATOR = """
[[indicator]]
id = "{id}"
{since}
name = {{ da = "a", en = "b" }}
counts = {{ da = "a", en = "b" }}
excludes = {{ da = "a", en = "b" }}
source = {{ da = "a", en = "b" }}
period = "day"
measured = "count"
better = "lower"
{more}
"""


def written(tmp_path: Path, *blocks: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def block(more: str = 'numerator = ["asked"]', since: str = "", id: str = "mine") -> str:
    return INDICATOR.format(id=id, since=since, more=more)


def test_a_definition_that_changes_keeps_the_old_one_for_its_days(tmp_path: Path) -> None:
    path = written(tmp_path, block(), block('numerator = ["filled"]', since="since = 2027-01-01"))
    found = load_definitions(path, CATALOGUE)
    assert found.on(date(2026, 12, 31))["mine"].numerator == (Measure.ASKED,)
    assert found.on(date(2027, 1, 1))["mine"].numerator == (Measure.FILLED,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (block('numerator = ["askd"]'), "numerator"),
        (block(""), "has a numerator"),
        (block('origin = "import"\nnumerator = ["asked"]'), "has a numerator"),
        (block('numerator = ["asked"]\ndenominator = ["outcomes"]'), "not about the same"),
        (block('numerator = ["asked"]\ndenominator = ["filled"]'), "told per"),
        (block('numerator = ["asked"]\nunknown = ["stale_ms"]'), "or neither"),
        (block('numerator = ["asked"]\nchart = "p"'), "a p chart shows a share"),
        (block('numerator = ["asked"]\nspeed = 3'), "is not a known key"),
        (block() + block(), "must be a day later"),
        (block() + '[[need]]\nid = "n"\nname = { da = "a", en = "b" }\ncapabilities = ["x"]',
         "no capability"),
        (block() + 2 * '[[need]]\nid = "n"\nname = { da = "a", en = "b" }\n', "declared already"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_the_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        load_definitions(written(tmp_path, text), CATALOGUE)
    assert refused.value.line


# --- figures -------------------------------------------------------------------------------------


def test_what_is_not_known_is_never_zero() -> None:
    occupancy = TODAY["occupancy"]
    half = {Measure.OCCUPIED_MS: 30, Measure.PLACE_MS: 60, Measure.FREE_MS: 60}
    found = figure(occupancy, half)
    assert (found.value, found.unknown) == (50, 0)
    stale = figure(occupancy, half | {Measure.STALE_MS: 180})
    assert (stale.value, stale.unknown) == (50, 0.75)
    minutes = TODAY["free_place_minutes"]
    assert figure(minutes, {Measure.STALE_MS: 60_000}).value is None
    assert figure(minutes, {}).value is None
    assert figure(minutes, {Measure.FULL_MS: 60_000}).value == 0
    assert figure(TODAY["accepted_share"], {}).value is None
    assert figure(TODAY["asks"], {}).value == 0
    assert (
        figure(TODAY["answer_minutes"], {Measure.ANSWER_MS: 90_000, Measure.ANSWERED: 3}).value
        == 0.5
    )


def daily(definition: Definition, *days: tuple[date, int, int]) -> list[tuple[date, Measure, int]]:
    of, per = definition.numerator[0], definition.denominator[0]
    return [each for day, n, of_n in days for each in ((day, of, n), (day, per, of_n))]


def test_periods_are_whole_and_sums_go_before_shares() -> None:
    share = TODAY["accepted_share"]
    amounts = daily(
        share, (date(2026, 3, 1), 9, 9), (date(2026, 3, 2), 1, 10), (date(2026, 3, 8), 1, 2),
        (date(2026, 3, 9), 1, 1), (date(2026, 4, 1), 5, 5),
    )  # fmt: skip
    weeks = series(share, amounts, date(2026, 3, 1), date(2026, 3, 17), "week")
    assert [(each.day, each.figure.value) for each in weeks] == [
        (date(2026, 3, 2), pytest.approx(200 / 12)),
        (date(2026, 3, 9), 100),
    ]
    (march,) = series(share, amounts, date(2026, 3, 1), date(2026, 4, 29), "month")
    assert (march.figure.numerator, march.figure.denominator) == (12, 22)
    days = series(share, amounts, date(2026, 3, 1), date(2026, 3, 3), "day")
    assert [each.figure.value for each in days] == [100, 10, None]


@settings(deadline=None)
@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.sampled_from(["day", "week", "month"]))
def test_every_day_is_in_one_period(day: date, step: str) -> None:
    begins = period_of(day, step)  # type: ignore[arg-type]
    ends = next_period(begins, step)  # type: ignore[arg-type]
    assert begins <= day < ends
    assert period_of(ends, step) == ends  # type: ignore[arg-type]
    assert period_of(ends - timedelta(days=1), step) == begins  # type: ignore[arg-type]


def test_the_profile_of_a_week_has_168_hours() -> None:
    asks = TODAY["asks"]
    mondays = [(date(2026, 11, 2), 10, Measure.ASKED, 2), (date(2026, 11, 9), 10, Measure.ASKED, 3)]
    profile = week_profile(asks, mondays)
    assert len(profile) == 168
    assert profile[0, 10].value == 5
    assert profile[6, 23].value == 0


def test_a_share_is_charted_in_percent_and_a_level_by_its_values() -> None:
    share = TODAY["accepted_share"]
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(20)]
    periods = series(share, daily(share, *((d, 5, 10) for d in days)), days[0], days[-1], "day")
    chart = chart_of(share, periods)
    assert chart.kind is ChartKind.P
    assert chart.points[0].value == chart.segments[0].centre == 50
    assert chart.points[0].upper == pytest.approx(97.434, abs=0.001)
    asks = TODAY["asks"]
    counted = [(day, Measure.ASKED, n % 5) for n, day in enumerate(days)]
    chart = chart_of(asks, series(asks, counted, days[0], days[-1], "day"), rebase=[10])
    assert chart.kind is ChartKind.XMR
    assert len(chart.segments) == 2


def test_whole_days_are_the_sum_of_their_hours() -> None:
    ten, eleven = (Key(Measure.ASKED, UNIT, "acute_place", "0730", hour) for hour in (10, 11))
    empty = ten._replace(measure=Measure.FILLED)
    hours: Tally = Counter({ten: 2, eleven: 3, empty: 0})
    assert with_whole_day(hours) == {ten: 2, eleven: 3, ten._replace(hour=WHOLE_DAY): 5}
    assert Split.UNIT in TODAY["asks"].splits


def test_there_are_no_minutes_of_old_figures_where_nothing_was_on_the_board() -> None:
    minutes = TODAY["stale_minutes"]
    assert figure(minutes, {}).value is None
    kept = figure(minutes, {Measure.FREE_MS: 60_000})
    assert (kept.value, kept.unknown) == (0, None)


def test_the_statement_of_use_adds_up_and_leaves_out_what_nobody_knows() -> None:
    place, team = (UNIT, "acute_place", "0730"), ("t", "acute_team", "0710")
    lines = statement(
        [
            (*place, Measure.FREE_MS, 30), (*place, Measure.CLOSED_MS, 10),
            (*place, Measure.FULL_MS, 20), (*place, Measure.STALE_MS, 60),
            (*place, Measure.PLACE_MS, 100), (*place, Measure.OCCUPIED_MS, 150),
            (*team, Measure.ASKED, 2), (*team, Measure.ANSWERED, 1),
            (*team, Measure.ANSWER_MS, 90_000), ("d", "acute_department", "0730", Measure.ASKED, 9),
        ]
    )  # fmt: skip
    assert [(line.municipality, line.unit) for line in lines] == [("0710", "t"), ("0730", UNIT)]
    use, places = lines
    assert (places.unknown, places.open, places.free, places.used) == (0.5, 50 / 60, 0.5, 1.5)
    assert (use.unknown, use.open, use.used) == (None, None, None)
    assert (use.answer_minutes, use.count(Measure.ASKED), use.count(Measure.FILLED)) == (1.5, 2, 0)
    assert (use.place_days, use.used_days, use.unknown_hours, use.free_place_minutes) == (None,) * 4
    assert places.used_days == 150 / 86_400_000
    assert places.free_place_minutes is None, "free, but nobody knows how many"
    both = total(lines)
    assert (both.used, both.count(Measure.ASKED)) == (1.5, 2)
    assert {measure for line in lines for measure in line.amounts} <= set(MEASURES)


def test_what_was_asked_of_a_unit_that_has_left_the_catalogue_stays_with_it() -> None:
    told = [
        (UNIT, "acute_place", "0730", Measure.FULL_MS, 60_000), (UNIT, "", "", Measure.ASKED, 3),
        ("gone", "", "", Measure.ASKED, 9),
    ]  # fmt: skip
    (line,) = statement(told, {UNIT: 2, "gone": 5})
    assert (line.count(Measure.ASKED), line.count(Measure.OUTCOME_ALTERNATIVE)) == (3, 2)
    assert line.free_place_minutes == 0, "known to have had none free"
    assert line.is_recorded
    assert not Line("u", "acute_place", "0730", {}).is_recorded


def test_the_use_of_agreements_is_by_who_borrows() -> None:
    asked, filled = Measure.AGREEMENT_ASKED, Measure.AGREEMENT_FILLED
    found = uses([("b", "0710", asked, 1), ("a", "0710", asked, 3), ("a", "0710", filled, 2)])
    assert found == [Use("a", "0710", 3, 2), Use("b", "0710", 1, 0)]
    assert [use.agreement for use in Statement([], found).of("0710").agreements] == ["a", "b"]
    assert not Statement([], found).of("0730").agreements
