"""Outcomes as CSV, for a spreadsheet: one line for each call, its present value."""

import csv
import io
from collections.abc import Iterable

from capacity.instants import COPENHAGEN, format_instant
from capacity.outcomes import Logged
from capacity.units import Catalogue

COLUMNS = (
    "at", "at_local", "id", "outcome", "reason", "unit", "unit_name", "hold", "municipality",
    "capabilities", "within_minutes", "where", "took_seconds", "role", "organisation",
    "corrections", "first_outcome", "first_reason",
)  # fmt: skip
"""The header row; docs/outcomes.md says what each column holds. Accounts are left out."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def outcomes_csv(outcomes: Iterable[Logged], catalogue: Catalogue, separator: str) -> bytes:
    """The document in UTF-8 with its mark, without which spreadsheets misread Danish letters."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        writer.writerow([guarded(cell) for cell in _cells(outcome, catalogue)])
    return text.getvalue().encode("utf-8-sig")


def guarded(cell: object) -> str:
    """The cell's text, made harmless where a spreadsheet would take it for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _cells(outcome: Logged, catalogue: Catalogue) -> Iterable[object]:
    value, first = outcome.value, outcome.logged
    need = value["need"] or {}
    unit = catalogue.units.get(value["unit"] or "")
    local = outcome.at.astimezone(COPENHAGEN)
    return (
        format_instant(outcome.at),
        local.strftime("%Y-%m-%d %H:%M:%S"),
        outcome.id,
        value["outcome"],
        value["reason"],
        value["unit"],
        unit.name if unit else None,
        value["hold"],
        need.get("municipality"),
        " ".join(need.get("capabilities", ())),
        need.get("within_minutes"),
        need.get("where"),
        value["took_seconds"],
        outcome.by["role"],
        outcome.by["organisation"],
        len(outcome.corrections),
        first["outcome"],
        first["reason"],
    )
