"""Keeping boards in order while no report comes: closures that run out, and the catalogue's words.

One round looks after all clusters whose feeds this process runs. It asks where their boards stand
with one question; where nothing happened since a board was found in order, nothing is read.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from capacity.board import Board, BoardUnavailableError, Cursor
from capacity.board.closures import Closures
from capacity.board.upkeep import put_catalogue
from capacity.instants import Clock
from capacity.periodic import Periodic
from capacity.units import Catalogue, danish_day

log = logging.getLogger(__name__)

ROUND_EVERY = timedelta(seconds=5)
CATALOGUE_EVERY = timedelta(seconds=30)


class BoardUpkeep:
    """The upkeep of one cluster's board, written under the lease that `board` has."""

    def __init__(self, board: Board, cluster: str, catalogue: Catalogue, clock: Clock) -> None:
        self._board = board
        self._cluster = cluster
        self._catalogue = catalogue
        self._clock = clock
        self._closures = Closures(board, cluster)
        self._busy = asyncio.Lock()
        self._refreshed_at: datetime | None = None
        self._in_order: tuple[Cursor, date] | None = None
        """Where the board stood when the catalogue last had nothing to say, and on which day."""

    async def keep(self, stands: Cursor | None = None) -> None:
        """Do what is due. `stands` is where the board stands, if that is known already.

        A store that is away is left to the next round, and so is a board that is being kept.
        """
        if not self._busy.locked():
            async with self._busy:
                await self._keep(stands)

    async def _keep(self, stands: Cursor | None) -> None:
        now = self._clock()
        try:
            stands = stands or await self._board.cursor(self._cluster)
            await self._closures.reopen_due(now, stands)
        except BoardUnavailableError as error:
            log.debug("closures wait: the store is away (%s)", error)
            return
        if self._refreshed_at is None or abs(now - self._refreshed_at) >= CATALOGUE_EVERY:
            self._refreshed_at = now
            await self._refresh(now, stands)

    async def _refresh(self, now: datetime, stands: Cursor) -> None:
        if self._in_order == (stands, danish_day(now)):
            return
        try:
            changed = await put_catalogue(self._board, self._catalogue, now, [self._cluster])
        except BoardUnavailableError as error:
            log.warning("the catalogue waits: the store is away (%s)", error)
            return
        # A change since `stands` was asked for moves the board, so that it is looked at again.
        self._in_order = None if changed else (stands, danish_day(now))
        if changed:
            log.info("the catalogue changed %d rows of %s", changed, self._cluster)


class Kept(Protocol):
    """A cluster whose board may be this process's to keep."""

    cluster: str

    async def keep(self, stands: Cursor | None) -> None:
        """See `BoardUpkeep.keep`."""
        ...


class UpkeepRounds:
    """Keeps the boards of the clusters that `ours` names at the time, every few seconds."""

    def __init__(self, board: Board, ours: Callable[[], Sequence[Kept]]) -> None:
        self._board = board
        self._ours = ours
        self._job = Periodic("board upkeep", self.run, every=ROUND_EVERY, first_after=ROUND_EVERY)

    def start(self) -> None:
        """Begin."""
        self._job.start()

    async def stop(self) -> None:
        """Stop, also in the middle of a round: each step of it is whole by itself."""
        await self._job.stop()

    async def run(self) -> None:
        """One round. Clusters that lie on another server do not wait for one that is away."""
        ours = {each.cluster: each for each in self._ours()}
        together = self._board.followed_together(tuple(ours)) if ours else []
        await asyncio.gather(*(self._keep([ours[name] for name in names]) for names in together))

    async def _keep(self, kept: Sequence[Kept]) -> None:
        stands = await self._stands([each.cluster for each in kept])
        done = await asyncio.gather(
            *(each.keep(stands.get(each.cluster)) for each in kept), return_exceptions=True
        )
        for each, failure in zip(kept, done, strict=True):
            if failure is not None:
                log.error("the upkeep of %s failed", each.cluster, exc_info=failure)

    async def _stands(self, clusters: Sequence[str]) -> Mapping[str, Cursor]:
        """Nothing where it cannot be asked: each cluster then asks for itself, and says so."""
        try:
            return await self._board.cursors(clusters)
        except BoardUnavailableError:
            return {}
