"""Keeps history in order: room for the months to come, and letting go of what is past its time.

Bit by bit, each in a transaction of its own, so that it may be stopped anywhere, and with as long
a rest after each as it took. In several processes at once it does no harm: what one has done the
other finds done.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from capacity.history import parts, retention
from capacity.history.history import History
from capacity.history.rollups import batched, read_rolled
from capacity.indicators.days import begin, day_of

T = TypeVar("T")

MONTHS_AHEAD = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LetGo:
    """What was deleted: parts of whole months, changes past their time, confirmations.

    `limits` tells up to where each cluster's changes are gone. `finished` is false when there was
    no time for all.
    """

    months: tuple[str, ...] = ()
    changes: int = 0
    thinned: int = 0
    limits: tuple[tuple[str, datetime], ...] = ()
    finished: bool = True


class Keeper:
    """Does the upkeep of one history. Everything raises `HistoryUnavailableError`."""

    def __init__(self, history: History, served: Collection[str]) -> None:
        """`served`: clusters whose changes go only once they are in the rollups. Of others, which
        nobody rolls up any more, they go by time alone.
        """
        self._history = history
        self._served = frozenset(served)

    async def make_room(self, now: datetime) -> list[str]:
        """Make the parts of this month and of those that come; their names."""
        months = [parts.next_month(parts.month_of(now), n) for n in range(MONTHS_AHEAD + 1)]
        return await self._history.write(lambda connection: parts.make(connection, months))

    async def let_go(self, now: datetime, days: int, within: float) -> LetGo:
        """Delete changes older than `days` whole days, for about `within` seconds at most."""
        until = time.monotonic() + within
        wanted = begin(day_of(now) - days * _DAY)
        limits: dict[str, datetime] = {}
        for cluster in await self._history.read(retention.clusters):
            limit = await self._limit(cluster, wanted)
            if limit is not None:
                limits[cluster] = limit
            elif cluster in self._served:
                return LetGo()
        if not limits:
            return LetGo()
        first = min(limits.values())
        months = await self._history.write(lambda c: retention.drop_months(c, first))
        gone = 0
        for cluster, limit in limits.items():
            while time.monotonic() < until:
                found = await self._some(
                    partial(retention.delete_some, cluster=cluster, limit=limit)
                )
                gone += found
                if found < retention.TOGETHER:
                    break
            else:
                return LetGo(tuple(months), gone, 0, tuple(limits.items()), finished=False)
        return LetGo(tuple(months), gone, 0, tuple(limits.items()))

    async def thin(self, now: datetime, days: int, within: float) -> LetGo:
        """Delete confirmations of days that lie further back than `days`, oldest first."""
        until = time.monotonic() + within
        gone = 0
        for cluster in await self._history.read(retention.clusters):
            last = day_of(now) - days * _DAY
            rolled = await self._history.read(partial(read_rolled, cluster=cluster))
            first = await self._history.read(partial(retention.first_to_thin, cluster=cluster))
            if rolled is None or first is None:
                continue
            last = min(last, day_of(rolled.through))
            day = first
            while day < last:
                if time.monotonic() > until:
                    return LetGo(thinned=gone, finished=False)
                gone += await self._thin(cluster, day)
                day += _DAY
        return LetGo(thinned=gone)

    async def _thin(self, cluster: str, day: date) -> int:
        ids = await self._history.read_long(
            lambda connection: retention.superfluous_of(connection, cluster, day)
        )
        await self._history.write(lambda c: retention.thin(c, cluster, day, ()))
        for some in batched(ids, retention.TOGETHER):
            await self._some(partial(retention.thin, cluster=cluster, day=day, ids=some))
        return len(ids)

    async def _limit(self, cluster: str, wanted: datetime) -> datetime | None:
        if cluster not in self._served:
            return wanted
        return await self._history.read(lambda c: retention.limit_of(c, cluster, wanted))

    async def _some(self, work: Callable[[Connection], T]) -> T:
        """A transaction, and as long a rest."""
        begun = time.monotonic()
        found = await self._history.write(work)
        await asyncio.sleep(time.monotonic() - begun)
        return found
