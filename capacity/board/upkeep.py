"""Changes of the board that no report brings: the catalogue's, and closures that run out."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date, datetime

import orjson

from capacity.board.store import Board, Outcome, StoredRow
from capacity.instants import parse_instant
from capacity.row import Row, encode_row, judge, read_row, row_of, without_holds
from capacity.units import Catalogue, Unit, danish_day

_FROM_CATALOGUE = (
    "name", "kind", "organisation", "municipality", "phone", "authority", "operator",
)  # fmt: skip
_FIELDS = tuple(Row.__annotations__)
"""In this order, which the store relies on."""
AT_A_TIME = 500
"""Units, which take a few milliseconds."""


async def put_units(board: Board, catalogue: Catalogue, now: datetime) -> None:
    """See to it that every board has the catalogue's units, no more and no less.

    That much a start waits for. What rows say from the catalogue may be yesterday's for a moment
    more, until they are all read: with thousands of them that takes its time.
    """
    for cluster in catalogue.served_clusters():
        if await board.units(cluster) != {unit.id for unit in catalogue.units_of(cluster)}:
            await put_catalogue(board, catalogue, now, [cluster])


async def put_catalogue(
    board: Board, catalogue: Catalogue, now: datetime, clusters: Iterable[str] | None = None
) -> int:
    """Give every unit a row, refresh what rows say from the catalogue, drop units that left.

    Of all clusters that are served, or of those given. Run soon after a start and when a day
    begins (authority and operator are dated). Returns how many rows changed. A row that changes
    meanwhile is left for the next run: its writer knew the catalogue.
    """
    changed, today = 0, danish_day(now)
    for cluster in catalogue.served_clusters() if clusters is None else clusters:
        snapshot = await board.snapshot(cluster)
        stored = {row.unit: row for row in snapshot.rows}
        units = {unit.id: unit for unit in catalogue.units_of(cluster)}
        gone = [unit for unit in stored if unit not in units]
        if gone:
            await board.remove(cluster, gone)
            changed += len(gone)
        if rows := await _all_refreshed(units.values(), stored, today):
            applied = await board.replace(cluster, rows)
            changed += applied.outcomes.count(Outcome.APPLIED)
    return changed


async def _all_refreshed(
    units: Iterable[Unit], stored: Mapping[str, StoredRow], today: date
) -> list[StoredRow]:
    """Rows that are to change. Of thousands of units: now and then others get their turn."""
    rows: list[StoredRow] = []
    for number, unit in enumerate(units, 1):
        row = _refreshed(unit, stored.get(unit.id), today)
        if row is not None:
            rows.append(row)
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
    return rows


def _refreshed(unit: Unit, stored: StoredRow | None, today: date) -> StoredRow | None:
    blank = row_of(unit, None, today=today)
    if stored is None:
        return StoredRow(unit.id, encode_row(blank), "")
    row: Row = orjson.loads(stored.row)
    off = row.get("capabilities_off", [])
    fixed: dict[str, object] = {key: blank[key] for key in _FROM_CATALOGUE}  # type: ignore[literal-required]
    fixed["capabilities"] = [c for c in unit.capabilities if c not in off]
    fixed["capabilities_off"] = [c for c in unit.capabilities if c in off]
    if tuple(row) == _FIELDS and fixed.items() <= row.items():
        return None
    fresh = dict(blank) | {key: row[key] for key in row if key in blank}  # type: ignore[literal-required]
    return StoredRow(unit.id, encode_row(without_holds(Row(**fresh | fixed))), stored.version)  # type: ignore[typeddict-item]


async def reopen_due(board: Board, cluster: str, now: datetime) -> int:
    """Reopen units whose closure has run out and that chose to reopen by themselves.

    Their counts stay as they were observed, with their old age: reopening is no new reading.
    """
    due: list[StoredRow] = []
    for stored in (await board.snapshot(cluster)).rows:
        row = read_row(stored.row)
        reopens_at = row["reopens_at"]
        if row["reopens_itself"] and reopens_at and parse_instant(reopens_at) <= now:
            due.append(StoredRow(stored.unit, encode_row(_reopened(row)), stored.version))
    if not due:
        return 0
    applied = await board.replace(cluster, due)
    return applied.outcomes.count(Outcome.APPLIED)


def _reopened(row: Row) -> Row:
    is_open = {"closure_reason": None, "reopens_at": None, "reopens_itself": False}
    return judge(Row(**{**row, **is_open}))  # type: ignore[typeddict-item]
