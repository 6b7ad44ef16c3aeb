"""Changes in PostgreSQL lie in parts by month, made as they are needed; nothing is lost by it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest
from sqlalchemy import Connection, text

from capacity.board.changes import Change
from capacity.catalogue import builtin_catalogue
from capacity.history import History, migrate, parts
from capacity.instants import epoch_millis
from tests.support.databases import PostgresServer, dump
from tests.support.raw_days import CLUSTER, World

pytest_plugins = ["tests.support.database_fixtures"]
pytestmark = pytest.mark.postgres

CATALOGUE = builtin_catalogue()
UNIT = "randers-akutplads-1"
MAY = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def history(postgres: PostgresServer) -> AsyncIterator[History]:
    history = History(postgres.new_database())
    await history.start()
    yield history
    await history.stop()


async def names(history: History) -> list[str]:
    return [part.name for part in await history.read(parts.read)]


def counted(connection: Connection) -> dict[str, int]:
    """How many changes lie in each part."""
    found = connection.execute(
        text("SELECT tableoid::regclass::text AS part, count(*) FROM change GROUP BY 1")
    )
    return {name: count for name, count in found}


async def test_each_month_gets_its_part_with_its_first_change(history: History) -> None:
    assert await names(history) == ["change_early"]
    world = World(CATALOGUE)
    for at in (MAY - DAY, MAY, MAY + 40 * DAY):
        world.report(UNIT, at, total=2, occupied=1)
    await world.record(history)
    assert await history.read(counted) == {
        "change_2026_04": 1, "change_2026_05": 1, "change_2026_06": 1
    }  # fmt: skip
    world.report(UNIT, MAY + 41 * DAY, total=2, occupied=2)
    await world.record(history)
    early, *months = await history.read(parts.read)
    assert early.since is None
    assert [part.since for part in months] == [datetime(2026, n, 1, tzinfo=UTC) for n in (4, 5, 6)]
    assert all(part.until == parts.next_month(part.since or MAY) for part in months)


async def test_the_board_of_any_moment_is_found_across_parts(history: History) -> None:
    """A unit that has been silent for months too, of which the part of the moment has nothing."""
    world = World(CATALOGUE)
    other = "favrskov-akutplads"
    world.report(other, MAY, total=9, occupied=1)
    for month in range(4):
        world.report(UNIT, MAY + month * 31 * DAY, total=month + 1, occupied=0)
    await world.record(history)
    for month in range(4):
        board = await history.board_at(CLUSTER, MAY + month * 31 * DAY + DAY)
        assert len(board.rows) == 2
        assert b'"total":9' in board.rows[0]
        assert f'"total":{month + 1},'.encode() in board.rows[1]


async def test_a_change_cannot_stand_twice_in_a_part(history: History) -> None:
    world = World(CATALOGUE)
    world.report(UNIT, MAY, total=2, occupied=1)
    await world.record(history)
    again = text(
        "INSERT INTO change (cluster, epoch, seq, unit, applied_at, row)"
        " SELECT cluster, epoch, seq, unit, applied_at, row FROM change"
    )
    with pytest.raises(Exception, match="uq_change_2026_05"):
        await history.write(lambda connection: connection.execute(again))


def test_a_month_comes_after_the_one_before() -> None:
    december = datetime(2026, 12, 1, tzinfo=UTC)
    assert parts.next_month(december) == datetime(2027, 1, 1, tzinfo=UTC)
    assert parts.next_month(december, 14) == datetime(2028, 2, 1, tzinfo=UTC)
    assert parts.month_of(december - timedelta(milliseconds=1)) == datetime(2026, 11, 1, tzinfo=UTC)


async def test_a_whole_table_becomes_the_first_part_as_it_lies(postgres: PostgresServer) -> None:
    """What 0006 holds is there after it, in the same file; numbering goes on."""
    url = postgres.new_database()
    migrate(url, target="0006")
    at = [MAY - 700 * DAY, MAY - DAY, MAY + DAY]
    with psycopg.connect(url) as connection:
        for number, moment in enumerate(at, start=1):
            connection.execute(
                "INSERT INTO change (cluster, epoch, seq, unit, applied_at, row)"
                " VALUES ('c', 'e', %s, 'u', %s, %s)",
                (number, epoch_millis(moment), f'{{"n":{number}}}'),
            )
        connection.execute(
            "INSERT INTO unit_run VALUES ('c', 'u', 'e', 1, %s)", (epoch_millis(at[0]),)
        )
        connection.execute("INSERT INTO position VALUES ('c', 'e', 3, '1-0', '0-0')")
        file = connection.execute("SELECT pg_relation_filenode('change')").fetchone()
    history = History(url)
    await history.start()
    [early] = await history.read(parts.read)
    assert early.until == datetime(2026, 6, 1, tzinfo=UTC)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT pg_relation_filenode('change_early')").fetchone() == file
    for number, moment in enumerate(at, start=1):
        assert (await history.board_at("c", moment)).rows == [f'{{"n":{number}}}'.encode()]
    before = await history.position("c")
    later = [
        Change(f"{epoch_millis(moment)}-0", "e", 4 + n, "u", b'{"n":0}')
        for n, moment in enumerate((MAY + 2 * DAY, MAY + 60 * DAY))
    ]
    recorded = await history.record("c", later, [], before)
    assert recorded.changes == 2
    assert await history.read(counted) == {"change_early": 4, "change_2026_06": 1}
    assert [row[0] for row in dump(url, "change", "id")] == [1, 2, 3, 4, 5]
    await history.stop()


async def test_two_that_make_the_same_part_wait_for_each_other(postgres: PostgresServer) -> None:
    """Each of two programs has its own connection; the second finds the part made."""
    url = postgres.new_database()
    one, two = History(url), History(url)
    await one.start()
    await two.start()
    for at in (MAY, MAY + 31 * DAY):
        made = [await each.write(partial(parts.make, instants=[at])) for each in (one, two)]
        assert made == [[parts.name_of(parts.month_of(at))], []]
    await one.stop()
    await two.stop()
