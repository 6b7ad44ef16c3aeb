"""Waiting for what comes next in the streams of changes, of all clusters at once."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from capacity.board.calls import asking
from capacity.board.changes import Change
from capacity.board.connection import BLOCK_SECONDS, SOCKET_TIMEOUT, Command, Store
from capacity.board.keys import ClusterKeys

CONNECTIONS = 256
"""To each server: where clusters lie on shards, one for each of them."""
_Place = tuple[str, str]


class Follower:
    """Reads that wait in the store, over connections of their own: others are not held up."""

    def __init__(self, url: str) -> None:
        self.store = Store(url, connections=CONNECTIONS)
        """For whatever else following takes, such as where to begin."""
        self._waits: dict[_Place, asyncio.Task[dict[str, list[Change]]]] = {}

    def together(self, clusters: Sequence[str]) -> list[list[str]]:
        """See `Board.followed_together`."""
        return [[each] for each in clusters] if self.store.is_cluster else [list(clusters)]

    async def stop(self) -> None:
        """Break off whatever waits, and close all connections."""
        waits = tuple(self._waits.values())
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        await self.store.aclose()

    async def wait(
        self, positions: Mapping[str, str], within: float, count: int
    ) -> dict[str, list[Change]]:
        """Changes after each cluster's position, waiting some seconds for the first."""
        if self.store.is_cluster:
            return await self._wait_on_shards(positions, within, count)
        return await self._wait_together(positions, within, count)

    async def _wait_on_shards(
        self, positions: Mapping[str, str], within: float, count: int
    ) -> dict[str, list[Change]]:
        """One read for each cluster, as their streams are of different slots.

        Reads that still wait when the first returns are left waiting for whoever comes next from
        the same place: to break one off costs its connection. Each ends by itself in time.
        """
        for place in positions.items():
            if place not in self._waits:
                reading = self._wait_together(dict([place]), BLOCK_SECONDS, count)
                self._waits[place] = asyncio.create_task(reading, name=f"waiting for {place[0]}")
                self._waits[place].add_done_callback(partial(self._ended, place))
        waits = [self._waits[place] for place in positions.items()]
        done, _ = await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        found: dict[str, list[Change]] = {}
        for wait in done:
            found |= wait.result()
        return found

    def _ended(self, place: _Place, wait: asyncio.Task[dict[str, list[Change]]]) -> None:
        del self._waits[place]
        if not wait.cancelled():
            wait.exception()  # heard, also where nobody waits any more

    async def _wait_together(
        self, positions: Mapping[str, str], within: float, count: int
    ) -> dict[str, list[Change]]:
        clusters = _by_stream(tuple(positions))
        block = max(1, int(min(within, BLOCK_SECONDS) * 1000))
        bounds: Command = ("XREAD", "COUNT", count, "BLOCK", block, "STREAMS")
        async with asking(BLOCK_SECONDS + SOCKET_TIMEOUT):
            command = (*bounds, *clusters, *positions.values())
            reply = await self.store.ask(next(iter(clusters)), command)
        found: dict[str, list[Change]] = {}
        for key, entries in _stream_pairs(reply):
            changes = [change_of(entry_id, fields) for entry_id, fields in entries]
            found[clusters[key.decode()]] = changes
        return found


@lru_cache(maxsize=1024)
def changes_of(cluster: str) -> str:
    """The key of a cluster's stream of changes."""
    return ClusterKeys(cluster).changes


@lru_cache(maxsize=1024)
def _by_stream(clusters: tuple[str, ...]) -> Mapping[str, str]:
    return {changes_of(cluster): cluster for cluster in clusters}


def change_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Change:
    """The change that an entry of the stream tells."""
    return Change(
        stream_id=entry_id.decode(),
        epoch=fields[b"e"].decode(),
        seq=int(fields[b"n"]),
        unit=fields[b"u"].decode(),
        row=fields[b"r"],
    )


def _stream_pairs(reply: Any) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """The reply of XREAD, which is a list of pairs in one protocol version, a map in another."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [(key, entries[0]) for key, entries in reply.items()]
    return [(key, entries) for key, entries in reply]
