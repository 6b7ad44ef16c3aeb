"""The audit trail as lines of JSON or as CSV, read and sent in parts however long it is."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import orjson

from capacity.people import AuditEntry, People
from web.tables import guarded

Form = Literal["ndjson", "csv"]
COLUMNS: Final = (
    "seq", "at", "account", "role", "action", "subject", "address", "detail", "hash",
)  # fmt: skip
"""The header row of the CSV; `detail` is JSON."""
MEDIA: Final[dict[Form, str]] = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header=present",
}
PART = 1000


async def exported(people: People, form: Form, **wanted: Any) -> AsyncIterator[bytes]:
    """The entries that `People.audit_entries` gives for `wanted`, the latest first.

    Begins with the first part, so that what cannot be read at all is known before an answer is
    begun; an outage later breaks the answer off.
    """
    before: int | None = None
    if form == "csv":
        yield b"\xef\xbb\xbf" + _csv([COLUMNS])
    while part := await people.audit_entries(**wanted, before=before, limit=PART):
        yield _csv(map(_cells, part)) if form == "csv" else b"".join(map(_line, part))
        before = part[-1].seq


def _line(entry: AuditEntry) -> bytes:
    return orjson.dumps(entry.as_json()) + b"\n"


def _cells(entry: AuditEntry) -> list[str]:
    said = entry.as_json() | {"detail": entry.detail}
    return [guarded(said[name]) for name in COLUMNS]


def _csv(rows: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
