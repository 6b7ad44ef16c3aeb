"""The board as an open page has it: a snapshot, then rows; and who waits for something on it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

Row = dict[str, Any]
Watcher = Callable[[Row], None]


class LiveBoard:
    """Rows by unit, kept by one socket; told to watchers as they come."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.cursor = ""
        self._watchers: list[Watcher] = []
        self._changed = asyncio.Condition()

    def watch(self, watcher: Watcher) -> None:
        """Tell every row that comes from now on."""
        self._watchers.append(watcher)

    def hold(self, unit: str, hold_id: str) -> Row | None:
        """A hold as its unit's row shows it."""
        holds = self.rows.get(unit, {}).get("holds", [])
        return next((hold for hold in holds if hold["id"] == hold_id), None)

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait until the board is as wished; false when it is not in time."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            return False
        return True

    async def take(self, frame: dict[str, Any]) -> None:
        """One message of the live channel."""
        self.cursor = frame["cursor"]
        for row in frame.get("rows", []):
            self.rows[row["unit"]] = row
            for watcher in self._watchers:
                watcher(row)
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def live_board(target: str, cluster: str) -> AsyncIterator[LiveBoard]:
    """A board that is kept up to date until the block ends."""
    board = LiveBoard()
    address = f"{target.replace('http', 'ws', 1).rstrip('/')}/api/v1/live/{cluster}"
    async with connect(address, max_size=None) as socket:
        await board.take(json.loads(await socket.recv()))
        keeping = asyncio.create_task(_keep(board, socket))
        try:
            yield board
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _keep(board: LiveBoard, socket: ClientConnection) -> None:
    async for text in socket:
        await board.take(json.loads(text))
