"""The sweeper: lets holds expire on time, in every process that is up.

Each process looks at each cluster: every second while a hold is live there, otherwise now and
then, since another process may have made one and died. Looking is cheap, and writes nothing when
nothing is due; two that look at once do no harm.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from capacity.board.calls import BoardUnavailableError
from capacity.board.holds import HoldCalls

log = logging.getLogger(__name__)

WHILE_LIVE = 1.0
OTHERWISE = 30.0
"""Seconds between looks at a cluster."""


class Sweeper:
    """Calls `Board.expire_holds` for `clusters` until cancelled."""

    def __init__(
        self,
        board: HoldCalls,
        clusters: Sequence[str],
        *,
        while_live: float = WHILE_LIVE,
        otherwise: float = OTHERWISE,
    ) -> None:
        self._board = board
        self._clusters = tuple(clusters)
        self._while_live = while_live
        self._otherwise = otherwise
        self._woken = {cluster: asyncio.Event() for cluster in self._clusters}
        self._failing: set[str] = set()

    def wake(self, cluster: str) -> None:
        """Look at once, and every second from then on if a hold is live there."""
        self._woken[cluster].set()

    async def run(self) -> None:
        """Sweep until cancelled; a store that is away is waited for."""
        await asyncio.gather(*(self._run(cluster) for cluster in self._clusters))

    async def _run(self, cluster: str) -> None:
        woken = self._woken[cluster]
        while True:
            woken.clear()
            live = await self._sweep(cluster)
            pause = self._while_live if live or cluster in self._failing else self._otherwise
            await _either(woken.wait, pause)

    async def _sweep(self, cluster: str) -> int:
        """How many holds are live. The log gets the first failure of an outage only."""
        try:
            live = await self._board.expire_holds(cluster)
        except BoardUnavailableError as error:
            if cluster not in self._failing:
                log.error("holds of %s do not expire while the store is away: %s", cluster, error)
            self._failing.add(cluster)
            return 0
        if cluster in self._failing:
            self._failing.discard(cluster)
            log.warning("holds of %s expire again", cluster)
        return live


async def _either(event: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Return when the event comes, at the latest after some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event()
    except TimeoutError:
        return
