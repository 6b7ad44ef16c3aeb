"""Which changes of a past day tell nothing that the one before does not.

A source that ticks each minute says the same most of the time. Without such a change every moment
has the same figures, as fresh as they were; what gets lost is when they were confirmed.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from capacity.indicators.shown import Shown
from capacity.row import Row

TIMES = frozenset({"observed_at", "received_at", "ageing_at", "stale_at"})
"""What a confirmation moves on."""


def superfluous(line: Sequence[Shown]) -> list[Shown]:
    """Those changes of a unit, in order of time and of one epoch, that may go.

    Never the first nor the last. One in between may go where the one kept before it says the same
    and was fresh, not even ageing, when the next one came.
    """
    found: list[Shown] = []
    if len(line) < 3:
        return found
    kept = line[0]
    for change, after in pairwise(line[1:]):
        if _covers(kept, change, after.at):
            found.append(change)
        else:
            kept = change
    return found


def _covers(kept: Shown, change: Shown, until: datetime) -> bool:
    if kept.row is None or change.row is None:
        return False
    if not (_is_fresh(kept.row, until) and _is_fresh(change.row, until)):
        return False
    before, after = kept.row.items(), change.row
    return all(name in TIMES or after.get(name) == value for name, value in before)


def _is_fresh(row: Row, until: datetime) -> bool:
    """Up to `until`, by the times that the row says itself."""
    ends = (row["ageing_at"], row["stale_at"])
    return all(end is not None and datetime.fromisoformat(end) >= until for end in ends)
