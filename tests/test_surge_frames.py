"""The surge level in the messages of the live channel: encoded once, the rest as it was."""

from datetime import UTC, datetime

import orjson
import pytest

from capacity.board import Board, Cursor, Snapshot, StoredRow
from capacity.instants import utc_now
from web.live.feed import ClusterFeed
from web.live.hub import Hub

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SURGE = b'{"level":2}'


class Told:
    """A connection that keeps what it is offered, and the very bytes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def offer(self, message: bytes, frame: bytes) -> bool:
        assert frame.endswith(message)
        self.messages.append(message)
        return True

    def join(self, sweep: object, name: object) -> None:
        """It is always asked."""

    def idle(self) -> bool:
        return True

    def abort(self) -> None:
        raise AssertionError("dropped")

    async def drain(self) -> None:
        return None


def loaded() -> ClusterFeed:
    feed = ClusterFeed("c")
    feed.load(Snapshot(Cursor("e", 1), "1-0", (StoredRow("u", b'{"unit":"u"}', "0|x|1"),)))
    return feed


@pytest.mark.parametrize("kind", ["snapshot", "rows", "heartbeat"])
def test_every_message_ends_with_the_level_and_is_else_as_it_was(kind: str) -> None:
    def message(feed: ClusterFeed) -> bytes:
        if kind == "heartbeat":
            return feed.heartbeat(NOW, live=True)
        return feed.snapshot(NOW) if kind == "snapshot" else feed.since(0, NOW)

    feed = loaded()
    before = message(feed)
    feed.set_surge(SURGE)
    after = message(feed)

    assert b"surge" not in before
    assert after == before[:-1] + b',"surge":' + SURGE + b"}"
    assert orjson.loads(after) == {**orjson.loads(before), "surge": {"level": 2}}


async def test_a_change_is_told_at_once_only_where_asked_and_costs_one_encoding(
    board: Board,
) -> None:
    hub = Hub(board, ("c", "d"), utc_now, heartbeat=60)
    here, too, elsewhere = Told(), Told(), Told()
    for connection, cluster in ((here, "c"), (too, "c"), (elsewhere, "d")):
        hub.join(cluster, connection, None)

    hub.tell_surge("c", b'{"level":1}', at_once=False)
    assert len(here.messages) == 1
    hub.tell_surge("c", SURGE, at_once=True)

    assert orjson.loads(here.messages[-1])["type"] == "heartbeat"
    assert orjson.loads(here.messages[-1])["surge"] == {"level": 2}
    assert here.messages[-1] is too.messages[-1], "the same bytes for every board"
    assert len(elsewhere.messages) == 1
    late = Told()
    hub.join("c", late, None)
    assert orjson.loads(late.messages[0])["surge"] == {"level": 2}
    with pytest.raises(KeyError):
        hub.tell_surge("nowhere", SURGE, at_once=True)
