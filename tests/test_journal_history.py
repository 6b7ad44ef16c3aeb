"""The journal in SQL: once, in order, and its gaps told."""

import asyncio

import pytest

from capacity.board.journal import JournalEntry, JournalRead
from capacity.history import History, OvertakenError
from capacity.history.position import NOWHERE
from tests.support.databases import dump
from tests.support.journals import START_AT, do_some, entries_of, historian_of, recorded
from tests.support.streams import MORNING, MemoryStreams

pytest_plugins = ["tests.support.database_fixtures", "tests.support.journal_fixtures"]


async def test_the_journal_is_recorded_with_the_changes(
    history: History, database_url: str
) -> None:
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    do_some(streams, 20)
    streams.apply("a", b"{}")
    await historian.catch_up()
    do_some(streams, 3)
    await historian.catch_up()
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)
    assert (historian.journal_recorded, historian.changes_recorded) == (23, 1)
    position = await history.position("c")
    assert position is not None
    assert position.journal_stream_id == streams.journal[-1].stream_id
    assert position.journal_number == 23
    assert dump(database_url, "journal", "at", "subject")[0] == (MORNING, "h0")


async def test_what_left_the_journal_unread_is_told(
    history: History, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    streams = MemoryStreams()
    do_some(streams, 5)
    await historian_of(history, streams).catch_up()
    after = streams.journal[-1].stream_id
    do_some(streams, 10)
    streams.trim_journal(keep=4)
    historian = historian_of(history, streams)
    await historian.catch_up()
    assert historian.gaps_found == 1
    assert dump(database_url, "journal_gap", "cluster", "after_id", "before_id", "entries") == [
        ("c", after, streams.journal[0].stream_id, 6)
    ]
    assert "6 entries of the journal of c" in caplog.text
    assert len(recorded(database_url)) == 9
    do_some(streams, 2)
    streams.trim_journal(keep=2)
    await historian.catch_up()
    assert historian.gaps_found == 1, "what was read may leave"
    assert len(recorded(database_url)) == 11


async def test_a_journal_that_was_trimmed_before_the_first_look_is_told(
    history: History, database_url: str
) -> None:
    streams = MemoryStreams()
    do_some(streams, 9)
    streams.trim_journal(keep=6)
    await historian_of(history, streams).catch_up()
    assert dump(database_url, "journal_gap", "after_id", "entries") == [("0-0", 3)]


@pytest.mark.parametrize(
    ("keep", "back", "more"),
    [(0, 0, 0), (0, 0, 5), (0, 60_000, 5), (0, 60_000, 20), (4, 0, 0), (4, 0, 2), (4, 0, 9)],
)
async def test_a_store_that_lost_its_journal_costs_nothing_that_was_recorded(
    history: History, database_url: str, keep: int, back: int, more: int
) -> None:
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    do_some(streams, 9)
    await historian.catch_up()
    streams.lose_journal(keep=keep, back=back)
    do_some(streams, more)
    await historian.catch_up()
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)
    assert dump(database_url, "journal_gap", "id") == []
    do_some(streams, 3)
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)


async def test_a_trimmed_journal_that_lost_its_end_has_no_gap(
    history: History, database_url: str
) -> None:
    streams = MemoryStreams()
    historian = historian_of(history, streams)
    do_some(streams, 9)
    await historian.catch_up()
    streams.trim_journal(keep=6)
    streams.lose_journal(keep=4)
    do_some(streams, 1)
    await historian.catch_up()
    assert recorded(database_url) == entries_of(streams)
    assert dump(database_url, "journal_gap", "id") == []


async def test_two_historians_write_each_entry_once(database_url: str) -> None:
    streams = MemoryStreams()
    do_some(streams, 60)
    one, two = History(database_url), History(database_url)
    await one.start()
    await two.start()
    historians = [historian_of(one, streams), historian_of(two, streams)]
    for _ in range(3):
        await asyncio.gather(*(historian.catch_up() for historian in historians))
        do_some(streams, 20)
        streams.apply("a", b"{}")
    await asyncio.gather(*(historian.catch_up() for historian in historians))
    assert recorded(database_url) == entries_of(streams)
    assert sum(historian.journal_recorded for historian in historians) == 120
    await one.stop()
    await two.stop()


async def test_two_that_find_a_lost_journal_at_once_do_not_duplicate(database_url: str) -> None:
    streams = MemoryStreams()
    do_some(streams, 9)
    one, two = History(database_url), History(database_url)
    historians = [historian_of(one, streams), historian_of(two, streams)]
    await asyncio.gather(*(historian.catch_up() for historian in historians))
    streams.lose_journal(keep=2, back=0)
    do_some(streams, 5)
    await asyncio.gather(*(historian.catch_up() for historian in historians))
    assert recorded(database_url) == entries_of(streams)
    await one.stop()
    await two.stop()


async def test_a_position_that_has_moved_writes_no_journal(
    history: History, database_url: str
) -> None:
    entry = JournalEntry("5-0", "hold", START_AT, b"{}")
    read = JournalRead((entry,), 1, False)
    first = (await history.record("c", [], [], None, read)).position
    later = JournalRead((JournalEntry("6-0", "hold", START_AT, b"{}"),), 1, True)
    with pytest.raises(OvertakenError):
        await history.record("c", [], [], None, later)
    with pytest.raises(OvertakenError):
        await history.rewind_journal("c", NOWHERE, 1)
    rewound = await history.rewind_journal("c", first, first_number=1)
    assert (rewound.journal_stream_id, rewound.journal_number) == ("0-0", 0)
    assert [row[0] for row in recorded(database_url)] == ["5-0"]
