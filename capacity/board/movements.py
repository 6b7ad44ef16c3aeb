"""How movements become figures: a known count, moved by one for each that came or left.

A unit's occupied count starts from a figure that a source reported (or that the mapping of the
source of movements states), and only movements recorded after that figure was observed move it:
earlier ones are in it already. Where no figure is known, a movement makes none: unknown stays
unknown. A count that would go below zero was wrong, and becomes unknown.

Somebody who comes in may be the one for whom a place was kept: one admission takes over one filled
hold. A count of beds that are all known takes over all that were filled before it.

Each message counts once, however often it comes; a row that another writer changed meanwhile is
read again. Beds whose single status is told (HL7's A20) are remembered one by one, and make
figures once the status of all of a unit's beds is known.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from capacity.board.store import (
    Board,
    BoardUnavailableError,
    Moves,
    Outcome,
    Standing,
    StoredRow,
)
from capacity.instants import epoch_millis, format_instant, from_epoch_millis
from capacity.model import BedStatus, BedUse, Movement, Report
from capacity.reading import read_report
from capacity.row import Row, digest_of, encode_row, judge, read_row, row_of
from capacity.rules import free_places, inconsistencies
from capacity.units import Freshness, Unit, danish_day

ATTEMPTS = 20
"""How often other writers may be quicker before the store counts as unavailable."""
_MOVED = "moves:"
"""Marks, in a row's version, a count that was moved; the instant of the count itself follows."""


@dataclass(frozen=True, slots=True)
class Teller:
    """The source that tells, and when; `freshness` is its own, where it declares one."""

    source: str
    trust: int
    freshness: Freshness | None
    received_at: datetime

    def trust_in(self, unit: Unit) -> Freshness:
        """How long what it says of a unit may be trusted."""
        return self.freshness or unit.freshness


@dataclass(frozen=True, slots=True)
class Move:
    """One movement in one of our units; `message` is the key under which its message counts once.

    `start` is the figure to count from where the unit has never been reported.
    """

    unit: Unit
    movement: Movement
    message: str
    start: Report | None = None


async def apply_moves(
    board: Board, cluster: str, moves: Sequence[Move], teller: Teller
) -> list[Outcome]:
    """Count movements in one atomic, durable step; the outcome of each.

    Superseded: recorded before the count that stands. Unchanged: the message was counted before,
    or the unit has no count. Raises what the board raises; repeating the call is safe.
    """
    units = sorted({move.unit.id for move in moves})
    messages = sorted({move.message for move in moves})
    for attempt in range(ATTEMPTS):
        standing = await board.standing(cluster, units, messages)
        outcomes, wanted = _counted(standing, moves, teller)
        if not wanted.rows or await board.move(cluster, wanted):
            return outcomes
        await asyncio.sleep(0.002 * attempt)
    raise BoardUnavailableError("the counts change too often to be moved")


async def apply_beds(
    board: Board, cluster: str, beds: Sequence[tuple[Unit, BedStatus]], teller: Teller
) -> list[Outcome]:
    """Remember the status of beds, and the figures of units of which all are known.

    Superseded: the bed's status was told later already. Unchanged: no figure follows from it.
    """
    units = sorted({unit.id for unit, _ in beds})
    for attempt in range(ATTEMPTS):
        standing = await board.standing(cluster, units, [], beds=True)
        outcomes, wanted = _bedded(standing, beds, teller)
        if not wanted.beds or await board.move(cluster, wanted):
            return outcomes
        await asyncio.sleep(0.002 * attempt)
    raise BoardUnavailableError("the beds change too often to be counted")


class _Count:
    """One unit's count while movements are added to it."""

    def __init__(self, move: Move, standing: StoredRow | None, teller: Teller) -> None:
        self.unit = move.unit
        self.version = standing.version if standing else ""
        row = read_row(standing.row) if standing else None
        marks = self.version.split("|")
        self.newest_ms = self._since_ms = int(marks[0] or -1)
        self.trust = marks[2] if len(marks) == 5 else "0"
        if marks[1:] and marks[1].startswith(_MOVED):
            self._since_ms = int(marks[1].removeprefix(_MOVED))
        if move.start is not None and (row is None or row["observed_at"] is None):
            row = _row_of(move.unit, move.start, teller)
            self.newest_ms = self._since_ms = epoch_millis(move.start.observed_at)
            self.trust = str(teller.trust)
        self.row = row
        self.occupied = row["occupied"] if row else None
        self.moved = False
        self._came: list[str] = []

    def add(self, movement: Movement) -> Outcome:
        if self.occupied is None:
            return Outcome.UNCHANGED
        observed_ms = epoch_millis(movement.observed_at)
        if observed_ms <= self._since_ms:
            return Outcome.SUPERSEDED
        self.occupied += movement.change
        self.newest_ms = max(self.newest_ms, observed_ms)
        self.moved = True
        if movement.change > 0:
            self._came.append(str(observed_ms))
        return Outcome.APPLIED

    def stored(self, teller: Teller) -> tuple[StoredRow, str, str]:
        """The row to be written, with the version it replaces, its own mark, and who came."""
        assert self.row is not None
        assert self.occupied is not None
        observed_at = from_epoch_millis(self.newest_ms)
        known = self.occupied if self.occupied >= 0 else None
        row = moved_row(self.row, known, self.unit, observed_at, teller)
        stale_ms = epoch_millis(observed_at + teller.trust_in(self.unit).stale_after)
        mark = f"{self.newest_ms}|{_MOVED}{self._since_ms}|{self.trust}|{stale_ms}"
        return StoredRow(self.unit.id, encode_row(row), self.version), mark, ",".join(self._came)


def _counted(
    standing: Standing, moves: Sequence[Move], teller: Teller
) -> tuple[list[Outcome], Moves]:
    counts: dict[str, _Count] = {}
    first: dict[str, str] = {}
    outcomes: list[Outcome] = []
    for move in moves:
        unit = move.unit.id
        if unit not in counts:
            counts[unit] = _Count(move, standing.rows.get(unit), teller)
        told_at = first.setdefault(move.message, move.movement.where)
        if move.message in standing.counted or told_at != move.movement.where:
            outcomes.append(Outcome.UNCHANGED)
        else:
            outcomes.append(counts[unit].add(move.movement))
    done = zip(moves, outcomes, strict=True)
    return outcomes, Moves(
        rows=[count.stored(teller) for count in counts.values() if count.moved],
        messages=sorted({move.message for move, outcome in done if outcome is Outcome.APPLIED}),
    )


def moved_row(
    row: Row, occupied: int | None, unit: Unit, observed_at: datetime, teller: Teller
) -> Row:
    """The row with another occupied count, and all that follows from it."""
    trust = teller.trust_in(unit)
    found = inconsistencies(
        total=row["total"],
        staffed=row["staffed"],
        occupied=occupied,
        reserved=row["reserved"],
        closed=row["closed"],
        stated=None,
    )
    return judge(
        Row(
            **{
                **row,
                "occupied": occupied,
                "free_before_holds": _free_after(row, occupied),
                "inconsistencies": [each.value for each in found],
                "observed_at": format_instant(observed_at),
                "received_at": format_instant(teller.received_at),
                "ageing_at": format_instant(observed_at + trust.ageing_after),
                "stale_at": format_instant(observed_at + trust.stale_after),
                "source": teller.source,
            }
        )
    )


def _free_after(row: Row, occupied: int | None) -> int | None:
    """Free before holds once `occupied` is another.

    Where the free count follows from the parts, it follows from them again. Where a source had
    stated it, it moves along, as far as the known parts leave room for it.
    """
    before, was = row["free_before_holds"], row["occupied"]
    if before is None or was is None or occupied is None:
        return None
    if before == _free_of(row, was):
        return _free_of(row, occupied)
    return _free_of(row, occupied, stated=max(0, before + was - occupied))


def _free_of(row: Row, occupied: int, stated: int | None = None) -> int | None:
    return free_places(
        total=row["total"],
        staffed=row["staffed"],
        occupied=occupied,
        reserved=row["reserved"] or 0,
        closed=row["closed"] or 0,
        stated=stated,
    )


def _bedded(
    standing: Standing, beds: Sequence[tuple[Unit, BedStatus]], teller: Teller
) -> tuple[list[Outcome], Moves]:
    known = {unit: dict(of_unit) for unit, of_unit in standing.beds.items()}
    changed: dict[tuple[str, str], None] = {}
    outcomes: list[Outcome] = []
    for unit, status in beds:
        of_unit = known.setdefault(unit.id, {})
        observed_ms = epoch_millis(status.observed_at)
        new, old = f"{status.use.value}|{observed_ms}", of_unit.get(status.bed)
        if old == new:
            outcomes.append(Outcome.UNCHANGED)
        elif old is not None and int(old.rpartition("|")[2]) > observed_ms:
            outcomes.append(Outcome.SUPERSEDED)
        else:
            of_unit[status.bed] = new
            changed[unit.id, status.bed] = None
            outcomes.append(Outcome.APPLIED)
    rows: list[tuple[StoredRow, str, str]] = []
    counted: set[str] = set()
    for unit, status in {unit.id: (unit, status) for unit, status in beds}.values():
        row = _bed_row(unit, known[unit.id].values(), status.beds, teller)
        stored = row and _newer(unit, row, standing.rows.get(unit.id), teller)
        if stored:
            rows.append(stored)
            counted.add(unit.id)
    for index, (unit, _) in enumerate(beds):
        if outcomes[index] is Outcome.APPLIED and unit.id not in counted:
            outcomes[index] = Outcome.UNCHANGED
    before = standing.beds
    fields = [
        (f"{unit}|{bed}", before.get(unit, {}).get(bed, ""), known[unit][bed])
        for unit, bed in changed
    ]
    return outcomes, Moves(rows=rows if changed else [], beds=fields)


def _bed_row(unit: Unit, beds: Iterable[str], number: int | None, teller: Teller) -> Row | None:
    """The row of a unit all of whose beds are known, or ``None``."""
    uses = [value.partition("|") for value in beds]
    if number is None or len(uses) != number:
        return None
    names = [use for use, _, _ in uses]
    fields = {
        "unit": unit.id,
        "observed_at": from_epoch_millis(max(int(at) for _, _, at in uses)),
        "total": number,
        "occupied": names.count(BedUse.OCCUPIED),
        "closed": names.count(BedUse.CLOSED),
    }
    return _row_of(unit, read_report(fields, teller.received_at, unit.report_type), teller)


def _newer(
    unit: Unit, row: Row, standing: StoredRow | None, teller: Teller
) -> tuple[StoredRow, str, str] | None:
    """The row to be written, its mark, and whom it takes over.

    ``None`` if what stands is newer or more trusted.
    """
    version = standing.version if standing else ""
    marks = version.split("|")
    observed_at = _instant_ms(row["observed_at"])
    received_ms = epoch_millis(teller.received_at)
    trusted_more = len(marks) == 5 and int(marks[2]) > teller.trust and received_ms < int(marks[3])
    if int(marks[0] or -1) > observed_at or trusted_more:
        return None
    mark = f"{observed_at}|{digest_of(row)}|{teller.trust}|{_instant_ms(row['stale_at'])}"
    return StoredRow(unit.id, encode_row(row), version), mark, "all"


def _instant_ms(text: str | None) -> int:
    assert text is not None
    return epoch_millis(datetime.fromisoformat(text))


def _row_of(unit: Unit, report: Report, teller: Teller) -> Row:
    return row_of(
        unit,
        report,
        received_at=teller.received_at,
        source=teller.source,
        freshness=teller.freshness,
        today=danish_day(teller.received_at),
    )
