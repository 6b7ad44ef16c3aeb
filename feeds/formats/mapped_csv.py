"""CSV files of any make, read by a mapping that says what their columns mean.

| column (our name in ``columns``) | field | cell |
|---|---|---|
| ``unit`` | unit | text, required; the source's own identifier |
| ``type`` | type | place, team, load, slot, advice; or by ``types`` / ``report_type`` |
| ``observed_at`` or ``observed_date`` + ``observed_time`` | observed_at | see ``time_format`` |
| ``total staffed occupied reserved closed free`` | the same | whole number, or an unknown word |
| ``waiting wait_minutes`` | the same | likewise |
| ``note`` | note | text |
| ``capabilities_off`` | capabilities_off | ids parted by ``capabilities_separator`` |
| ``closure_reason``, ``reopens_at``, ``reopens_itself`` | closure | a reason closes the unit |
| ``on_duty`` | on_duty | one of ``yes_words`` and ``no_words`` |
| ``next_free_at`` | next_free_at | as ``observed_at`` |

A mapped column that the header lacks makes the whole file unreadable, so a renamed column is never
silently "unknown"; columns that are not mapped may come and go. Every cell of a row is looked
through for person numbers, mapped or not. The keys of a mapping are in `feeds.formats.csv_mapping`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from capacity.model import Batch, UnreadableError
from capacity.privacy import may_hold_cpr
from feeds.formats import Format
from feeds.formats.csv_lines import Broken, Lines, rows
from feeds.formats.csv_mapping import CsvField, CsvMapping
from feeds.formats.gathering import (
    DOCUMENT,
    Gathering,
    looks_like_a_web_page,
    refuse_what_is_no_text,
    unreadable,
)
from feeds.formats.table import MAX_COLUMNS, column_name, plan, read_rows
from feeds.limits import LIMITS

MAX_LINES = LIMITS.lines


def parse(raw: bytes, mapping: CsvMapping | None, received_at: datetime) -> Batch:
    """Reports of a CSV file, read as the mapping says; see the module's table."""
    mapping = mapping or CsvMapping()
    text = decode(raw, mapping.encoding)
    if looks_like_a_web_page(text):
        raise unreadable(DOCUMENT, "is a web page (HTML), not CSV")
    lines = Lines(text)
    if len(lines) > MAX_LINES:
        raise unreadable(DOCUMENT, f"has more than {MAX_LINES} lines")
    wanted = mapping.columns.values() or get_args(CsvField)
    separator = separator_of(lines, mapping, wanted)
    header = header_of(lines, separator, mapping)
    gathering = Gathering(received_at, mapping.local_time)
    read_rows(
        (
            (f"line {number}", row)
            for number, row in rows(lines, separator, mapping.quote, len(header))
        ),
        plan(header, mapping),
        mapping,
        gathering,
        # Whole lines first: a file without anything alike needs no look at single cells.
        suspicious=may_hold_cpr(text),
    )
    return gathering.batch()


def decode(raw: bytes, encoding: str) -> str:
    """The text of a CSV file in a declared encoding, or ``auto``; raises `UnreadableError`."""
    refuse_what_is_no_text(raw)
    tried = ("utf-8-sig", "cp1252") if encoding == "auto" else (encoding,)
    for name in tried:
        try:
            # A mark is no part of the first column's name, whether the mapping foresees it or not.
            return raw.decode("utf-8-sig" if name == "utf-8" else name)
        except UnicodeDecodeError as error:
            place = raw.count(b"\n", 0, error.start) + 1
    raise unreadable(DOCUMENT, f"is not {' or '.join(tried)} (line {place})")


def separator_of(lines: Lines, mapping: CsvMapping, columns: Iterable[str]) -> str:
    """The declared one, or that under which most of the wanted columns are found."""
    if mapping.separator != "auto":
        return mapping.separator
    wanted = {column_name(name, mapping) for name in columns}

    def sense(separator: str) -> int:
        try:
            return len(wanted.intersection(header_of(lines, separator, mapping)))
        except UnreadableError:
            return -1

    return max(";\t,", key=sense)


def header_of(lines: Lines, separator: str, mapping: CsvMapping) -> list[str]:
    """The names in the first row that is not blank, as they are compared."""
    lines.read = mapping.skip_lines
    for _, row in rows(lines, separator, mapping.quote):
        if isinstance(row, Broken):
            raise unreadable("header", row.reason)
        if len(row) > MAX_COLUMNS:
            raise unreadable("header", f"has more than {MAX_COLUMNS} columns")
        return [column_name(cell, mapping) for cell in row]
    raise unreadable("header", "is missing: the file has no lines to read")


FORMAT = Format("csv", ("text/csv",), parse, CsvMapping)
