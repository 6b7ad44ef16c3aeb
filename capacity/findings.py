"""What speaks for and against one unit, and when time alone would say otherwise.

A *finding* is a code with parameters (the words are in web/words/alternatives.py) and the best
verdict that it leaves room for. The verdict on a unit is the worst of its findings', so every
finding that is not *yes* is a reason for a verdict that is not.

`Moments` is the only way in which the rules look at the clock: it answers whether an instant has
come and remembers the next one that it had to deny. Until then every answer stays the same, hence
so does everything that was made of them.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from capacity.opening import Hours

Reason = dict[str, Any]
"""A finding as everybody gets it: ``code``, ``verdict``, and its parameters."""


class Verdict(StrEnum):
    """Whether a unit can take it: yes; ask it first; no."""

    YES = "yes"
    ASK = "ask"
    NO = "no"


class Moments:
    """The present instant, and the next one that the answers given so far depend on."""

    __slots__ = ("_hours", "next", "now")

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.next: datetime | None = None
        self._hours: dict[Hours, tuple[bool, datetime | None]] = {}

    def reached(self, instant: datetime) -> bool:
        """Whether `instant` has come (that instant included)."""
        if self.now >= instant:
            return True
        if self.next is None or instant < self.next:
            self.next = instant
        return False

    def comes_within(self, instant: datetime, wait: timedelta) -> bool:
        """Whether `instant` is at most `wait` away, or past."""
        return self.reached(instant - wait)

    def in_hours(self, hours: Hours) -> tuple[bool, datetime | None]:
        """Whether it is open now by `hours`, and when that changes next; units share hours."""
        known = self._hours.get(hours)
        if known is None:
            known = self._hours[hours] = hours.is_open(self.now), hours.next_change(self.now)
            if known[1] is not None:
                self.reached(known[1])
        return known


class Findings:
    """The findings on one unit: those against, then those to ask, then the facts.

    Each is put in its place as it is found, among those of its verdict the last.
    """

    __slots__ = ("_asks", "_noes", "reasons")

    def __init__(self, standing: "Findings | None" = None) -> None:
        """Begin with none, or with those that `standing` has."""
        self.reasons: list[Reason] = list(standing.reasons) if standing else []
        self._noes: int = standing._noes if standing else 0
        self._asks: int = standing._asks if standing else 0

    @property
    def verdict(self) -> Verdict:
        """The verdict that all findings leave."""
        return Verdict.NO if self._noes else Verdict.ASK if self._asks else Verdict.YES

    def fact(self, code: str, **parameters: object) -> None:
        """Something worth knowing that is no objection."""
        self.reasons.append({"code": code, "verdict": Verdict.YES, **parameters})

    def ask(self, code: str, **parameters: object) -> None:
        """A reason to ask the unit first."""
        place = self._noes + self._asks
        self.reasons.insert(place, {"code": code, "verdict": Verdict.ASK, **parameters})
        self._asks += 1

    def no(self, code: str, **parameters: object) -> None:
        """A reason why not."""
        self.reasons.insert(self._noes, {"code": code, "verdict": Verdict.NO, **parameters})
        self._noes += 1
