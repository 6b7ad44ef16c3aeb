"""Excel workbooks (.xlsx), read by the same mapping as CSV files: see `feeds.formats.mapped_csv`.

What a workbook has and a CSV file has not:

| in the workbook | how it is read |
|---|---|
| several sheets | ``sheet``: a name, a number from 1 among the visible ones, or ``*`` for all |
| a header of several rows | ``header_rows``; the names of a column are joined from above, each |
| | once: ``Akutpladser / I alt``; a merged cell counts for every column it covers |
| merged cells below the header | the value counts for every row they cover, in their first column |
| dates and times | wall-clock times of the mapping's ``timezone``, cut to seconds |
| numbers where a time is wanted | days since 1900 as Excel counts (1904 if the workbook says) |
| numbers that are texts | as in CSV, with the mapping's ``decimal`` sign |
| true and false | the first of ``yes_words`` and ``no_words`` |
| a value outside of the table | a column called ``(B1)`` holds that cell, in every row |
| the sheet's name | a column called ``(sheet)`` |
| errors such as #DIV/0! | unknown, like an empty cell |

Formulas count as their value when the file was saved. Rows without anything in them are passed
over. A count must be a whole number: 0.85, which Excel shows as 85 %, is refused.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from capacity.model import Batch, UnreadableError
from capacity.reading import FieldError, shown
from feeds.formats import Format
from feeds.formats.csv_mapping import TableMapping
from feeds.formats.gathering import DOCUMENT, Gathering, unreadable
from feeds.formats.table import Plan, column_name, plan, read_rows
from feeds.formats.xlsx_book import Book, Cell, open_book, position
from feeds.formats.xlsx_grid import Grid, number_text, to_seconds

ALL_SHEETS = "*"
_ELSEWHERE = re.compile(r"\((sheet|[A-Za-z]{1,3}[1-9][0-9]{0,6})\)", re.IGNORECASE)
_INSTANTS = ("observed_at", "reopens_at", "next_free_at")
_FLAGS = ("on_duty", "reopens_itself")
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_465
"""1 March 1900 (Excel believes in a 29 February 1900, so earlier numbers are a day off) and the
last day of the year 9999."""


class XlsxMapping(TableMapping):
    """How to read one source's workbooks."""

    sheet: Annotated[int, Field(ge=1)] | Annotated[str, Field(min_length=1)] = 1
    header_rows: Annotated[int, Field(ge=1, le=5)] = 1


def parse(raw: bytes, mapping: XlsxMapping | None, received_at: datetime) -> Batch:
    """Reports of an Excel workbook, read as the mapping says; see the module's table."""
    mapping = mapping or XlsxMapping()
    book = open_book(raw)
    gathering = Gathering(received_at, mapping.local_time)
    names = _chosen(book, mapping)
    failed: list[UnreadableError] = []
    for name in names:
        try:
            sheet = _Sheet(book, name, mapping)
        except UnreadableError as error:
            failed.append(error)
            continue
        read_rows(sheet.rows(), sheet.plan, mapping, gathering)
    if len(failed) == len(names):
        raise failed[0]
    for reject in (failure.reject for failure in failed):
        gathering.reject(reject.where, FieldError(reject.field, reject.reason))
    return gathering.batch()


def _chosen(book: Book, mapping: XlsxMapping) -> list[str]:
    wanted = mapping.sheet
    if wanted == ALL_SHEETS:
        found = book.visible
    elif isinstance(wanted, int):
        found = book.visible[wanted - 1 : wanted]
    else:
        found = [name for name in book.sheets if name.casefold() == wanted.casefold()][:1]
    if not found:
        raise unreadable("sheet", f"the workbook has no sheet {shown(wanted)}", DOCUMENT)
    return found


class _Sheet:
    """One sheet under a mapping: its header understood, its rows as texts."""

    def __init__(self, book: Book, name: str, mapping: XlsxMapping) -> None:
        self._mapping = mapping
        self._grid = Grid(book, name, mapping.skip_lines, mapping.header_rows)
        header = [column_name(each, mapping) for each in self._grid.header]
        elsewhere = {
            column_name(wanted, mapping): self._elsewhere(wanted, name)
            for wanted in self._wanted()
            if _ELSEWHERE.fullmatch(wanted)
        }
        self._constant = list(elsewhere.values())
        self.plan: Plan = plan([*header, *elsewhere], mapping, self._grid.where)
        self._texts = _Texts(book.zero, mapping, self.plan)

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Each row that is not blank, as texts, with its place."""
        for where, row in self._grid.body():
            yield where, self._texts.of([*row, *self._constant])

    def _wanted(self) -> list[str]:
        return [*self._mapping.columns.values(), *(r.column for r in self._mapping.leave_out)]

    def _elsewhere(self, wanted: str, name: str) -> Cell:
        inside = wanted[1:-1].upper()
        at = position(inside)
        return name if at is None else self._grid.cell(*at)


class _Texts:
    """Turns typed cells into the texts that a CSV file would have in their place."""

    def __init__(self, zero: datetime, mapping: XlsxMapping, plan: Plan) -> None:
        self._zero = zero
        self._decimal = mapping.decimal
        self._yes = next(iter(mapping.yes_words), "true")
        self._no = next(iter(mapping.no_words), "false")
        whole = mapping.time_format
        date_part, _, time_part = whole.rpartition(" ")
        if whole == "iso":
            whole, date_part, time_part = "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%H:%M:%S"
        self._formats = {name: whole for name in _INSTANTS}
        self._formats |= {"observed_date": date_part, "observed_time": time_part}
        self._fields = {at: name for name, at in plan.positions.items()}

    def of(self, row: list[Cell]) -> list[str]:
        """The texts of a row."""
        return [
            cell if isinstance(cell, str) else self._text(self._fields.get(at, ""), cell)
            for at, cell in enumerate(row)
        ]

    def _text(self, field: str, cell: Cell) -> str:
        if isinstance(cell, bool):
            return (self._yes if cell else self._no) if field in _FLAGS else str(cell).lower()
        if field in self._formats:
            moment = self._moment(cell, time_only=field == "observed_time")
            if moment is not None:
                return moment.strftime(self._formats[field])
        return number_text(cell, self._decimal) if isinstance(cell, int | float) else str(cell)

    def _moment(self, cell: Cell, *, time_only: bool) -> datetime | None:
        """The wall-clock time in a cell, rounded to seconds; ``None`` if it holds none."""
        if isinstance(cell, datetime):
            moment = cell
        elif isinstance(cell, date):
            moment = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - a wall clock
        elif time_only:
            return self._time(cell)
        elif isinstance(cell, int | float) and _FIRST_SERIAL <= cell <= _LAST_SERIAL:
            try:
                moment = self._zero + timedelta(days=cell)
            except OverflowError:
                return None
        else:
            return None
        return to_seconds(moment)

    def _time(self, cell: Cell) -> datetime | None:
        if isinstance(cell, time):
            return to_seconds(datetime.combine(self._zero, cell))
        days = cell / timedelta(days=1) if isinstance(cell, timedelta) else cell
        if isinstance(days, int | float) and 0 <= days < 1:
            return to_seconds(self._zero + timedelta(days=days))
        return None


FORMAT = Format(
    "xlsx",
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroenabled.12",
    ),
    parse,
    XlsxMapping,
)
