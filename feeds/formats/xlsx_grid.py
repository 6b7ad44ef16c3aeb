"""One sheet of a workbook as a table: the names of its columns, and the rows below."""

from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta

from capacity.privacy import holds_cpr
from capacity.reading import shown
from feeds.formats.gathering import unreadable
from feeds.formats.xlsx_book import MAX_CELLS, Book, Cell, Merge


class Grid:
    """A sheet's cells, merged ones filled in, and where its header and its body are.

    A header may take several rows: the names of a column are joined from above, each once.
    """

    def __init__(self, book: Book, name: str, skip_lines: int, header_rows: int) -> None:
        """Raises `UnreadableError` for a sheet without any rows below `skip_lines`."""
        self.where = shown(name)
        self._cells, merges = book.read(name)
        first = self._first_row(skip_lines)
        self._body = first + header_rows
        self._fill_merged(merges)
        self.header = list(_names(self._cells[first : self._body]))

    def body(self) -> Iterator[tuple[str, list[Cell]]]:
        """Each row that is not blank, with its place."""
        for at in range(self._body, len(self._cells)):
            row = self._cells[at]
            if any(not _is_blank(cell) for cell in row):
                yield f"{self.where} row {at + 1}", row

    def cell(self, row: int, column: int) -> Cell:
        """A single cell by its place from 0; blank outside of the sheet."""
        cells = self._cells[row] if row < len(self._cells) else []
        return cells[column] if column < len(cells) else ""

    def _first_row(self, skip_lines: int) -> int:
        for at in range(skip_lines, len(self._cells)):
            if any(not _is_blank(cell) for cell in self._cells[at]):
                return at
        raise unreadable("header", "is missing: the sheet has no rows to read", self.where)

    def _fill_merged(self, merges: list[Merge]) -> None:
        left = MAX_CELLS
        height, width = len(self._cells), len(self._cells[0])
        for (top, first), (bottom, last) in merges:
            if top >= height or first >= width:
                continue
            value = self._cells[top][first]
            for row in range(top, min(bottom + 1, height)):
                end = min(last + 1, width) if row < self._body else first + 1
                left -= max(end - first, 0)
                if left < 0:
                    raise unreadable("sheet", "has merged cells that overlap", self.where)
                self._cells[row][first:end] = [value] * (end - first)


def number_text(cell: float, decimal: str) -> str:
    """A number as a CSV file would have it."""
    rounded = round(cell, 9)  # sums of fractions are a hair off in binary
    if rounded != rounded // 1:  # NaN and the infinities too
        return str(rounded).replace(".", decimal)
    number = int(rounded)
    padded = f"{number:010d}"
    # A person number that was typed as a number has lost its leading zero.
    return padded if number >= 10**8 and holds_cpr(padded) else str(number)


def to_seconds(moment: datetime) -> datetime:
    """Rounded, because a fraction of a day is seldom exactly a second."""
    if moment.year == MAXYEAR:
        return moment.replace(microsecond=0)
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)


def _names(rows: list[list[Cell]]) -> Iterator[str]:
    for parts in zip(*rows, strict=True):
        texts = dict.fromkeys(" ".join(str(part).split()) for part in parts)
        yield " / ".join(filter(None, texts))


def _is_blank(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()
