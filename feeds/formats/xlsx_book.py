"""Opens an Excel workbook without trusting it: what is unpacked and built up is bounded first.

A workbook is a zip file of XML. The reader that understands it (calamine) unpacks without limit
and lays out every sheet from its first to its last cell, so that two cells can ask for all the
memory there is. Therefore every XML part is unpacked here within a budget, looked through for the
extent of its cells, and put into a fresh archive, which is what the reader gets to see: nothing
that was not checked, under no other name and no other size.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from xml.parsers import expat

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from capacity.reading import shown
from feeds.formats.gathering import DOCUMENT, looks_like_a_web_page, unreadable
from feeds.formats.table import MAX_COLUMNS
from feeds.limits import LIMITS

MAX_UNPACKED = LIMITS.unpacked_bytes
MAX_PARTS = LIMITS.zip_parts
MAX_ELEMENTS = LIMITS.sheet_elements
MAX_ROWS = LIMITS.sheet_rows
MAX_CELLS = LIMITS.sheet_cells

T = TypeVar("T")
Cell = str | int | float | bool | date | datetime | time | timedelta
Merge = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last cell of a merged range, each as row and column from 0."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_BAD_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,  # a part with a password, or packed by a method that is not known
    EOFError,
    OSError,
    ValueError,
    IndexError,
)


class Book:
    """An opened workbook."""

    def __init__(self, workbook: CalamineWorkbook, *, from_1904: bool) -> None:
        self._workbook = workbook
        self.zero = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock
        """The day that dates as numbers count from."""
        sheets = workbook.sheets_metadata
        self.sheets = [sheet.name for sheet in sheets if sheet.typ == SheetTypeEnum.WorkSheet]
        """The names of all worksheets in order, hidden ones included."""
        self.visible = [
            sheet.name
            for sheet in sheets
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]

    def read(self, name: str) -> tuple[list[list[Cell]], list[Merge]]:
        """The rows of a sheet from its first row and column on, and its merged ranges."""

        def rows() -> tuple[list[list[Cell]], list[Merge]]:
            sheet = self._workbook.get_sheet_by_name(name)
            cells: list[list[Cell]] = [*sheet.to_python(skip_empty_area=False)]
            return cells, sheet.merged_cell_ranges or []

        return _calamine(rows)


def open_book(raw: bytes) -> Book:
    """Open the bytes of an xlsx (or xlsm) file; raises `UnreadableError`."""
    _refuse_other_files(raw)
    scan = _Scan()
    try:
        repacked = _repacked(raw, scan)
    except _BAD_ZIP as error:
        locked = "password" in str(error)
        reason = "is protected by a password" if locked else "is a damaged or truncated workbook"
        raise unreadable(DOCUMENT, reason) from error
    workbook = _calamine(lambda: CalamineWorkbook.from_filelike(io.BytesIO(repacked)))
    return Book(workbook, from_1904=scan.from_1904)


def position(reference: str) -> tuple[int, int] | None:
    """Row and column (from 0) of a cell called ``B3``; ``None`` if it is no such name."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]) - 1, column - 1


def _refuse_other_files(raw: bytes) -> None:
    if not raw:
        raise unreadable(DOCUMENT, "is empty")
    if raw.startswith(_OLE):
        if _ENCRYPTED in raw:
            raise unreadable(DOCUMENT, "is protected by a password")
        raise unreadable(DOCUMENT, "is an Excel file of the old kind (.xls); send .xlsx")
    if looks_like_a_web_page(raw[:400].decode("latin-1")):
        raise unreadable(DOCUMENT, "is a web page (HTML), not an Excel workbook")
    if not raw.startswith(b"PK"):
        raise unreadable(DOCUMENT, "is no Excel workbook (.xlsx)")


def _repacked(raw: bytes, scan: "_Scan") -> bytes:
    fresh = io.BytesIO()
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as target:
        for name, content in _parts(raw):
            scan.look_through(name, content)
            target.writestr(zipfile.ZipInfo(name), content)
    return fresh.getvalue()


def _parts(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each XML part, within the budget; pictures and macros stay packed."""
    left = MAX_UNPACKED
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = set()
        for info in archive.infolist():
            if not info.filename.lower().endswith((".xml", ".rels")):
                continue
            if info.filename in names:
                raise unreadable(DOCUMENT, "holds two parts of one name")
            names.add(info.filename)
            if len(names) > MAX_PARTS:
                raise unreadable(DOCUMENT, f"has more than {MAX_PARTS} parts")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise unreadable(DOCUMENT, "is packed by a method that no workbook uses")
            with archive.open(info) as part:
                content = part.read(left + 1)
            left -= len(content)
            if left < 0:
                reason = f"unpacks to more than {MAX_UNPACKED} bytes"
                raise unreadable(DOCUMENT, reason)
            yield info.filename, content


class _Scan:
    """What must be known of the XML before anything is built from it."""

    def __init__(self) -> None:
        self.from_1904 = False
        self._elements = 0
        self._begin()

    def _begin(self) -> None:
        self._row = self._column = -1
        self._last = (0, 0)

    def look_through(self, name: str, content: bytes) -> None:
        """Count elements and find the last row and column of a part; raises `UnreadableError`."""
        self._begin()
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        try:
            content.decode("utf-8")
            parser.Parse(content, True)
        except (expat.ExpatError, UnicodeDecodeError) as error:
            raise unreadable(shown(name), "is no well-formed XML in UTF-8") from error

    def _refuse_doctype(self, *_declared: object) -> None:
        # Entities cannot be declared without it, so none are ever expanded.
        raise unreadable(DOCUMENT, "has a DOCTYPE or entities, which are refused")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise unreadable(DOCUMENT, f"has more than {MAX_ELEMENTS} elements")
        name = tag.rpartition(":")[2]
        if name == "c":
            self._cell(attributes.get("r"))
        elif name in ("v", "is", "f"):
            self._fill()
        elif name == "row":
            number = attributes.get("r", "")
            plain = number.isascii() and number.isdigit() and len(number) < 9
            self._row, self._column = int(number) - 1 if plain else self._row + 1, -1
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true", "on")

    def _cell(self, reference: str | None) -> None:
        found = position(reference) if reference else None
        if found is None:
            if reference:
                raise unreadable(DOCUMENT, "has a cell whose place is no name of a cell")
            self._column += 1
        else:
            self._row, self._column = found

    def _fill(self) -> None:
        """The present cell is not empty, so the sheet reaches at least so far."""
        rows = max(self._last[0], self._row + 1)
        columns = max(self._last[1], self._column + 1)
        self._last = rows, columns
        if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
            reason = (
                f"has a sheet of more than {MAX_ROWS} rows, {MAX_COLUMNS} columns or "
                f"{MAX_CELLS} cells, counted to its last filled cell"
            )
            raise unreadable(DOCUMENT, reason)


def _calamine(work: Callable[[], T]) -> T:
    """Do what the reader is asked to, and refuse a document at which it fails in any way."""
    try:
        return work()
    except CalamineError as error:
        raise unreadable(DOCUMENT, "is no workbook, or a part of it is missing") from error
    except BaseException as error:
        # The reader's own failed assertions come as an exception that is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise unreadable(DOCUMENT, "is a workbook that the reader fails on") from error
