"""Boards that note what they are offered, and take it or do not, as told; and a hub for them."""

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from capacity.board import Board, Cursor
from capacity.instants import utc_now
from tests.support.stopwatch import stopwatch
from web.live.connections import Name, Sweep
from web.live.hub import Hub, Member

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
