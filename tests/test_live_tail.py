"""The hub's reading handed on: the same changes as the store's, whoever is asked for them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from capacity.board import Board, Change
from capacity.instants import utc_now
from tests.support.board_model import reading, until
from web.live.hub import Hub
from web.live.tail import Tail

C = "c"
ALL = 1000


@pytest.fixture
async def hub(board: Board) -> AsyncIterator[Hub]:
    hub = Hub(board, (C,), utc_now, window=0.02)
    await hub.start()
    yield hub
    await hub.stop()


class Unread(Board):
    """A board of which nobody may read changes any more."""

    async def changes_after(self, cluster: str, stream_id: str, count: int = 1) -> list[Change]:
        raise AssertionError(f"the store was asked for changes of {cluster} after {stream_id}")


async def follow(tail: Tail, count: int = ALL) -> list[Change]:
    """Everything from the beginning on, as the historian reads it."""
    found: list[Change] = []
    while more := await tail.changes_after(C, found[-1].stream_id if found else "0-0", count):
        found += more
    return found


async def test_what_the_hub_read_is_not_read_again(board: Board, hub: Hub) -> None:
    tail = hub.tail
    await board.apply(C, [reading("u", 1)])
    before = (await board.changes_after(C, "0-0"))[-1].stream_id
    await until(lambda: hub.feed(C).cursor.seq == 1)
    tail._board = Unread(board._url)
    await board.apply(C, [reading(unit, 2) for unit in "uvw"])
    await until(lambda: hub.feed(C).cursor.seq == 4)

    first = await tail.changes_after(C, before, 2)
    rest = await tail.changes_after(C, first[-1].stream_id, ALL)

    assert [(change.seq, change.unit) for change in first + rest] == [(2, "u"), (3, "v"), (4, "w")]
    await tail._board.stop()


@pytest.mark.parametrize("kept", [2, 10, 100])
async def test_every_change_is_told_once_whoever_had_read_it(board: Board, kept: int) -> None:
    """Some lie before what the hub read, some the hub has let go of, some it has not read yet."""
    await board.apply(C, [reading("u", n) for n in range(5)])
    hub = Hub(board, (C,), utc_now)
    hub.tail = Tail(board, kept=kept)
    await hub.start()
    for n in range(5, 25):
        await board.apply(C, [reading("u", n), reading("v", n)])
    await until(lambda: hub.feed(C).cursor.seq == 45)
    await hub.stop()
    await board.apply(C, [reading("w", 1)])

    assert await follow(hub.tail, 7) == await board.changes_after(C, "0-0")


async def test_a_new_epoch_begins_a_new_tail(board: Board, hub: Hub) -> None:
    await board.apply(C, [reading("u", 1), reading("v", 1)])
    await until(lambda: hub.feed(C).cursor.seq == 2)
    await board.remove(C, ["u"])
    await board.apply(C, [reading("v", 2)])
    await until(lambda: hub.feed(C).cursor.seq == 2 and "u" not in hub.feed(C).rows)
    await board.apply(C, [reading("v", 3)])
    await until(lambda: hub.feed(C).cursor.seq == 3)

    assert await follow(hub.tail) == await board.changes_after(C, "0-0")


async def test_waiting_ends_with_the_first_change_beyond_a_place(
    board: Board, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live.tail.LOOK_EVERY", 600)  # the look that comes anyway does not
    waiting = asyncio.create_task(hub.tail.wait_for_changes({C: "0-0"}, 600))
    await asyncio.sleep(0)
    assert not waiting.done()

    await board.apply(C, [reading("u", 1)])
    async with asyncio.timeout(30):
        await waiting

    await hub.tail.wait_for_changes({C: "0-0"}, 30)  # still beyond it: no waiting at all
    at = hub.feed(C).stream_id
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hub.tail.wait_for_changes({C: at}, 30), 0.05)
    await hub.tail.wait_for_changes({C: at}, 0.01)
