"""The historian over many clusters: what nothing happened in costs nothing, and holds nobody up."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from redis.asyncio import Redis

from capacity.board import Board, BoardUnavailableError, EmbeddedServer, Reading
from capacity.board.changes import START, Ends, LateReading
from capacity.history import Historian, History, Position
from tests.support.databases import dump
from tests.support.streams import MemoryStreams

MANY = [f"many-{number}" for number in range(100)]


async def apply(board: Board, cluster: str, *units: str) -> None:
    await board.apply(cluster, [Reading(unit, 1, unit, b"{}") for unit in units])


async def test_clusters_where_nothing_happened_are_not_read(
    tmp_path: Path, board: Board, valkey_server: EmbeddedServer
) -> None:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    raw: Redis = Redis.from_url(valkey_server.url)

    async def reads() -> int:
        told = await raw.info("commandstats")
        return sum(told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in READING)

    try:
        historian = Historian(history, board, MANY)
        await asyncio.gather(*(apply(board, cluster, "a") for cluster in MANY))
        await historian.catch_up()
        at_rest = await reads()
        await historian.catch_up()
        assert await reads() == at_rest
        await apply(board, MANY[7], "b", "c")
        await historian.catch_up()
        assert await reads() - at_rest == 4, "the three streams of one cluster, and what one tells"
        assert historian.changes_recorded == len(MANY) + 2
    finally:
        await history.stop()
        await raw.aclose()


READING = ("xrange", "xinfo|stream")
"""Commands that read what a stream holds, or tell about it; to ask where it ends is another."""


async def test_ends_are_those_of_each_stream(board: Board) -> None:
    await board.apply("c", [Reading("a", 5, "new", b"{}")])
    await board.apply("c", [Reading("a", 4, "old", b"{}")])
    await board.apply("d", [Reading("a", 4, "old", b"{}")])
    (change,), (late,) = await board.changes_after("c", START), await board.late_after("c", START)
    found = await board.ends(["c", "nothing", "d"])
    assert found["c"] == Ends(change.epoch, change.stream_id, late.stream_id, START)
    assert found["nothing"] == Ends("", START, START, START)
    assert found["d"].changes == (await board.changes_after("d", START))[0].stream_id


async def test_what_one_question_cannot_tell_is_asked_cluster_by_cluster(tmp_path: Path) -> None:
    class Split(MemoryStreams):
        """One of several servers is away: no question reaches all of them."""

        async def ends(self, clusters: Sequence[str]) -> dict[str, Ends]:
            raise BoardUnavailableError("one shard is away")

    path = tmp_path / "history.sqlite"
    history, streams = History(f"sqlite:///{path}"), Split()
    try:
        historian = Historian(
            history, streams, ["c"], clock=lambda: datetime(2026, 11, 22, tzinfo=UTC)
        )
        for number in range(3):
            streams.apply("a", b'{"n":%d}' % number)
            await historian.catch_up()
        assert len(dump(f"sqlite:///{path}", "change", "seq")) == 3
    finally:
        await history.stop()


async def test_a_cluster_where_more_and_more_comes_keeps_no_other_waiting(tmp_path: Path) -> None:
    class Endless(MemoryStreams):
        """Whoever reads the busy cluster finds that another change has come meanwhile."""

        async def late_after(self, cluster: str, stream_id: str, count: int) -> list[LateReading]:
            if cluster == "busy":
                self.apply("a", b"{}")
            return await super().late_after(cluster, stream_id, count)

    busy, url = Endless(), f"sqlite:///{tmp_path / 'history.sqlite'}"
    busy.apply("a", b"{}")
    history = History(url)
    try:
        historian = Historian(history, busy, ["quiet", "busy"], batch=2)
        historian._positions = {"quiet": None, "busy": None}  # as after the first time
        async with asyncio.timeout(30):
            await historian.catch_up()
        found = dump(url, "change", "cluster", "seq")
        assert ("quiet", 1) in found
        assert ("busy", 1) in found
    finally:
        await history.stop()


def test_a_place_reaches_ends_that_are_before_it_or_where_it_is() -> None:
    here = Position("e", 5, "7-3", "7-1", START, 0)
    assert here.is_at(Ends("e", "7-3", "7-1", START))
    assert not here.is_at(Ends("another", "7-3", "7-1", START)), "a store that began anew"
    assert here.reaches(Ends("e", "7-2", "7-1", START))
    assert here.reaches(Ends("e", "7-3", START, START))
    assert not here.reaches(Ends("e", "7-10", "7-1", START)), "ids are numbers, not texts"
    assert not here.reaches(Ends("e", "7-3", "7-1", "1-0"))
