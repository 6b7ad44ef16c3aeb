"""Boards that are kept in order while no report comes, all in one round."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import Board, BoardUnavailableError, Cursor, EmbeddedServer
from capacity.board.upkeep import put_catalogue
from capacity.units import Catalogue
from feeds.board_upkeep import CATALOGUE_EVERY, BoardUpkeep, UpkeepRounds
from tests.support.feeding import CATALOGUE, HandClock

CLUSTER = "randers"
UNIT = CATALOGUE.units_of(CLUSTER)[0]
OTHER = replace(CATALOGUE, units={**CATALOGUE.units, UNIT.id: replace(UNIT, phone="87654321")})


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def raw(valkey_server: EmbeddedServer) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(valkey_server.url)
    yield client
    await client.aclose()


def upkeep_of(board: Board, clock: HandClock, catalogue: Catalogue = CATALOGUE) -> BoardUpkeep:
    return BoardUpkeep(board, CLUSTER, catalogue, clock)


async def phone(board: Board) -> str:
    (row,) = [row for row in (await board.snapshot(CLUSTER)).rows if row.unit == UNIT.id]
    found: str = orjson.loads(row.row)["phone"]
    return found


async def test_a_board_in_order_at_which_nothing_happens_is_not_read_again(
    board: Board, clock: HandClock, raw: Redis
) -> None:
    upkeep = upkeep_of(board, clock)
    await upkeep.keep()
    clock.move(seconds=CATALOGUE_EVERY.total_seconds())
    await upkeep.keep()  # the first one changed rows, so they are looked at once more
    await raw.config_resetstat()
    for _ in range(5):
        clock.move(seconds=CATALOGUE_EVERY.total_seconds())
        await upkeep.keep()
    asked = await raw.info("commandstats")
    assert "cmdstat_hgetall" not in asked
    assert asked["cmdstat_hmget"]["calls"] == 5


@pytest.mark.parametrize("what", ["another program's catalogue", "a new day"])
async def test_what_may_have_changed_a_row_has_it_looked_at(
    board: Board, clock: HandClock, what: str
) -> None:
    upkeep = upkeep_of(board, clock)
    for _ in range(3):
        await upkeep.keep()
        clock.move(seconds=CATALOGUE_EVERY.total_seconds())
    was = await phone(board)
    if what == "a new day":
        upkeep._catalogue = OTHER  # what a row says is dated, and so may be another now
        await upkeep.keep()
        assert await phone(board) == was
        clock.move(days=1)
        await upkeep.keep()
        assert await phone(board) == "87654321"
    else:
        await put_catalogue(board, OTHER, clock())
        await upkeep.keep()
        assert await phone(board) == was


async def test_one_question_tells_where_all_boards_stand(board: Board, clock: HandClock) -> None:
    kept: list[tuple[str, Cursor | None]] = []
    rounds = UpkeepRounds(board, lambda: [Noted(name, kept) for name in ("a", CLUSTER)])
    await put_catalogue(board, CATALOGUE, clock())
    await rounds.run()
    assert kept == [("a", Cursor("none", 0)), (CLUSTER, await board.cursor(CLUSTER))]


async def test_where_a_server_is_away_each_is_kept_for_itself(
    valkey_server: EmbeddedServer,
) -> None:
    class Split(Board):
        async def cursors(self, clusters: Sequence[str]) -> dict[str, Cursor]:
            raise BoardUnavailableError("one of several")

    kept: list[tuple[str, Cursor | None]] = []
    board = Split(valkey_server.url)
    try:
        await UpkeepRounds(board, lambda: [Noted("a", kept), Noted("b", kept)]).run()
    finally:
        await board.stop()
    assert kept == [("a", None), ("b", None)]


async def test_one_that_fails_holds_up_nobody_and_is_not_hushed_up(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    kept: list[tuple[str, Cursor | None]] = []
    await UpkeepRounds(board, lambda: [Failing("a", kept), Noted("b", kept)]).run()
    assert [name for name, _ in kept] == ["b"]
    assert "the upkeep of a failed" in caplog.text
    assert "the disk of a" in caplog.text


async def test_a_board_that_is_being_kept_is_left_to_that(
    board: Board, clock: HandClock, raw: Redis
) -> None:
    upkeep = upkeep_of(board, clock)
    await raw.config_resetstat()
    await asyncio.gather(*(upkeep.keep() for _ in range(5)))
    asked = await raw.info("commandstats")
    assert asked["cmdstat_fcall"]["calls"] == 1, "rows were written once"
    assert len((await board.snapshot(CLUSTER)).rows) == len(CATALOGUE.units_of(CLUSTER))


class Noted:
    """A cluster that notes when it is kept."""

    def __init__(self, cluster: str, kept: list[tuple[str, Cursor | None]]) -> None:
        self.cluster = cluster
        self.kept = kept

    async def keep(self, stands: Cursor | None) -> None:
        self.kept.append((self.cluster, stands))


class Failing(Noted):
    async def keep(self, stands: Cursor | None) -> None:
        await asyncio.sleep(0)
        raise OSError(f"the disk of {self.cluster}")
