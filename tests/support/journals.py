"""The journal in SQL in tests: who writes it, what is done, and what was recorded of it."""

from datetime import UTC, datetime

import orjson

from capacity.history import Historian, History
from capacity.holds import By
from capacity.instants import from_epoch_millis
from tests.support.databases import dump
from tests.support.streams import MORNING, MemoryStreams


def historian_of(history: History, streams: MemoryStreams) -> Historian:
    return Historian(history, streams, ["c"], batch=7)


def recorded(url: str) -> list[tuple[object, ...]]:
    return dump(url, "journal", "stream_id", "kind", "data")


def entries_of(streams: MemoryStreams) -> list[tuple[object, ...]]:
    return [(e.stream_id, e.kind, e.data.decode()) for e in streams.ever_done]


def do_some(streams: MemoryStreams, number: int) -> None:
    for n in range(number):
        streams.now += n % 3
        streams.do("hold", orjson.dumps({"id": f"h{n % 4}", "n": len(streams.ever_done)}))


START_AT = from_epoch_millis(MORNING)
EVER = datetime(2100, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BY = By("visitator", None, "a1")
