"""Keeps the surge level of every cluster: counts, judges, agrees with other processes, tells.

About once a second the store is asked how all clusters stand. Where the figures of our own board
lead to another state, that is put in its place, if no other process was first; what stands then is
what counts. `level` and `of` answer from memory.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from capacity.board import BoardUnavailableError, Cursor
from capacity.board.surge import Override, Standing, SurgeStore
from capacity.holds import By
from capacity.instants import Clock
from capacity.surge import SurgeRule, SurgeState, next_state
from capacity.surge_facts import KINDS, NO_FACTS, FactCount, Facts
from capacity.units import Catalogue
from web.live.hub import Hub
from web.surge_answer import facts_answer, surge_answer

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the store."""
_AT_ONCE = ("level", "computed", "since", "unknown_since", "override")
"""What boards are told of at once; other figures come with the next message anyway."""


@dataclass(slots=True)
class _Watched:
    """One cluster: its rule, its units that matter, and what is known of it."""

    rule: SurgeRule | None
    nominal: Mapping[str, int | None]
    facts: Facts = NO_FACTS
    counted: Cursor | None = None
    """How far the rows have been counted."""
    count: FactCount = field(default_factory=lambda: FactCount({}))
    answer: dict[str, object] = field(default_factory=lambda: surge_answer(None, NO_FACTS, None))
    told: bytes = b""
    taken: tuple[SurgeState | None, Override | None, Facts] | None = None
    """What the answer was made of."""


class SurgeWatch:
    """The surge levels of all served clusters in this process."""

    def __init__(
        self,
        store: SurgeStore,
        catalogue: Catalogue,
        hub: Hub,
        clock: Clock,
        *,
        every: float = EVERY,
    ) -> None:
        self._hub = hub
        self._store = store
        self._clock = clock
        self._every = every
        self._failing: set[str] = set()
        self._clusters = {
            cluster: _Watched(
                rule=catalogue.clusters[cluster].surge,
                nominal={u.id: u.places for u in catalogue.units_of(cluster) if u.kind in KINDS},
            )
            for cluster in catalogue.served_clusters()
        }

    def level(self, cluster: str) -> int:
        """The level that counts now, 0 to 3; 0 while none is known."""
        level = self._clusters[cluster].answer["level"]
        assert isinstance(level, int)
        return level

    def of(self, cluster: str) -> dict[str, object]:
        """What is told of a cluster's surge level; see `surge_answer`. Not to be changed."""
        return self._clusters[cluster].answer

    async def run(self) -> None:
        """Look again and again, whatever happens."""
        while True:
            await self.look_if_possible()
            await asyncio.sleep(self._every)

    async def look_if_possible(self) -> None:
        """Look once; where the store is away levels stand still, which is logged when it begins
        and when it is over. Of several servers each is looked at for itself.
        """
        try:
            groups = await self._store.together(list(self._clusters))
        except Exception as error:  # noqa: BLE001 - as below
            self._failed(list(self._clusters), error)
            return
        await asyncio.gather(*(self._look_at(group) for group in groups))

    async def look(self, clusters: Sequence[str] | None = None) -> None:
        """Judge these clusters (or all) once; raises `BoardUnavailableError`."""
        found = await self._store.look(list(self._clusters) if clusters is None else clusters)
        for cluster, standing in found.items():
            self._take(cluster, await self._judged(cluster, standing))

    async def _look_at(self, clusters: Sequence[str]) -> None:
        try:
            await self.look(clusters)
        except Exception as error:  # noqa: BLE001 - a watch that ends leaves levels standing for ever
            self._failed(clusters, error)
        else:
            again = [cluster for cluster in clusters if cluster in self._failing]
            if again:
                log.warning("surge levels%s are kept again", self._named(again))
            self._failing.difference_update(again)

    def _failed(self, clusters: Sequence[str], error: Exception) -> None:
        anew = [cluster for cluster in clusters if cluster not in self._failing]
        if anew:
            unforeseen = None if isinstance(error, BoardUnavailableError) else error
            log.error(
                "surge levels%s stand still (%s)", self._named(anew), error, exc_info=unforeseen
            )
        self._failing.update(anew)

    def _named(self, clusters: Sequence[str]) -> str:
        return "" if len(clusters) == len(self._clusters) else f" of {', '.join(clusters)}"

    async def override(self, cluster: str, override: Override, request_id: str) -> None:
        """Let a person's level stand; see `SurgeStore.override`."""
        self._take(cluster, await self._store.override(cluster, override, request_id))

    async def lift(self, cluster: str, by: By, request_id: str) -> None:
        """Let the computed level stand again; see `SurgeStore.lift`."""
        self._take(cluster, await self._store.lift(cluster, by, request_id))

    async def stop(self) -> None:
        """Close the store's connections."""
        await self._store.stop()

    async def _judged(self, cluster: str, standing: Standing) -> Standing:
        """How it stands after the figures of our board were judged."""
        watched = self._clusters[cluster]
        rule = watched.rule
        if rule is None or not self._hub.can_serve(cluster):
            return standing
        self._count(cluster, watched)
        values = watched.facts.values(rule.known_percent)
        state = next_state(values, rule, standing.state, standing.now)
        if state == standing.state:
            return standing
        told = facts_answer(rule, watched.facts, state.holding)
        return await self._store.put(cluster, standing, state, told)

    def _count(self, cluster: str, watched: _Watched) -> None:
        """Count the rows that came since the last look; all of them where the store began anew."""
        feed = self._hub.feed(cluster)
        changed = feed.changed_since(watched.counted)
        if changed is None:
            watched.count, changed = FactCount(watched.nominal), feed.rows
        for unit in changed:
            if unit in watched.nominal:
                watched.count.put(orjson.loads(feed.rows[unit]))
        watched.counted = feed.cursor
        watched.facts = watched.count.at(self._clock())

    def _take(self, cluster: str, standing: Standing) -> None:
        """Remember how it stands, and tell boards."""
        watched = self._clusters[cluster]
        taken = (standing.state, standing.override, watched.facts)
        if taken == watched.taken:
            return
        watched.taken = taken
        before, after = watched.answer, surge_answer(watched.rule, watched.facts, standing)
        watched.answer = after
        told = orjson.dumps(after)
        if told != watched.told:
            at_once = any(before[name] != after[name] for name in _AT_ONCE)
            watched.told = told
            self._hub.tell_surge(cluster, told, at_once=at_once)
