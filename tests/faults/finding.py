"""What a scenario found: times, counts, and the promises that were not kept."""

from dataclasses import asdict, dataclass, field
from typing import Any


class OptedOutError(Exception):
    """The scenario cannot be played here; the text says what is missing."""


@dataclass
class Finding:
    """Seconds and counts of one scenario; ``None`` where there was nothing of the kind to see.

    `notice`: until a source was told, or the process said that it is not ready. `shown`: until
    every board said that its figures have stopped. `recover`: from the end of the fault until a new
    report was acknowledged and on every board.
    """

    notice: float | None = None
    shown: float | None = None
    recover: float | None = None
    operations: int = 0
    acknowledged: int = 0
    unconfirmed: int = 0
    lost: int = 0
    twice: int = 0
    not_fresh: int = 0
    unequal: int = 0
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every invariant and every promise of the scenario held."""
        return not (self.lost or self.twice or self.not_fresh or self.unequal or self.broken)

    def promise(self, kept: bool, words: str) -> None:
        """Note a promise that was not kept."""
        if not kept and words not in self.broken:
            self.broken.append(words)

    def add(self, other: "Finding") -> None:
        """Take a further round of the same scenario in: counts add up, of times the worst stays."""
        for name in ("notice", "shown", "recover"):
            times = [t for t in (getattr(self, name), getattr(other, name)) if t is not None]
            setattr(self, name, max(times, default=None))
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.broken += other.broken
        self.notes += other.notes

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self) | {"held": self.held}


_COUNTS = ("operations", "acknowledged", "unconfirmed", "lost", "twice", "not_fresh", "unequal")
