"""Servers that restart, hang, load, fill up or follow: told at once, and nothing half done."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from capacity.board import (
    START,
    Board,
    BoardUnavailableError,
    Cursor,
    Outcome,
    UnconfirmedError,
)
from tests.support.board_model import (
    all_changes,
    fold,
    opened,
    reading,
    rows_of,
    until,
)
from tests.support.faulty import LossyLine
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer

LOADS_SLOWLY = "--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"
"""Three seconds and more for thirty thousand keys (µs each), saying so whenever it is asked."""

APPLIED, UNCHANGED, SUPERSEDED = Outcome.APPLIED, Outcome.UNCHANGED, Outcome.SUPERSEDED

pytest_plugins = "tests.support.store_fixtures"


async def test_a_restarted_server_begins_an_epoch_at_its_first_write(
    own_server: StoreServer,
) -> None:
    async with opened(own_server.url) as board:
        before = await board.apply("c", [reading("u", 1000)])
        await asyncio.to_thread(own_server.kill)
        await asyncio.to_thread(own_server.start)

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
    calls = (
        board.start(),
        board.ping(),
        board.apply("c", [reading("u", 1)]),
        board.snapshot("c"),
        board.cursor("c"),
        board.changes_after("c", START),
        board.late_after("c", START),
        board.wait_for_changes({"c": START}, 1),
    )
    with stopwatch() as watch:
        for call in calls:
            with pytest.raises(BoardUnavailableError) as caught:
                await call
            assert not isinstance(caught.value, UnconfirmedError)

    assert watch.seconds < 2
    assert board.failed == {"unconfirmed": 0, "away": 1}
    await board.stop()


async def test_a_server_that_hangs_is_told_within_seconds(own_server: StoreServer) -> None:
    async with opened(own_server.url) as board:
        own_server.freeze()

        with stopwatch() as watch:
            results = await asyncio.gather(
                board.apply("c", [reading("u", 1)], "r1"),
                board.snapshot("c"),
                board.wait_for_changes({"c": START}, 1),
                return_exceptions=True,
            )

        own_server.thaw()
        assert [type(r) for r in results] == [
            UnconfirmedError,
            BoardUnavailableError,
            BoardUnavailableError,
        ]
        assert watch.seconds < 7
        assert (await board.apply("c", [reading("u", 1)], "r1")).outcomes == (APPLIED,)
        assert len(await all_changes(board, "c")) == 1


async def test_a_server_that_is_loading_wrote_nothing(own_server: StoreServer) -> None:
    own_server.says("CONFIG", "SET", "appendfsync", "no")
    client = Redis.from_url(own_server.url)
    pipe = client.pipeline(transaction=False)
    for n in range(30_000):
        pipe.set(f"k{n}", "x" * 200)
    await pipe.execute()
    await client.aclose()
    own_server.kill()
    own_server.start(*LOADS_SLOWLY, wait=False)

    async with opened(own_server.url, start=False) as board:
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


async def test_a_replica_takes_no_writes(own_server: StoreServer) -> None:
    async with opened(own_server.url) as board:
        own_server.says("REPLICAOF", "127.0.0.1", "1")

        with pytest.raises(BoardUnavailableError, match="ReadOnly") as caught:
            await board.apply("c", [reading("u", 1)])

        assert not isinstance(caught.value, UnconfirmedError)
        own_server.says("REPLICAOF", "NO", "ONE")
        assert (await board.apply("c", [reading("u", 1)])).outcomes == (APPLIED,)


async def test_a_lost_reply_stays_unknown_though_the_repeat_was_refused(
    own_server: StoreServer,
) -> None:
    """The first attempt was applied unheard; then the server became a replica and refused."""
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
        line.lose = 1
        applying = asyncio.create_task(board.apply("c", [reading("u", 1)]))
        await until(lambda: line.lose == 0)
        await until(lambda: "xadd" in own_server.says("INFO", "commandstats"))
        own_server.says("REPLICAOF", "127.0.0.1", "1")

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
    own_server: StoreServer, settings: dict[str, str], promised: str
) -> None:
    for name, value in settings.items():
        own_server.says("CONFIG", "SET", name, value)
    board = Board(own_server.url)

    assert await board.start() == promised

    await board.stop()


async def test_what_a_server_does_not_tell_is_unknown(own_server: StoreServer) -> None:
    own_server.says("ACL", "SETUSER", "default", "-config")
    board = Board(own_server.url)

    assert await board.start() == "unknown"

    await board.stop()
