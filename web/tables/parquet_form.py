"""A table as Parquet: typed columns with nulls, and its definition in the file's metadata."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date
from pathlib import Path
from typing import IO, Any, Final

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_ipc_stream, write_ipc_stream, write_parquet

from capacity.instants import epoch_millis
from web.tables.table import Column, Definition, Holds, Row

_FIRST_DAY: Final = date(1970, 1, 1)
_LENGTH: Final = 8
_KINDS: Final[Mapping[Holds, tuple[DataType, DataType, Callable[[Any], Any]]]] = {
    Holds.TEXT: (DataType.utf8(), DataType.utf8(), str),
    Holds.WHOLE: (DataType.int64(), DataType.int64(), int),
    Holds.NUMBER: (DataType.float64(), DataType.float64(), float),
    Holds.INSTANT: (DataType.timestamp("ms", tz="UTC"), DataType.int64(), epoch_millis),
    Holds.CLOCK: (
        DataType.timestamp("ms"), DataType.int64(), lambda at: epoch_millis(at.replace(tzinfo=UTC))
    ),
    Holds.DAY: (DataType.date32(), DataType.int32(), lambda day: (day - _FIRST_DAY).days),
}  # fmt: skip
"""Of each kind its type in the file, the type it is handed over in, and how it becomes that."""


class ParquetWriter:
    """Writes rows as they come: in packed parts to a file in `scratch`, and from there, when
    nothing more comes, part by part into the table. No more than a part is in memory.
    """

    def __init__(self, definition: Definition, file: IO[bytes], scratch: Path) -> None:
        self._definition = definition
        self._file = file
        # In the schema for those who read it as Arrow, in the file for those who do not.
        self._metadata = _metadata(definition)
        fields = [_field(each, definition) for each in definition.table.columns]
        self._schema = Schema(fields, metadata=self._metadata)
        self._parts = (scratch / "parts").open("w+b")

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        columns = list(zip(*rows, strict=True))
        if not columns:
            return
        kinds = [_KINDS[each.holds] for each in self._definition.table.columns]
        arrays = [
            Array([None if cell is None else into(cell) for cell in cells], handed).cast(kept)
            for (kept, handed, into), cells in zip(kinds, columns, strict=True)
        ]
        part = io.BytesIO()
        write_ipc_stream(RecordBatch.from_arrays(arrays, schema=self._schema), part)
        packed = part.getvalue()
        self._parts.write(len(packed).to_bytes(_LENGTH) + packed)

    def close(self) -> None:
        """Make the file of the parts."""
        with self._parts:
            self._parts.seek(0)
            reader = RecordBatchReader.from_batches(self._schema, self._read())
            write_parquet(
                reader, self._file, compression="zstd(3)",
                key_value_metadata=self._metadata,
            )  # fmt: skip

    def drop(self) -> None:
        """Give up."""
        self._parts.close()

    def _read(self) -> Iterator[RecordBatch]:
        while length := self._parts.read(_LENGTH):
            yield from read_ipc_stream(io.BytesIO(self._parts.read(int.from_bytes(length))))


def _field(column: Column, definition: Definition) -> Field:
    meaning = {"description": column.meaning(definition.words)}
    return Field(column.name, _KINDS[column.holds][0], nullable=True, metadata=meaning)


def _metadata(definition: Definition) -> dict[str, str]:
    """`title` for people who list files, `definition` (JSON) for everything else."""
    columns = [
        {"name": name, "kind": kind, "meaning": meaning}
        for name, kind, meaning in definition.columns
    ]
    told = {"lines": definition.lines, "columns": columns}
    return {
        "title": definition.title,
        "language": definition.words.lang,
        "definition": json.dumps(told, ensure_ascii=False),
    }
