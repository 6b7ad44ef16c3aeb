"""Whatever happens, an open board equals a fresh snapshot: every kind of change, on the network."""

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.board import Board, Cursor, EmbeddedServer, StoredRow
from capacity.holds import HoldState
from capacity.instants import epoch_millis, from_epoch_millis, utc_now
from tests.support.board_model import opened, reading, until
from tests.support.holds import VISITATOR, reading_with
from tests.support.live import (
    BOARD_PROTOCOL,
    CLUSTER,
    PLAIN_PROTOCOL,
    LiveServer,
    assert_board_equals_fresh_snapshot,
    live_server,
    mirror,
    open_mirror,
)
from tests.support.live_ways import Serve, both_ways
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer

pytest_plugins = ["tests.support.live_fixtures"]

UNITS = ["u", "v", "w", "x"]
SOME = st.lists(st.sampled_from(UNITS), min_size=1, max_size=4)
HOLD_ENDS = st.sampled_from([None, *HoldState])
ACTIONS = st.one_of(
    st.tuples(st.just("apply"), st.lists(st.tuples(st.sampled_from(UNITS), st.integers(-3, 3)))),
    st.tuples(st.just("race"), st.lists(SOME, min_size=2, max_size=6)),
    st.tuples(st.just("replace"), SOME),
    st.tuples(st.just("remove"), SOME),
    st.tuples(st.just("hold"), st.lists(st.tuples(st.sampled_from(UNITS), HOLD_ENDS), max_size=4)),
    st.tuples(st.just("dispute"), SOME),
    st.tuples(st.just("flush"), st.none()),
    st.tuples(st.just("trim"), st.none()),
    st.tuples(st.just("join"), st.sampled_from(["fresh", "future", "other", "garbage"])),
    st.tuples(st.just("leave"), st.integers(0, 5)),
    st.tuples(st.just("return"), st.integers(0, 5)),
    st.tuples(st.just("settle"), st.none()),
)


class Play:
    """Plays actions on a board and keeps the boards that are open, and those that went away."""

    def __init__(self, url: str, board: Board) -> None:
        self._url = url
        self._board = board
        self._now = 100
        self._open: list[tuple[Any, dict[str, Any]]] = []
        self._away: list[tuple[Cursor | None, dict[str, Any]]] = []

    async def play(self, action: str, what: Any) -> None:
        await getattr(self, f"_{action}")(what)

    async def finish(self) -> None:
        try:
            await self._settle(None)
        finally:
            for one, _ in self._open:
                await one.close()

    async def _apply(self, units: list[tuple[str, int]]) -> None:
        self._now += 2
        readings = [reading(u, self._now + ahead, mark=ahead) for u, ahead in units]
        await self._board.apply(CLUSTER, readings)

    async def _race(self, writers: list[list[str]]) -> None:
        async def write(me: int, units: list[str]) -> None:
            for n in range(3):
                readings = [reading(u, self._now + n + me % 3, mark=(me, n)) for u in units]
                await self._board.apply(CLUSTER, readings)

        await asyncio.gather(*(write(me, units) for me, units in enumerate(writers)))
        self._now += 5

    async def _replace(self, units: list[str]) -> None:
        stored = {row.unit: row.version for row in (await self._board.snapshot(CLUSTER)).rows}
        row = b'{"unit":"%s","replaced":%d}'
        await self._board.replace(
            CLUSTER,
            [
                StoredRow(u, row % (u.encode(), n), stored.get(u, ""))
                for n, u in enumerate(units, start=self._now)
            ],
        )

    async def _remove(self, units: list[str]) -> None:
        await self._board.remove(CLUSTER, units)

    async def _hold(self, holds: list[tuple[str, HoldState | None]]) -> None:
        """Several holds at once: asked for, most of them moved on, some over at once."""
        at = self._later()
        readings = [reading_with(unit, 3, at) for unit in UNITS]
        await self._board.apply(CLUSTER, readings)

        async def one(unit: str, end: HoldState | None) -> None:
            length = timedelta(minutes=0 if end is HoldState.EXPIRED else 30)
            answer = await self._board.ask_hold(CLUSTER, unit, length, VISITATOR)
            if answer.hold is not None and end is not None:
                await self._board.move_hold(CLUSTER, answer.hold["id"], end, VISITATOR)

        await asyncio.gather(*(one(unit, end) for unit, end in holds))
        await self._board.expire_holds(CLUSTER)

    async def _dispute(self, units: list[str]) -> None:
        """A feed and a nurse say different things."""
        at = self._later()
        await self._board.apply(CLUSTER, [reading_with(u, 2, at) for u in units])
        at = self._later()
        await self._board.apply(CLUSTER, [reading_with(u, 1, at, channel="nurse") for u in units])

    def _later(self) -> datetime:
        self._now = max(self._now + 2, epoch_millis(utc_now()))
        return from_epoch_millis(self._now)

    async def _flush(self, _: None) -> None:
        await self._board._store.at("c").flushall()
        await self._apply([("u", 0)])  # so that it is noticed now rather than in seconds

    async def _trim(self, _: None) -> None:
        key = f"akutoverblik:{{{CLUSTER}}}:changes"
        pipe = self._board._store.at("c").pipeline(transaction=True)
        pipe.xtrim(key, maxlen=0, approximate=False)
        await asyncio.gather(self._apply([("v", 0), ("w", 0)]), pipe.execute())
        await self._apply([("x", 0)])

    async def _join(self, kind: str) -> None:
        place = await self._board.cursor(CLUSTER)
        since = {
            "fresh": None,
            "future": Cursor(place.epoch, place.seq + 1000),
            "other": Cursor("f" * 12, 1),
            "garbage": "x",
        }[kind]
        self._open.append((await open_mirror(self._url, since), {}))

    async def _leave(self, which: int) -> None:
        if self._open:
            one, before = self._open.pop(which % len(self._open))
            await one.close()
            rows = one.rows if one.of_type("snapshot") else before | one.rows
            self._away.append((one.cursor, rows))

    async def _return(self, which: int) -> None:
        if self._away:
            cursor, rows = self._away.pop(which % len(self._away))
            if cursor is not None:
                self._open.append((await open_mirror(self._url, cursor), rows))

    async def _settle(self, _: None) -> None:
        for one, before in self._open:
            await assert_board_equals_fresh_snapshot(self._board, one, rows_before=before)


@pytest.fixture(scope="module", params=[BOARD_PROTOCOL, PLAIN_PROTOCOL], ids=["ours", "plain"])
def steady_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: EmbeddedServer,
) -> Iterator[LiveServer]:
    """One server for all examples of the property below."""
    folder = tmp_path_factory.mktemp("live")
    with live_server(
        folder, valkey_server.url, ws=request.param, window=0.01, heartbeat=0.05
    ) as server:
        yield server


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=st.lists(ACTIONS, min_size=3, max_size=14))
def test_a_board_always_equals_a_fresh_snapshot(
    steady_server: LiveServer, valkey_server: EmbeddedServer, actions: list[tuple[str, Any]]
) -> None:
    async def run() -> None:
        async with opened(valkey_server.url) as board:
            play = Play(steady_server.url, board)
            await play.play("join", "fresh")
            await play.play("flush", None)
            try:
                for action, what in actions:
                    await play.play(action, what)
            finally:
                await play.finish()

    asyncio.run(run())


@both_ways
async def test_boards_stay_equal_under_many_writers_and_reconnects(
    board: Board, serve: Serve, ws: str
) -> None:
    server = serve(ws=ws, heartbeat=0.1)
    chance = random.Random(1)
    done = asyncio.Event()

    async def write(me: int) -> None:
        for n in range(150):
            await board.apply(CLUSTER, [reading(chance.choice(UNITS), n * 3 + me, mark=me)])
        done.set()

    async def come_and_go() -> None:
        rows: dict[str, Any] = {}
        cursor: Cursor | None = None
        visits = 0
        while not done.is_set() or visits < 2:
            visits += 1
            async with mirror(server.url, cursor) as one:
                await asyncio.sleep(chance.uniform(0, 0.1))
            rows = one.rows if one.of_type("snapshot") else rows | one.rows
            cursor = one.cursor
        async with mirror(server.url, cursor) as one:
            await assert_board_equals_fresh_snapshot(board, one, rows_before=rows)

    async with mirror(server.url) as steady:
        await asyncio.gather(*(write(n) for n in range(4)), *(come_and_go() for _ in range(4)))
        await assert_board_equals_fresh_snapshot(board, steady)


@both_ways
async def test_a_restarted_store_is_a_new_epoch_for_everyone(
    tmp_path: Path, serve: Serve, ws: str
) -> None:
    store = StoreServer(tmp_path / "store")
    store.start()
    try:
        server = serve(store.url, ws=ws, heartbeat=0.1)
        async with opened(store.url) as board, mirror(server.url) as one:
            await board.apply(CLUSTER, [reading("u", 1)])
            await assert_board_equals_fresh_snapshot(board, one)
            before = one.cursor
            assert before is not None

            await asyncio.to_thread(store.kill)
            with stopwatch() as watch:
                await until(lambda: not one.live)
            assert watch.seconds < 5
            await asyncio.to_thread(store.start)
            await until(lambda: one.live)
            await board.apply(CLUSTER, [reading("v", 1)])

            async with mirror(server.url, before) as other:
                await assert_board_equals_fresh_snapshot(board, one, other)
                assert one.cursor is not None
                assert one.cursor.epoch != before.epoch
                assert other.cursor == one.cursor
    finally:
        store.close()
