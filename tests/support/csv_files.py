"""CSV files as a care system would export them, and the mapping that names their oddities."""

from datetime import UTC, datetime
from typing import Any

import pytest

from capacity.model import Batch, UnreadableError
from feeds.formats.mapped_csv import FORMAT
from tests.support.formats import parsed

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
HEAD = "unit,observed_at,total,occupied\n"
ROW = "a,2026-11-22T11:00:00Z,4,1\n"
DANISH: dict[str, Any] = {
    "separator": ";",
    "encoding": "cp1252",
    "decimal": ",",
    "timezone": "Europe/Copenhagen",
    "time_format": "%d-%m-%Y %H:%M",
    "columns": {
        "unit": "Plads",
        "observed_at": "Opdateret",
        "total": "Pladser i alt",
        "occupied": "Belagt",
        "note": "Bemærkning",
    },
    "constants": {"reserved": 0, "type": "place"},
}
DANISH_HEAD = "Plads;Opdateret;Pladser i alt;Belagt;Bemærkning\r\n"


def read(text: str, mapping: object = None) -> Batch:
    """A document with our own field names, unless a mapping says otherwise."""
    return parsed(FORMAT, text.encode(), mapping)


def danish(*rows: str, **changed: object) -> Batch:
    """Rows of a Danish export under `DANISH`, changed as told."""
    raw = (DANISH_HEAD + "".join(f"{row}\r\n" for row in rows)).encode("cp1252")
    return parsed(FORMAT, raw, {**DANISH, **changed})


def refusal(raw: bytes | str, mapping: object = None) -> tuple[str, str, str]:
    """Where, in which field and why a document is refused whole."""
    with pytest.raises(UnreadableError) as caught:
        parsed(FORMAT, raw.encode() if isinstance(raw, str) else raw, mapping)
    reject = caught.value.reject
    return reject.where, reject.field, reject.reason
