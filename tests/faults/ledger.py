"""What sources sent and what they were told, kept so that it can be checked afterwards.

Every report carries a mark, a number that only grows, and is observed the later the larger its
mark is: of two reports of one unit the one with the larger mark must stand.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

_MARK = re.compile(r"#(\d{8})#")


class Fate(StrEnum):
    """What a source was told in the end."""

    APPLIED = "accepted"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


@dataclass
class Operation:
    """One report that was sent, perhaps several times under one key, until it was answered.

    Times are `time.monotonic`. `told` are the answers before the last: ``unconfirmed`` (503) and
    ``silence`` (none came).
    """

    mark: int
    unit: str
    observed_at: str
    began: float
    told: list[tuple[float, str]] = field(default_factory=list)
    fate: Fate | None = None
    ended: float | None = None


class Ledger:
    """All operations of a scene, and the newest that boards must have by a time."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.operations: list[Operation] = []
        self.by_mark: dict[int, Operation] = {}
        self._now = now
        self._by_unit: dict[str, list[Operation]] = {}
        self._marks = 0

    def next_mark(self) -> int:
        """A larger number than any before."""
        self._marks += 1
        return self._marks

    def begin(self, mark: int, unit: str, observed_at: str) -> Operation:
        """A report is about to be sent."""
        operation = Operation(mark, unit, observed_at, self._now())
        self.operations.append(operation)
        self.by_mark[mark] = operation
        return operation

    def told(self, operation: Operation, words: str) -> None:
        """An answer that is not the last, or its absence."""
        operation.told.append((self._now(), words))

    def end(self, operation: Operation, fate: Fate) -> None:
        """The last answer."""
        operation.fate = fate
        operation.ended = self._now()
        if fate is Fate.APPLIED:
            self._by_unit.setdefault(operation.unit, []).append(operation)

    def acknowledged(self) -> int:
        """How many were answered for good."""
        return sum(operation.ended is not None for operation in self.operations)

    def unconfirmed(self) -> int:
        """How many were told at least once that they may not be kept."""
        return sum(bool(operation.told) for operation in self.operations)

    def first_trouble(self, since: float) -> float | None:
        """Seconds until a source was first told something else than that all is well."""
        times = [at - since for o in self.operations for at, _ in o.told if at >= since]
        return min(times, default=None)

    def longest_answer(self) -> float:
        """The longest that a source waited for any answer or its absence, in seconds."""
        longest = 0.0
        for operation in self.operations:
            before = operation.began
            ends = [at for at, _ in operation.told]
            for at in [*ends, *([operation.ended] if operation.ended else [])]:
                longest, before = max(longest, at - before), at
        return longest

    def must_be_shown(self, unit: str, by: float) -> int:
        """The largest mark of a unit that was acknowledged before `by`; 0 for none."""
        for operation in reversed(self._by_unit.get(unit, [])):
            if operation.ended is not None and operation.ended < by:
                return operation.mark
        return 0

    def units(self) -> list[str]:
        """The units of which something was acknowledged."""
        return list(self._by_unit)


def note_of(mark: int) -> str:
    """The text by which a report is known again."""
    return f"#{mark:08d}#"


def mark_of(note: object) -> int:
    """The mark that a text carries; 0 for none."""
    found = _MARK.search(note) if isinstance(note, str) else None
    return int(found[1]) if found else 0
