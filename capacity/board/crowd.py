"""Counting visitors who come at once: one question to the store for all that come together.

When thousands of boards come back at the same moment, most of them from few addresses, asking for
each by itself costs as much as letting it in. So whoever comes while others of the same limit are
being asked about waits for that answer, and then all who have waited are asked about together.
Nobody waits who comes alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from capacity.board.calls import BoardUnavailableError


@dataclass(frozen=True, slots=True)
class Limit:
    """So many a minute may be `what` of `who` (a digest)."""

    what: str
    who: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of those who came together may go on: the first ones; the rest in some seconds."""

    allowed: int
    retry_after: int = 0


@dataclass(slots=True)
class _Crowd:
    tally: asyncio.Future[Tally]
    size: int = 0


class Crowds:
    """Asks `count` for the tally of a limit, for one visitor or for several at once."""

    def __init__(self, count: Callable[[Limit, int], Awaitable[Tally]]) -> None:
        self._count = count
        self._under_way: dict[Limit, _Crowd | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def come(self, limit: Limit) -> int:
        """Count one visitor: 0 if it may go on, else in how many seconds it may come again.

        Raises `BoardUnavailableError` when the store is away.
        """
        if limit not in self._under_way:
            return await self._alone(limit)
        crowd = self._under_way[limit]
        if crowd is None:
            crowd = _Crowd(asyncio.get_running_loop().create_future())
            self._under_way[limit] = crowd
        place, crowd.size = crowd.size, crowd.size + 1
        tally = await asyncio.shield(crowd.tally)  # one that gives up does so for itself
        return 0 if place < tally.allowed else tally.retry_after

    async def _alone(self, limit: Limit) -> int:
        self._under_way[limit] = None
        try:
            tally = await self._count(limit, 1)
        finally:
            self._next(limit)
        return 0 if tally.allowed else tally.retry_after

    def _next(self, limit: Limit) -> None:
        """It is the turn of those who came meanwhile, if any did."""
        crowd = self._under_way.pop(limit)
        if crowd is not None:
            self._under_way[limit] = None
            task = asyncio.create_task(self._together(limit, crowd), name="counting visitors")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _together(self, limit: Limit, crowd: _Crowd) -> None:
        try:
            tally = await self._count(limit, crowd.size)
        except BoardUnavailableError as error:
            crowd.tally.set_exception(error)
            crowd.tally.exception()  # heard, also where nobody waits any more
        else:
            crowd.tally.set_result(tally)
        finally:
            crowd.tally.cancel()  # nothing, where it is told already
            self._next(limit)
