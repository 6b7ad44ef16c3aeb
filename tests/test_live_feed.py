"""What a process knows of one cluster, and what each board has to be told of it."""

import struct
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.board import Change, Cursor, Snapshot, StoredRow
from web.live.feed import ClusterFeed, OutOfStepError
from web.live.frames import text_frame

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def row(unit: str, value: int) -> bytes:
    return orjson.dumps({"unit": unit, "value": value})


def change(seq: int, unit: str, value: int, epoch: str = "e") -> Change:
    return Change(f"{1000 + seq}-0", epoch, seq, unit, row(unit, value))


def loaded(seq: int = 2, epoch: str = "e", **versions: int) -> ClusterFeed:
    """A feed at `seq`, of units with the sequence number of their last change."""
    feed = ClusterFeed("c")
    rows = tuple(StoredRow(u, row(u, v), f"1000|d|{v}") for u, v in versions.items())
    feed.load(Snapshot(Cursor(epoch, seq), f"{1000 + seq}-0", rows))
    return feed


def told(message: bytes) -> tuple[str, str, dict[str, int]]:
    frame: dict[str, Any] = orjson.loads(message)
    return frame["type"], frame["cursor"], {r["unit"]: r["value"] for r in frame["rows"]}


def test_a_feed_begins_empty() -> None:
    feed = ClusterFeed("c")

    assert orjson.loads(feed.snapshot(NOW)) == {
        "type": "snapshot",
        "cursor": "none-0",
        "server_time": "2026-11-22T12:00:00Z",
        "rows": [],
    }
    assert feed.stream_id == "0-0"


def test_a_snapshot_then_changes() -> None:
    feed = loaded(2, a=1, b=2)
    assert told(feed.snapshot(NOW)) == ("snapshot", "e-2", {"a": 1, "b": 2})
    assert feed.snapshot(NOW) == feed.snapshot(NOW)

    feed.take(change(3, "a", 30))
    feed.take(change(4, "new", 40))

    assert feed.cursor == Cursor("e", 4)
    assert feed.stream_id == "1004-0"
    assert told(feed.snapshot(NOW)) == ("snapshot", "e-4", {"a": 30, "b": 2, "new": 40})


@pytest.mark.parametrize("wrong", [change(4, "a", 1), change(2, "a", 1), change(3, "a", 1, "f")])
def test_a_gap_a_repeat_or_another_epoch_is_out_of_step(wrong: Change) -> None:
    feed = loaded(2, a=1, b=2)

    with pytest.raises(OutOfStepError, match="c: at e-2, got"):
        feed.take(wrong)

    assert told(feed.snapshot(NOW)) == ("snapshot", "e-2", {"a": 1, "b": 2})


def test_a_new_snapshot_replaces_everything() -> None:
    feed = loaded(2, a=1, b=2)
    feed.snapshot(NOW)

    feed.load(Snapshot(Cursor("f", 1), "9-0", (StoredRow("b", row("b", 9), "1|d|1"),)))

    assert told(feed.snapshot(NOW)) == ("snapshot", "f-1", {"b": 9})
    assert feed.stream_id == "9-0"


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (Cursor("e", 0), ("rows", "e-4", {"a": 3, "b": 2, "d": 4})),
        (Cursor("e", 2), ("rows", "e-4", {"a": 3, "d": 4})),
        (Cursor("e", 3), ("rows", "e-4", {"d": 4})),
        (Cursor("e", 4), ("rows", "e-4", {})),
        (Cursor("e", 5), ("snapshot", "e-4", {"a": 3, "b": 2, "d": 4})),
        (Cursor("f", 3), ("snapshot", "e-4", {"a": 3, "b": 2, "d": 4})),
        (None, ("snapshot", "e-4", {"a": 3, "b": 2, "d": 4})),
    ],
)
def test_a_board_resumes_with_what_it_lacks(
    since: Cursor | None, expected: tuple[str, str, dict[str, int]]
) -> None:
    assert told(loaded(4, a=3, b=2, d=4).resume(since, NOW)) == expected


def test_rows_come_in_the_order_of_their_changes() -> None:
    feed = loaded(2, a=2, b=1)
    feed.take(change(3, "b", 3))

    rows = orjson.loads(feed.since(0, NOW))["rows"]

    assert [r["unit"] for r in rows] == ["a", "b"]


def test_a_row_of_an_earlier_epoch_is_never_left_out() -> None:
    """Its sequence number, of the earlier epoch, says nothing in this one."""
    feed = loaded(3, a=500, b=2, d=3)

    for seq in (0, 1, 2):
        assert "a" in told(feed.since(seq, NOW))[2]


@pytest.mark.parametrize("live", [True, False])
def test_a_heartbeat_tells_place_time_and_whether_the_store_is_followed(live: bool) -> None:
    assert orjson.loads(loaded(7).heartbeat(NOW, live=live)) == {
        "type": "heartbeat",
        "cursor": "e-7",
        "server_time": "2026-11-22T12:00:00Z",
        "live": live,
    }


@given(
    changes=st.lists(st.sampled_from("abcd"), max_size=20),
    resumes=st.lists(st.integers(0, 25), min_size=1, max_size=5),
)
def test_resuming_anywhere_comes_to_the_same_board(changes: list[str], resumes: list[int]) -> None:
    feed = loaded(0)
    boards = [dict[str, int]()]  # what a board held that had seen n changes
    for n, unit in enumerate(changes, start=1):
        feed.take(change(n, unit, n))
        boards.append(boards[-1] | {unit: n})
    fresh = told(feed.snapshot(NOW))[2]

    for seq in resumes:
        kind, cursor, rows = told(feed.resume(Cursor("e", seq), NOW))
        assert cursor == f"e-{len(changes)}"
        assert kind == ("rows" if seq <= len(changes) else "snapshot")
        assert (boards[seq] | rows if kind == "rows" else rows) == fresh


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_a_text_frame_is_as_the_standard_has_it(size: int) -> None:
    """RFC 6455, section 5.2."""
    frame = text_frame(b"x" * size)

    assert frame[0] == 0x81
    if size < 126:
        assert frame[1] == size
        assert frame[2:] == b"x" * size
    elif size < 65536:
        assert struct.unpack("!BH", frame[1:4]) == (126, size)
        assert frame[4:] == b"x" * size
    else:
        assert struct.unpack("!BQ", frame[1:10]) == (127, size)
        assert frame[10:] == b"x" * size
