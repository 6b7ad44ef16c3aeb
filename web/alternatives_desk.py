"""Answers questions for alternatives from what this process knows: no store is asked for rows.

The hub has every row of its clusters. What was ranked is kept and given again while nothing that
it depends on has changed: the board's cursor, the surge level, the use of agreements, and time, of
which the ranking itself knows when it matters (`Ranking.recheck_at`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from capacity.agreements import NO_USE
from capacity.alternatives import Alternative, Ranking, next_best, rank
from capacity.availability import RowJson
from capacity.board import BoardUnavailableError, Cursor
from capacity.instants import Clock, format_instant
from capacity.need import Need
from capacity.units import Catalogue
from web.live.hub import Hub
from web.surge_watch import SurgeWatch

KEPT = 256
"""Answers that are kept; a handful of visitators ask for fewer different needs at a time."""

Usage = Callable[[str], Awaitable[Mapping[str, int]]]
"""Gives a cluster's counts of places used under agreements, by `Allowed.usage_key`."""


@dataclass(slots=True)
class _Kept:
    """A ranking, what it was made of, and its alternatives as JSON."""

    basis: tuple[Cursor, int, Mapping[str, int]]
    made_at: datetime
    ranking: Ranking
    encoded: bytes


class AlternativesDesk:
    """The alternatives of this process's clusters."""

    def __init__(
        self,
        catalogue: Catalogue,
        hub: Hub,
        surge: SurgeWatch,
        clock: Clock,
        usage: Usage,
    ) -> None:
        self._catalogue = catalogue
        self._hub = hub
        self._surge = surge
        self._clock = clock
        self._usage = usage
        self._used: dict[str, tuple[Cursor, Mapping[str, int]]] = {}
        self._counted = {
            each.borrower for each in catalogue.agreements.values() if each.quota is not None
        }
        self._rows = {cluster: _Rows() for cluster in catalogue.served_clusters()}
        self._kept: OrderedDict[tuple[str, Need], _Kept] = OrderedDict()
        self._turn = asyncio.Lock()

    async def answer(self, cluster: str, need: Need) -> bytes:
        """The whole answer as JSON; raises `BoardUnavailableError` while boards stand still."""
        kept = await self._standing(cluster, need)
        cursor = kept.basis[0]
        return b'{"cursor":"%s","server_time":%s,"need":%s,"surge":%s,%s}' % (
            str(cursor).encode(),
            orjson.dumps(format_instant(self._clock())),
            orjson.dumps(need.as_json()),
            orjson.dumps(self._surge.of(cluster)),
            b'"alternatives":%s,"recheck_at":%s'
            % (kept.encoded, orjson.dumps(format_instant(kept.ranking.recheck_at))),
        )

    async def ranking(self, cluster: str, need: Need) -> Ranking:
        """The ranking alone; raises `BoardUnavailableError` while boards stand still."""
        return (await self._standing(cluster, need)).ranking

    async def next_best(
        self, cluster: str, need: Need | None, besides: str, most: int = 3
    ) -> list[Alternative]:
        """What to offer somebody who did not get the unit `besides`; see `next_best`.

        orjson writes alternatives as they stand in answers.
        """
        return next_best(await self.ranking(cluster, need or Need()), besides, most)

    async def _standing(self, cluster: str, need: Need) -> _Kept:
        used = await self.used(cluster, need)
        kept = self._if_kept(cluster, need, used)
        if kept is not None:
            return kept
        async with self._turn:
            # Many who ask at once would else be ranked for in one go, and whatever else this
            # process does, following the store above all, would wait until all of them are done.
            await asyncio.sleep(0)
            return self._if_kept(cluster, need, used) or self._ranked(cluster, need, used)

    def _if_kept(self, cluster: str, need: Need, used: Mapping[str, int]) -> _Kept | None:
        kept = self._kept.get((cluster, need))
        if kept is None or kept.basis != self._basis(cluster, used):
            return None
        recheck_at, now = kept.ranking.recheck_at, self._clock()
        if now < kept.made_at or (recheck_at is not None and now >= recheck_at):
            return None
        self._kept.move_to_end((cluster, need))
        return kept

    def _ranked(self, cluster: str, need: Need, used: Mapping[str, int]) -> _Kept:
        """Rank anew; nothing is waited for, so cursor, rows and level belong together."""
        basis, now = self._basis(cluster, used), self._clock()
        rows = self._rows[cluster].read(self._hub.feed(cluster).rows)
        ranking = rank(need, rows, self._catalogue, now, basis[1], used)
        kept = _Kept(basis, now, ranking, orjson.dumps(ranking.alternatives))
        self._kept[cluster, need] = kept
        self._kept.move_to_end((cluster, need))
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept

    def _basis(
        self, cluster: str, used: Mapping[str, int]
    ) -> tuple[Cursor, int, Mapping[str, int]]:
        if not self._hub.can_serve(cluster):
            raise BoardUnavailableError("boards stand still")
        return self._hub.feed(cluster).cursor, self._surge.level(cluster), used

    async def used(self, cluster: str, need: Need) -> Mapping[str, int]:
        """Places used under agreements that count for `need`, by `Allowed.usage_key`.

        Counts change with holds, and every hold changes a row: asked once per cursor.
        """
        if need.municipality not in self._counted or not self._hub.can_serve(cluster):
            return NO_USE
        cursor = self._hub.feed(cluster).cursor
        at, used = self._used.get(cluster, (None, NO_USE))
        if at != cursor:
            used = await self._usage(cluster)
            self._used[cluster] = (cursor, used)
        return used


class _Rows:
    """A cluster's rows as JSON values; each is read once, however often it is asked for."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[bytes, RowJson]] = {}

    def read(self, rows: Mapping[str, bytes]) -> list[RowJson]:
        """The rows of a feed."""
        before = self._read
        self._read = {}
        for unit, row in rows.items():
            known = before.get(unit)
            is_known = known is not None and known[0] is row
            self._read[unit] = known if known and is_known else (row, orjson.loads(row))
        return [value for _, value in self._read.values()]
