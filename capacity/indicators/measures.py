"""What is counted and timed: the amounts that every indicator of our own history is made of.

All of them are whole numbers (milliseconds or counts) that can be added over hours, days, units
and municipalities without any loss, so a sum of rollups is a recomputation.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

WHOLE_DAY: Final = -1
"""The hour of an amount that is of a whole day."""


class Family(StrEnum):
    """What an amount is about, hence what `Key.subject` and `Key.municipality` name."""

    UNIT = "unit"
    """A unit, where it lies."""
    CALL = "call"
    """An outcome: the unit that it names if any, the citizen's municipality if it was said."""
    AGREEMENT = "agreement"
    """An agreement, and the municipality that borrows."""
    NEED = "need"
    """A need of the definitions, for citizens of a municipality."""
    CLUSTER = "cluster"
    """The cluster itself."""


class Measure(StrEnum):
    """One amount. Those ending in ``_ms`` are milliseconds; of places, times their number."""

    # Every moment of a unit on the board is in exactly one of these five.
    FREE_MS = "free_ms"
    """At least one is free, and the figure can be trusted."""
    FULL_MS = "full_ms"
    """Open, and none is free."""
    CLOSED_MS = "closed_ms"
    """Known to be closed."""
    STALE_MS = "stale_ms"
    """There is a figure, too old to be trusted."""
    UNKNOWN_MS = "unknown_ms"
    """No figure, or one that does not say whether anything is free."""

    # Places, while the figures are trusted, the unit is open, and both counts are known.
    PLACE_MS = "place_ms"
    """Places that could be used."""
    OCCUPIED_MS = "occupied_ms"
    """Places occupied; more than could be used where there are too many."""
    FREE_PLACE_MS = "free_place_ms"
    """Places free after holds; whenever that number is known and trusted."""
    HELD_MS = "held_ms"
    """Places kept by live holds; whenever the figure is trusted."""

    UPDATES = "updates"
    """Times that somebody told anew how it is, also that it is as before."""
    GAPS = "gaps"
    """Updates that followed on one before."""
    GAP_MS = "gap_ms"
    """How long that was before, of all of them together."""
    LATE = "late"
    """Reports that were superseded when they came."""
    REMINDERS = "reminders"

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    """Holds that ended without the unit having said yes or no."""
    FILLED = "filled"
    ANSWERED = "answered"
    """Holds to which the unit said yes or no."""
    ANSWER_MS = "answer_ms"
    """From asking to that answer, of all of them together."""

    AGREEMENT_ASKED = "agreement_asked"
    AGREEMENT_FILLED = "agreement_filled"

    OUTCOMES = "outcomes"
    OUTCOME_ALTERNATIVE = "outcome_alternative"
    OUTCOME_DESPITE_FREE = "outcome_admitted_despite_free"
    OUTCOME_NONE_FREE = "outcome_admitted_none_free"
    OUTCOME_OTHER = "outcome_other"
    TIMED_CALLS = "timed_calls"
    """Outcomes whose call was timed."""
    CALL_SECONDS = "call_seconds"

    NEED_YES_MS = "need_yes_ms"
    """At least one unit could have taken the need."""
    NEED_ASK_MS = "need_ask_ms"
    """None for certain, but one or more would have had to be asked: a figure is old or missing."""
    NEED_NONE_MS = "need_none_ms"
    """Every unit was known to be no help."""

    LEVEL_0_MS = "level_0_ms"
    LEVEL_1_MS = "level_1_ms"
    LEVEL_2_MS = "level_2_ms"
    LEVEL_3_MS = "level_3_ms"
    LEVEL_UNKNOWN_MS = "level_unknown_ms"
    """Before the cluster's first surge level was noted."""


_OTHERS: Final[Mapping[str, Family]] = {
    "agreement_": Family.AGREEMENT,
    "outcome": Family.CALL,
    "call_": Family.CALL,
    "timed_": Family.CALL,
    "need_": Family.NEED,
    "level_": Family.CLUSTER,
}


def family_of(measure: Measure) -> Family:
    """What a measure is about."""
    found = (family for head, family in _OTHERS.items() if measure.startswith(head))
    return next(found, Family.UNIT)


class Key(NamedTuple):
    """What an amount is of; see `Family`. Empty texts where there is nothing to name.

    `kind` is the unit's. `hour` is the local hour in which it was, 0 to 23, or `WHOLE_DAY`.
    """

    measure: Measure
    subject: str
    kind: str
    municipality: str
    hour: int


Tally = Counter[Key]
"""Amounts by what they are of; those of zero are left out."""


def with_whole_day(hours: Tally) -> Tally:
    """The amounts of a day's hours, and with them those of the day; nothing of nothing."""
    found: Tally = Counter({key: amount for key, amount in hours.items() if amount})
    for key, amount in hours.items():
        if amount:
            found[key._replace(hour=WHOLE_DAY)] += amount
    return found
