"""What was sent and what was answered, each with its instant (milliseconds since 1970)."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """One unit of one document. `figures` are those of the document, named as the board does.

    `late`: it was observed before what the board had by then.
    """

    at: int
    source: str
    unit: str
    observed: int
    figures: dict[str, Any]
    late: bool
    ageing: int
    stale: int


@dataclass(frozen=True, slots=True)
class Step:
    """A hold came into a state."""

    at: int
    hold: str
    unit: str
    state: str
    asked: int
    agreement: str | None
    borrower: str


@dataclass(slots=True)
class Outcome:
    """What was logged of a call, with the last value it was given."""

    at: int
    id: str
    value: dict[str, Any]
    corrections: int = 0


@dataclass(frozen=True, slots=True)
class ByHand:
    """A surge level that a coordinator set until an instant, or lifted (``None``)."""

    at: int
    level: int | None
    until: int


@dataclass(slots=True)
class Log:
    """Everything, each kind in order of time. `looks`: when the service judged the surge level,
    and how many reports and steps of holds it had seen by then.
    """

    said: list[Said] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)
    looks: list[tuple[int, int]] = field(default_factory=list)
    documents: int = 0
    calls: int = 0
