"""A table as CSV for spreadsheets: UTF-8 with its mark, CR LF, one header row."""

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime
from typing import IO

from capacity.instants import format_instant
from web.tables.table import Cell, Definition, Row

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
MARK = "\ufeff"
"""Without it spreadsheets misread Danish letters."""


class CsvWriter:
    """Writes rows as they come. The definition of a column is not in a CSV, but in the documents;
    what a figure is made of stands on its line where the table has columns of it.
    """

    def __init__(self, definition: Definition, file: IO[bytes], separator: str) -> None:
        self._file = file
        self._separator = separator
        self._file.write((MARK + self._lines([definition.table.names])).encode())

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        self._file.write(self._lines([cell_text(each) for each in row] for row in rows).encode())

    def close(self) -> None:
        """Nothing more comes."""

    def drop(self) -> None:
        """Give up."""

    def _lines(self, rows: Iterable[Iterable[str]]) -> str:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._separator, lineterminator="\r\n").writerows(rows)
        return text.getvalue()


def cell_text(cell: Cell) -> str:
    """A cell: instants in UTC (ISO 8601), decimal points, nothing for unknown."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        if cell.tzinfo is None:
            return cell.isoformat(" ", "seconds")
        return format_instant(cell) or ""
    if isinstance(cell, date):
        return cell.isoformat()
    return guarded(cell) if isinstance(cell, str) else str(cell)


def guarded(cell: object) -> str:
    """The cell's text, made harmless where a spreadsheet would take it for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
