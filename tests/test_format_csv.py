"""Mapped CSV: every oddity that a mapping can name, and every way in which a file can be broken."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, Closure, LoadReport, PlaceReport, ReportType, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats import BadMappingError, cells, gathering
from feeds.formats.csv_mapping import LeaveOut
from feeds.formats.mapped_csv import FORMAT
from tests.support.formats import CPR, faults, mangled, parsed, reads_or_refuses
from tests.support.quebec import quebec_files, quebec_mapping, quebec_values, recomputed

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
HEAD = "unit,observed_at,total,occupied\n"
ROW = "a,2026-11-22T11:00:00Z,4,1\n"
DANISH: dict[str, Any] = {
    "separator": ";",
    "encoding": "cp1252",
    "decimal": ",",
    "timezone": "Europe/Copenhagen",
    "time_format": "%d-%m-%Y %H:%M",
    "columns": {
        "unit": "Plads",
        "observed_at": "Opdateret",
        "total": "Pladser i alt",
        "occupied": "Belagt",
        "note": "Bemærkning",
    },
    "constants": {"reserved": 0, "type": "place"},
}
DANISH_HEAD = "Plads;Opdateret;Pladser i alt;Belagt;Bemærkning\r\n"


def read(text: str, mapping: object = None) -> Batch:
    return parsed(FORMAT, text.encode(), mapping)


def danish(*rows: str, **changed: object) -> Batch:
    raw = (DANISH_HEAD + "".join(f"{row}\r\n" for row in rows)).encode("cp1252")
    return parsed(FORMAT, raw, {**DANISH, **changed})


def refusal(raw: bytes | str, mapping: object = None) -> tuple[str, str, str]:
    with pytest.raises(UnreadableError) as caught:
        parsed(FORMAT, raw.encode() if isinstance(raw, str) else raw, mapping)
    reject = caught.value.reject
    return reject.where, reject.field, reject.reason


# Without a mapping


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_with_our_own_field_names(separator: str, end: str, mark: bytes) -> None:
    text = (HEAD + ROW + ROW).replace(",", separator).replace("\n", end)
    batch = parsed(FORMAT, mark + text.encode())
    assert (
        batch.reports == (PlaceReport(unit="a", observed_at=SEEN, total=4, occupied=1, free=3),) * 2
    )
    assert batch.places == ("line 2", "line 3")


def test_all_our_fields_by_name() -> None:
    batch = read(
        "Unit;Type;Observed_Date;Observed_Time;Total;Staffed;Occupied;Reserved;Closed;Free;Note;"
        "Capabilities_Off;Closure_Reason;Reopens_At;Reopens_Itself;extra\n"
        "a;Place;2026-11-22;11:00Z;6;5;2;1;0;2;ok;iv| ekg|;brand;2026-11-23T08:00+01:00;ja;x\n"
        "b;Team;2026-11-22;11:00Z;6;5;2;1;0;2;-;;;2026-11-23T08:00+01:00;;x\n"
    )
    assert batch.rejects == ()
    assert batch.reports[0] == PlaceReport(
        unit="a",
        observed_at=SEEN,
        total=6,
        staffed=5,
        occupied=2,
        reserved=1,
        closed=0,
        free=2,
        stated_free=2,
        note="ok",
        capabilities_off=("iv", "ekg"),
        closure=Closure("brand", datetime(2026, 11, 23, 7, tzinfo=UTC), reopens_itself=True),
    )
    assert batch.reports[1].type is ReportType.TEAM
    assert batch.reports[1].closure is None
    assert batch.reports[1].note is None


@pytest.mark.parametrize("name", ["unit", "observed_at"])
def test_a_header_without_our_names_is_refused(name: str) -> None:
    where, field, reason = refusal((HEAD + ROW).replace(name, "x", 1))
    assert (where, field) == ("header", name)
    assert "missing" in reason


# Text, header and lines


def test_danish_letters_in_cp1252() -> None:
    batch = danish("AP-1;22-11-2026 12:00;4,0;1;Stue 3 lægges om")
    assert batch.reports == (
        PlaceReport(
            unit="AP-1",
            observed_at=SEEN,
            total=4,
            occupied=1,
            reserved=0,
            free=3,
            note="Stue 3 lægges om",
        ),
    )


def test_the_encoding_is_found_out() -> None:
    text = HEAD.replace("\n", ",note\n") + ROW.replace("\n", ",på vej\n")
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        assert parsed(FORMAT, text.encode(encoding)).reports[0].note == "på vej"


@pytest.mark.parametrize(
    ("raw", "encoding", "reason"),
    [
        (b"unit\nsm\xf8r", "utf-8", "is not utf-8 (line 2)"),
        (b"unit\n\x81", "cp1252", "is not cp1252 (line 2)"),
        (b"unit\n\xff\x81", "auto", "is not utf-8-sig or cp1252 (line 2)"),
    ],
)
def test_a_wrong_encoding_is_said_by_line(raw: bytes, encoding: str, reason: str) -> None:
    assert refusal(raw, {"encoding": encoding})[2] == reason


def test_a_mark_is_no_part_of_the_first_column_whatever_the_mapping_says() -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        batch = parsed(FORMAT, b"\xef\xbb\xbf" + (HEAD + ROW).encode(), {"encoding": encoding})
        assert len(batch.reports) == 1


def test_blanks_tabs_and_case_in_headers_are_set_aside() -> None:
    mapping = {
        "separator": ",",
        "columns": {"unit": "plads nr", "observed_at": "tid", "total": "I ALT"},
    }
    head = " Plads  \t Nr,TID\t\t\t, i alt \n"
    assert read(head + "a,2026-11-22T11:00Z,4\n", mapping).reports[0].total == 4
    assert refusal(head, {**mapping, "ignore_case": False})[1] == "plads nr"


def test_lines_before_the_header_and_blank_ones_anywhere() -> None:
    text = f"Udtræk fra omsorg\n\n\n,,,\n{HEAD}\n{ROW} , ,,\n;\n{ROW}\n\n"
    batch = read(text, {"skip_lines": 1, "separator": ","})
    assert batch.places == ("line 7", "line 10")
    assert faults(batch) == [("line 9", "row")]


def test_a_cell_with_line_breaks_counts_lines_as_an_editor_does() -> None:
    head = HEAD.replace("\n", ",note\n")
    first = ROW.replace("\n", ',"to\r\nlinjer"\n')
    second = ROW.replace("\n", ',"og ""her"""\n')
    batch = read(head + first + second)
    assert batch.places == ("line 2", "line 4")
    assert [report.note for report in batch.reports] == ["to linjer", 'og "her"']


def test_a_quotation_mark_that_never_closes_costs_its_line_only() -> None:
    head = HEAD.replace("\n", ",note\n")
    rows = [ROW.replace("\n", f",{note}\n") for note in ("x", '"oops', "y", '"z"', 'a"b', '"c"d')]
    batch = read(head + "".join(rows))
    assert [report.note for report in batch.reports] == ["x", "y", "z", 'a"b']
    assert faults(batch) == [("line 3", "row"), ("line 7", "row")]


def test_many_unclosed_quotation_marks_are_read_in_reasonable_time() -> None:
    batch = read(HEAD + '"a,b\n' * 20_000)
    assert len(batch.reports) + len(batch.rejects) >= 10_000


def test_a_cell_without_end_costs_its_row_only() -> None:
    batch = read(HEAD + ROW + f'"{"x" * 140_000}",2026-11-22T11:00Z,1,1\n' + ROW)
    assert batch.places == ("line 2", "line 4")
    assert faults(batch) == [("line 3", "row")]


def test_other_quotes_and_none() -> None:
    head = HEAD.replace("\n", ",note\n")
    single = read(head + ROW.replace("\n", ",'a, b'\n"), {"quote": "'"})
    assert single.reports[0].note == "a, b"
    none = read(head + ROW.replace("\n", ',"a\n'), {"quote": ""})
    assert none.reports[0].note == '"a'


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,2026-11-22T11:00Z,4\n", "has 3 cells where the header has 4"),
        ("a,2026-11-22T11:00Z,4,1,\n", "has 5 cells where the header has 4"),
        ("a,2026-11-22T1", "has 2 cells where the header has 4; the file seems to be cut off here"),
    ],
)
def test_a_row_of_another_width_is_refused(row: str, reason: str) -> None:
    batch = read(HEAD + ROW + row)
    assert len(batch.reports) == 1
    assert [(r.where, r.field, r.reason) for r in batch.rejects] == [("line 3", "row", reason)]


def test_a_last_line_without_end_is_read() -> None:
    assert read(HEAD + ROW.rstrip()).places == ("line 2",)


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (b"", "document", "is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "document", "is empty"),
        (b",,,\n", "header", "is missing"),
        (b"\0" * 900, "document", "NUL"),
        (HEAD.encode() + b"\0" * 20, "document", "NUL"),
        (HEAD.encode("utf-16"), "document", "is UTF-16"),
        (b"<!DOCTYPE html>\n<html><title>503</title></html>", "document", "is a web page"),
        (b"  <HTML>\n", "document", "is a web page"),
        (b'"unit,observed_at\n', "header", "is no CSV"),
        (b"," * 1000 + b"unit", "header", "more than 1000 columns"),
        (b"\n" * 500_000 + b"x", "document", "more than 500000 lines"),
    ],
)
def test_what_is_no_file_of_rows_is_refused(raw: bytes, field: str, reason: str) -> None:
    _, named, why = refusal(raw, {"separator": ","})
    assert named == field
    assert reason in why


def test_the_web_page_is_seen_before_any_separator_is_sought() -> None:
    assert "web page" in refusal("<html>a,b;c</html>")[2]
    assert refusal('"unit')[1] == "header"


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_ROWS", 3)
    assert len(read(HEAD + ROW * 2 + "x\n").reports) == 2
    assert refusal(HEAD + ROW * 3 + "x\n")[2] == "holds more than 3 rows"


# Columns


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


# Times


def at(text: str, **mapping: object) -> datetime | tuple[str, str]:
    """When a row with this time was observed, or where the fault lies."""
    batch = read(f"unit;observed_at\na;{text}\n", {"timezone": "Europe/Copenhagen", **mapping})
    return batch.reports[0].observed_at if batch.reports else faults(batch)[0]


FAULT = ("line 2", "observed_at")


@pytest.mark.parametrize(
    ("text", "time_format", "repeated", "instant"),
    [
        ("2026-10-25T02:30", "iso", "first", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T2:30", "iso", "second", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30", "iso", "refuse", FAULT),
        ("2026-10-25T02:30+01:00", "iso", "refuse", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("25.10.26 2.30", "%d.%m.%y %H.%M", "first", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("25.10.26 2.30", "%d.%m.%y %H.%M", "second", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("25.10.26 2.30", "%d.%m.%y %H.%M", "refuse", FAULT),
        ("2026-03-29T02:30", "iso", "first", FAULT),
        ("29.03.26 02.30", "%d.%m.%y %H.%M", "second", FAULT),
        ("2026-03-29T03:00", "iso", "refuse", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-07-01T12:00+01:00", "iso", "first", FAULT),
        ("01-07-2026 12:00 +0100", "%d-%m-%Y %H:%M %z", "first", FAULT),
        ("01-07-2026 12:00 +0200", "%d-%m-%Y %H:%M %z", "first",
         datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("2026-07-01", "iso", "first", FAULT),
        ("20260701", "%Y%m%d", "first", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        ("07-01-2026 12:00", "%d.%m.%Y %H:%M", "first", FAULT),
        ("2026-07-01T12:00:00.3855935", "iso", "first",
         datetime(2026, 7, 1, 10, 0, 0, 385000, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_local_times_and_the_two_nights_that_go_wrong(
    text: str, time_format: str, repeated: str, instant: object
) -> None:
    assert at(text, time_format=time_format, repeated=repeated) == instant


def test_without_a_zone_times_need_their_offset() -> None:
    assert at("2026-07-01T12:00", timezone=None) == FAULT
    assert at("2026-07-01T12:00Z", timezone=None) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert at("01-07-2026 12:00", timezone=None, time_format="%d-%m-%Y %H:%M") == FAULT


def test_date_and_time_in_two_columns() -> None:
    mapping: dict[str, Any] = {
        "timezone": "Europe/Copenhagen",
        "columns": {"unit": "id", "observed_date": "dato", "observed_time": "kl"},
    }
    head = "id;dato;kl\n"
    expected = datetime(2026, 7, 1, 10, 5, tzinfo=UTC)
    assert read(f"{head}a;2026-07-01;12:05\n", mapping).reports[0].observed_at == expected
    mapping["time_format"] = "%d/%m-%Y %H.%M"
    assert read(f"{head}a;1/7-2026;12.05\n", mapping).reports[0].observed_at == expected
    assert faults(read(f"{head}a;;12.05\nb;1/7-2026;-\n", mapping)) == [
        ("line 2", "observed_at"),
        ("line 3", "observed_at"),
    ]


def test_other_instants_follow_the_same_format() -> None:
    text = "unit;type;observed_at;next_free_at;closure_reason;reopens_at\n"
    row = "a;slot;22-11-2026 11:00;23-11-2026 09:00;ferie;24-11-2026 08:00\n"
    mapping = {"timezone": "Europe/Copenhagen", "time_format": "%d-%m-%Y %H:%M"}
    report = read(text + row, mapping).reports[0]
    assert getattr(report, "next_free_at", None) == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert report.closure == Closure("ferie", datetime(2026, 11, 24, 7, tzinfo=UTC))
    assert faults(read(text + row.replace("24-11", "24-13"), mapping)) == [("line 2", "reopens_at")]


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


# Anything at all

FULL = (DANISH_HEAD + 'AP-1;22-11-2026 12:00;4,0;1;"en\r\nto"\r\nAP-2;;-;;\r\n').encode("cp1252")


@given(st.binary() | mangled(FULL, (HEAD + ROW + ROW).encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, DANISH)


@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=4), max_size=5))
def test_any_cells_are_read_or_refused(table: list[list[str]]) -> None:
    rows = "".join(",".join(f'"{c}"' for c in (x.replace('"', "") for x in row)) + "\n"
                   for row in table)  # fmt: skip
    reads_or_refuses(FORMAT, (HEAD + rows).encode("utf-8", "surrogatepass"))


# The published recording


@pytest.mark.samples
def test_all_files_of_the_quebec_recording_equal_an_independent_reading(samples: Path) -> None:
    mapping = quebec_mapping()
    later = datetime(2024, 3, 1, tzinfo=UTC)
    files = unknown = over = 0
    for name, raw in quebec_files(samples):
        batch = FORMAT.parse(raw, mapping, later)
        assert batch.rejects == (), name
        assert all(isinstance(report, LoadReport) for report in batch.reports)
        read = [(r.unit, r.observed_at, r.total, r.occupied) for r in batch.reports]
        assert read == recomputed(raw), name
        files += 1
        unknown += sum(report.total is None for report in batch.reports)
        over += sum("occupied_over_total" in report.inconsistencies for report in batch.reports)
    assert files == 330
    assert unknown > 500  # hospitals without figures still report, all unknown
    assert over > 1000  # more stretchers in use than there are is how things are


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "reports"),
    [
        ("urgence_2024-01-08T12.csv", 115),
        ("urgence_time_2024-01-08T12.csv", 115),
        ("urgence_time_2024-06-01T12.csv", 115),
    ],
)
def test_both_makes_of_quebec_header_are_read_by_one_mapping(
    samples: Path, name: str, reports: int
) -> None:
    raw = (samples / "timeseries" / "quebec-er" / name).read_bytes()
    batch = parsed(FORMAT, raw, quebec_values())
    assert (len(batch.reports), batch.rejects) == (reports, ())
    found_out = parsed(FORMAT, raw, {**quebec_values(), "separator": "auto", "encoding": "auto"})
    assert found_out == batch


@pytest.mark.samples
def test_the_saner_csv_example_is_read(samples: Path) -> None:
    raw = (samples / "fhir-saner" / "csv" / "njSampleData.csv").read_bytes()
    mapping = {
        "timezone": "America/New_York",
        "time_format": "%Y%m%d",
        "columns": {
            "unit": "state",
            "observed_at": "date",
            "total": "numTotBeds",
            "staffed": "numBeds",
            "occupied": "numBedsOcc",
        },
    }
    first = parsed(FORMAT, raw, mapping).reports[0]
    assert (first.unit, first.total, first.staffed, first.occupied) == ("NJ", 20000, 17500, 11500)
    assert first.observed_at == datetime(2020, 4, 4, 4, 0, tzinfo=UTC)
