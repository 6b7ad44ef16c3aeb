"""What must be true when nobody works any more; whatever is not comes back in words."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from simulators.country.scene import SYSTEMS, Play, Scene
from simulators.country.staff import browser
from simulators.country.units import Tide, Ward
from simulators.country.watch import Row

SETTLE = 20.0
"""Seconds in which every board must show the board as it is."""
_AGAIN = 0.2


class Checks:
    """Holds boards, figures and people against what is so. `compared` counts the boards."""

    def __init__(self, play: Play, scene: Scene) -> None:
        self._play, self._scene = play, scene
        self.compared = 0

    async def all(self) -> list[str]:
        """Every rule that was broken, the worst first."""
        fresh = await self._settled()
        found = [breach for each in self._scene.referees.values() for breach in each.breaches]
        found += self._boards(fresh)
        found += self._figures(fresh)
        found += [
            f"{change.unit}: a figure never reached {len(change.waiting)} boards"
            for change in self._play.crowd.watch.missing()
        ]
        if self._play.diary.turned_away:
            found.append(f"{self._play.diary.turned_away} came and found no place")
        return found

    async def _settled(self) -> dict[str, dict[str, Row]]:
        """Fresh rows by cluster and unit, once every board shows them or time is up."""
        deadline = time.monotonic() + SETTLE
        while True:
            fresh = await self._fresh()
            is_settled = not any(self._boards(fresh)) and not self._play.crowd.watch.missing()
            if is_settled or time.monotonic() > deadline:
                return fresh
            await asyncio.sleep(_AGAIN)

    async def _fresh(self) -> dict[str, dict[str, Row]]:
        play = self._play
        found = {}
        async with browser(play.target, play.address(SYSTEMS, 999)) as client:
            for cluster in play.land.clusters:
                key = play.keys.boards[cluster.municipalities[0].code]
                answer = await client.get(
                    f"/api/v1/board/{cluster.id}", headers={"Authorization": f"Bearer {key}"}
                )
                answer.raise_for_status()
                found[cluster.id] = {row["unit"]: row for row in answer.json()["rows"]}
        return found

    def _boards(self, fresh: dict[str, dict[str, Row]]) -> list[str]:
        """Boards that show anything else than a fresh snapshot, or are not open."""
        boards = [(each.channel.cluster, each.rows) for each in self._play.crowd.boards]
        boards += [(cluster, page.rows) for cluster, page in self._scene.pages.items()]
        self.compared = len(boards)
        wrong = [cluster for cluster, rows in boards if rows != fresh[cluster]]
        found = [f"{cluster}: a board differs from a fresh snapshot" for cluster in wrong]
        closed = len(self._play.crowd.boards) - self._play.crowd.open
        return found + ([f"{closed} boards are not open"] if closed else [])

    def _figures(self, fresh: dict[str, dict[str, Row]]) -> Iterator[str]:
        """Figures on the board that are not what is truly so in the unit."""
        actors: list[Ward | Tide] = [*self._scene.wards, *self._scene.tides]
        for each in actors:
            row, truth = fresh[each.place.cluster][each.place.id], each.figures()
            said: Any = row["occupied"]
            known: Any = truth.occupied
            if each.system is None:
                said, known = row["free_before_holds"], each.place.places - (truth.occupied or 0)
            elif truth.kind == "load" and each.place.role != "ward":
                said, known = row["waiting"], truth.waiting
            if said != known:
                yield f"{each.place.id}: the board says {said} where there are {known}"
