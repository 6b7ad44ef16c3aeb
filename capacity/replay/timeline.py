"""When a board changed: the moments that a look into the past stops at. Pure.

Most changes only confirm a figure, and the most telling one, a figure that goes stale, is no
change at all: nobody reports it, time does it. So the changes are walked through with the rows that
stood before them, and every moment is told for what a reader of the board would have seen.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Any

import orjson

RowJson = Mapping[str, Any]

_TIMES = frozenset({"observed_at", "received_at", "ageing_at", "stale_at", "source"})
"""Of a row: what a report renews that says the same."""


class StepKind(StrEnum):
    """What could be seen."""

    FIGURES = "figures"
    """Something else stands there: figures, state, holds, or what the catalogue says."""
    CONFIRMED = "confirmed"
    """The same, observed anew; only its age changed."""
    STALE = "stale"
    """The figure became too old to be shown."""
    LEFT = "left"
    """The unit left the board."""


@dataclass(frozen=True, slots=True)
class PastChange:
    """One recorded change; `row` is its JSON text, empty where the unit left the board."""

    id: int
    epoch: str
    seq: int
    unit: str
    at: datetime
    row: str


@dataclass(frozen=True, slots=True)
class Step:
    """One moment at which one unit changed; `seq` and `epoch` name the change that did it.

    Both are ``None`` where time did it. `row` is the unit's row from then on, or the last one of a
    unit that left; ``None`` where that is not known.
    """

    at: datetime
    unit: str
    kind: StepKind
    epoch: str | None = None
    seq: int | None = None
    row: RowJson | None = field(default=None, compare=False, repr=False)


def steps(
    standing: Iterable[RowJson], changes: Iterable[PastChange], since: datetime, until: datetime
) -> Iterator[Step]:
    """The steps after `since`, up to and with `until`, in order of time.

    `standing` are the rows of the board at `since`, `changes` those applied in the period, by the
    instant they were applied at.
    """
    walk = _Walk({row["unit"]: row for row in standing}, since)
    for change in changes:
        yield from walk.stale_before(change.at)
        yield walk.take(change)
    yield from walk.stale_before(until, and_then=True)


class _Walk:
    """The rows as they stand while the changes go by, and when each goes stale."""

    def __init__(self, rows: dict[str, RowJson], since: datetime) -> None:
        self._rows = rows
        self._since = since
        self._due = [(at, unit) for unit, row in rows.items() if (at := _stale_at(row)) is not None]
        heapify(self._due)

    def stale_before(self, instant: datetime, *, and_then: bool = False) -> Iterator[Step]:
        """Those that go stale before `instant`, or `and_then` too."""
        while self._due and (
            self._due[0][0] < instant or (and_then and self._due[0][0] == instant)
        ):
            at, unit = heappop(self._due)
            while self._due and self._due[0] == (at, unit):
                heappop(self._due)  # two changes at once gave the same end
            row = self._rows.get(unit)
            if at > self._since and row is not None and _stale_at(row) == at:
                yield Step(at, unit, StepKind.STALE, row=row)

    def take(self, change: PastChange) -> Step:
        """The step that a change is."""
        before = self._rows.pop(change.unit, None)
        kind, row = StepKind.LEFT, before
        if change.row:
            row = _read(change.row)
            self._rows[change.unit] = row
            stale_at = _stale_at(row)
            if stale_at is not None:
                heappush(self._due, (stale_at, change.unit))
            kind = StepKind.CONFIRMED if _looks_alike(before, row, change.at) else StepKind.FIGURES
        return Step(change.at, change.unit, kind, change.epoch, change.seq, row)


def _read(text: str) -> RowJson:
    row: RowJson = orjson.loads(text)
    return row


def _looks_alike(before: RowJson | None, after: RowJson, at: datetime) -> bool:
    """Whether a reader saw nothing but the age change; a stale figure that is renewed is seen."""
    if before is None:
        return False
    gone, is_stale = _stale_at(before), _stale_at(after)
    if (gone is not None and gone < at) or (is_stale is not None and is_stale <= at):
        return False
    if (before.get("observed_at") is None) is not (after.get("observed_at") is None):
        return False
    return _figures(before) == _figures(after)


def _figures(row: RowJson) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _TIMES}


def _stale_at(row: RowJson) -> datetime | None:
    text = row.get("stale_at")
    return None if text is None else datetime.fromisoformat(text)
