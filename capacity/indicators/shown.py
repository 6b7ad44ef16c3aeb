"""What the board showed of each unit, moment by moment, from changes in stream order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from capacity.indicators.days import Window
from capacity.row import Row, read_row


@dataclass(frozen=True, slots=True)
class Shown:
    """One recorded change: its place in stream order, and the row shown from `at` on.

    `row` is ``None`` where the unit left the board.
    """

    order: int
    unit: str
    at: datetime
    row: Row | None


Standing = Mapping[str, Shown]
"""The change in force of each unit at one instant."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A row and the time, within one window, for which it was shown.

    `fresh`: it came within the window. `before` is the row that it replaced, if there was one.
    """

    since: datetime
    until: datetime
    row: Row
    fresh: bool
    before: Row | None


def shown_of(order: int, unit: str, at: datetime, row: str) -> Shown:
    """A change as history has it; an empty row says that the unit left."""
    return Shown(order, unit, at, read_row(row.encode()) if row else None)


def in_force(standing: Standing, changes: Iterable[Shown]) -> dict[str, list[Shown]]:
    """Of each unit the changes that were ever shown, in order of time.

    Stream order decides, not the clock: where the store's clock went back, what a later change
    replaced was never shown from there on. The same rule as `capacity.history.past.board_at`.
    """
    found: dict[str, list[Shown]] = defaultdict(list)
    for change in sorted((*standing.values(), *changes), key=lambda each: each.order):
        line = found[change.unit]
        while line and line[-1].at >= change.at:
            line.pop()
        line.append(change)
    return found


def slices(standing: Standing, line: Sequence[Shown], window: Window) -> list[Slice]:
    """How the time of a window is divided among the changes of one unit, `line` of `in_force`."""
    found = []
    for index, change in enumerate(line):
        until = line[index + 1].at if index + 1 < len(line) else window.until
        since = max(change.at, window.since)
        if change.row is not None and since < until:
            before = line[index - 1].row if index else None
            fresh = change.unit not in standing or standing[change.unit].order != change.order
            found.append(Slice(since, until, change.row, fresh, before))
    return found


def standing_after(lines: Mapping[str, Sequence[Shown]]) -> dict[str, Shown]:
    """What is in force at a window's end."""
    return {unit: line[-1] for unit, line in lines.items() if line}
