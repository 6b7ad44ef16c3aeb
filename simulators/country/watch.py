"""From a push until the last open board has what it said."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any

Row = dict[str, Any]


@dataclass(eq=False, slots=True)
class Change:
    """One figure that was handed over, and the boards that have not shown it yet.

    A board has it when it shows this observation of the unit or a later one: between two frames
    the later takes the earlier one's place.
    """

    unit: str
    observed_ms: int
    sent_at: float
    waiting: set[Hashable]


@dataclass(slots=True)
class Watch:
    """All changes under way, by cluster and unit; seconds by monotonic clock."""

    delays: list[float] = field(default_factory=list)
    """Seconds from before the push was sent until the last board had it."""
    _under_way: dict[str, dict[str, list[Change]]] = field(default_factory=dict)

    def expect(
        self, cluster: str, figures: Mapping[str, int], boards: set[Hashable]
    ) -> list[Change]:
        """Figures (unit: observed, in ms) are about to be pushed, and these boards are open."""
        if not boards:
            return []
        now = perf_counter()
        made = [Change(unit, at, now, set(boards)) for unit, at in figures.items()]
        under_way = self._under_way.setdefault(cluster, {})
        for change in made:
            under_way.setdefault(change.unit, []).append(change)
        return made

    def withdraw(self, cluster: str, changes: list[Change]) -> None:
        """These were not taken as they were, so no board owes them."""
        for change in changes:
            change.waiting.clear()
            self._forget(cluster, change)

    def shown_by(self, cluster: str, row: Row) -> list[Change]:
        """The changes that a board has which gets this row."""
        pending = self._under_way.get(cluster, {}).get(row["unit"])
        if not pending or row["observed_at"] is None:
            return []
        at = milliseconds(row["observed_at"])
        return [change for change in pending if change.observed_ms <= at]

    def has(self, cluster: str, change: Change, board: Hashable) -> None:
        """This board has it now."""
        waiting = change.waiting
        if board in waiting:
            waiting.discard(board)
            if not waiting:
                self.delays.append(perf_counter() - change.sent_at)
                self._forget(cluster, change)

    def left(self, cluster: str, board: Hashable) -> None:
        """A board is closed; it owes nothing any more."""
        for pending in list(self._under_way.get(cluster, {}).values()):
            for change in list(pending):
                change.waiting.discard(board)
                if not change.waiting:
                    self._forget(cluster, change)

    def missing(self) -> list[Change]:
        """Changes that some open board has not shown yet."""
        return [
            change
            for units in self._under_way.values()
            for pending in units.values()
            for change in pending
        ]

    def _forget(self, cluster: str, change: Change) -> None:
        pending = self._under_way[cluster].get(change.unit, [])
        if change in pending:
            pending.remove(change)


def milliseconds(instant: str) -> int:
    """A row's instant (ISO 8601) as milliseconds since 1970."""
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
