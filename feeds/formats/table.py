"""A table of cells, all of them texts, read by a mapping: what CSV files and workbooks share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from capacity.privacy import CPR_REASON, holds_cpr
from capacity.reading import FieldError, shown
from feeds.formats.cells import Cells
from feeds.formats.csv_lines import Broken
from feeds.formats.csv_mapping import CsvField, LeaveOut, TableMapping
from feeds.formats.gathering import Gathering, unreadable
from feeds.limits import LIMITS

MAX_COLUMNS = LIMITS.columns
_SPLIT = {"observed_date", "observed_time"}


def column_name(header: str, mapping: TableMapping) -> str:
    """A column's name as it is compared: published headers hold stray blanks, tabs and capitals."""
    name = " ".join(header.split())
    return name.casefold() if mapping.ignore_case else name


@dataclass(frozen=True, slots=True)
class Plan:
    """Which cell of a row holds what; `positions` are those of the mapped columns."""

    header: Sequence[str]
    positions: dict[CsvField, int]
    cells: Cells
    leave_out: Sequence[tuple[LeaveOut, int]]


def plan(header: list[str], mapping: TableMapping, where: str = "header") -> Plan:
    """How to read rows under a header of compared names; raises `UnreadableError`."""

    def position(wanted: str) -> int:
        name = column_name(wanted, mapping)
        if header.count(name) != 1:
            what = "stands more than once in" if name in header else "is missing from"
            raise unreadable(shown(wanted), f"this column {what} the header", where)
        return header.index(name)

    columns: dict[CsvField, str] = dict(mapping.columns)
    if not columns:
        columns = {name: name for name in get_args(CsvField) if name in header}
        _refuse_strangers(columns.keys() | mapping.constants.keys(), where)
    positions = {field: position(name) for field, name in columns.items()}
    return Plan(
        header=header,
        positions=positions,
        cells=Cells(mapping, positions),
        leave_out=[(rule, position(rule.column)) for rule in mapping.leave_out],
    )


def read_rows(
    rows: Iterable[tuple[str, list[str] | Broken]],
    plan: Plan,
    mapping: TableMapping,
    gathering: Gathering,
    *,
    suspicious: bool = True,
) -> None:
    """Gather a report or a reject for each row, which comes with its place in the document.

    Rows that are not `suspicious` are known to hold no person number.
    """
    for where, row in rows:
        try:
            if isinstance(row, Broken):
                raise FieldError("row", row.reason)
            if suspicious:
                _refuse_cpr(row, plan.header)
            if any(rule.fits(row[at]) for rule, at in plan.leave_out):
                continue
            fields = plan.cells.fields(row)
        except FieldError as error:
            gathering.reject(where, error)
            continue
        gathering.read(where, fields, mapping.type_of(fields.get("unit")))


def _refuse_strangers(fields: set[CsvField], where: str) -> None:
    """Without declared columns, a header that does not bear our own names is no table of ours."""
    for name in ("unit", "observed_at"):
        if name not in fields and not (name == "observed_at" and fields >= _SPLIT):
            raise unreadable(name, "this column is missing from the header", where)


def _refuse_cpr(row: list[str], header: Sequence[str]) -> None:
    for name, cell in zip(header, row, strict=True):
        if holds_cpr(cell):
            raise FieldError(shown(name), CPR_REASON)
