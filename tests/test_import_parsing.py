"""Registers' files: what is read, and what is refused with place, field and reason."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from capacity.imports import Key
from capacity.model import UnreadableError
from capacity.reading import FieldError
from feeds.figures import FigureMapping
from feeds.figures.periods import is_over, of_parts, period_of
from tests.support.formats import CPR, mangled
from tests.support.registers import TODAY, lines, read, told
from tests.support.workbooks import Rows, workbook

JANUARY = date(2026, 1, 1)
WEEK_5 = date(2026, 1, 26)
WEEKLY = {
    "indicator": "ready_days", "source": "eSundhed", "step": "week",
}  # fmt: skip


def faults(raw: bytes, **mapping: object) -> list[tuple[str, str]]:
    parsed = read(raw, **mapping)
    return [(each.where, each.field) for each in parsed.rejects]


def test_a_file_with_our_own_names_needs_no_mapping() -> None:
    parsed = read(
        lines(
            "acute_admissions;0730;2026-01;812;98000;LPR",
            "readmissions_30;Favrskov;januar 2026;17;190;LPR",
            "ready_days;Syddjurs Kommune;2026M02;3;;kommunen",
        )
    )
    assert not parsed.rejects
    assert parsed.told == [
        told(812, 98000),
        told(17, 190, indicator="readmissions_30", municipality="0710"),
        told(
            3, None, indicator="ready_days", municipality="0706", period=date(2026, 2, 1),
            source="kommunen",
        ),
    ]  # fmt: skip
    assert parsed.places == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize(
    "text",
    ["2026-01", "2026-1", "2026/01", "01-2026", "1/2026", "2026M01", "2026m1", "202601",
     "januar 2026", "Jan. 2026", "JANUAR  2026", "2026 january", "january, 2026"],
)  # fmt: skip
def test_a_month_is_written_in_many_ways(text: str) -> None:
    assert period_of(text, None) == ("month", JANUARY)


@pytest.mark.parametrize(
    "text", ["2026-W05", "2026W5", "2026U05", "2026 uge 5", "Uge 5, 2026", "week 5 2026"]
)
def test_a_week_is_written_in_many_ways(text: str) -> None:
    assert period_of(text, None) == ("week", WEEK_5)


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_has_its_names(month: int) -> None:
    danish = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august",
              "september", "oktober", "november", "december")[month - 1]  # fmt: skip
    for name in (danish, danish[:3], danish[:3] + ".", f"{month:02}", str(month)):
        assert of_parts("2026", name, "month") == ("month", date(2026, month, 1))
    assert period_of(f"{danish} 2026", "month")[1] == date(2026, month, 1)


@pytest.mark.parametrize(
    ("text", "step"),
    [("2026-13", None), ("2026", None), ("", None), ("2026-01-01", None), ("2026-01-02", "month"),
     ("2026-01-27", "week"), ("2026-02-30", "month"), ("uge 54 2026", None), ("smarch 2026", None),
     ("2026-01", "week"), ("2026-W05", "month"), ("uge 53 2025", None)],
)  # fmt: skip
def test_what_is_no_period_is_refused(text: str, step: str | None) -> None:
    with pytest.raises(FieldError):
        period_of(text, step)  # type: ignore[arg-type]


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_a_period_is_over_the_day_after_its_last(day: date) -> None:
    monday, first = day - timedelta(days=day.weekday()), day.replace(day=1)
    assert period_of("{}-W{:02}".format(*monday.isocalendar()[:2]), None) == ("week", monday)
    assert not is_over("week", monday, monday + timedelta(days=6))
    assert is_over("week", monday, monday + timedelta(days=7))
    after = (first + timedelta(days=31)).replace(day=1)
    assert is_over("month", first, after)
    assert not is_over("month", first, after - timedelta(days=1))


def test_registers_columns_and_words_are_mapped() -> None:
    raw = (
        "Udtræk fra registeret;;;\n"
        "Kommune;År;Måned;Antal indlæggelser;Borgere\n"
        "RANDERS;2026;Januar;1.812;98.123\n"
        "730 Randers;2026;Februar;1.700,0;98.123\n"
        "I alt;2026;Februar;9.999;1\n"
    ).encode("cp1252")
    parsed = read(
        raw,
        indicator="acute_admissions", source="LPR", skip_lines=1, thousands=".",
        columns={"municipality": "kommune", "year": "År", "month": "Måned",
                 "numerator": "Antal indlæggelser", "denominator": "Borgere"},
        municipalities={"730 Randers": "730"},
        leave_out=[{"column": "Kommune", "equals": "i alt"}],
    )  # fmt: skip
    assert not parsed.rejects
    assert parsed.told == [told(1812, 98123), told(1700, 98123, period=date(2026, 2, 1))]


def test_a_row_may_tell_several_indicators() -> None:
    raw = b"municipality,period,akutte,over65,borgere,aeldre\nRanders,2026-01,812,x,98000,18000\n"
    parsed = read(
        raw,
        source="LPR",
        figures=[
            {"indicator": "acute_admissions", "numerator": "akutte", "denominator": "borgere"},
            {"indicator": "acute_admissions_65", "numerator": "over65", "denominator": "aeldre"},
        ],
    )
    assert parsed.told == [told(812, 98000)]
    assert [(each.where, each.field) for each in parsed.rejects] == [
        ("line 2", "acute_admissions_65 numerator")
    ]


def test_a_workbook_is_read_by_the_same_mapping() -> None:
    rows: Rows = [
        ["Kommune", "Uge", "Dage", "Borgere"],
        ["Randers", datetime(2026, 1, 26), 41, 98000.0],  # noqa: DTZ001 - a cell
        [730, "2026U06", 40.5, 98000],
        ["Randers", "2026U07", None, 98000],
    ]
    columns = {
        "municipality": "Kommune", "period": "Uge", "numerator": "Dage", "denominator": "Borgere",
    }  # fmt: skip
    raw = workbook({"Ark1": [["x"]], "Tal": rows})
    parsed = read(raw, **{**WEEKLY, "indicator": "ready_days"}, columns=columns, sheet="tal")
    assert [(each.where, each.field) for each in parsed.rejects] == [
        ("Tal row 3", "numerator"), ("Tal row 4", "numerator"),
    ]  # fmt: skip
    (week,) = parsed.told
    assert (week.key.step, week.key.period, week.numerator) == ("week", WEEK_5, 41)
    monthly: Rows = [
        ["Kommune", "Uge", "Dage", "Borgere"],
        ["Randers", date(2026, 1, 1), 41, 98000.0],
    ]
    mapping = {**WEEKLY, "step": "month", "columns": columns}
    assert read(workbook({"A": monthly}), **mapping).told == [
        told(41, 98000, indicator="ready_days", source="eSundhed")
    ]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("acute_admissions;9999;2026-01;1;2;LPR", "municipality"),
        ("acute_admissions;0751;2026-01;1;2;LPR", "municipality"),  # Aarhus is another cluster
        ("occupancy;0730;2026-01;1;2;LPR", "indicator"),
        ("made_up;0730;2026-01;1;2;LPR", "indicator"),
        ("acute_admissions;0730;2026-11;1;2;LPR", "period"),  # not over on 22 November
        ("acute_admissions;0730;2026-01;;2;LPR", "numerator"),
        ("acute_admissions;0730;2026-01;-1;2;LPR", "numerator"),
        ("acute_admissions;0730;2026-01;1,5;2;LPR", "numerator"),
        ("acute_admissions;0730;2026-01;1e3;2;LPR", "numerator"),
        ("acute_admissions;0730;2026-01;9999999999;2;LPR", "numerator"),
        ("acute_admissions;0730;2026-01;1;0;LPR", "denominator"),
        ("readmissions_30;0730;2026-01;3;2;LPR", "numerator"),
        ("acute_admissions;0730;2026-01;1;2;", "source"),
        (f"acute_admissions;0730;2026-01;1;2;{'x' * 201}", "source"),
        (f"acute_admissions;0730;2026-01;1;2;om {CPR}", "source"),
        (f"acute_admissions;{CPR};2026-01;1;2;LPR", "municipality"),
        ("acute_admissions;0730;2026-01;1;2", "row"),
    ],
)
def test_a_row_that_cannot_be_used_costs_itself_only(row: str, field: str) -> None:
    good = "acute_admissions;0730;2026-02;1;2;LPR"
    parsed = read(lines(row, good))
    assert [(each.where, each.field) for each in parsed.rejects] == [("line 2", field)]
    assert len(parsed.told) == 1
    assert CPR not in parsed.rejects[0].reason


def test_a_figure_is_told_once_by_a_document() -> None:
    again = lines(*["acute_admissions;0730;2026-01;1;2;LPR"] * 2)
    (reject,) = read(again).rejects
    assert (reject.where, reject.field) == ("line 3", "row")
    assert "line 2" in reject.reason


@pytest.mark.parametrize(
    "raw",
    [b"", b"a;b\n1;2\n", b"<html></html>", b"PK\x03\x04 and no more", b"\xff\xfea\0",
     lines().replace(b"numerator", b"denominator")],
)  # fmt: skip
def test_what_is_no_table_of_figures_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(raw)


@pytest.mark.parametrize(
    "mapping",
    [{"columns": {"year": "a"}}, {"columns": {"month": "a"}}, {"unknown": 1},
     {"columns": {"period": "a", "year": "b", "month": "c"}},
     {"indicator": "x", "columns": {"indicator": "a"}},
     {"figures": [{"indicator": "x", "numerator": "y"}], "indicator": "z"},
     {"thousands": ","}],
)  # fmt: skip
def test_a_mapping_that_contradicts_itself_is_refused(mapping: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FigureMapping.model_validate(mapping)


@given(mangled(lines("acute_admissions;0730;2026-01;812;98000;LPR"),
               workbook({"A": [["indicator", "numerator"], ["x", 1]]})))  # fmt: skip
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parsed = read(raw)
    except UnreadableError:
        return
    assert len(parsed.told) == len(parsed.places)
    assert len({each.key for each in parsed.told}) == len(parsed.told)
    for each in parsed.told:
        assert isinstance(each.key, Key)
        assert is_over(each.key.step, each.key.period, TODAY)


def test_days_come_in_where_the_mapping_says_so() -> None:
    raw = lines("readmissions_30;0730;2026-01-31;5;90;LPR")
    assert not read(raw).told
    (found,) = read(raw, step="day").told
    assert (found.key.step, found.key.period) == ("day", date(2026, 1, 31))
    today = lines(f"readmissions_30;0730;{TODAY};5;90;LPR")
    assert read(today, step="day").rejects[0].field == "period"
    yesterday = lines(f"readmissions_30;0730;{TODAY - timedelta(days=1)};5;90;LPR")
    assert read(yesterday, step="day").told


def test_a_denominator_may_be_the_sum_of_columns() -> None:
    raw = b"municipality;period;used;free;closed;source\n"
    raw += b"0730;2026-01;7;2;1;x\n0710;2026-01;7;NA;1;x\n"
    summed = ["used", "free", "closed"]
    columns = {"numerator": "used", "denominator": summed}
    plain = read(raw, indicator="readmissions_30", columns=columns, unknown_words=["NA"])
    assert [(each.numerator, each.denominator) for each in plain.told] == [(7, 10), (7, None)]
    figures = [{"indicator": "readmissions_30", "numerator": "used", "denominator": summed}]
    assert read(raw, figures=figures, unknown_words=["NA"]).told == plain.told
    with pytest.raises(ValidationError, match="only a denominator"):
        FigureMapping.model_validate({"columns": {"numerator": summed}})
