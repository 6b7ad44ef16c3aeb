"""The board itself: apply readings, take snapshots, follow changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import orjson

from capacity.board.calls import (
    ATTEMPTS,
    LAST_ATTEMPT_SECONDS,
    REMEMBER_OWN_SECONDS,
    REMEMBER_SECONDS,
    STREAM_LENGTH,
    Argument,
    BoardUnavailableError,
    UnconfirmedError,
    asking,
    fresh_name,
)
from capacity.board.changes import START, Change, Cursor
from capacity.board.connection import durability, load_functions
from capacity.board.following import Follower
from capacity.board.holds import HoldCalls
from capacity.board.keys import ClusterKeys
from capacity.board.streams import READ_BATCH, StreamReads
from capacity.instants import epoch_millis, parse_instant
from capacity.row import Row

__all__ = [
    "ATTEMPTS",
    "LAST_ATTEMPT_SECONDS",
    "NURSE",
    "REMEMBER_SECONDS",
    "STREAM_LENGTH",
    "Applied",
    "Board",
    "BoardUnavailableError",
    "Moves",
    "Outcome",
    "Reading",
    "Snapshot",
    "Standing",
    "StoredRow",
    "UnconfirmedError",
    "asking",
    "reading_of",
]

REMEMBER_MOVES_SECONDS = 86_400
"""How long a message about a movement is known to have been counted; who sends it again later
than that must be older than the count that the movement was added to."""
NURSE = "nurse"
"""The source of every figure that somebody at the unit gave by hand."""


class Outcome(StrEnum):
    """What became of one reading."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    CHANGED_MEANWHILE = "changed_meanwhile"


_OUTCOMES = {
    "a": Outcome.APPLIED,
    "d": Outcome.UNCHANGED,
    "s": Outcome.SUPERSEDED,
    "c": Outcome.CHANGED_MEANWHILE,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One row to be put on the board if it is newer than what stands there.

    `observed_ms` is the instant of the observation in milliseconds since 1970, `digest` the
    identity of the message's content, `row` the whole row as JSON.

    Where several sources report one unit, a standing row of a source with more `trust` gives way
    only once it is stale: when this reading was received at or after the row's `stale_ms`.
    `channel` is who speaks; where the two disagree, see `capacity.disputes`.
    """

    unit: str
    observed_ms: int
    digest: str
    row: bytes
    trust: int = 0
    received_ms: int = 0
    stale_ms: int = 0
    channel: Literal["feed", "nurse"] = "feed"


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to one write: where the board stood after it, and each reading's outcome."""

    cursor: Cursor
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as the board holds it, with the version a replacement must name."""

    unit: str
    row: bytes
    version: str

    @property
    def seq(self) -> int:
        """The sequence number of the change that wrote it (of that change's epoch)."""
        return int(self.version.rpartition("|")[2])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One cluster's board at one moment; `stream_id` is where to go on reading changes."""

    cursor: Cursor
    stream_id: str
    rows: tuple[StoredRow, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What movements are held against: rows, the status of single beds, messages counted.

    `rows` has only units with a row; `beds` are ``use|observed_ms`` by bed, by unit.
    """

    rows: Mapping[str, StoredRow]
    beds: Mapping[str, Mapping[str, str]]
    counted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Moves:
    """What movements make of a `Standing`: new rows, bed statuses and messages.

    Each of `rows` is a row with the version it was made from, its new version without the
    sequence number, and whom it takes over of those for whom a place was kept: ``all``, or the
    instants (ms, comma between) at which somebody came in. Each of `beds` is a field, its expected
    value ("" for none) and its new one.
    """

    rows: Sequence[tuple[StoredRow, str, str]] = ()
    beds: Sequence[tuple[str, str, str]] = ()
    messages: Sequence[str] = ()


class Board(HoldCalls, StreamReads):
    """The current truth of all clusters in one Redis/Valkey server."""

    def __init__(self, url: str, *, stream_length: int = STREAM_LENGTH) -> None:
        super().__init__(url, stream_length=stream_length)
        self._follower = Follower(url)

    async def start(self) -> str:
        """Load the functions; tells the server's durability (see `connection.durability`)."""
        async with asking():
            await load_functions(self._store)
            return await durability(self._store)

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()
        await self._follower.stop()

    async def ping(self) -> None:
        """Raise `BoardUnavailableError` unless the server answers and is not loading."""
        async with asking():
            for primary in await self._store.primaries():
                await primary.ping()

    async def still_ours(self, cluster: str) -> None:
        """Raise `lease.FencedError` where writing to this cluster depends on a lease that ended.

        Here it depends on nothing; see `lease.FencedBoard`.
        """

    async def apply(
        self, cluster: str, readings: Sequence[Reading], request_id: str | None = None
    ) -> Applied:
        """Put readings on the board in one atomic, durable step and one round trip.

        A newer reading replaces the row and is appended to the cluster's stream; an equal or
        older one is superseded (and kept for history), as is one from a less trusted source while
        the standing row is not stale, and one that repeats what a nurse has overruled; a repeat of
        the one that stands there is unchanged. Giving the same `request_id` again returns the first
        answer.
        """
        index = orjson.dumps([_told(reading) for reading in readings])
        rows = b"".join([reading.row for reading in readings])
        return await self._write("apply", cluster, (index, rows), request_id)

    async def replace(
        self, cluster: str, rows: Sequence[StoredRow], request_id: str | None = None
    ) -> Applied:
        """Put rows that hold no new reading, each only where its `version` still stands."""
        arguments: list[Argument] = []
        for stored in rows:
            arguments += (stored.unit, stored.version, stored.row)
        return await self._write("replace", cluster, arguments, request_id)

    async def remove(self, cluster: str, units: Sequence[str]) -> Applied:
        """Take units off the board; begins a new epoch."""
        return await self._write("remove", cluster, list(units), None)

    async def standing(
        self, cluster: str, units: Sequence[str], messages: Sequence[str], *, beds: bool = False
    ) -> Standing:
        """Everything that movements in these units, told by these messages, depend on."""
        keys = ClusterKeys(cluster)
        client = self._store.at(keys.meta)
        async with asking(), client.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.rows, list(units))
            pipe.hmget(keys.versions, list(units))
            for message in messages:
                pipe.zscore(keys.moved, message)
            if beds:
                pipe.hgetall(keys.beds)
            result: Any = await pipe.execute()
        known_beds = result.pop() if beds else {}
        rows, versions, *counted = result
        found = zip(units, rows, versions, strict=True)
        return Standing(
            rows={u: StoredRow(u, row, version.decode()) for u, row, version in found if version},
            beds=_by_unit(known_beds),
            counted=frozenset(m for m, at in zip(messages, counted, strict=True) if at is not None),
        )

    async def move(self, cluster: str, moves: Moves) -> bool:
        """Write what movements make of a standing, if that still stands; tells whether."""
        arguments: list[Argument] = [REMEMBER_MOVES_SECONDS * 1000]
        arguments += (len(moves.rows), len(moves.beds))
        for stored, mark, came in moves.rows:
            arguments += (stored.unit, stored.version, mark, stored.row, came)
        for each in moves.beds:
            arguments += each
        arguments += moves.messages
        keys = ClusterKeys(cluster).for_move(fresh_name())
        head = (fresh_name()[:12], self._stream_length, REMEMBER_OWN_SECONDS * 1000)
        _, _, letter = await self._call("move", keys, [*head, *arguments])
        return bool(letter == b"a")

    async def snapshot(self, cluster: str) -> Snapshot:
        """The cluster's rows and the exact place in the stream that they stand for.

        Asked beside those who wait for changes: boards do not freeze because requests are many.
        """
        keys = ClusterKeys(cluster)
        client = self._follower.store.at(keys.meta)
        async with asking(), client.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.meta, ["epoch", "seq"])
            pipe.xrevrange(keys.changes, count=1)
            pipe.hgetall(keys.rows)
            pipe.hgetall(keys.versions)
            result: Any = await pipe.execute()
        (epoch, seq), last, rows, versions = result
        return Snapshot(
            cursor=Cursor(epoch.decode() if epoch else "none", int(seq or 0)),
            stream_id=last[0][0].decode() if last else START,
            rows=tuple(
                StoredRow(unit.decode(), rows[unit], versions[unit].decode())
                for unit in sorted(rows)
            ),
        )

    async def units(self, cluster: str) -> frozenset[str]:
        """The units that have a row."""
        key = ClusterKeys(cluster).rows
        async with asking():
            found = await self._store.ask(key, ("HKEYS", key))
        return frozenset(unit.decode() for unit in found)

    async def cursor(self, cluster: str) -> Cursor:
        """Where the cluster's sequence stands now; asked where `snapshot` is."""
        return (await self.cursors([cluster]))[cluster]

    async def cursors(self, clusters: Sequence[str]) -> dict[str, Cursor]:
        """Where each of these boards stands: one question, where all are on one server."""
        keys = [ClusterKeys(cluster).meta for cluster in clusters]
        questions = [(key, ("HMGET", key, "epoch", "seq")) for key in keys]
        async with asking():
            found = await self._follower.store.read(questions)
        return {
            cluster: Cursor(epoch.decode() if epoch else "none", int(seq or 0))
            for cluster, (epoch, seq) in zip(clusters, found, strict=True)
        }

    def followed_together(self, clusters: Sequence[str]) -> list[list[str]]:
        """Clusters as one wait reaches them: all, unless their streams lie on several servers."""
        return self._follower.together(clusters)

    async def wait_for_changes(
        self,
        positions: Mapping[str, str],
        timeout: float,  # noqa: ASYNC109 - the store itself waits
        count: int = READ_BATCH,
    ) -> dict[str, list[Change]]:
        """Changes after each cluster's position, waiting up to `timeout` seconds for the first.

        The wait is cut to `connection.BLOCK_SECONDS`; an empty answer means nothing happened.
        """
        return await self._follower.wait(positions, timeout, count)

    async def _write(
        self,
        name: str,
        cluster: str,
        arguments: Sequence[Argument],
        request_id: str | None,
    ) -> Applied:
        reply = await self._request(name, cluster, arguments, request_id)
        epoch, seq, letters = reply
        return Applied(
            Cursor(epoch.decode(), int(seq)),
            tuple(_OUTCOMES[letter] for letter in letters.decode()),
        )


def _told(reading: Reading) -> tuple[str | int, ...]:
    """What the function `apply` is told of one reading beside its row."""
    return (
        reading.channel,
        reading.unit,
        reading.observed_ms,
        reading.digest,
        reading.trust,
        reading.received_ms,
        reading.stale_ms,
        len(reading.row),
    )


def _by_unit(beds: Mapping[bytes, bytes]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in beds.items():
        unit, _, bed = name.decode().partition("|")
        found.setdefault(unit, {})[bed] = value.decode()
    return found


def reading_of(row: Row, encoded: bytes, digest: str) -> Reading:
    """The reading that puts a row on the board; the row must have an observation time."""
    observed_at, stale_at = row["observed_at"], row["stale_at"]
    assert observed_at is not None
    return Reading(
        row["unit"],
        epoch_millis(parse_instant(observed_at)),
        digest,
        encoded,
        stale_ms=epoch_millis(parse_instant(stale_at)) if stale_at else 0,
        channel="nurse" if row["source"] == NURSE else "feed",
    )
