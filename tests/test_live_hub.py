"""The hub over a real store: what each open board is told, and when.

Boards here are connections that note what they are offered, and take it or do not, as told.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.board import Board, Cursor, StoredRow
from capacity.instants import utc_now
from tests.support.board_model import opened, reading, until
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer
from web.live.broadcaster import FULL, FULL_SHARE
from web.live.connections import Name, Sweep
from web.live.hub import Hub, Member
from web.live.lags import BOUNDS, Lags

FOREVER = 60.0


class NotedConnection:
    """A connection that takes what it is offered, unless it is `stuck`."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.arrivals: list[float] = []
        self.stuck = False
        self.aborted = False

    def offer(self, message: bytes, frame: bytes) -> bool:
        assert frame.endswith(message)
        if self.stuck:
            return False
        self.frames.append(orjson.loads(message))
        self.arrivals.append(time.monotonic())
        return True

    def join(self, sweep: Sweep[Name], name: Name) -> None:
        """It is always asked."""

    def idle(self) -> bool:
        return not self.stuck

    def abort(self) -> None:
        self.aborted = True

    async def drain(self) -> None:
        return None

    @property
    def board(self) -> dict[str, int]:
        """What a page that follows these frames shows: the observation time of each unit."""
        rows: dict[str, int] = {}
        for frame in self.frames:
            if frame["type"] == "snapshot":
                rows = {}
            rows |= {row["unit"]: row["observed_ms"] for row in frame.get("rows", [])}
        return rows

    @property
    def place(self) -> Cursor | None:
        return Cursor.parse(self.frames[-1]["cursor"]) if self.frames else None

    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]


@contextlib.asynccontextmanager
async def following(board: Board, *clusters: str, **paces: float) -> AsyncIterator[Hub]:
    options = {"window": 0.02, "heartbeat": FOREVER, **paces}
    hub = Hub(board, clusters or ("c",), utc_now, **options)
    await hub.start()
    try:
        yield hub
    finally:
        with stopwatch() as watch:
            await hub.stop()
        assert watch.seconds < 5


def joined(
    hub: Hub, since: Cursor | None = None, cluster: str = "c"
) -> tuple[NotedConnection, Member]:
    connection = NotedConnection()
    return connection, hub.join(cluster, connection, since)


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


async def test_a_board_that_is_behind_is_skipped_then_brought_up(board: Board) -> None:
    await board.apply("c", [reading("u", 1), reading("v", 1)])
    async with following(board, heartbeat=0.1) as hub:
        slow, _ = joined(hub)
        quick, _ = joined(hub)
        slow.stuck = True
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
        slow, _ = joined(hub)
        quick, _ = joined(hub)
        slow.stuck = True
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


async def test_a_trimmed_stream_is_noticed_and_is_a_snapshot_away(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    await board.apply("c", [reading("u", 0)])
    async with following(board) as hub, opened(board._url, stream_length=1) as forgetful:
        connection, _ = joined(hub)

        await forgetful.apply("c", [reading(f"u{n % 5}", n) for n in range(1, 500)])
        await until(lambda: len(connection.board) == 6)

        assert connection.board == {"u": 0} | {f"u{n % 5}": n for n in range(495, 500)}
        assert "starting over from a snapshot" in caplog.text
        # The gap is the hub's; the board, whose place is known, needs the changed rows only.
        assert connection.types() == ["snapshot", "rows"]


async def test_a_store_that_was_emptied_is_noticed_without_any_change(board: Board) -> None:
    await board.apply("c", [reading("u", 1)])
    async with following(board) as hub:
        connection, _ = joined(hub)
        assert connection.board == {"u": 1}

        await board._store.at("c").flushall()
        with stopwatch() as watch:
            await until(lambda: connection.board == {})

        assert watch.seconds < 8
        assert connection.types() == ["snapshot", "snapshot"]
        await board.apply("c", [reading("v", 1)])
        await until(lambda: connection.board == {"v": 1})


async def test_a_stream_that_counts_on_below_our_place_does_not_blind_us(board: Board) -> None:
    """As after a store was put back whose clock had been ahead."""
    await board.apply("c", [reading("u", 1)])
    key = "akutoverblik:{c}:changes"
    await board._store.at("c").xadd(
        key,
        {"e": "x", "n": 1, "u": "u", "r": b'{"unit":"u","observed_ms":1}'},
        id="99999999999999-0",
    )
    async with following(board) as hub:
        connection, _ = joined(hub)
        await board._store.at("c").delete(key)

        await board.apply("c", [reading("v", 1)])
        with stopwatch() as watch:
            await until(lambda: connection.board == {"u": 1, "v": 1})
        assert watch.seconds < 8


async def test_a_store_that_dies_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = StoreServer(tmp_path)
    server.start()
    try:
        async with opened(server.url) as board:
            await board.apply("c", [reading("u", 1)])
            async with following(board, heartbeat=0.1) as hub:
                connection, _ = joined(hub)
                assert hub.healthy()

                await asyncio.to_thread(server.kill)
                with stopwatch() as watch:
                    await until(lambda: connection.frames[-1].get("live") is False)

                assert watch.seconds < 2
                assert not hub.healthy()
                assert not hub.can_serve("c"), "no board is opened on figures that have stopped"
                seen = len(connection.frames)
                await until(lambda: len(connection.frames) >= seen + 3)
                for frame in connection.frames[seen:]:
                    assert frame["type"] == "heartbeat"
                    assert frame["live"] is False, "every sign of life says it"

                await asyncio.to_thread(server.start)
                await until(hub.healthy)
                assert connection.frames[-1]["live"] is True
                await board.apply("c", [reading("u", 2)])
                await until(lambda: connection.board == {"u": 2})
                late, _ = joined(hub)
                assert late.board == connection.board
        errors = [r for r in caplog.records if r.levelno >= logging.ERROR and "hub" in r.name]
        assert len(errors) == 1, "an outage is logged once"
    finally:
        server.close()


async def test_a_store_that_hangs_is_told_within_seconds(tmp_path: Path) -> None:
    server = StoreServer(tmp_path)
    server.start()
    try:
        async with opened(server.url) as board, following(board) as hub:
            connection, _ = joined(hub)
            server.freeze()
            with stopwatch() as watch:
                await until(lambda: connection.frames[-1].get("live") is False)
            assert watch.seconds < 8

            server.thaw()
            await until(hub.healthy)
            await board.apply("c", [reading("u", 2)])
            await until(lambda: connection.board == {"u": 2})
    finally:
        server.close()


async def test_a_hub_may_start_before_its_store(tmp_path: Path) -> None:
    server = StoreServer(tmp_path)
    board = Board(server.url)
    try:
        async with following(board) as hub:
            assert not hub.healthy()
            assert not hub.can_serve("c")
            await asyncio.to_thread(server.start)
            await until(hub.healthy)
            assert hub.can_serve("c")
            assert not hub.can_serve("d")
            await board.apply("c", [reading("u", 1)])
            await until(lambda: joined(hub)[0].board == {"u": 1})
    finally:
        await board.stop()
        server.close()


async def test_what_cannot_be_understood_does_not_stop_the_hub(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    await board.apply("c", [reading("u", 1)])
    async with following(board) as hub:
        connection, _ = joined(hub)

        await board._store.at("c").xadd("akutoverblik:{c}:changes", {"not": "ours"})
        await until(lambda: "frozen" in caplog.text)
        await until(hub.healthy)
        await board.apply("c", [reading("u", 2)])

        await until(lambda: connection.board == {"u": 2})
        assert "KeyError" in caplog.text


async def test_stopping_under_load_is_quick(board: Board) -> None:
    async def load() -> None:
        for n in range(100_000):
            await board.apply("c", [reading("u", n)])

    loading = asyncio.create_task(load())
    for _ in range(20):
        async with following(board, window=0.001) as hub:
            connection, _ = joined(hub)
            await until(lambda c=connection: len(c.frames) > 2)
        assert not hub.healthy()
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading


async def test_a_thousand_boards_at_once_cost_the_store_nothing(board: Board) -> None:
    await board.apply("c", [reading(f"u{n}", 1, size=700) for n in range(100)])
    async with following(board) as hub:
        await board._store.at("c").config_resetstat()

        with stopwatch() as watch:
            boards = [joined(hub)[0] for _ in range(1000)]

        assert watch.seconds < 3
        assert {len(one.board) for one in boards} == {100}
        stats = await board._store.at("c").info("commandstats")
        assert "cmdstat_hgetall" not in stats


async def test_rows_without_a_reading_reach_boards_too(board: Board) -> None:
    async with following(board) as hub:
        connection, _ = joined(hub)

        await board.replace("c", [StoredRow("u", b'{"unit":"u","observed_ms":-1}', "")])

        await until(lambda: connection.board == {"u": -1})


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
