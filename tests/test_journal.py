"""Reading the journal of a real store: in order, and knowing what is missing."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from capacity.board import Board, BoardUnavailableError, EmbeddedServer
from capacity.board.changes import START
from capacity.board.journal import JournalEntry, JournalRead
from capacity.board.keys import ClusterKeys
from capacity.instants import from_epoch_millis
from tests.support.streams import MORNING

KEY = ClusterKeys("c").journal


@contextlib.asynccontextmanager
async def raw(server: EmbeddedServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url)
    try:
        yield client
    finally:
        await client.aclose()


async def write(client: Redis, number: int) -> None:
    for n in range(number):
        await client.xadd(KEY, {"k": "hold", "t": MORNING + n, "d": b'{"id":"h%d"}' % n})


async def test_an_empty_journal_has_nothing_and_misses_nothing(board: Board) -> None:
    assert await board.journal_after("c", START) == JournalRead((), 1, False)
    assert await board.journal_after("c", "7-0") == JournalRead((), 1, False)


async def test_entries_come_in_pages_and_in_order(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    async with raw(valkey_server) as client:
        await write(client, 5)
    first = await board.journal_after("c", START, 2)
    assert [entry.subject for entry in first.entries] == ["h0", "h1"]
    assert (first.first_number, first.found_place) == (1, False)
    assert first.entries[1].at == from_epoch_millis(MORNING + 1)
    second = await board.journal_after("c", first.entries[-1].stream_id, 2)
    assert [entry.subject for entry in second.entries] == ["h2", "h3"]
    assert (second.first_number, second.found_place) == (1, True)
    last = await board.journal_after("c", second.entries[-1].stream_id, 2)
    assert [entry.subject for entry in last.entries] == ["h4"]
    end = await board.journal_after("c", last.entries[-1].stream_id, 2)
    assert end == JournalRead((), 1, True)


async def test_a_trimmed_journal_says_which_entry_is_its_first(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    async with raw(valkey_server) as client:
        await write(client, 5)
        place = (await board.journal_after("c", START, 1)).entries[0].stream_id
        await client.xtrim(KEY, maxlen=2, approximate=False)
    read = await board.journal_after("c", place)
    assert [entry.subject for entry in read.entries] == ["h3", "h4"]
    assert (read.first_number, read.found_place) == (4, False)


async def test_clusters_are_apart(board: Board, valkey_server: EmbeddedServer) -> None:
    async with raw(valkey_server) as client:
        await write(client, 1)
    assert (await board.journal_after("d", START)).entries == ()


async def test_a_store_that_refuses_is_unavailable(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    async with raw(valkey_server) as client:
        await client.set(KEY, "no stream")
    with pytest.raises(BoardUnavailableError, match="WRONGTYPE"):
        await board.journal_after("c", START)


@pytest.mark.parametrize(
    ("data", "subject"),
    [(b'{"id":"h1"}', "h1"), (b'{"id":7}', None), (b"{}", None), (b"[]", None), (b"no", None)],
)
def test_the_subject_is_the_id_of_what_it_tells_of(data: bytes, subject: str | None) -> None:
    assert JournalEntry("1-0", "hold", from_epoch_millis(MORNING), data).subject == subject
