"""Sheets as a care system would export them, and what the parser makes of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from capacity.model import Batch, PlaceReport, UnreadableError
from feeds.formats.xlsx_sheet import FORMAT
from tests.support.formats import parsed
from tests.support.workbooks import Rows, workbook

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
LOCAL = datetime(2026, 11, 22, 12, 0)  # noqa: DTZ001 - a wall clock in Copenhagen
DANISH: dict[str, Any] = {
    "timezone": "Europe/Copenhagen",
    "columns": {
        "unit": "Plads",
        "observed_at": "Opdateret",
        "total": "I alt",
        "occupied": "Belagt",
    },
}
OURS: Rows = [["unit", "observed_at", "total", "occupied"], ["a", "2026-11-22T11:00:00Z", 4, 1]]
THERE = PlaceReport(unit="AP-1", observed_at=SEEN, total=4, occupied=1, free=3)
TWO: dict[str, Rows] = {
    "Forside": [["Velkommen"]],
    "AP-1": [["Opdateret", "I alt", "Belagt"], [LOCAL, 4, 1]],
    "AP-2": [["Opdateret", "I alt", "Belagt"], [LOCAL, 4, 2]],
}
BY_SHEET = {
    "timezone": "Europe/Copenhagen",
    "columns": {
        "unit": "(sheet)", "observed_at": "Opdateret", "total": "I alt", "occupied": "Belagt",
    },
}  # fmt: skip


def sheet(*rows: Any, **options: Any) -> bytes:
    """A workbook of one sheet."""
    return workbook({"Pladser": rows}, **options)


def danish(*rows: Any, head: Any = (), changed: Any = None, **options: Any) -> Batch:
    """Rows of a Danish export under `DANISH`, changed as told."""
    header = head or [["Plads", "Opdateret", "I alt", "Belagt"]]
    return parsed(FORMAT, sheet(*header, *rows, **options), {**DANISH, **(changed or {})})


def refusal(raw: bytes, mapping: object = None) -> tuple[str, str, str]:
    """Where, in which field and why a workbook is refused whole."""
    with pytest.raises(UnreadableError) as caught:
        parsed(FORMAT, raw, mapping)
    reject = caught.value.reject
    return reject.where, reject.field, reject.reason
