"""CSV as files of lines: names, letters, header, quotes and widths, and what is no such file."""

from datetime import UTC, datetime

import pytest

from capacity.model import Closure, PlaceReport, ReportType
from feeds.formats import gathering
from feeds.formats.mapped_csv import FORMAT
from tests.support.csv_files import HEAD, ROW, SEEN, danish, read, refusal
from tests.support.formats import faults, parsed


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
