"""Tables that people carry away, as CSV, XLSX or Parquet, each with its definition."""

from web.tables.csv_form import guarded
from web.tables.making import (
    CARRIED,
    FORMS,
    MOST_ROWS,
    Answered,
    Form,
    Makers,
    TableAnswer,
    TooLongError,
    form_of,
    in_parts,
)
from web.tables.table import Cell, Column, Definition, Holds, Row, Table

__all__ = [
    "CARRIED",
    "FORMS",
    "MOST_ROWS",
    "Answered",
    "Cell",
    "Column",
    "Definition",
    "Form",
    "Holds",
    "Makers",
    "Row",
    "Table",
    "TableAnswer",
    "TooLongError",
    "form_of",
    "guarded",
    "in_parts",
]
