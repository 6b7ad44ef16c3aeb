"""What each open board is told, and when, by a hub over a real store.

Boards here are connections that note what they are offered, and take it or do not, as told.
"""

import asyncio
import time
from datetime import timedelta

import orjson
import pytest

from capacity.board import Board
from capacity.instants import utc_now
from tests.support.board_model import reading, until
from tests.support.noted import FOREVER, NotedConnection, following, joined
from tests.support.stopwatch import stopwatch
from web.live.broadcaster import FULL, FULL_SHARE
from web.live.connections import Name, Sweep
from web.live.hub import Hub
from web.live.lags import BOUNDS, Lags


async def test_a_board_gets_a_snapshot_then_rows(board: Board) -> None:
    await board.apply("c", [reading("u", 1), reading("v", 1)])
    async with following(board) as hub:
        connection, member = joined(hub)
        assert connection.types() == ["snapshot"]
        assert hub.boards == 1

        await board.apply("c", [reading("u", 2)])
        await until(lambda: len(connection.frames) == 2)

        assert connection.types() == ["snapshot", "rows"]
        assert connection.board == {"u": 2, "v": 1}
        assert [row["unit"] for row in connection.frames[-1]["rows"]] == ["u"]
        hub.leave("c", member)
        assert hub.boards == 0
        await board.apply("c", [reading("u", 3)])
        await until(lambda: joined(hub)[0].board["u"] == 3)
        assert len(connection.frames) == 2
        assert hub.broadcaster.frames_sent >= 3


async def test_what_a_frame_waited_for_is_counted_by_its_oldest_change(board: Board) -> None:
    """By the store's clock: here ours is 4 s ahead of it, and each frame that late."""
    hub = Hub(board, ("c",), lambda: utc_now() + timedelta(seconds=4), heartbeat=FOREVER)
    await hub.start()
    try:
        connection, _ = joined(hub)
        await board.apply("c", [reading("u", 1)])
        await until(lambda: connection.board == {"u": 1})
    finally:
        await hub.stop()
    classes, total = hub.broadcaster.lags.cumulated()
    assert [count for _, count in classes] == [0] * 6 + [1] * 4
    assert dict(classes)["2.0"] == 0
    assert 4 <= total < 5


def test_a_clock_of_the_store_that_is_ahead_makes_no_time_negative() -> None:
    lags = Lags()
    lags.note(-3600.0)
    assert lags.cumulated() == ([(str(b), 1) for b in (*BOUNDS, "+Inf")], 0.0)


async def test_a_change_reaches_only_its_clusters_boards(board: Board) -> None:
    async with following(board, "c", "d") as hub:
        here, _ = joined(hub)
        there, _ = joined(hub, cluster="d")

        await board.apply("d", [reading("u", 1)])
        await until(lambda: there.board == {"u": 1})

        assert here.types() == ["snapshot"]
        with pytest.raises(KeyError):
            joined(hub, cluster="e")


async def test_the_first_change_goes_out_at_once_and_what_follows_waits(board: Board) -> None:
    async with following(board, window=3600) as hub:
        connection, _ = joined(hub)
        await board.apply("c", [reading("u0", 0)])
        await until(lambda: connection.board == {"u0": 0})
        seen = len(connection.frames)
        applied = [await board.apply("c", [reading("u0", n)]) for n in range(1, 20)]
        await until(lambda: hub.feed("c").cursor == applied[-1].cursor)
        assert len(connection.frames) == seen


async def test_a_flood_is_gathered(board: Board) -> None:
    async with following(board, window=0.25) as hub:
        connection, _ = joined(hub)
        began = time.monotonic()
        for n in range(20, 1020, 20):
            await board.apply("c", [reading(f"u{i % 7}", n + i) for i in range(20)])
            await asyncio.sleep(0.02)
        await until(lambda: connection.place == hub.feed("c").cursor)
        took = time.monotonic() - began

        assert len(connection.board) == 7
        assert max(connection.board.values()) == 1000 + 19
        assert len(connection.frames) <= took / (0.25 * FULL_SHARE) + 2, "few a second"
        assert all(len(frame["rows"]) <= 7 for frame in connection.frames), "the latest of each"


async def test_many_changes_wait_less_than_few(board: Board) -> None:
    window = 2.0
    async with following(board, window=window) as hub:
        connection, _ = joined(hub)
        waits = []
        for many in (FULL - 1, FULL):
            await board.apply("c", [reading("first", many)])
            await until(lambda many=many: connection.board.get("first") == many)
            await board.apply("c", [reading(f"u{i}", many) for i in range(many)])
            await until(lambda many=many: connection.board.get(f"u{many - 1}") == many)
            waits.append(connection.arrivals[-1] - connection.arrivals[-2])
            await asyncio.sleep(window)  # the next one shall be a first one

        assert waits[0] >= window * 0.99
        assert window * FULL_SHARE * 0.99 <= waits[1] < window


def stuck_and_quick(hub: Hub) -> tuple[NotedConnection, NotedConnection]:
    """A board that takes nothing for now, and one that takes everything."""
    (slow, _), (quick, _) = joined(hub), joined(hub)
    slow.stuck = True
    return slow, quick


async def test_a_board_that_is_behind_is_skipped_then_brought_up(board: Board) -> None:
    await board.apply("c", [reading("u", 1), reading("v", 1)])
    async with following(board, heartbeat=0.1) as hub:
        slow, quick = stuck_and_quick(hub)
        for n in range(2, 12):
            await board.apply("c", [reading("u", n)])
            await until(lambda n=n: quick.board["u"] == n)
        seen = len(slow.frames)

        slow.stuck = False
        await until(lambda: slow.board["u"] == 11)

        assert slow.board == quick.board
        assert slow.frames[seen]["type"] == "rows"
        assert len(slow.frames[seen]["rows"]) == 1
        await board.apply("c", [reading("v", 50)])
        await until(lambda: slow.board["v"] == 50)


class Swept(NotedConnection):
    """A connection that is written to without being asked, until its peer has closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def join(self, sweep: Sweep[Name], name: Name) -> None:
        sweep[name] = self.write

    def write(self, frame: bytes) -> None:
        if self.closed:
            raise RuntimeError("closed")
        self.frames.append(orjson.loads(frame[frame.index(b"{") :]))


async def test_a_board_that_cannot_be_written_to_costs_the_others_nothing(board: Board) -> None:
    await board.apply("c", [reading("u", 1)])
    async with following(board) as hub:
        boards = [Swept() for _ in range(5)]
        members = [hub.join("c", each, None) for each in boards]
        boards[2].closed = boards[2].stuck = True
        for n in (2, 3):
            await board.apply("c", [reading("u", n)])
            await until(lambda n=n: all(b.board == {"u": n} for b in boards if not b.closed))

        assert members[2].behind_since is not None
        assert [member.behind_since for member in members].count(None) == 4
        assert boards[2].board == {"u": 1}
        boards[2].closed = boards[2].stuck = False
        await until(lambda: boards[2].board == {"u": 3})


async def test_a_board_that_was_behind_in_another_epoch_starts_over(board: Board) -> None:
    await board.apply("c", [reading("u", 1), reading("v", 1)])
    async with following(board, heartbeat=0.1) as hub:
        slow, quick = stuck_and_quick(hub)
        await board.remove("c", ["v"])
        await until(lambda: quick.board == {"u": 1})
        slow.stuck = False

        await until(lambda: slow.board == {"u": 1})

        assert "rows" not in slow.types()


async def test_a_board_that_never_reads_is_dropped(board: Board) -> None:
    async with following(board, heartbeat=0.05, patience=0.3) as hub:
        stuck, _ = joined(hub)
        quick, _ = joined(hub)
        stuck.stuck = True
        await board.apply("c", [reading("u", 1)])

        await until(lambda: stuck.aborted)

        assert hub.boards == 1
        assert hub.broadcaster.boards_dropped == 1
        assert quick.board == {"u": 1}
        assert not quick.aborted


async def test_heartbeats_come_in_time_and_never_before_their_rows(board: Board) -> None:
    async with following(board, heartbeat=0.1, window=0.5) as hub:
        with stopwatch() as watch:
            connection, _ = joined(hub)
            for n in range(1, 30):
                await board.apply("c", [reading("u", n)])
                await asyncio.sleep(0.02)
            await until(lambda: connection.types().count("heartbeat") >= 5)

    place = None
    for frame in connection.frames:
        if frame["type"] == "heartbeat":
            assert frame["cursor"] == place
            assert frame["live"] is True
        place = frame["cursor"]
    beats = [
        at
        for at, frame in zip(connection.arrivals, connection.frames, strict=True)
        if frame["type"] == "heartbeat"
    ]
    assert (beats[-1] - beats[0]) / (len(beats) - 1) > 0.05
    assert watch.seconds / len(beats) < 0.3


async def test_a_board_that_joins_while_a_frame_is_due_misses_nothing(board: Board) -> None:
    async with following(board, window=0.3) as hub:
        first, _ = joined(hub)
        await board.apply("c", [reading("u", 1)])
        await until(lambda: first.board == {"u": 1})
        await board.apply("c", [reading("v", 1)])
        await until(lambda: hub._channels["c"].feed.cursor.seq == 2)

        second, _ = joined(hub)  # the frame with v is not out yet

        assert first.board == {"u": 1}
        assert second.board == {"u": 1, "v": 1}
        third, _ = joined(hub, since=first.place)
        assert third.types() == ["rows"]
        assert third.board == {"v": 1}
        await until(lambda: first.board == {"u": 1, "v": 1})
        assert first.place == second.place == third.place


async def test_a_board_that_reads_again_need_not_wait_for_a_heartbeat(board: Board) -> None:
    async with following(board) as hub:
        one = NotedConnection()
        member = hub.join("c", one, None)
        await board.apply("c", [reading("u", 1)])
        await until(lambda: one.board == {"u": 1})
        one.stuck = True
        await board.apply("c", [reading("u", 2)])
        await until(lambda: member.behind_since is not None)

        one.stuck = False

        await until(lambda: one.board == {"u": 2})
        assert member.behind_since is None
