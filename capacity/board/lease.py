"""The lease on a cluster's feeds: of several processes that may run them, one does.

Feeds are polled, watched and listened to by one process at a time, cluster by cluster. Which one
is decided in the store, by the store's own clock (`lease.lua`): a process takes the lease, renews
it well before it ends, and gives it up when it stops; another waits until it is free. A lease
alone is not enough. A process that was stopped and goes on after its lease has ended does not know
it yet, and would apply what it had in hand. So every taking has a number, the *fence*, and a
`FencedBoard` names holder and fence with each write; the function on the server compares them in
the same step in which it would write, and refuses.

The lease lies among the cluster's own keys: on the same shard, where there are several. Different
clusters may be run by different processes.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from capacity.board.calls import Argument, Caller
from capacity.board.keys import ClusterKeys
from capacity.board.lease_rounds import Rounds
from capacity.board.store import Board
from capacity.instants import from_epoch_millis

LEASE = timedelta(seconds=8)
"""How long a lease lasts: what a lost process costs, at most, before another takes over."""
FENCED_WRITES = frozenset({"apply", "replace", "remove", "move"})
_FENCED = b"fenced"


class FencedError(Exception):
    """The feeds are no longer this process's: nothing was written. `holder` runs them, if any."""

    def __init__(self, cluster: str, holder: str) -> None:
        self.cluster = cluster
        self.holder = holder
        super().__init__(f"the feeds of {cluster} are run by {holder or 'nobody'}, not from here")


@dataclass(frozen=True, slots=True)
class Hold:
    """The answer to `Leases.hold`: `fence` is ``None`` where somebody else holds the lease.

    `vacant` is how long nobody had held it, where this call took it; ``None`` where it did not,
    and `timedelta.max` where nobody ever had.
    """

    fence: int | None
    holder: str
    vacant: timedelta | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a cluster's feeds: `name` is empty when nobody does. `fence` counts the takings."""

    name: str
    fence: int
    since: datetime


def process_name() -> str:
    """What people call this process: its machine (or container) and its number there."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Leases(Caller):
    """The leases as one process sees them; `token` tells it from every other, ever."""

    def __init__(self, url: str, name: str | None = None, *, length: timedelta = LEASE) -> None:
        super().__init__(url)
        self.name = name or process_name()
        self.token = secrets.token_hex(8)
        self.length = length
        self._rounds = Rounds(self._store, "lease_hold", self._call)

    async def stop(self) -> None:
        """Close all connections; leases that are still held run out."""
        await self._store.aclose()

    async def hold(self, cluster: str) -> Hold:
        """Take the lease or, where it is ours, renew it. May raise `BoardUnavailableError`.

        Those that are asked for at the same moment share a call (`lease_rounds`).
        """
        length = self.length // timedelta(milliseconds=1)
        asked = (self.token, self.name, length)
        fence, vacant, holder = await self._rounds.ask(ClusterKeys(cluster).feeds, asked)
        return Hold(int(fence) or None, holder.decode(), _vacancy(int(vacant)))

    async def release(self, cluster: str) -> bool:
        """Give the lease up, so that another takes it at once; tells whether it was ours."""
        await self._rounds.settled()  # a renewal that comes after this would take it again
        return bool(await self._lease("release", cluster, self.token))

    async def holders(self, clusters: Iterable[str]) -> dict[str, Holder]:
        """Who runs the feeds of each cluster."""
        wanted = list(clusters)
        told = await asyncio.gather(*(self._lease("look", cluster) for cluster in wanted))
        return {
            cluster: Holder(name.decode(), int(fence), from_epoch_millis(int(since)))
            for cluster, (fence, name, since, _) in zip(wanted, told, strict=True)
        }

    async def _lease(self, what: str, cluster: str, *arguments: Argument) -> Any:
        return await self._call(f"lease_{what}", [ClusterKeys(cluster).feeds], arguments)


class FencedBoard(Board):
    """A board on which one cluster's rows are written only while its lease is held.

    It shares the connections of the board that it was made from, which closes them. Writes raise
    `FencedError` once the lease has ended or is another's.
    """

    def __init__(self, board: Board, cluster: str, token: str, fence: int) -> None:
        self.__dict__.update(board.__dict__)
        self._cluster = cluster
        self._lease = ClusterKeys(cluster).feeds
        self._proof = (token, fence)

    async def still_ours(self, cluster: str) -> None:
        """Raise `FencedError` unless the lease is held now."""
        await self._guarded("lease_check", cluster, [], [])

    async def _call(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        if name not in FENCED_WRITES:
            return await super()._call(name, keys, arguments)
        return await self._guarded(f"{name}_fenced", self._cluster, keys, arguments)

    async def _guarded(
        self, name: str, cluster: str, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:
        if cluster != self._cluster:
            raise ValueError(f"the lease is on {self._cluster}, not on {cluster}")
        reply = await super()._call(name, [*keys, self._lease], [*arguments, *self._proof])
        if reply[0] == _FENCED:
            raise FencedError(cluster, reply[1].decode())
        return reply


def _vacancy(ms: int) -> timedelta | None:
    if ms < 0:
        return timedelta.max
    return timedelta(milliseconds=ms) if ms else None
