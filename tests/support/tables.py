"""Reads tables that were carried away, each form by a reader that is not ours."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from math import isclose
from typing import Any

from arro3.io import read_parquet
from python_calamine import CalamineWorkbook

from web.tables import FORMS, Form, Holds, Table


def csv_rows(raw: bytes, separator: str = ";") -> list[list[str]]:
    """All rows, the header first."""
    text = io.StringIO(raw.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=separator))


def xlsx_rows(raw: bytes, sheet: int = 0) -> list[list[Any]]:
    """All rows of a sheet, the header first; empty cells are ``""``."""
    return CalamineWorkbook.from_object(io.BytesIO(raw)).get_sheet_by_index(sheet).to_python()


def parquet_rows(raw: bytes) -> list[list[Any]]:
    """All rows, the header first; nulls are ``None``."""
    reader = read_parquet(io.BytesIO(raw))
    rows: list[list[Any]] = [list(reader.schema.names)]
    for batch in reader:
        columns = [batch.column(name) for name in rows[0]]
        rows += [[column[n].as_py() for column in columns] for n in range(batch.num_rows)]
    return rows


READERS: Mapping[Form, Callable[[bytes], list[list[Any]]]] = {
    "csv": csv_rows,
    "xlsx": xlsx_rows,
    "parquet": parquet_rows,
}
"""All rows of a file, the header first, by its form."""


def parquet_definition(raw: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """The metadata of the file, and the description of each column."""
    schema = read_parquet(io.BytesIO(raw)).schema
    described = {name: schema.field(name).metadata_str["description"] for name in schema.names}
    return dict(schema.metadata_str), described


def defined(raw: bytes) -> dict[str, Any]:
    """The definition in a Parquet file's metadata."""
    found: dict[str, Any] = json.loads(parquet_definition(raw)[0]["definition"])
    return found


def alike(table: Table, files: Mapping[Form, bytes], separator: str = ";") -> int:
    """Assert that the forms tell the same of every cell; gives how many rows they have."""
    csv_raw, xlsx, parquet = (files[form] for form in FORMS)
    rows, sheet, columns = csv_rows(csv_raw, separator), xlsx_rows(xlsx), parquet_rows(parquet)
    # The reader leaves out empty rows at the end.
    sheet += [[""] * len(table.names)] * (len(rows) - len(sheet))
    assert rows[0] == sheet[0] == columns[0] == list(table.names)
    assert len(rows) == len(sheet) == len(columns)
    for texts, cells, values in zip(rows[1:], sheet[1:], columns[1:], strict=True):
        _row_alike(table, texts, cells, values)
    return len(rows) - 1


def _row_alike(
    table: Table, texts: Sequence[str], cells: Sequence[Any], values: Sequence[Any]
) -> None:
    for column, text, cell, value in zip(table.columns, texts, cells, values, strict=True):
        said = (column.name, text, cell, value)
        if value is None:
            assert (text, cell) == ("", ""), said
        elif column.holds is Holds.TEXT:
            assert cell == value, said
            assert text in (value, f"'{value}"), said
        elif column.holds in (Holds.WHOLE, Holds.NUMBER):
            assert float(text) == float(value), said
            assert isclose(cell, value, rel_tol=1e-15), said  # workbooks keep 16 digits
        elif column.holds is Holds.DAY:
            assert text == value.isoformat() == cell.isoformat()[:10], said
        else:
            whole = cell if isinstance(cell, datetime) else datetime.combine(cell, time())
            assert whole == value.replace(tzinfo=None), said
            assert text[:19].replace("T", " ") == f"{value:%Y-%m-%d %H:%M:%S}", said
