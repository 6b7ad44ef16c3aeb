"""The board in a real store: one atomic step per write, and every way in which it can go wrong."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from capacity.board import (
    START,
    Board,
    BoardUnavailableError,
    Cursor,
    EmbeddedServer,
    Outcome,
    Reading,
    Snapshot,
    StoredRow,
    UnconfirmedError,
)
from capacity.board.keys import ClusterKeys
from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    opened,
    reading,
    until,
)
from tests.support.faulty import LossyLine
from tests.support.stores import EACH_KIND, StoreServer, program_of

APPLIED, UNCHANGED, SUPERSEDED = Outcome.APPLIED, Outcome.UNCHANGED, Outcome.SUPERSEDED


@pytest.fixture(scope="module", params=EACH_KIND)
def store_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreServer]:
    """A server of each kind that the board promises to run on."""
    server = StoreServer(tmp_path_factory.mktemp("store"), program_of(request.param))
    server.start()
    yield server
    server.close()


@pytest.fixture
async def store(store_server: StoreServer) -> AsyncIterator[Board]:
    """A board in an emptied store of each kind."""
    store_server.empty()
    async with opened(store_server.url) as board:
        yield board


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoreServer]:
    """A Valkey of the test's own."""
    server = StoreServer(tmp_path)
    server.start()
    yield server
    server.close()


def rows_of(snapshot: Snapshot) -> dict[str, bytes]:
    return {stored.unit: stored.row for stored in snapshot.rows}


# What one write does


async def test_newer_wins_and_whole_rows_go_to_the_stream(store: Board) -> None:
    first, second = reading("u", 1000), reading("u", 2000)

    assert (await store.apply("c", [first])).outcomes == (APPLIED,)
    applied = await store.apply("c", [second])

    assert applied.outcomes == (APPLIED,)
    assert applied.cursor.seq == 2
    assert rows_of(await store.snapshot("c")) == {"u": second.row}
    changes = await all_changes(store, "c")
    assert [(c.seq, c.unit, c.row) for c in changes] == [(1, "u", first.row), (2, "u", second.row)]
    assert {c.epoch for c in changes} == {applied.cursor.epoch}


@pytest.mark.parametrize("observed_ms", [2000, 1999, 0])
async def test_equal_or_older_is_superseded_and_kept_for_history(
    store: Board, observed_ms: int
) -> None:
    stands, late = reading("u", 2000), reading("u", observed_ms, mark="other")
    await store.apply("c", [stands])

    applied = await store.apply("c", [late])

    assert applied.outcomes == (SUPERSEDED,)
    assert applied.cursor.seq == 1
    assert rows_of(await store.snapshot("c")) == {"u": stands.row}
    assert [(r.unit, r.row) for r in await all_late(store, "c")] == [("u", late.row)]


async def test_a_repeat_is_unchanged_and_leaves_no_trace(store: Board) -> None:
    await store.apply("c", [reading("u", 2000)])

    assert (await store.apply("c", [reading("u", 2000)])).outcomes == (UNCHANGED,)

    assert len(await all_changes(store, "c")) == 1
    assert await all_late(store, "c") == []


async def test_one_call_may_hold_a_unit_several_times(store: Board) -> None:
    readings = [reading("u", at) for at in (1000, 3000, 2000, 3000)]

    applied = await store.apply("c", readings)

    assert applied.outcomes == (APPLIED, APPLIED, SUPERSEDED, UNCHANGED)
    assert rows_of(await store.snapshot("c")) == {"u": readings[1].row}


async def test_nothing_to_apply_is_no_error(store: Board) -> None:
    applied = await store.apply("c", [])

    assert applied.outcomes == ()
    assert applied.cursor == await store.cursor("c")


async def test_a_hundred_readings_are_one_round_trip(server: StoreServer) -> None:
    readings = [reading(f"u{n}", 1000) for n in range(100)]
    async with opened(server.url) as board:
        server.says("CONFIG", "RESETSTAT")

        applied = await board.apply("c", readings)

        calls = {
            line.split(":")[0].removeprefix("cmdstat_"): int(line.split("calls=")[1].split(",")[0])
            for line in server.says("INFO", "commandstats").splitlines()
            if line.startswith("cmdstat_")
        }
        assert applied.outcomes == (APPLIED,) * 100
        assert calls["fcall"] == 1
        assert calls["xadd"] == 100
        inside = {"hget", "hmget", "hset", "xadd", "get", "set", "info", "exists"}
        from_outside = calls.keys() - inside
        assert from_outside <= {"fcall", "config|resetstat"}


async def test_more_callers_than_connections_wait_their_turn(store: Board) -> None:
    applied = await asyncio.gather(
        *(store.apply("c", [reading(f"u{n}", 1000)]) for n in range(300))
    )

    assert Counter(a.outcomes for a in applied) == {(APPLIED,): 300}
    assert sorted(a.cursor.seq for a in applied) == list(range(1, 301))


# A request has one answer


async def test_the_same_request_gets_the_first_answer(store: Board) -> None:
    first = await store.apply("c", [reading("u", 1000), reading("v", 1)], "r1")
    await store.apply("c", [reading("u", 5000)], "r2")

    assert await store.apply("c", [reading("u", 1000), reading("v", 1)], "r1") == first
    assert len(await all_changes(store, "c")) == 3
    assert await all_late(store, "c") == []


async def test_a_request_id_is_of_one_cluster(store: Board) -> None:
    await store.apply("c", [reading("u", 1000)], "r1")

    assert (await store.apply("d", [reading("u", 1000)], "r1")).outcomes == (APPLIED,)


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_lost_reply_applies_once_and_the_repeat_is_answered(
    server: StoreServer, lost: int
) -> None:
    async with LossyLine(server.path) as line, opened(line.url) as board:
        line.lose = lost

        applied = await board.apply("c", [reading("u", 1000)])

        assert applied.outcomes == (APPLIED,)
        assert line.requests == lost + 1
        assert [c.seq for c in await all_changes(board, "c")] == [1]
        assert await all_late(board, "c") == []


async def test_when_every_reply_is_lost_the_caller_hears_that_nobody_knows(
    server: StoreServer,
) -> None:
    async with LossyLine(server.path) as line, opened(line.url) as board:
        line.lose = 1000

        with pytest.raises(UnconfirmedError):
            await board.apply("c", [reading("u", 1000)], "r1")

        line.lose = 0
        again = await board.apply("c", [reading("u", 1000)], "r1")
        assert again.outcomes == (APPLIED,)
        assert [c.seq for c in await all_changes(board, "c")] == [1]


async def test_a_reply_that_never_comes_is_not_waited_for_long(server: StoreServer) -> None:
    async with LossyLine(server.path) as line, opened(line.url) as board:
        line.lose, line.silently = 1000, True
        began = time.monotonic()

        with pytest.raises(UnconfirmedError):
            await board.apply("c", [reading("u", 1000)])

        assert time.monotonic() - began < 5
        line.lose = 0
        assert (await board.apply("c", [reading("u", 1000)])).outcomes == (UNCHANGED,)


async def test_a_replacement_and_a_removal_are_also_made_once(server: StoreServer) -> None:
    async with LossyLine(server.path) as line, opened(line.url) as board:
        line.lose = 1
        replaced = await board.replace("c", [StoredRow("u", b'{"n":1}', "")])
        line.lose = 1
        removed = await board.remove("c", ["u"])

        assert replaced.outcomes == (APPLIED,)
        assert removed.cursor == await board.cursor("c")
        assert [c.row for c in await all_changes(board, "c")] == [b'{"n":1}', b""]


async def test_own_request_ids_are_forgotten_soon_and_given_ones_late(board: Board) -> None:
    await board.apply("c", [reading("u", 1000)])
    await board.apply("c", [reading("u", 2000)], "given")

    client = Redis.from_url(board._url)
    kept = sorted([await client.ttl(key) async for key in client.scan_iter("*:request:*")])
    await client.aclose()

    assert len(kept) == 2
    assert 0 < kept[0] <= 60
    assert 3500 < kept[1] <= 3600


# Replacing and removing


async def test_replace_needs_the_version_that_stands(store: Board) -> None:
    await store.apply("c", [reading("u", 1000), reading("v", 1000)])
    u, v = (await store.snapshot("c")).rows
    await store.apply("c", [reading("v", 2000)])

    replaced = await store.replace(
        "c",
        [
            StoredRow("u", b'{"new":1}', u.version),
            StoredRow("v", b'{"new":1}', v.version),
            StoredRow("w", b'{"new":1}', ""),
            StoredRow("x", b'{"new":1}', u.version),
        ],
    )

    changed = Outcome.CHANGED_MEANWHILE
    assert replaced.outcomes == (APPLIED, changed, APPLIED, changed)
    rows = rows_of(await store.snapshot("c"))
    assert rows == {"u": b'{"new":1}', "v": reading("v", 2000).row, "w": b'{"new":1}'}
    assert fold(await all_changes(store, "c")) == rows


async def test_a_replaced_row_keeps_its_reading_for_comparison(store: Board) -> None:
    await store.apply("c", [reading("u", 1000)])
    [u] = (await store.snapshot("c")).rows
    await store.replace("c", [StoredRow("u", b'{"new":1}', u.version)])

    assert (await store.apply("c", [reading("u", 1000)])).outcomes == (UNCHANGED,)
    assert (await store.apply("c", [reading("u", 999)])).outcomes == (SUPERSEDED,)
    assert (await store.replace("c", [u])).outcomes == (Outcome.CHANGED_MEANWHILE,)
    assert (await store.apply("c", [reading("u", 1001)])).outcomes == (APPLIED,)


async def test_any_reading_replaces_a_row_without_one(store: Board) -> None:
    await store.replace("c", [StoredRow("u", b"{}", "")])

    assert (await store.apply("c", [reading("u", 0)])).outcomes == (APPLIED,)


async def test_remove_takes_units_off_and_begins_an_epoch(store: Board) -> None:
    before = await store.apply("c", [reading("u", 1000), reading("v", 1000), reading("w", 1000)])

    after = await store.remove("c", ["u", "w"])

    assert after.cursor.epoch != before.cursor.epoch
    assert after.cursor == await store.cursor("c")
    assert rows_of(await store.snapshot("c")) == {"v": reading("v", 1000).row}
    changes = await all_changes(store, "c")
    assert_contiguous(changes)
    assert fold(changes) == {"v": reading("v", 1000).row}
    assert (await store.apply("c", [reading("u", 1)])).outcomes == (APPLIED,)


# Reading


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


async def test_waiting_ends_at_the_first_change_of_any_cluster(store: Board) -> None:
    await store.apply("c", [reading("u", 1000)])
    [known] = await all_changes(store, "c")
    waiting = asyncio.create_task(
        store.wait_for_changes({"c": known.stream_id, "d": START, "e": START}, 30)
    )
    began = time.monotonic()
    await asyncio.sleep(0.05)  # so that it waits, rather than finds the change there
    await store.apply("d", [reading("u", 1000), reading("v", 1000)])

    found = await waiting

    assert time.monotonic() - began < 1
    assert {c: [change.seq for change in changes] for c, changes in found.items()} == {"d": [1, 2]}


async def test_waiting_ends_by_itself(store: Board) -> None:
    began = time.monotonic()

    assert await store.wait_for_changes({"c": START}, 30) == {}

    assert 1 < time.monotonic() - began < 4


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
        _, going_on = await asyncio.wait(writers, timeout=5)
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


async def test_a_restarted_server_begins_an_epoch_at_its_first_write(server: StoreServer) -> None:
    async with opened(server.url) as board:
        before = await board.apply("c", [reading("u", 1000)])
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

        assert await board.cursor("c") == before.cursor
        after = await board.apply("c", [reading("v", 1000)])

        assert after.cursor.epoch != before.cursor.epoch
        assert after.cursor.seq == 1
        assert (await board.apply("c", [reading("w", 1)])).cursor == Cursor(after.cursor.epoch, 2)
        changes = await all_changes(board, "c")
        assert [c.seq for c in changes] == [1, 1, 2]
        assert fold(changes) == rows_of(await board.snapshot("c"))


async def test_an_emptied_store_begins_an_epoch(store: Board, store_server: StoreServer) -> None:
    before = await store.apply("c", [reading("u", 1000)])
    store_server.empty()

    after = await store.apply("c", [reading("u", 1000)])

    assert after.outcomes == (APPLIED,)
    assert after.cursor.epoch != before.cursor.epoch


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("abc123-7", Cursor("abc123", 7)),
        ("none-0", Cursor("none", 0)),
        ("", None),
        ("abc", None),
        ("-1", None),
        ("abc-", None),
        ("abc-x", None),
        ("a b-1", None),
        ("abc--1", None),
        ("a-b-1", None),
        ("a" * 60 + "-12345", None),
    ],
)
def test_a_cursor_has_a_text_form(text: str, cursor: Cursor | None) -> None:
    assert Cursor.parse(text) == cursor
    if cursor:
        assert str(cursor) == text


# What can be wrong with the store


async def test_a_server_that_is_down_is_told_at_once(tmp_path: Path) -> None:
    board = Board(f"unix://{tmp_path / 'nothing'}")
    began = time.monotonic()

    for call in (
        board.start(),
        board.ping(),
        board.apply("c", [reading("u", 1)]),
        board.snapshot("c"),
        board.cursor("c"),
        board.changes_after("c", START),
        board.late_after("c", START),
        board.wait_for_changes({"c": START}, 1),
    ):
        with pytest.raises(BoardUnavailableError) as caught:
            await call
        assert not isinstance(caught.value, UnconfirmedError)

    assert time.monotonic() - began < 2
    await board.stop()


async def test_a_server_that_hangs_is_told_within_seconds(server: StoreServer) -> None:
    async with opened(server.url) as board:
        server.freeze()
        began = time.monotonic()

        results = await asyncio.gather(
            board.apply("c", [reading("u", 1)], "r1"),
            board.snapshot("c"),
            board.wait_for_changes({"c": START}, 1),
            return_exceptions=True,
        )

        took = time.monotonic() - began
        server.thaw()
        assert [type(r) for r in results] == [
            UnconfirmedError,
            BoardUnavailableError,
            BoardUnavailableError,
        ]
        assert took < 7
        assert (await board.apply("c", [reading("u", 1)], "r1")).outcomes == (APPLIED,)
        assert len(await all_changes(board, "c")) == 1


async def test_a_server_that_is_loading_wrote_nothing(server: StoreServer) -> None:
    server.says("CONFIG", "SET", "appendfsync", "no")
    client = Redis.from_url(server.url)
    pipe = client.pipeline(transaction=False)
    for n in range(30_000):
        pipe.set(f"k{n}", "x" * 200)
    await pipe.execute()
    await client.aclose()
    server.kill()
    server.start("--key-load-delay", "50", wait=False)

    async with opened(server.url, start=False) as board:
        with pytest.raises(BoardUnavailableError, match="loading") as caught:
            await board.apply("c", [reading("u", 1)])

    assert not isinstance(caught.value, UnconfirmedError)


async def test_a_full_store_refuses_whole_writes_and_recovers(
    store: Board, store_server: StoreServer
) -> None:
    await store.apply("c", [reading("u", 1)])
    store_server.says("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(BoardUnavailableError, match="OutOfMemory") as caught:
            await store.apply("c", [reading("u", 2), reading("v", 2)])
    finally:
        store_server.says("CONFIG", "SET", "maxmemory", "0")

    assert not isinstance(caught.value, UnconfirmedError)
    assert rows_of(await store.snapshot("c")) == {"u": reading("u", 1).row}
    assert (await store.apply("c", [reading("u", 2)])).outcomes == (APPLIED,)


async def test_a_replica_takes_no_writes(server: StoreServer) -> None:
    async with opened(server.url) as board:
        server.says("REPLICAOF", "127.0.0.1", "1")

        with pytest.raises(BoardUnavailableError, match="ReadOnly") as caught:
            await board.apply("c", [reading("u", 1)])

        assert not isinstance(caught.value, UnconfirmedError)
        server.says("REPLICAOF", "NO", "ONE")
        assert (await board.apply("c", [reading("u", 1)])).outcomes == (APPLIED,)


async def test_a_lost_reply_stays_unknown_though_the_repeat_was_refused(
    server: StoreServer,
) -> None:
    """The first attempt was applied unheard; then the server became a replica and refused."""
    async with LossyLine(server.path) as line, opened(line.url) as board:
        line.lose = 1
        applying = asyncio.create_task(board.apply("c", [reading("u", 1)]))
        await until(lambda: line.lose == 0)
        await until(lambda: "xadd" in server.says("INFO", "commandstats"))
        server.says("REPLICAOF", "127.0.0.1", "1")

        with pytest.raises(UnconfirmedError):
            await applying


async def test_functions_that_were_lost_are_put_back(
    store: Board, store_server: StoreServer
) -> None:
    store_server.says("FUNCTION", "FLUSH")

    assert (await store.apply("c", [reading("u", 1)])).outcomes == (APPLIED,)


async def test_functions_may_be_loaded_by_many_at_once(store_server: StoreServer) -> None:
    store_server.says("FUNCTION", "FLUSH")
    boards = [Board(store_server.url) for _ in range(5)]

    durability = await asyncio.gather(*(board.start() for board in boards))

    assert set(durability) == {"always"}
    for board in boards:
        await board.stop()


@pytest.mark.parametrize(
    ("settings", "promised"),
    [
        ({"appendonly": "no"}, "none"),
        ({"appendfsync": "everysec"}, "everysec"),
        ({"appendfsync": "no"}, "none"),
    ],
)
async def test_start_tells_what_the_server_promises(
    server: StoreServer, settings: dict[str, str], promised: str
) -> None:
    for name, value in settings.items():
        server.says("CONFIG", "SET", name, value)
    board = Board(server.url)

    assert await board.start() == promised

    await board.stop()


async def test_what_a_server_does_not_tell_is_unknown(server: StoreServer) -> None:
    server.says("ACL", "SETUSER", "default", "-config")
    board = Board(server.url)

    assert await board.start() == "unknown"

    await board.stop()
