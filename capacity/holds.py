"""The rules of holds: which state may follow which, why one ends, what can be held at all. Pure.

A *hold* keeps a place, or a visit of a team, for one caller for some minutes. The visitator asks;
the unit accepts or declines; it ends as filled (the citizen came), or by being cancelled by who
asked, released by either side after it was accepted, or expired. The store applies these rules
(`capacity/board/holds.lua`), by its own clock; docs/holds.md tells the whole story.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from capacity.model import ReportType
from capacity.units import Unit

ANSWER_WITHIN: Final = timedelta(seconds=60)
"""After this the visitator is shown the number to ring; the hold itself goes on."""
ENDED_SHOWN_FOR: Final = timedelta(minutes=10)
"""How long an ended hold stays in its row: a board that got few frames must still see the answer.
`KEEP_ENDED` in kept.lua."""
MOST_ENDED_SHOWN: Final = 40
"""Ended holds in one row, the oldest leave first; `MOST_ENDED` in holds.lua."""

HOLDABLE: Final = frozenset({ReportType.PLACE, ReportType.TEAM, ReportType.SLOT})
"""Reports that count something which can be kept for somebody. A telephone line is rung, and one
waits one's turn in a clinic."""


class HoldState(StrEnum):
    """Where a hold stands."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FILLED = "filled"
    RELEASED = "released"


LIVE: Final = frozenset({HoldState.ASKED, HoldState.ACCEPTED})
"""Holds that run out when nothing happens."""

NEXT: Final[Mapping[HoldState, frozenset[HoldState]]] = {
    HoldState.ASKED: frozenset(
        {
            HoldState.ACCEPTED,
            HoldState.DECLINED,
            HoldState.CANCELLED,
            HoldState.EXPIRED,
            HoldState.FILLED,
        }
    ),
    HoldState.ACCEPTED: frozenset(
        {HoldState.FILLED, HoldState.RELEASED, HoldState.CANCELLED, HoldState.EXPIRED}
    ),
}
"""What may follow; from any other state nothing does. `LEGAL` in holds.lua is the same."""

REASONS: Final[Mapping[HoldState, tuple[str, ...]]] = {
    HoldState.DECLINED: ("no_staff", "place_taken", "cannot_meet_need", "other"),
    HoldState.CANCELLED: ("not_needed", "other_chosen", "other"),
    HoldState.RELEASED: ("not_needed", "citizen_did_not_come", "place_lost", "other"),
}
"""Why a hold was ended, by code; a person may leave it out. There is no free text, so that nothing
about a person can come along."""
UNIT_LEFT: Final = "unit_left"
"""The reason of a hold that is cancelled because its unit left the board."""


class Refusal(StrEnum):
    """Why a unit cannot be held just now."""

    TAKEN = "taken"
    CLOSED = "closed"
    STALE = "stale"
    UNKNOWN = "unknown"
    NOT_HOLDABLE = "not_holdable"
    AGREEMENT = "agreement"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class By:
    """In what capacity somebody acts; `account` is a pseudonymous id, never a name."""

    role: str
    organisation: str | None
    account: str

    def as_json(self) -> dict[str, str | None]:
        """The shape in rows, answers and the journal."""
        return {"role": self.role, "organisation": self.organisation, "account": self.account}


@dataclass(frozen=True, slots=True)
class QuotaClaim:
    """What a hold counts in: at most `limit` holds under `key` (``agreement|period``) at a time.

    Live and filled holds count; one that ends otherwise is given back.
    """

    key: str
    limit: int


def is_holdable(unit: Unit) -> bool:
    """Whether the unit has anything that can be kept for somebody."""
    return unit.report_type in HOLDABLE


def is_legal_path(states: Sequence[str]) -> bool:
    """Whether a hold may have gone through these states, in this order, from its beginning."""
    path = [HoldState(state) for state in states]
    if not path or path[0] is not HoldState.ASKED:
        return False
    return all(after in NEXT.get(before, frozenset()) for before, after in pairwise(path))


def counts_in_free(state: HoldState, *, taken_over: bool) -> bool:
    """Whether a hold lowers free.

    A live one does. A filled one does until the unit's own figures contain it (`taken_over`):
    once a report was applied that is later than the filling. Never both.
    """
    return state in LIVE or (state is HoldState.FILLED and not taken_over)
