"""A cluster's stream: snapshots and what follows them, many writers in one sequence, its keys."""

import asyncio
import time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from capacity.board import (
    START,
    Board,
    Cursor,
    EmbeddedServer,
    Outcome,
    Reading,
    Snapshot,
)
from capacity.board.keys import ClusterKeys
from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    opened,
    reading,
    rows_of,
)
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer

APPLIED, UNCHANGED, SUPERSEDED = Outcome.APPLIED, Outcome.UNCHANGED, Outcome.SUPERSEDED

pytest_plugins = "tests.support.store_fixtures"


async def test_an_empty_board_has_a_place_too(store: Board) -> None:
    snapshot = await store.snapshot("c")

    assert snapshot == Snapshot(Cursor("none", 0), START, ())
    assert await store.cursor("c") == snapshot.cursor
    assert await store.wait_for_changes({"c": START}, 0.01) == {}


async def test_a_snapshot_and_what_follows_it_are_the_board(store: Board) -> None:
    await store.apply("c", [reading("u", 1000), reading("v", 1000)])
    snapshot = await store.snapshot("c")
    assert await store.changes_after("c", snapshot.stream_id) == []
    await store.apply("c", [reading("u", 2000)])

    [change] = await store.changes_after("c", snapshot.stream_id)

    assert change.seq == snapshot.cursor.seq + 1
    assert {stored.unit: stored.seq for stored in snapshot.rows} == {"u": 1, "v": 2}
    fresh = await store.snapshot("c")
    assert rows_of(snapshot) | {change.unit: change.row} == rows_of(fresh)
    assert fresh.stream_id == change.stream_id


async def test_changes_come_in_batches(store: Board) -> None:
    await store.apply("c", [reading("u", at) for at in range(1, 11)])
    await store.apply("c", [reading("u", 0, mark=n) for n in range(5)])

    head = await store.changes_after("c", START, 4)
    tail = await store.changes_after("c", head[-1].stream_id, 100)
    late = await store.late_after("c", START, 2)

    assert [c.seq for c in head + tail] == list(range(1, 11))
    assert [orjson.loads(r.row)["mark"] for r in late] == [0, 1]
    rest = await store.late_after("c", late[-1].stream_id)
    assert [orjson.loads(r.row)["mark"] for r in rest] == [2, 3, 4]
    assert abs(head[0].applied_at.timestamp() - time.time()) < 60
    assert abs(late[0].received_at.timestamp() - time.time()) < 60


async def test_waiting_ends_at_the_first_change_of_any_cluster(
    store: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity.board.following.BLOCK_SECONDS", 600)  # it would not end by itself
    await store.apply("c", [reading("u", 1000)])
    [known] = await all_changes(store, "c")
    waiting = asyncio.create_task(
        store.wait_for_changes({"c": known.stream_id, "d": START, "e": START}, 600)
    )
    await asyncio.sleep(0.05)  # so that it waits, rather than finds the change there
    await store.apply("d", [reading("u", 1000), reading("v", 1000)])

    async with asyncio.timeout(30):
        found = await waiting

    assert {c: [change.seq for change in changes] for c, changes in found.items()} == {"d": [1, 2]}


async def test_waiting_ends_by_itself(store: Board) -> None:
    began = time.monotonic()

    with stopwatch() as watch:
        assert await store.wait_for_changes({"c": START}, 30) == {}

    assert time.monotonic() - began > 1
    assert watch.seconds < 4


async def test_the_stream_is_trimmed_and_the_sequence_shows_it(store_server: StoreServer) -> None:
    store_server.empty()
    async with opened(store_server.url, stream_length=50) as store:
        for start in range(0, 600, 100):
            await store.apply("c", [reading("u", at) for at in range(start + 1, start + 101)])

        changes = await all_changes(store, "c")

        assert changes[-1].seq == 600
        assert changes[0].seq > 100
        assert_contiguous(changes[1:])


# Many writers


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    writers=st.lists(
        st.lists(
            st.lists(st.tuples(st.sampled_from("uvw"), st.integers(0, 12)), max_size=5),
            max_size=6,
        ),
        min_size=2,
        max_size=8,
    )
)
def test_many_writers_are_one_sequence(
    valkey_server: EmbeddedServer, writers: list[list[list[tuple[str, int]]]]
) -> None:
    async def write(board: Board, me: int, batches: list[list[tuple[str, int]]]) -> list[Wrote]:
        wrote: list[Wrote] = []
        for n, batch in enumerate(batches):
            readings = [reading(u, at, mark=f"{me}.{n}.{i}") for i, (u, at) in enumerate(batch)]
            applied = await board.apply("many", readings)
            wrote += zip(readings, applied.outcomes, strict=True)
        return wrote

    async def run() -> None:
        board = await emptied(valkey_server.url)
        parts = await asyncio.gather(*(write(board, i, w) for i, w in enumerate(writers)))
        wrote = [one for part in parts for one in part]
        changes, late = await all_changes(board, "many"), await all_late(board, "many")
        snapshot = await board.snapshot("many")
        await board.stop()
        assert_is_one_sequence(wrote, [(c.unit, c.row) for c in changes])
        assert_contiguous(changes)
        assert fold(changes) == rows_of(snapshot)
        superseded = sorted(r.row for r, outcome in wrote if outcome is SUPERSEDED)
        assert sorted(r.row for r in late) == superseded

    asyncio.run(run())


Wrote = tuple[Reading, Outcome]


async def emptied(url: str) -> Board:
    client = Redis.from_url(url)
    await client.flushall()
    await client.aclose()
    board = Board(url)
    await board.start()
    return board


def assert_is_one_sequence(wrote: list[Wrote], stream: list[tuple[str, bytes]]) -> None:
    """What was answered is what a single writer in the stream's order would have been answered."""
    applied = sorted((r.unit, r.row) for r, outcome in wrote if outcome is APPLIED)
    assert sorted(stream) == applied
    newest: dict[str, int] = {}
    for unit, row in stream:
        observed = orjson.loads(row)["observed_ms"]
        assert observed > newest.get(unit, -1)
        newest[unit] = observed
    for unit in {r.unit for r, _ in wrote}:
        assert newest[unit] == max(r.observed_ms for r, _ in wrote if r.unit == unit)


async def test_a_writer_can_be_stopped_at_any_moment(board: Board) -> None:
    """The client library's own time-outs swallow every second cancellation under load."""

    async def write() -> None:
        for n in range(100_000):
            await board.apply("c", [reading("u", n)])

    for _ in range(20):
        writers = [asyncio.create_task(write()) for _ in range(4)]
        await asyncio.sleep(0.01)
        for writer in writers:
            writer.cancel()
        _, going_on = await asyncio.wait(writers, timeout=30)
        assert not going_on


# Keys


def test_keys_of_a_cluster_share_its_hash_tag() -> None:
    keys = ClusterKeys("randers").for_function("r1")

    assert len(set(keys)) == 12
    assert {key[key.index("{") : key.index("}") + 1] for key in keys} == {"{randers}"}


@pytest.mark.parametrize("cluster", ["", "a}b", "a{b", "a:meta", "A", "å", "a" * 61, "a\n"])
def test_no_cluster_can_have_the_keys_of_another(cluster: str) -> None:
    with pytest.raises(ValueError, match="cluster id"):
        ClusterKeys(cluster)


# Epochs
