"""The one way in: a document of a source becomes durable rows on the board."""

import asyncio
import hashlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from capacity.board import Board, Outcome, Reading
from capacity.board.movements import Move, Teller, apply_beds, apply_moves
from capacity.board.quarantine import Kept, Quarantine, State, document_of, entries_of
from capacity.instants import Clock, epoch_millis
from capacity.model import (
    Batch,
    BedStatus,
    Movement,
    Reject,
    Report,
    ReportType,
    UnreadableError,
)
from capacity.row import digest_of, encode_row, row_of
from capacity.units import Catalogue, Freshness, Unit, danish_day
from feeds.formats.movement_mapping import message_key, passes_over, start_of
from feeds.health import FeedHealth
from feeds.sources import Source

MAX_READINGS_PER_CALL = 500
"""Readings applied in one round trip; a larger document takes several, each of them atomic."""
BIG_DOCUMENT = 32 * 1024
"""Bytes above which parsing leaves the event loop, so that boards do not wait for it."""

COUNTED_BY_MOVEMENTS = frozenset({ReportType.PLACE, ReportType.LOAD})
"""What patients come to and leave."""


@dataclass(slots=True)
class Receipt:
    """What became of one document."""

    accepted: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: list[Reject] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    """Movements to be counted; like `beds` they are not part of the answer."""
    beds: list[tuple[Unit, BedStatus]] = field(default_factory=list)

    @property
    def durable(self) -> int:
        """How many reports were read and are safe, whether or not they changed the board."""
        return self.accepted + self.unchanged + self.superseded

    def as_json(self) -> dict[str, object]:
        """The answer to a push."""
        return {
            "accepted": self.accepted,
            "unchanged": self.unchanged,
            "superseded": self.superseded,
            "rejected": [reject.as_json() for reject in self.rejected],
        }


class Intake:
    """Parses, resolves, and applies documents; holds no state but the health of the sources.

    Without a quarantine, rejects are told to the caller only. A source of which `ailing` is true
    fails for a reason that a good document does not do away with: who said so ends it.
    """

    def __init__(
        self,
        board: Board,
        catalogue: Catalogue,
        clock: Clock,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._board = board
        self._catalogue = catalogue
        self._clock = clock
        self._quarantine = quarantine
        self.health = FeedHealth()
        self.ailing: set[str] = set()

    def onto(self, board: Board) -> "Intake":
        """The same intake, the sources' health included, writing through another board."""
        other = copy(self)
        other._board = board
        return other

    async def take(self, source: Source, raw: bytes, request_id: str | None = None) -> Receipt:
        """Read one document and put what it says on the board.

        Raises `UnreadableError` when no part of it can be read, and `BoardUnavailableError` when
        it cannot be made durable; repeating the call after that is always safe. Over a board that
        is written under a lease, `FencedError` when that has ended: nothing was done. The same
        `request_id` with the same bytes counts as the same delivery.
        """
        received_at = self._clock()
        health = self.health.of(source.id)
        try:
            receipt, readings = await self._read(source, raw)
        except UnreadableError as error:
            await self.set_aside(source, raw, [error.reject])
            health.failed(received_at, f"unreadable: {error}")
            raise
        await self._apply(source, receipt, readings, _delivery(raw, request_id))
        await self.set_aside(source, raw, receipt.rejected)
        self._note(source, receipt, readings)
        return receipt

    async def set_aside(self, source: Source, raw: bytes | None, rejects: list[Reject]) -> None:
        """Put what could not be used into quarantine; `raw` is ``None`` if it was never loaded.

        Raises `BoardUnavailableError`: a document is done with only when its faults are kept too.
        Under a lease that has ended nothing is set aside, and `FencedError` is raised.
        """
        await self._board.still_ours(source.cluster)
        if rejects and self._quarantine is not None:
            patients = source.format.carries_patients
            document = document_of(source.id, raw, rejects, carries_patients=patients)
            await self._quarantine.put(source.id, rejects, document, self._clock())

    async def replay(self, source: Source, document_id: str, by: str) -> int | None:
        """Take a quarantined document in again, as it would be read today.

        Its faults that no longer occur are closed in the name of `by`, those that do stay, and
        new ones are added. Returns how many were closed, ``None`` when its text is not kept. Done
        twice, even at once, it does no harm. It says nothing about the source's health.
        """
        assert self._quarantine is not None
        raw = await self._quarantine.raw(document_id)
        if raw is None:
            return None
        try:
            receipt, readings = await self._read(source, raw)
        except UnreadableError as error:
            receipt, readings = Receipt(rejected=[error.reject]), []
        await self._apply(source, receipt, readings, None)
        now, patients = self._clock(), source.format.carries_patients
        document = document_of(source.id, raw, receipt.rejected, carries_patients=patients)
        document = replace(document, id=document_id)
        occur = entries_of(source.id, receipt.rejected, document)
        entries = await self._quarantine.entries(source.id)
        left = {entry.id for entry in entries if entry.document == document_id}
        closed = await self._quarantine.entries(source.id, closed=True)
        old = left | {entry.id for entry in closed if entry.state is State.DISMISSED}
        new = [reject for entry_id, reject in occur.items() if entry_id not in old]
        await self._quarantine.put(source.id, new, document, now)
        if document.kept is not Kept.YES:  # read as it is today, it turns out to name a person
            await self._quarantine.forget(document_id)
        gone = left - occur.keys()
        return len(await self._quarantine.close(source.id, gone, State.REPLAYED, by, now))

    async def _apply(
        self, source: Source, receipt: Receipt, readings: list[Reading], request_id: str | None
    ) -> None:
        """Put readings on the board and count what became of them."""
        for start in range(0, len(readings), MAX_READINGS_PER_CALL):
            part = readings[start : start + MAX_READINGS_PER_CALL]
            part_id = f"{source.id}:{request_id}:{start}" if request_id else None
            applied = await self._board.apply(source.cluster, part, part_id)
            receipt.accepted += applied.outcomes.count(Outcome.APPLIED)
            receipt.unchanged += applied.outcomes.count(Outcome.UNCHANGED)
            receipt.superseded += applied.outcomes.count(Outcome.SUPERSEDED)
        await self._move(source, receipt)

    async def _move(self, source: Source, receipt: Receipt) -> None:
        """Count movements, and the beds of which a status was told."""
        if not receipt.moves and not receipt.beds:
            return
        teller = Teller(source.id, source.trust or 0, source.freshness, self._clock())
        outcomes: list[Outcome] = []
        for moves in whole_messages(receipt.moves, MAX_READINGS_PER_CALL):
            outcomes += await apply_moves(self._board, source.cluster, moves, teller)
        if receipt.beds:
            outcomes += await apply_beds(self._board, source.cluster, receipt.beds, teller)
        receipt.accepted += outcomes.count(Outcome.APPLIED)
        receipt.unchanged += outcomes.count(Outcome.UNCHANGED)
        receipt.superseded += outcomes.count(Outcome.SUPERSEDED)

    async def _read(self, source: Source, raw: bytes) -> tuple[Receipt, list[Reading]]:
        if len(raw) > BIG_DOCUMENT:
            return await asyncio.to_thread(self.read, source, raw)
        return self.read(source, raw)

    def read(self, source: Source, raw: bytes) -> tuple[Receipt, list[Reading]]:
        """Parse and resolve without writing anything: the rejects, and what would be applied."""
        received_at = self._clock()
        received_ms, today = epoch_millis(received_at), danish_day(received_at)
        batch = source.format.parse(raw, source.mapping, received_at)
        receipt = Receipt(rejected=list(batch.rejects))
        readings: list[Reading] = []
        for report, where in zip(batch.reports, batch.places, strict=True):
            unit = source.units.get(report.unit)
            fault = self._fault(report, unit)
            if unit is None or fault is not None:
                field_name, reason = fault or ("unit", "is unknown")
                receipt.rejected.append(Reject(where, field_name, reason))
                continue
            fresh = source.freshness or unit.freshness
            observed_ms, stale_ms = _millis(report.observed_at, fresh)
            row = row_of(
                unit,
                report,
                received_at=received_at,
                source=source.id,
                freshness=fresh,
                today=today,
            )
            readings.append(
                Reading(
                    unit=unit.id,
                    observed_ms=observed_ms,
                    digest=digest_of(row),
                    row=encode_row(row),
                    trust=source.trust or 0,
                    received_ms=received_ms,
                    stale_ms=stale_ms,
                )
            )
        self._resolve_movements(source, batch, receipt)
        return receipt, readings

    def _resolve_movements(self, source: Source, batch: Batch, receipt: Receipt) -> None:
        """Sort movements and beds into ours, passed over, and rejected."""
        ours = {told.where for told in batch.movements if told.unit in source.units}
        for movement in batch.movements:
            unit = source.units.get(movement.unit)
            if unit is None and (movement.where in ours or passes_over(source.mapping)):
                continue  # the other end of a transfer, or a ward that is not on the board
            fault = self._movement_fault(movement, unit)
            if unit is None or fault is not None:
                receipt.rejected.append(Reject(movement.where, *(fault or ("unit", "is unknown"))))
                continue
            start = start_of(source.mapping, movement.unit, unit.report_type, self._clock())
            key = message_key(source.id, movement)
            receipt.moves.append(Move(unit, movement, key, start))
        for status in batch.beds:
            unit = source.units.get(status.unit)
            if unit is None and passes_over(source.mapping):
                continue
            fault = self._movement_fault(status, unit)
            if fault is None and status.beds is None:
                fault = ("unit", "is a ward whose number of beds the mapping does not say")
            if unit is None or fault is not None:
                receipt.rejected.append(Reject(status.where, *(fault or ("unit", "is unknown"))))
                continue
            receipt.beds.append((unit, status))

    def _movement_fault(
        self, told: Movement | BedStatus, unit: Unit | None
    ) -> tuple[str, str] | None:
        if unit is None:
            if told.unit in self._catalogue.units:
                return "unit", "belongs to another source"
            return "unit", "is not among the units that this source may report"
        if unit.report_type not in COUNTED_BY_MOVEMENTS:
            return "type", f"is {unit.report_type}: movements are counted in places and loads only"
        return None

    def _fault(self, report: Report, unit: Unit | None) -> tuple[str, str] | None:
        if unit is None:
            if report.unit in self._catalogue.units:
                return "unit", "belongs to another source"
            return "unit", "is not among the units that this source may report"
        return misfit(report, unit)

    def _note(self, source: Source, receipt: Receipt, readings: list[Reading]) -> None:
        health, now = self.health.of(source.id), self._clock()
        if source.id in self.ailing:
            health.last_attempt_at = now
        else:
            health.succeeded(now)
        health.counts.update(
            accepted=receipt.accepted,
            unchanged=receipt.unchanged,
            superseded=receipt.superseded,
            rejected=len(receipt.rejected),
        )
        told = [reading.observed_ms for reading in readings]
        told += [epoch_millis(move.movement.observed_at) for move in receipt.moves]
        told += [epoch_millis(status.observed_at) for _, status in receipt.beds]
        if told:
            newest = max(told)
            good = receipt.accepted + receipt.unchanged > 0
            health.arrived(now, newest, good=good)


@lru_cache(maxsize=1024)
def _millis(observed_at: datetime, fresh: Freshness) -> tuple[int, int]:
    """When it was observed and when it is stale; remembered, as a document's rows share few."""
    return epoch_millis(observed_at), epoch_millis(observed_at + fresh.stale_after)


def misfit(report: Report, unit: Unit) -> tuple[str, str] | None:
    """Field and reason where a report cannot be of this unit."""
    if report.type is not unit.report_type:
        return "type", f"is {report.type}, but {unit.id} takes {unit.report_type} reports"
    for capability in report.capabilities_off:
        if capability not in unit.capabilities:
            return "capabilities_off", "names a capability that the unit does not have"
    return None


def whole_messages(moves: list[Move], size: int) -> Iterator[list[Move]]:
    """Movements in parts of about `size` that cut no message: a transfer is counted whole."""
    part: list[Move] = []
    for move in moves:
        if len(part) >= size and move.message != part[-1].message:
            yield part
            part = []
        part.append(move)
    if part:
        yield part


def _delivery(raw: bytes, request_id: str | None) -> str | None:
    """Names one delivery: the sender's id and the very bytes, so that an id which a sender uses
    again for another document cannot lose that document. A digest, so that nothing a sender
    writes there is ever stored."""
    if request_id is None:
        return None
    return hashlib.sha256(request_id.encode() + b"\0" + raw).hexdigest()[:32]
