"""Asking history: what every question about the past needs first."""

import asyncio
import re
from datetime import UTC, datetime

from capacity.board import Board
from capacity.history import History, InForce
from capacity.instants import format_instant, parse_instant

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything was ever recorded. Nearer to the first day that there is, days cannot be counted
back any more."""
CATCH_UP_SECONDS = 3.0
"""How long a question about the past waits for history to have written the present."""


async def caught_up(board: Board, history: History, cluster: str) -> bool:
    """Wait until history holds all that the board held when asked; false if it takes too long."""
    goal = await board.cursor(cluster)
    deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
    while True:
        here = await history.position(cluster)
        if goal.epoch == "none" or (
            here is not None and (here.epoch != goal.epoch or here.seq >= goal.seq)
        ):
            return True
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)


def instant_of(text: str) -> datetime:
    """The instant of an address's parameter, `BadInstantError` for none.

    A "+" that was not escaped arrives as a blank.
    """
    return parse_instant(re.sub(r" (?=\d{2}:?\d{2}$)", "+", text) if "T" in text else text)


def master_data(found: InForce) -> dict[str, object]:
    """Which catalogue an answer about the past goes by, as answers say it.

    `in_force_since` is from when on; `recorded` is false where the moment lies before it, so that
    what was in force then is not known.
    """
    recorded = found.since is not None and not found.is_earlier
    return {"in_force_since": format_instant(found.since), "recorded": recorded}
