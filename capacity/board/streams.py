"""Reading the streams of a cluster: its changes, its late readings and its journal."""

from collections.abc import Sequence
from typing import Any

from capacity.board.calls import Caller, asking
from capacity.board.changes import START, Change, Ends, LateReading
from capacity.board.following import change_of
from capacity.board.journal import JournalRead, read_journal
from capacity.board.keys import ClusterKeys

READ_BATCH = 500
"""Entries of one read, unless asked otherwise."""


class StreamReads(Caller):
    """What a board says of the past, to those who keep it. Nothing here waits for news."""

    async def ends(self, clusters: Sequence[str]) -> dict[str, Ends]:
        """Where each cluster's streams end: one question, where all are on one server."""
        keys = [ClusterKeys(cluster) for cluster in clusters]
        streams = [key for each in keys for key in (each.changes, each.late, each.journal)]
        questions = [(key, ("XREVRANGE", key, "+", "-", "COUNT", 1)) for key in streams]
        async with asking():
            found = iter(await self._store.read(questions))
        return {
            cluster: _ends(*last)
            for cluster, last in zip(clusters, zip(found, found, found, strict=True), strict=True)
        }

    async def changes_after(
        self, cluster: str, stream_id: str, count: int = READ_BATCH
    ) -> list[Change]:
        """Changes after a stream position, oldest first."""
        entries = await self._entries(ClusterKeys(cluster).changes, stream_id, count)
        return [change_of(entry_id, fields) for entry_id, fields in entries]

    async def late_after(
        self, cluster: str, stream_id: str, count: int = READ_BATCH
    ) -> list[LateReading]:
        """Superseded readings after a stream position, oldest first."""
        entries = await self._entries(ClusterKeys(cluster).late, stream_id, count)
        return [
            LateReading(
                entry_id.decode(),
                fields[b"u"].decode(),
                fields[b"r"],
                fields.get(b"w", b"older").decode(),
            )
            for entry_id, fields in entries
        ]

    async def journal_after(
        self, cluster: str, stream_id: str, count: int = READ_BATCH
    ) -> JournalRead:
        """Entries of the journal after a stream position, oldest first."""
        async with asking():
            client = self._store.at(ClusterKeys(cluster).journal)
            return await read_journal(client, cluster, stream_id, count)

    async def _entries(self, key: str, stream_id: str, count: int) -> Any:
        async with asking():
            return await self._store.at(key).xrange(key, min=f"({stream_id}", count=count)


def _ends(changes: Any, late: Any, journal: Any) -> Ends:
    """Of the last entry of each stream, none where a stream is empty."""
    ids = [entries[0][0].decode() if entries else START for entries in (changes, late, journal)]
    epoch = changes[0][1].get(b"e", b"").decode() if changes else ""
    return Ends(epoch, *ids)
