"""Recording and looking back, on SQLite and PostgreSQL: each change once, in order, exact."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.board.changes import Change, Cursor, LateReading
from capacity.history import Gap, History, OvertakenError, Position
from capacity.history.past import NO_CURSOR
from capacity.history.position import NOWHERE
from capacity.history.recording import find_gaps, observed_at
from capacity.instants import from_epoch_millis
from tests.support.databases import dump
from tests.support.streams import MORNING, MemoryStreams

pytest_plugins = ["tests.support.database_fixtures"]

_clusters = count()
EVER = datetime(2100, 1, 1, tzinfo=UTC)
ROW = orjson.dumps({"unit": "a", "note": "blåt lån", "observed_at": "2026-11-22T08:00:00.250Z"})


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


def change(seq: int, unit: str = "a", row: bytes = ROW, epoch: str = "e1") -> Change:
    return Change(f"{MORNING + seq}-0", epoch, seq, unit, row)


@st.composite
def streams(draw: st.DrawFn) -> list[Change]:
    """Changes of a few units over a few epochs; between epochs the clock may have gone back."""
    memory = MemoryStreams()
    for number in range(draw(st.integers(0, 30))):
        if draw(st.integers(0, 9)) == 0:
            memory.new_epoch()
            memory.now += draw(st.integers(-20, 20))
        memory.now += draw(st.integers(0, 5))
        gone = draw(st.integers(0, 6)) == 0
        memory.apply(draw(st.sampled_from("abc")), b"" if gone else b'{"n":%d}' % number)
    return memory.ever


def fold(changes: list[Change], instant: datetime) -> tuple[Cursor, list[bytes]]:
    """The board at an instant, from the definition."""
    rows: dict[str, bytes] = {}
    cursor = NO_CURSOR
    for each in changes:
        if each.applied_at <= instant:
            cursor = Cursor(each.epoch, each.seq)
            rows[each.unit] = each.row
    return cursor, [row for _, row in sorted(rows.items()) if row]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=streams(), data=st.data())
async def test_any_past_board_is_the_fold_of_the_changes_before_it(
    history: History, database_url: str, changes: list[Change], data: st.DataObject
) -> None:
    cluster = f"c{next(_clusters)}"
    position = None
    cuts = sorted(data.draw(st.sets(st.integers(0, len(changes)), max_size=5)) | {len(changes)})
    for start, end in pairwise([0, *cuts]):
        overlap = data.draw(st.integers(0, 4))
        batch = changes[max(0, start - overlap) : end]
        if batch:
            position = (await history.record(cluster, batch, [], position)).position

    ticks = {each.applied_at for each in changes} or {from_epoch_millis(MORNING)}
    step = timedelta(milliseconds=1)
    for instant in sorted(ticks | {min(ticks) - step, max(ticks) + step}):
        board = await history.board_at(cluster, instant)
        assert (board.cursor, board.rows) == fold(changes, instant), instant
    assert await history.latest_rows(cluster) == fold(changes, EVER)[1]
    recorded = [
        row[1:]
        for row in await asyncio.to_thread(dump, database_url, "change", "cluster, epoch, seq, row")
        if row[0] == cluster
    ]
    assert recorded == [(c.epoch, c.seq, c.row.decode()) for c in changes]


async def test_a_row_comes_back_byte_for_byte_with_its_times(
    history: History, database_url: str
) -> None:
    late = LateReading(f"{MORNING + 7}-3", "a", ROW)
    await history.record("c", [change(1)], [late], None)
    assert (await history.board_at("c", EVER)).rows == [ROW]
    observed = 1_795_334_400_250
    assert dump(database_url, "change", "unit, applied_at, observed_at, row") == [
        ("a", MORNING + 1, observed, ROW.decode())
    ]
    assert dump(database_url, "late_reading", "unit, stream_id, received_at, observed_at") == [
        ("a", f"{MORNING + 7}-3", MORNING + 7, observed)
    ]
    assert await history.position("c") == Position("e1", 1, f"{MORNING + 1}-0", f"{MORNING + 7}-3")


async def test_nothing_is_written_from_a_position_that_has_moved(
    history: History, database_url: str
) -> None:
    first = (await history.record("c", [change(1)], [], None)).position
    for stale in (None, NOWHERE, Position("e1", 9, "9-0", "0-0")):
        with pytest.raises(OvertakenError) as refused:
            await history.record("c", [change(2)], [LateReading("5-0", "a", ROW)], stale)
        assert refused.value.stored == first
        if stale is not None:
            with pytest.raises(OvertakenError):
                await history.rewind("c", stale)
    assert dump(database_url, "change", "seq") == [(1,)]
    assert dump(database_url, "late_reading", "id") == []
    assert await history.position("c") == first


async def test_of_two_first_entries_at_once_one_wins(database_url: str) -> None:
    histories = [History(database_url) for _ in range(4)]
    for history in histories:
        await history.start()
    results = await asyncio.gather(
        *(history.record("c", [change(1), change(2)], [], None) for history in histories),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == [
        *["OvertakenError"] * 3,
        "Recorded",
    ]
    assert dump(database_url, "change", "seq") == [(1,), (2,)]
    for history in histories:
        await history.stop()


async def test_a_failed_batch_leaves_rows_and_position_alone(
    history: History, database_url: str
) -> None:
    first = (await history.record("c", [change(1)], [], None)).position
    with pytest.raises(UnicodeDecodeError):
        await history.record("c", [change(2), change(3, row=b"\xff")], [], first)
    assert await history.position("c") == first
    assert dump(database_url, "change", "seq") == [(1,)]
    assert (await history.record("c", [change(2)], [], first)).changes == 1


async def test_late_readings_are_recorded_once_and_never_shown(
    history: History, database_url: str
) -> None:
    late = [LateReading(f"{MORNING}-{n}", "a", b"{}") for n in range(3)]
    position = (await history.record("c", [], late[:2], None)).position
    again = await history.record("c", [], late, position)
    assert again.late == 1
    assert [row[0] for row in dump(database_url, "late_reading", "stream_id")] == [
        reading.stream_id for reading in late
    ]
    assert (await history.board_at("c", EVER)).rows == []


async def test_a_late_reading_keeps_why_it_was_not_shown(
    history: History, database_url: str
) -> None:
    late = [LateReading("1-0", "a", b"{}"), LateReading("2-0", "a", b"{}", "trust")]
    await history.record("c", [], late, None)
    assert dump(database_url, "late_reading", "reason") == [("older",), ("trust",)]


async def test_a_rewound_position_records_nothing_twice(history: History) -> None:
    batch = [change(1), change(2, "b")]
    late = [LateReading("7-0", "a", ROW)]
    position = (await history.record("c", batch, late, None)).position
    rewound = await history.rewind("c", position)
    assert rewound == Position("e1", 2, "0-0", "0-0")
    again = await history.record("c", [*batch, change(3)], late, rewound)
    assert (again.changes, again.late, again.gaps) == (1, 0, ())


async def test_clusters_are_apart(history: History) -> None:
    await history.record("c", [change(1)], [], None)
    await history.record("d", [change(1, row=b'{"d":1}')], [], None)
    assert (await history.board_at("c", EVER)).rows == [ROW]
    assert (await history.board_at("d", EVER)).rows == [b'{"d":1}']
    empty = await history.board_at("nowhere", EVER)
    assert (empty.cursor, empty.rows) == (NO_CURSOR, [])


async def test_a_gap_is_recorded_in_the_same_step(history: History, database_url: str) -> None:
    noticed = await history.record("c", [change(3), change(4), change(7)], [], None)
    assert noticed.gaps == (Gap("e1", 1, 2), Gap("e1", 5, 6))
    assert dump(database_url, "gap", "cluster, epoch, from_seq, to_seq") == [
        ("c", "e1", 1, 2),
        ("c", "e1", 5, 6),
    ]


@pytest.mark.parametrize(
    ("changes", "recorded", "before", "fresh", "gaps"),
    [
        ([change(1), change(2)], {}, NOWHERE, [1, 2], []),
        ([change(2), change(3)], {"e1": 2}, Position("e1", 2), [3], []),
        ([change(5)], {"e1": 2}, Position("e1", 2), [5], [Gap("e1", 3, 4)]),
        ([change(1, epoch="e2")], {}, Position("e1", 9), [1], []),
        ([change(4, epoch="e2")], {}, Position("e1", 9), [4], [Gap("e2", 1, 3)]),
        ([change(10, epoch="e2")], {}, Position("e1", 9), [10], []),
        ([change(8), change(1, epoch="e2")], {"e1": 9, "e2": 1}, Position("e2", 1), [], []),
        ([change(2), change(1, epoch="e2"), change(2, epoch="e2")], {"e1": 1}, NOWHERE,
         [2, 1, 2], []),
    ],
    ids=["first", "overlap", "gap", "new epoch", "new epoch trimmed", "epoch counts on",
         "all known", "epoch within a batch"],
)  # fmt: skip
def test_finding_gaps(
    changes: list[Change],
    recorded: dict[str, int],
    before: Position,
    fresh: list[int],
    gaps: list[Gap],
) -> None:
    found, missing = find_gaps(changes, recorded, before)
    assert [each.seq for each in found] == fresh
    assert missing == gaps


@pytest.mark.parametrize(
    "row", [b"", b"not json", b"[]", b"{}", b'{"observed_at":null}', b'{"observed_at":"noon"}',
            b'{"observed_at":7}', b'{"observed_at":"noon","received_at":"noon"}']
)  # fmt: skip
def test_a_row_that_tells_no_time_has_none(row: bytes) -> None:
    assert observed_at(row) is None


@pytest.mark.parametrize("received", [{}, {"received_at": "2026-11-22T08:00:01Z"}])
def test_a_row_tells_its_own_time_not_that_of_a_disputed_word(received: dict[str, str]) -> None:
    other = {"observed_at": "2026-11-22T07:00:00Z"}
    note = '"observed_at":"2026-11-22T06:00:00Z","received_at":"2026-11-22T06:00:00Z"'
    own = {"observed_at": "2026-11-22T08:00:00Z"}
    row = orjson.dumps({"disputed": other, "note": note, **own, **received, "source": note})

    found = observed_at(row)

    assert found is not None
    assert found.hour == 8
