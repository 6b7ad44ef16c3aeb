"""A table as an Excel workbook: the rows on one sheet, what they mean on another."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from xlsxwriter import Workbook

from web.tables.table import Cell, Definition, Holds, Row

MOST_LETTERS: Final = 32_767
"""Letters of a cell; Excel has no room for more."""
_WIDTHS: Final[Mapping[Holds, int]] = {
    Holds.TEXT: 24, Holds.WHOLE: 12, Holds.NUMBER: 12, Holds.INSTANT: 22, Holds.CLOCK: 20,
    Holds.DAY: 12,
}  # fmt: skip
_FORMATS: Final[Mapping[Holds, str]] = {
    Holds.INSTANT: "yyyy-mm-dd hh:mm:ss.000",
    Holds.CLOCK: "yyyy-mm-dd hh:mm:ss",
    Holds.DAY: "yyyy-mm-dd",
}
_OPTIONS: Final[Mapping[str, object]] = {
    "constant_memory": True,
    # Texts are texts: people write them, and none of them is a formula, a number or a link.
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


class XlsxWriter:
    """Writes rows as they come; `scratch` is a folder for what they become meanwhile."""

    def __init__(self, definition: Definition, file: IO[bytes], scratch: Path) -> None:
        self._definition = definition
        self._book = Workbook(file, {**_OPTIONS, "tmpdir": str(scratch)})
        self._bold = self._book.add_format({"bold": True})
        self._sheet = self._book.add_worksheet(definition.words.text("table_sheet"))
        self._puts = [self._put(each.holds) for each in definition.table.columns]
        self._next = 1
        self._head()

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        for row in rows:
            for column, (put, cell) in enumerate(zip(self._puts, row, strict=True)):
                if cell is not None:
                    put(self._next, column, cell)
            self._next += 1

    def close(self) -> None:
        """Add the definition, and finish the file."""
        last = len(self._definition.table.columns) - 1
        self._sheet.autofilter(0, 0, self._next - 1, last)
        self._define()
        self._book.close()

    def drop(self) -> None:
        """Give up."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()

    def _head(self) -> None:
        for number, column in enumerate(self._definition.table.columns):
            self._sheet.set_column(number, number, _WIDTHS[column.holds])
            self._sheet.write_string(0, number, column.name, self._bold)
        self._sheet.freeze_panes(1, 0)

    def _put(self, holds: Holds) -> Callable[[int, int, Any], object]:
        """How a cell of a column is written."""
        sheet = self._sheet
        if holds is Holds.TEXT:
            return lambda row, column, cell: sheet.write_string(row, column, cell[:MOST_LETTERS])
        if holds in (Holds.WHOLE, Holds.NUMBER):
            return sheet.write_number  # type: ignore[no-any-return]
        style = self._book.add_format({"num_format": _FORMATS[holds]})
        return lambda row, column, cell: sheet.write_datetime(row, column, _naive(cell), style)

    def _define(self) -> None:
        words = self._definition.words
        sheet = self._book.add_worksheet(words.text("table_definition"))
        wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        top = self._book.add_format({"bold": True, "valign": "top"})
        for number, width in enumerate((30, 18, 90)):
            sheet.set_column(number, number, width)
        row = 0
        for name, value in self._definition.lines:
            sheet.write_string(row, 0, name, top)
            sheet.write_string(row, 2, value[:MOST_LETTERS], wrapped)
            row += 1
        heads = ("table_column", "table_kind", "table_meaning")
        for number, head in enumerate(heads):
            sheet.write_string(row + 1, number, words.text(head), self._bold)
        for further, line in enumerate(self._definition.columns, start=row + 2):
            for number, text in enumerate(line):
                sheet.write_string(further, number, text, wrapped)


def _naive(cell: Cell) -> object:
    """Excel knows no zones: instants in UTC, as their column says."""
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell.astimezone(UTC).replace(tzinfo=None)
    return cell
