"""CSV under a mapping: columns, values, rows to leave out, person numbers, the mapping itself."""

from typing import Any

import pytest

from capacity.model import ReportType
from capacity.privacy import CPR_REASON
from feeds.formats import BadMappingError, cells
from feeds.formats.csv_mapping import LeaveOut
from feeds.formats.mapped_csv import FORMAT
from tests.support.csv_files import DANISH, DANISH_HEAD, HEAD, ROW, read, refusal
from tests.support.formats import CPR, faults


def test_a_renamed_column_is_never_silently_unknown() -> None:
    where, field, reason = refusal(
        DANISH_HEAD.replace("Belagt", "Optaget").encode("cp1252"), DANISH
    )
    assert (where, field) == ("header", "Belagt")
    assert "missing" in reason


def test_a_column_that_stands_twice_is_refused() -> None:
    where, field, reason = refusal(HEAD.replace("\n", ",total\n") + ROW)
    assert (where, field) == ("header", "total")
    assert "more than once" in reason


def test_an_added_column_is_fine() -> None:
    batch = read(HEAD.replace("unit", "new,unit") + "?," + ROW)
    assert batch.reports[0].total == 4


def test_constants_stand_in_for_columns() -> None:
    mapping = {"constants": {"unit": "a", "type": "team", "on_duty": "ja", "closed": 0}}
    batch = read("observed_at\n2026-11-22T11:00Z\n", mapping)
    assert batch.reports[0].unit == "a"
    assert batch.reports[0].closed == 0
    assert batch.reports[0].type is ReportType.TEAM


def test_a_constant_that_is_wrong_is_said_for_each_row() -> None:
    batch = read(HEAD + ROW, {"constants": {"reserved": "mange"}})
    assert faults(batch) == [("line 2", "reserved")]


def test_types_by_unit() -> None:
    mapping = {"types": {"q": "load"}, "report_type": "slot"}
    text = "unit,observed_at\nq,2026-11-22T11:00Z\na,2026-11-22T11:00Z\n"
    assert [r.type for r in read(text, mapping).reports] == [ReportType.LOAD, ReportType.SLOT]


# Values


@pytest.mark.parametrize("word", ["", " ", "-", "?", "N/A", "ukendt", " Ukendt ", "NULL"])
def test_words_for_unknown_are_unknown_and_never_zero(word: str) -> None:
    batch = read(HEAD + f"a,2026-11-22T11:00Z,{word},1\n")
    assert (batch.reports[0].total, batch.reports[0].free) == (None, None)


def test_a_source_has_its_own_words_for_unknown() -> None:
    mapping = {"unknown_words": [-999999, "pas d'information disponible"]}
    text = HEAD + "a,2026-11-22T11:00Z,-999999,Pas  d'information disponible\n" + "b,,4,1\n"
    batch = read(text, mapping)
    assert batch.reports[0].total is batch.reports[0].occupied is None
    assert faults(batch) == [("line 3", "observed_at")]


def test_a_unit_may_be_called_as_unknown_words_are() -> None:
    assert read(HEAD + ROW.replace("a", "NA", 1)).reports[0].unit == "NA"
    assert faults(read(HEAD + ROW.replace("a", " ", 1))) == [("line 2", "unit")]


@pytest.mark.parametrize(
    ("decimal", "cell", "count"),
    [(".", "4", 4), (".", "+4", 4), (".", "4.0", 4), (",", "4,00", 4), (",", " 04 ", 4)],
)
def test_whole_numbers_in_both_decimal_signs(decimal: str, cell: str, count: int) -> None:
    text = f"unit;observed_at;total\na;2026-11-22T11:00Z;{cell}\n"
    assert read(text, {"decimal": decimal}).reports[0].total == count


@pytest.mark.parametrize(
    ("decimal", "cell"),
    [
        *((".", "4,0"), (",", "4.0"), (".", "4.5"), (".", "fire"), (".", "1e3"), (".", "-1")),
        *((".", "٤"), (".", "9" * 400), (".", "0x4"), (".", "1 000"), (",", "1.000"), (".", "4.")),
    ],
)
def test_other_numbers_are_refused_by_field(decimal: str, cell: str) -> None:
    text = f"unit;observed_at;total\na;2026-11-22T11:00Z;{cell}\n"
    assert faults(read(text, {"decimal": decimal})) == [("line 2", "total")]


def test_yes_and_no_words() -> None:
    text = "unit;type;observed_at;on_duty\n" + "".join(
        f"a;team;2026-11-22T11:00Z;{word}\n" for word in ("ja", "NEJ", "1", "0", "", "måske", "x")
    )
    batch = read(text)
    assert [getattr(r, "on_duty", "?") for r in batch.reports] == [True, False, True, False, None]
    assert faults(batch) == [("line 7", "on_duty"), ("line 8", "on_duty")]
    mapped = read(text, {"yes_words": ["x"], "no_words": ["måske"]})
    assert [getattr(r, "on_duty", "?") for r in mapped.reports] == [None, False, True]


def test_a_cell_may_be_long_but_not_endless() -> None:
    text = HEAD.replace("\n", ",note,x\n") + ROW.replace("\n", ",{},{}\n")
    assert len(read(text.format("n" * 500, "x" * 100_000)).reports) == 1
    assert faults(read(text.format("n" * 501, ""))) == [("line 2", "note")]
    assert faults(read(text.format("n" * (cells.MAX_CELL + 1), ""))) == [("line 2", "note")]


# Rows to leave out


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ({"equals": "I  ALT"}, ["", "x1", "x22"]),
        ({"equals": 5}, ["i alt", "", "x1", "x22"]),
        ({"blank": True}, ["i alt", "x1", "x22"]),
        ({"matches": r"x\d"}, ["i alt", "", "x22"]),
    ],
)
def test_rows_that_are_no_reports_are_left_out(rule: dict[str, Any], left: list[str]) -> None:
    text = "unit;observed_at;Slags\n" + "".join(
        f"a;2026-11-22T11:00Z;{kind}\n" for kind in ("i alt", "", "x1", "x22")
    )
    batch = read(text.replace("Slags", "note"), {"leave_out": [{"column": "NOTE", **rule}]})
    assert [report.note or "" for report in batch.reports] == left
    assert batch.rejects == ()


def test_a_rules_column_must_be_there_too() -> None:
    assert refusal(HEAD, {"leave_out": [{"column": "Slags", "blank": True}]})[1] == "Slags"


def test_a_pattern_sees_the_start_of_a_cell_only() -> None:
    assert LeaveOut(column="x", matches="a*").fits("a" * 500 + "b" * 500)
    assert not LeaveOut(column="x", matches="a*").fits("a" * 499 + "b")


# Person numbers


@pytest.mark.parametrize("column", ["unit", "Initialer", "note"])
def test_a_person_number_in_any_cell_is_refused_by_column(column: str) -> None:
    cells = {"unit": "a", "observed_at": "2026-11-22T11:00Z", "Initialer": "", "note": ""}
    bad = {**cells, column: f"se {CPR}"}
    text = "\n".join(";".join(row) for row in (cells, cells.values(), bad.values()))
    batch = read(text)
    assert batch.places == ("line 2",)
    assert [(r.where, r.field, r.reason) for r in batch.rejects] == [
        ("line 3", column.casefold(), CPR_REASON)
    ]


def test_a_person_number_as_a_column_name_is_not_repeated() -> None:
    batch = read(f"unit;observed_at;{CPR}\na;2026-11-22T11:00Z;1204991234\n")
    assert faults(batch) == [("line 2", "(field name)")]


def test_long_decimals_are_no_person_numbers() -> None:
    assert len(read(f"{HEAD.strip()},mean\n{ROW.strip()},3.0312234375\n").reports) == 1


# The mapping itself


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"separator": ""}, "separator"),
        ({"separator": ";;"}, "separator"),
        ({"separator": "a"}, "separator"),
        ({"separator": "5"}, "separator"),
        ({"separator": "\n"}, "separator"),
        ({"separator": "'", "quote": "'"}, "separator and quote"),
        ({"encoding": "latin-9"}, "encoding"),
        ({"decimal": ";"}, "decimal"),
        ({"skip_lines": -1}, "skip_lines"),
        ({"time_format": "%H:%M"}, "time_format"),
        ({"time_format": "%d-%m-%Y %I:%M"}, "time_format"),
        ({"time_format": "%Q"}, "time_format"),
        ({"time_format": "%"}, "time_format"),
        ({"columns": {"beds": "x"}}, r"columns\.beds"),
        ({"columns": {"total": "x", "observed_at": "y"}}, "unit is missing"),
        ({"columns": {"unit": "x"}}, "needs observed_at"),
        ({"columns": {"unit": "x", "observed_date": "y"}}, "needs observed_at"),
        ({"columns": {"unit": "x", "observed_at": "y", "observed_date": "z",
                      "observed_time": "w"}}, "needs observed_at"),
        ({"columns": {"unit": "x", "observed_at": "y", "reopens_at": "z"}}, "closure_reason"),
        ({"columns": {"unit": "x", "observed_at": "y"}, "constants": {"unit": "z"}}, "both"),
        ({"constants": {"total": 1.5}}, r"constants\.total"),
        ({"leave_out": [{"column": "x"}]}, "exactly one"),
        ({"leave_out": [{"column": "x", "blank": True, "equals": "y"}]}, "exactly one"),
        ({"leave_out": [{"column": "x", "matches": "("}]}, "regular expression"),
        ({"leave_out": [{"column": "x", "matches": "a" * 201}]}, "matches"),
    ],
)  # fmt: skip
def test_a_mapping_that_makes_no_sense_is_refused(values: object, named: str) -> None:
    with pytest.raises(BadMappingError, match=named):
        FORMAT.read_mapping(values)
