"""What the hub keeps of each cluster, and which clusters it follows together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from capacity.board import Cursor
from web.live.connections import Connection, Sweep
from web.live.feed import ClusterFeed


@dataclass(eq=False, slots=True)
class Member:
    """One open board. It has been told all that its channel has, unless it is behind."""

    connection: Connection
    behind_since: float | None = None
    told: Cursor | None = None
    """While it is behind: the last it was told, ``None`` for nothing at all."""


class Channel:
    """One cluster's feed and the boards that are open on it; `live` while it is followed.

    `positions` are those of all clusters that are followed together; see `Lane`.
    """

    def __init__(self, cluster: str, positions: dict[str, str]) -> None:
        self.feed = ClusterFeed(cluster)
        self._positions = positions
        self.moved()
        self.live = False
        self.members: set[Member] = set()
        self.behind: set[Member] = set()
        self.sweep: Sweep[Member] = {}
        """Of the members that are not behind, those that need not be asked."""
        self.loaded = False
        self.told = self.feed.cursor
        self.gathered = 0
        """How many changes boards were not told of yet."""
        self.oldest: str | None = None
        """The stream id of the first of them."""
        self.sent_at = float("-inf")
        self.timer: asyncio.TimerHandle | None = None
        self.catching_up: asyncio.TimerHandle | None = None

    def moved(self) -> None:
        """The feed stands elsewhere in its stream."""
        self._positions[self.feed.cluster] = self.feed.stream_id

    def send(self, message: tuple[bytes, bytes]) -> tuple[int, list[Member]]:
        """Send all that are not behind a message: how many took it, and who did not.

        Thousands of them: every step here is felt.
        """
        asked: set[Member] = set()
        if len(self.sweep) + len(self.behind) < len(self.members):
            asked = self.members - self.behind - self.sweep.keys()
        frame = message[1]
        writes = list(self.sweep.values())  # a board that has too much takes itself out
        failed = set()  # of thousands, if a proxy goes
        for write in writes:
            try:
                write(frame)
            except RuntimeError:  # uvloop: the peer closed, and its loss is not yet reported
                failed.add(write)
        full = [name for name, write in self.sweep.items() if write in failed] if failed else []
        for member in asked:
            if member.connection.offer(*message):
                member.connection.join(self.sweep, member)
            else:
                full.append(member)
        return len(asked) + len(writes) - len(full), full


class Lane:
    """Clusters that are followed together: where one of them cannot be, none of them can.

    On one server those are all. On the shards of a Valkey/Redis Cluster each is followed for
    itself, so that a shard that does not answer freezes the boards of its own clusters only.
    """

    def __init__(self, clusters: Sequence[str]) -> None:
        self.positions: dict[str, str] = {}
        """Where each cluster's feed stands in its stream; asked for with every change, so kept."""
        self.channels = {cluster: Channel(cluster, self.positions) for cluster in clusters}
        self.live = False
        """Whether it is followed."""
        self.audit_at = 0.0

    def put(self, *, live: bool) -> None:
        """Note that it is followed, or is not any more."""
        self.live = live
        for channel in self.channels.values():
            channel.live = live
