"""A CSV file or a workbook as a header and rows of texts, each with its place. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from capacity.reading import shown
from feeds.figures.mapping import FigureMapping
from feeds.formats.csv_lines import Broken, Lines, rows
from feeds.formats.gathering import DOCUMENT, looks_like_a_web_page, unreadable
from feeds.formats.mapped_csv import MAX_LINES, decode, header_of, separator_of
from feeds.formats.table import column_name
from feeds.formats.xlsx_book import Cell, open_book
from feeds.formats.xlsx_grid import Grid, number_text, to_seconds

_WORKBOOK = b"PK"
"""How a workbook begins: it is a zip file."""
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: where its header is, the names of its columns as they are compared, its rows."""

    where: str
    header: list[str]
    rows: Iterable[tuple[str, list[str] | Broken]]


def sheet_of(raw: bytes, mapping: FigureMapping) -> Sheet:
    """The table of a document; raises `UnreadableError`."""
    if raw.startswith((_WORKBOOK, _OLD_WORKBOOK)):
        return _of_workbook(raw, mapping)
    return _of_text(raw, mapping)


def _of_text(raw: bytes, mapping: FigureMapping) -> Sheet:
    shape = mapping.as_csv
    text = decode(raw, shape.encoding)
    if looks_like_a_web_page(text):
        raise unreadable(DOCUMENT, "is a web page (HTML), not CSV")
    lines = Lines(text)
    if len(lines) > MAX_LINES:
        raise unreadable(DOCUMENT, f"has more than {MAX_LINES} lines")
    separator = separator_of(lines, shape, mapping.wanted.values())
    header = header_of(lines, separator, shape)
    found = rows(lines, separator, shape.quote, len(header))
    return Sheet("header", header, ((f"line {number}", row) for number, row in found))


def _of_workbook(raw: bytes, mapping: FigureMapping) -> Sheet:
    book, wanted = open_book(raw), mapping.sheet
    if isinstance(wanted, int):
        names = book.visible[wanted - 1 : wanted]
    else:
        names = [name for name in book.sheets if name.casefold() == wanted.casefold()][:1]
    if not names:
        raise unreadable("sheet", f"the workbook has no sheet {shown(wanted)}")
    grid = Grid(book, names[0], mapping.skip_lines, mapping.header_rows)
    header = [column_name(each, mapping.as_csv) for each in grid.header]
    return Sheet(grid.where, header, _texts(grid, mapping.decimal))


def _texts(grid: Grid, decimal: str) -> Iterator[tuple[str, list[str]]]:
    for where, row in grid.body():
        yield where, [_text(cell, decimal) for cell in row]


def _text(cell: Cell, decimal: str) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime):
        moment = to_seconds(cell)
        return moment.date().isoformat() if moment == _midnight(moment) else moment.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return number_text(cell, decimal)
    return str(cell)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0)
