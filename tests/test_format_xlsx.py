"""Excel workbooks: a table is a table, with headers, sheets and times that CSV has not."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from capacity.model import Closure, PlaceReport, ReportType, TeamReport
from feeds.formats import BadMappingError
from feeds.formats.xlsx_sheet import FORMAT
from tests.support.formats import faults, parsed
from tests.support.sheets import (
    BY_SHEET,
    DANISH,
    LOCAL,
    OURS,
    SEEN,
    THERE,
    TWO,
    danish,
    refusal,
    sheet,
)
from tests.support.workbooks import serial, sheet_xml, workbook


def test_a_sheet_with_our_own_field_names() -> None:
    batch = parsed(FORMAT, sheet(*OURS))
    assert batch.reports == (PlaceReport(unit="a", observed_at=SEEN, total=4, occupied=1, free=3),)
    assert batch.places == ("Pladser row 2",)


def test_typed_cells_under_a_mapping() -> None:
    assert danish(["AP-1", LOCAL, 4, 1.0]).reports == (THERE,)


def test_numbers_as_texts_read_as_in_csv() -> None:
    batch = danish(["AP-1", LOCAL, "4,0", " 1 "], changed={"decimal": ","})
    assert batch.reports == (THERE,)


def test_unknown_words_and_error_cells_are_unknown_and_never_zero() -> None:
    broken = sheet_xml([["Plads", "Opdateret", "I alt", "Belagt"], ["AP-1", LOCAL, 4, None]])
    broken = broken.replace(
        "</row></sheetData>", '<c r="D2" t="e"><v>#DIV/0!</v></c></row></sheetData>'
    )
    found = parsed(
        FORMAT, sheet(more={"xl/worksheets/sheet1.xml": broken.encode()}), DANISH
    ).reports[0]
    assert (found.total, found.occupied, found.free) == (4, None, None)
    assert danish(["AP-1", LOCAL, 4, "ukendt"]).reports[0].occupied is None


@pytest.mark.parametrize("count", [0.85, -1, "85 %", True, 200_000, 2.5, LOCAL])
def test_a_count_that_is_none_is_refused_by_field(count: Any) -> None:
    batch = danish(["AP-1", LOCAL, 4, count], ["AP-1", LOCAL, 4, 1])
    assert faults(batch) == [("Pladser row 2", "occupied")]
    assert batch.reports == (THERE,)


def test_a_sum_that_is_a_hair_off_is_a_whole_number() -> None:
    assert danish(["AP-1", LOCAL, 4, 0.1 + 0.2 + 0.7 - 1e-12]).reports[0].occupied == 1


def test_units_that_excel_took_for_numbers() -> None:
    assert [r.unit for r in danish([34, LOCAL, 4, 1], ["034", LOCAL, 4, 1]).reports] == [
        "34",
        "034",
    ]


def test_totals_are_left_out_and_blank_rows_passed_over() -> None:
    left_out = {"leave_out": [{"column": "Plads", "matches": "I alt.*"}]}
    batch = danish(["AP-1", LOCAL, 4, 1], [], [" "], ["I alt", None, 8, 2], changed=left_out)
    assert (batch.reports, batch.rejects) == ((THERE,), ())


def test_all_the_other_fields() -> None:
    rows = [
        ["unit", "type", "observed_at", "on_duty", "next_free_at", "closure_reason", "reopens_at",
         "reopens_itself", "note", "capabilities_off"],
        ["t", "team", LOCAL, True, LOCAL + timedelta(hours=1), "brand", LOCAL + timedelta(days=1),
         False, 12.5, "iv|ekg"],
        ["t", "team", LOCAL, "nej", None, None, None, None, False, None],
    ]  # fmt: skip
    batch = parsed(FORMAT, sheet(*rows), {"timezone": "Europe/Copenhagen"})
    assert batch.rejects == ()
    assert batch.reports[0] == TeamReport(
        unit="t",
        observed_at=SEEN,
        on_duty=True,
        next_free_at=SEEN + timedelta(hours=1),
        closure=Closure("brand", SEEN + timedelta(days=1)),
        note="12.5",
        capabilities_off=("iv", "ekg"),
    )
    assert isinstance(batch.reports[1], TeamReport)
    assert batch.reports[1].on_duty is False
    assert batch.reports[1].note == "false"


def test_true_and_false_need_no_words() -> None:
    rows = [["unit", "observed_at", "on_duty"], ["t", "2026-11-22T11:00:00Z", True]]
    words = {"report_type": "advice", "yes_words": [], "no_words": []}
    assert faults(parsed(FORMAT, sheet(*rows), words)) == [("Pladser row 2", "on_duty")]
    duty = parsed(FORMAT, sheet(*rows), {**words, "yes_words": ["åben"]}).reports[0]
    assert duty.type is ReportType.ADVICE
    assert getattr(duty, "on_duty") is True  # noqa: B009 - of one type of report only


# Times


@pytest.mark.parametrize(
    ("cell", "changed"),
    [
        (LOCAL, {}),
        (LOCAL + timedelta(milliseconds=400), {}),
        (LOCAL - timedelta(milliseconds=400), {}),
        (serial(LOCAL), {}),
        (round(serial(LOCAL), 6), {}),
        ("22-11-2026 12:00", {"time_format": "%d-%m-%Y %H:%M"}),
        (LOCAL, {"time_format": "%d-%m-%Y %H:%M"}),
        ("2026-11-22T11:00:00Z", {}),
    ],
)
def test_the_same_instant_in_every_guise(cell: Any, changed: dict[str, Any]) -> None:
    assert danish(["AP-1", cell, 4, 1], changed=changed).reports == (THERE,)


def test_a_date_is_its_midnight() -> None:
    batch = danish(["AP-1", date(2026, 11, 22), 4, 1])
    assert batch.reports[0].observed_at == datetime(2026, 11, 21, 23, tzinfo=UTC)


@pytest.mark.parametrize("time_format", ["iso", "%d.%m.%Y %H:%M:%S"])
@pytest.mark.parametrize(
    ("day", "clock"),
    [
        (date(2026, 11, 22), time(12, 0)),
        (LOCAL, timedelta(hours=12)),
        (serial(datetime(2026, 11, 22)), 0.5),  # noqa: DTZ001 - a wall clock
        (date(2026, 11, 22), LOCAL),
        (date(2026, 11, 22), 0.49999999),
    ],
)
def test_date_and_time_in_two_columns(time_format: str, day: Any, clock: Any) -> None:
    mapping = {
        "timezone": "Europe/Copenhagen",
        "time_format": time_format,
        "columns": {"unit": "Plads", "observed_date": "Dato", "observed_time": "Kl."},
    }
    batch = parsed(FORMAT, sheet(["Plads", "Dato", "Kl."], ["AP-1", day, clock]), mapping)
    assert [report.observed_at for report in batch.reports] == [SEEN]


@pytest.mark.parametrize("clock", [timedelta(hours=30), 1.5, True, "noon"])
def test_what_is_no_time_of_day_is_refused(clock: Any) -> None:
    mapping = {
        "timezone": "Europe/Copenhagen",
        "columns": {"unit": "Plads", "observed_date": "Dato", "observed_time": "Kl."},
    }
    rows = [["Plads", "Dato", "Kl."], ["AP-1", date(2026, 11, 22), clock]]
    assert faults(parsed(FORMAT, sheet(*rows), mapping)) == [("Pladser row 2", "observed_at")]


@pytest.mark.parametrize(
    "cell", [60, 3_000_000, 2_958_465.9, -5, True, timedelta(hours=1), "i går"]
)
def test_what_is_no_instant_is_refused(cell: Any) -> None:
    assert faults(danish(["AP-1", cell, 4, 1])) == [("Pladser row 2", "observed_at")]


def test_the_last_second_of_the_calendar_is_in_the_future() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - a wall clock
    (reject,) = danish(["AP-1", last, 4, 1]).rejects
    assert "in the future" in reject.reason


def test_dates_of_a_workbook_that_counts_from_1904() -> None:
    since_1904 = LOCAL - timedelta(days=1462)
    for cell in (since_1904, serial(since_1904)):
        assert danish(["AP-1", cell, 4, 1], date1904=True).reports == (THERE,)
    assert faults(danish(["AP-1", 2_958_400, 4, 1], date1904=True)) == [
        ("Pladser row 2", "observed_at")
    ]


def test_a_wall_clock_needs_a_zone() -> None:
    batch = parsed(FORMAT, sheet(["unit", "observed_at"], ["a", LOCAL]))
    assert faults(batch) == [("Pladser row 2", "observed_at")]
    assert "time zone" in batch.rejects[0].reason


def test_the_hour_that_march_skips_is_refused() -> None:
    skipped = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - a wall clock
    assert faults(danish(["AP-1", skipped, 4, 1])) == [("Pladser row 2", "observed_at")]


# Headers


def test_merged_headers_are_joined_from_above() -> None:
    head = [
        ["Udtræk fra omsorgssystemet"],
        [],
        ["Plads", "Opdateret", "Akutpladser", None, "Aflastning", None],
        [None, None, "I alt", "Belagt", "I alt", "Belagt"],
    ]
    mapping = {
        **DANISH,
        "skip_lines": 1,
        "header_rows": 2,
        "columns": {
            "unit": "Plads",
            "observed_at": "opdateret",
            "total": "akutpladser / i alt",
            "occupied": "Akutpladser / Belagt",
        },
    }
    raw = sheet(
        *head,
        ["AP-1", LOCAL, 4, 1, 9, 9],
        merged={"Pladser": ["A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:F3", "H9:XFD99999"]},
    )
    assert parsed(FORMAT, raw, mapping).reports == (THERE,)


def test_a_merged_cell_in_the_body_counts_for_its_rows() -> None:
    rows = [["AP-1", LOCAL, 4, 1], ["AP-2", None, 4, 2]]
    batch = danish(*rows, merged={"Pladser": ["B2:B3", "D3:E3"]})
    assert [(r.unit, r.observed_at, r.occupied) for r in batch.reports] == [
        ("AP-1", SEEN, 1),
        ("AP-2", SEEN, 2),
    ]


def test_merged_cells_that_overlap_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.formats.xlsx_grid.MAX_CELLS", 10)
    raw = sheet(*OURS, merged={"Pladser": ["A1:D2"] * 5})
    assert refusal(raw) == ("Pladser", "sheet", "has merged cells that overlap")


def test_columns_that_are_gone_or_double_are_said() -> None:
    assert refusal(sheet(["Plads"], ["AP-1"]), DANISH) == (
        "Pladser", "Opdateret", "this column is missing from the header",
    )  # fmt: skip
    twice = [["Plads", "Plads", "Opdateret", "I alt", "Belagt"]]
    assert refusal(sheet(*twice), DANISH)[1:] == (
        "Plads", "this column stands more than once in the header",
    )  # fmt: skip
    assert refusal(sheet([" "], []), DANISH)[1] == "header"
    assert refusal(sheet(), DANISH)[1] == "header"


def test_a_value_that_stands_outside_of_the_table() -> None:
    head = [["Udtrukket", LOCAL], [], ["Plads", "I alt", "Belagt"]]
    columns = {"unit": "Plads", "observed_at": "(b1)", "total": "I alt", "occupied": "Belagt"}
    batch = danish(["AP-1", 4, 1], head=head, changed={"skip_lines": 1, "columns": columns})
    assert batch.reports == (THERE,)
    for nowhere in ("(Z1)", "(B99)"):
        changed = {"skip_lines": 1, "columns": {**columns, "observed_at": nowhere}}
        assert faults(danish(["AP-1", 4, 1], head=head, changed=changed)) == [
            ("Pladser row 4", "observed_at")
        ]


def test_all_sheets_each_named_after_its_unit() -> None:
    batch = parsed(FORMAT, workbook(TWO), {**BY_SHEET, "sheet": "*"})
    assert [(r.unit, r.occupied) for r in batch.reports] == [("AP-1", 1), ("AP-2", 2)]
    assert faults(batch) == [("Forside", "Opdateret")]
    assert batch.places == ("AP-1 row 2", "AP-2 row 2")


def test_hidden_sheets_are_read_by_name_only() -> None:
    raw = workbook(TWO, hidden=["Forside", "AP-2"])
    for chosen in (1, "AP-1", "ap-1", "*"):
        batch = parsed(FORMAT, raw, {**BY_SHEET, "sheet": chosen})
        assert ([r.unit for r in batch.reports], batch.rejects) == (["AP-1"], ())
    hidden = parsed(FORMAT, raw, {**BY_SHEET, "sheet": "AP-2"})
    assert [r.unit for r in hidden.reports] == ["AP-2"]


@pytest.mark.parametrize("chosen", [4, "AP-3"])
def test_a_sheet_that_is_not_there_is_said(chosen: object) -> None:
    found = refusal(workbook(TWO), {**BY_SHEET, "sheet": chosen})
    assert found == ("document", "sheet", f"the workbook has no sheet {chosen}")


def test_no_sheet_that_fits_is_unreadable() -> None:
    assert refusal(workbook({"A": [["x"]], "B": [["y"]]}), {**BY_SHEET, "sheet": "*"})[0] == "A"


@pytest.mark.parametrize(
    "wrong", [{"sheet": 0}, {"sheet": ""}, {"header_rows": 0}, {"separator": ";"}]
)
def test_a_mapping_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadMappingError, match=next(iter(wrong))):
        FORMAT.read_mapping(wrong)
