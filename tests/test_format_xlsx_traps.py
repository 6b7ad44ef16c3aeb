"""Excel workbooks that are none, or traps: refused before they cost much."""

import io
import struct
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats import xlsx_book
from feeds.formats.xlsx_sheet import FORMAT
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses
from tests.support.sheets import BY_SHEET, LOCAL, OURS, THERE, danish, refusal, sheet
from tests.support.workbooks import package, workbook


@pytest.mark.parametrize("cell", [CPR, 1204991234, 104991234, f"Fru Hansen {CPR}"])
def test_a_person_number_in_any_cell_costs_its_row(cell: Any) -> None:
    head = [["Plads", "Opdateret", "I alt", "Belagt", "Hvem"]]
    batch = danish(["AP-1", LOCAL, 4, 1, cell], ["AP-1", LOCAL, 4, 1, "x"], head=head)
    assert batch.reports == (THERE,)
    assert [(r.where, r.field, r.reason) for r in batch.rejects] == [
        ("Pladser row 2", "hvem", CPR_REASON)
    ]


# Files that are none, and files that are traps


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is empty"),
        (b"Plads;I alt\nAP-1;4", "is no Excel workbook (.xlsx)"),
        (b"<!DOCTYPE html><p>503", "is a web page (HTML), not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "is an Excel file of the old kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
         "is protected by a password"),
        (b"PK\x03\x04", "is a damaged or truncated workbook"),
        (sheet(*OURS)[:-40], "is a damaged or truncated workbook"),
        (package({}), "is no workbook, or a part of it is missing"),
        (package({"content.xml": b"<a/>", "mimetype": b"x"}), "is no workbook"),
        (package({"xl/workbook.bin": b"x"}), "is no workbook"),
        (package({"xl/workbook.xml": b"<a"}), "is no well-formed XML in UTF-8"),
        (package({"xl/workbook.xml": "<a/>".encode("utf-16")}), "is no well-formed XML in UTF-8"),
        (package({"xl/workbook.xml": b"<!DOCTYPE a><a/>"}), "has a DOCTYPE"),
        (package({"a.xml": b'<c r="1A"/>'}), "has a cell whose place is no name of a cell"),
    ],
)  # fmt: skip
def test_what_is_no_workbook_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    assert reason in refusal(raw)[2]


def test_a_part_under_two_names_with_a_password_or_oddly_packed() -> None:
    plain = sheet(*OURS)
    name = b"xl/worksheets/sheet1.xml"
    assert plain.count(name) == 2

    def flagged(offset: int, value: int) -> bytes:
        """The central directory's entry of the sheet with a field changed (APPNOTE 4.3.12)."""
        start = plain.rindex(name) - 46
        return plain[: start + offset] + struct.pack("<H", value) + plain[start + offset + 2 :]

    assert refusal(flagged(8, 1))[2] == "is protected by a password"
    assert refusal(flagged(10, 12))[2] == "is packed by a method that no workbook uses"
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("a.xml", "<a/>")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.xml", "<b/>")
    assert refusal(raw.getvalue())[2] == "holds two parts of one name"


def cells(*written: str) -> bytes:
    rows = (
        f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{''.join(written)}</sheetData></worksheet>"
    )
    return workbook({"A": []}, more={"xl/worksheets/sheet1.xml": rows.encode()})


@pytest.mark.parametrize(
    "written",
    [
        ['<row><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></row>'],
        ['<row r="1048576"><c><v>1</v></c></row>'],
        ["<row>" + "<c/>" * 1000 + "<c><v>1</v></c></row>"],
        ['<row r="90000"><c r="ZZ90000"><is><t>x</t></is></c></row>'],
        ["<row/>" * 100_000 + "<row><c><v>1</v></c></row>"],
    ],
)
def test_two_cells_far_apart_do_not_take_all_memory(written: list[str]) -> None:
    assert "has a sheet of more than" in refusal(cells(*written))[2]


def test_cells_that_are_formatted_but_empty_do_not_count() -> None:
    far = ['<row r="1"><c><v>1</v></c></row>', '<row r="1048576"><c r="XFD1048576" s="1"/></row>']
    assert refusal(cells(*far))[1] == "unit"


def test_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = package({f"{n}.xml": b" " * 20_000_000 for n in range(3)})
    assert len(bomb) < 100_000
    assert refusal(bomb)[2] == "is no well-formed XML in UTF-8"
    large = package({"1.xml": b"<a>" + b" " * 50_000_000 + b"</a>"})
    assert refusal(large)[2] == "unpacks to more than 50000000 bytes"
    monkeypatch.setattr(xlsx_book, "MAX_ELEMENTS", 100)
    assert refusal(package({"a.xml": b"<a>" + b"<b/>" * 200 + b"</a>"}))[2].endswith("elements")
    monkeypatch.setattr(xlsx_book, "MAX_PARTS", 3)
    assert refusal(package({f"{n}.xml": b"<a/>" for n in range(9)}))[2] == "has more than 3 parts"


def test_the_reader_sees_only_what_was_looked_through() -> None:
    """A part that claims to be small and unpacks to more is cut or refused, never trusted."""
    raw = sheet(*OURS)
    start = raw.rindex(b"xl/worksheets/sheet1.xml") - 46
    lying = raw[: start + 24] + struct.pack("<I", 40) + raw[start + 28 :]
    assert refusal(lying)[2] == "is a damaged or truncated workbook"


def test_a_reader_that_fails_by_itself_is_an_unreadable_document() -> None:
    class PanicException(BaseException):
        """As the reader's language calls it."""

    def fail(error: BaseException) -> None:
        raise error

    with pytest.raises(UnreadableError, match="reader fails on"):
        xlsx_book._calamine(lambda: fail(PanicException()))
    with pytest.raises(KeyboardInterrupt):
        xlsx_book._calamine(lambda: fail(KeyboardInterrupt()))


def test_pictures_and_macros_stay_packed() -> None:
    batch = parsed(FORMAT, sheet(*OURS, more={"xl/media/image1.png": b"\x89PNG" * 1000}))
    assert len(batch.reports) == 1


# Anything at all

FULL = sheet(*OURS, ["AP-1", LOCAL, "x", 0.5], merged={"Pladser": ["A1:A2"]})
PARTS = {
    name: zipfile.ZipFile(io.BytesIO(FULL)).read(name)
    for name in zipfile.ZipFile(io.BytesIO(FULL)).namelist()
}


@given(st.binary() | mangled(FULL))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)


@given(st.data(), st.sampled_from(sorted(PARTS)))
def test_any_part_is_read_or_refused(data: st.DataObject, name: str) -> None:
    """The zip is sound and what is inside is not, which is where the reader is at work."""
    raw = package({**PARTS, name: data.draw(mangled(PARTS[name]))})
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {**BY_SHEET, "sheet": "*", "header_rows": 2})


cell = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**12), 10**12), st.text("ab1,.- %", max_size=5),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)), st.times(),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=400)),
)  # fmt: skip


@given(st.lists(st.lists(cell, max_size=5), max_size=4), st.sampled_from(["iso", "%d-%m-%Y %H:%M"]))
def test_any_cells_are_read_or_refused(rows: Any, time_format: str) -> None:
    head = [["unit", "observed_at", "total", "on_duty", "note"]]
    mapping = {"timezone": "Europe/Copenhagen", "time_format": time_format}
    reads_or_refuses(FORMAT, sheet(*head, *rows), {**mapping, "report_type": "team"})


# Published workbooks


@pytest.mark.samples
def test_the_published_template_has_no_figures(samples: Path) -> None:
    raw = (samples / "saner-madison" / "FEMA_Template.xlsx").read_bytes()
    assert refusal(raw) == (
        "State Level Breakdown", "unit", "this column is missing from the header",
    )  # fmt: skip
    mapping = {
        "skip_lines": 1,
        "timezone": "America/Chicago",
        "columns": {
            "unit": "Data Element",
            "observed_at": "(A1)",
            "total": "Cumulative Tests Performed",
        },
        "leave_out": [{"column": "Data Element", "equals": "Definition"}],
    }
    batch = FORMAT.parse(raw, FORMAT.read_mapping(mapping), NOW)
    assert batch.reports == ()
    assert faults(batch) == [
        ("State Level Breakdown row 4", "observed_at"),
        ("State Level Breakdown row 5", "observed_at"),
    ]
