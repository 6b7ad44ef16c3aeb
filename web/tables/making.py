"""Makes a table into a file of the form that is asked for, and answers with it.

The file is made whole before the answer begins: what cannot be read is then said with a status of
its own, and no download ends in the middle of a table. It lies on disk meanwhile, so memory holds
one part of it, however long the table is.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, Final, Literal, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from web.tables.csv_form import CsvWriter
from web.tables.table import Definition, Row

Form = Literal["csv", "xlsx", "parquet"]
FORMS: Final[tuple[Form, ...]] = ("csv", "xlsx", "parquet")
Answered = Literal["json", "csv", "xlsx", "parquet"]
"""What an address of the API answers with."""
MEDIA: Final[Mapping[Form, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
CARRIED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "As JSON, or as the table that `format` asks for.",
        "content": {
            "application/json": {},
            **{
                media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for media in MEDIA.values()
            },
        },
    }
}
"""How the API's description tells of the forms."""
MOST_ROWS: Final = 250_000
"""Rows of one file: a workbook of them is as long as anybody opens, and takes some 150 MB of
scratch while it is made. Whoever needs more asks for a shorter period, twice."""
PART: Final = 2_000
"""Rows that are written together."""
_CHUNK: Final = 256 * 1024
_AT_ONCE: Final = 2


class TooLongError(ValueError):
    """The table has more than `MOST_ROWS` rows."""


class _Writer(Protocol):
    def write(self, rows: Iterable[Row], /) -> None: ...
    def close(self) -> None: ...
    def drop(self) -> None: ...


class Makers:
    """Lets two files be made at a time, for each takes a processor and room on the disk."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def make(
        self,
        definition: Definition,
        form: Form,
        parts: AsyncIterator[Iterable[Row]],
        separator: str = ";",
    ) -> IO[bytes]:
        """The file, to be read from its beginning and closed by whoever asked for it.

        Raises `TooLongError`, and whatever `parts` raises.
        """
        async with self._places:
            with TemporaryDirectory(prefix="table-") as scratch:
                file = TemporaryFile()  # noqa: SIM115 - handed over
                try:
                    await _write(_writer(definition, form, file, Path(scratch), separator), parts)
                    file.seek(0)
                except BaseException:
                    file.close()
                    raise
                return file


class TableAnswer(StreamingResponse):
    """A file that was made, under a name; it is closed whatever becomes of the answer."""

    def __init__(self, file: IO[bytes], form: Form, name: str) -> None:
        self._file = file
        headers = {
            "Content-Disposition": f'attachment; filename="{name}.{form}"',
            "Content-Length": str(file.seek(0, 2)),
        }
        file.seek(0)
        super().__init__(_chunks(file), media_type=MEDIA[form], headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def form_of(text: str | None) -> Form | None:
    """The form that an address names; ``None`` for none."""
    return next((each for each in FORMS if each == text), None)


async def in_parts(rows: Iterable[Row]) -> AsyncIterator[list[Row]]:
    """Rows that are all there, in the parts that files are made of."""
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part


def _writer(
    definition: Definition, form: Form, file: IO[bytes], scratch: Path, separator: str
) -> _Writer:
    if form == "csv":
        return CsvWriter(definition, file, separator)
    # What makes these files is slow to load, and no start should wait for it.
    if form == "xlsx":
        from web.tables.xlsx_form import XlsxWriter

        return XlsxWriter(definition, file, scratch)
    from web.tables.parquet_form import ParquetWriter

    return ParquetWriter(definition, file, scratch)


async def _write(writer: _Writer, parts: AsyncIterator[Iterable[Row]]) -> None:
    count = 0
    try:
        async for part in parts:
            rows = list(part)
            count += len(rows)
            if count > MOST_ROWS:
                raise TooLongError
            await run_in_threadpool(writer.write, rows)
        await run_in_threadpool(writer.close)
    except BaseException:
        writer.drop()
        raise


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
