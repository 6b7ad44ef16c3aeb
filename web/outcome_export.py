"""Outcomes as a table: one line for each call, its present value."""

from collections.abc import Iterable, Iterator

from capacity.instants import COPENHAGEN
from capacity.outcomes import Logged
from capacity.units import Catalogue
from web.tables import Column, Holds, Row, Table

TABLE = Table(
    "outcomes",
    (
        Column("at", Holds.INSTANT),
        Column("at_local", Holds.CLOCK),
        Column("id"),
        Column("outcome"),
        Column("reason"),
        Column("unit"),
        Column("unit_name"),
        Column("hold"),
        Column("municipality"),
        Column("capabilities"),
        Column("within_minutes", Holds.WHOLE),
        Column("where"),
        Column("took_seconds", Holds.WHOLE),
        Column("role"),
        Column("organisation"),
        Column("corrections", Holds.WHOLE),
        Column("first_outcome"),
        Column("first_reason"),
    ),
)
"""docs/exports.md says what each column holds. Accounts are left out."""


def outcome_rows(outcomes: Iterable[Logged], catalogue: Catalogue) -> Iterator[Row]:
    """A row for each outcome."""
    return (_cells(each, catalogue) for each in outcomes)


def _cells(outcome: Logged, catalogue: Catalogue) -> Row:
    value, first = outcome.value, outcome.logged
    need = value["need"] or {}
    unit = catalogue.units.get(value["unit"] or "")
    return (
        outcome.at,
        outcome.at.astimezone(COPENHAGEN).replace(tzinfo=None),
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
