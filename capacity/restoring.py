"""Filling a store that was lost from history: figures, holds and outcomes, as old as they are."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from capacity.board import Board
from capacity.board.outcomes import KEPT, Outcomes
from capacity.board.store import reading_of
from capacity.history import History
from capacity.holds import ENDED_SHOWN_FOR, LIVE, HoldState
from capacity.instants import parse_instant
from capacity.row import digest_of, encode_row, read_row, without_holds

log = logging.getLogger(__name__)

SKEW = timedelta(minutes=5)
"""How far the clocks of the store, which dates the journal, and of this program may be apart."""
HOLDS_OF = timedelta(days=32)
"""How far back holds are looked for: a quota counts the filled ones of a month at most."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many of each were put back."""

    figures: int = 0
    holds: int = 0
    outcomes: int = 0

    def __bool__(self) -> bool:
        """Whether anything was."""
        return bool(self.figures or self.holds or self.outcomes)


async def restore_if_empty(
    board: Board, outcomes: Outcomes, history: History, clusters: Iterable[str], now: datetime
) -> int:
    """Put back what the last record says on boards that hold nothing at all.

    Returns how many rows. A row comes back as it was observed then, so what has gone stale
    meanwhile is stale. A board that holds anything is left alone. Raises what `board`, `outcomes`
    and `history` raise.
    """
    figures = 0
    for cluster in clusters:
        if (await board.cursor(cluster)).seq or (await board.snapshot(cluster)).rows:
            continue
        restored = await _restore(board, outcomes, history, cluster, now)
        figures += restored.figures
        if restored:
            log.warning(
                "the store of %s was empty: %d figures, %d holds and %d outcomes were put back "
                "from history, as old as they are; what came in after the last recorded change "
                "is missing",
                cluster,
                restored.figures,
                restored.holds,
                restored.outcomes,
            )
    return figures


async def _restore(
    board: Board, outcomes: Outcomes, history: History, cluster: str, now: datetime
) -> Restored:
    """Rows come last: they are what a later look finds, so that a restoring that was cut off is
    done again, and no place is offered before its hold is back.
    """
    logged = await history.outcomes(cluster, now - KEPT, now + SKEW)
    put_back = await outcomes.restore(cluster, logged) if logged else 0
    records = await history.holds(cluster, now - HOLDS_OF, now + SKEW)
    holds = [record for record in records if _matters(record, now)]
    held = (
        await board.restore_holds(cluster, holds, await history.last_seen(cluster)) if holds else 0
    )
    # Holds are put back from their records; those in the recorded rows may have ended since.
    rows = [without_holds(read_row(row)) for row in await history.latest_rows(cluster)]
    readings = [
        reading_of(row, encode_row(row), digest_of(row)) for row in rows if row["observed_at"]
    ]
    if readings:
        await board.apply(cluster, readings)
    return Restored(len(readings), held, put_back)


def _matters(hold: Mapping[str, Any], now: datetime) -> bool:
    """Whether a hold lives, counts in free or in a quota, or is still to be seen as ended."""
    if hold["state"] in LIVE or hold["state"] == HoldState.FILLED:
        return True
    return parse_instant(hold["ended_at"]) > now - ENDED_SHOWN_FOR
