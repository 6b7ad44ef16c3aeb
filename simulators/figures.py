"""What a unit's own system knows of it at one look: plain counts, no people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["place", "team", "load", "slot", "advice"]


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a unit is closed, and the simulated minute at which it opens again."""

    reason: str
    reopens_at: float
    reopens_itself: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts are ``None`` where the unit keeps none. Times are simulated minutes."""

    kind: Kind
    total: int | None = None
    staffed: int | None = None
    occupied: int | None = None
    reserved: int | None = None
    closed: int | None = None
    waiting: int | None = None
    wait_minutes: int | None = None
    on_duty: bool | None = None
    next_free_at: float | None = None
    closure: Closure | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One system's look at its units.

    `at` is the real present (as the system's own clock has it), `minute` the simulated one;
    `units` maps the system's own identifiers to figures.
    """

    at: datetime
    minute: float
    units: Mapping[str, Figures]

    def instant(self, minute: float) -> datetime:
        """A simulated minute yet to come as a real instant: as far away, in whole 5 minutes."""
        ahead = self.at + timedelta(minutes=max(0.0, minute - self.minute))
        over = timedelta(
            minutes=ahead.minute % 5, seconds=ahead.second, microseconds=ahead.microsecond
        )
        return ahead + (timedelta(minutes=5) - over if over else timedelta())
