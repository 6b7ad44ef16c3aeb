"""Requests that are made again: the same answer, and one effect, however many replies are lost."""

import pytest
from redis.asyncio import Redis

from capacity.board import (
    Board,
    Outcome,
    StoredRow,
    UnconfirmedError,
)
from tests.support.board_model import (
    all_changes,
    all_late,
    opened,
    reading,
)
from tests.support.faulty import LossyLine
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer

APPLIED, UNCHANGED, SUPERSEDED = Outcome.APPLIED, Outcome.UNCHANGED, Outcome.SUPERSEDED

pytest_plugins = "tests.support.store_fixtures"


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
    own_server: StoreServer, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity.board.calls.LAST_ATTEMPT_SECONDS", 60)
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
        line.lose = lost

        applied = await board.apply("c", [reading("u", 1000)])

        assert applied.outcomes == (APPLIED,)
        assert line.requests == lost + 1
        assert [c.seq for c in await all_changes(board, "c")] == [1]
        assert await all_late(board, "c") == []


async def test_when_every_reply_is_lost_the_caller_hears_that_nobody_knows(
    own_server: StoreServer,
) -> None:
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
        line.lose = 1000

        with pytest.raises(UnconfirmedError):
            await board.apply("c", [reading("u", 1000)], "r1")

        assert board.failed == {"unconfirmed": 1, "away": 0}
        line.lose = 0
        again = await board.apply("c", [reading("u", 1000)], "r1")
        assert again.outcomes == (APPLIED,)
        assert [c.seq for c in await all_changes(board, "c")] == [1]


async def test_a_reply_that_never_comes_is_not_waited_for_long(own_server: StoreServer) -> None:
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
        line.lose, line.silently = 1000, True

        with stopwatch() as watch, pytest.raises(UnconfirmedError):
            await board.apply("c", [reading("u", 1000)])

        assert watch.seconds < 5
        line.lose = 0
        assert (await board.apply("c", [reading("u", 1000)])).outcomes == (UNCHANGED,)


async def test_a_replacement_and_a_removal_are_also_made_once(own_server: StoreServer) -> None:
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
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
    assert 7100 < kept[1] <= 7200


# Replacing and removing
