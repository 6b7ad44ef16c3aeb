"""Open boards that do what the page does: resume, notice silence, try again, and tell."""

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from capacity.board import Cursor
from tests.faults.checks import has_true_age
from tests.faults.ledger import Ledger, mark_of
from tests.support.live import Mirror

WATCHDOG = 15.0
RETRY, RETRY_MOST = 1.0, 15.0
"""As web/pages/board.py has them, in seconds; a test holds them against each other."""
FRESH_WITHIN = 3.0
"""Seconds after which an acknowledged report must be in whatever a board is told."""
STALE_AFTER = 4 * 3600.0
"""Seconds for which the units of these scenes are trusted."""


class _Link(Mirror):
    """One connection of a board; goes on from what the board had."""

    def __init__(self, socket: ClientConnection, board: "OpenBoard") -> None:
        super().__init__(socket)
        self._board = board
        self.rows, self.cursor = board.rows, board.cursor

    def take(self, message: str | bytes) -> None:
        """Hold the frame against the contract, then show it."""
        super().take(message)
        self._board.show(self, self.frames.pop())
        self.arrivals.clear()


class OpenBoard:
    """One page. `rows` is what it shows, `is_live` whether it says that this is so now."""

    def __init__(
        self, url: str, ledger: Ledger, chance: random.Random, headers: Mapping[str, str]
    ) -> None:
        self.url = url
        self.rows: dict[str, Any] = {}
        self.cursor: Cursor | None = None
        self.is_live = False
        self.turns: list[tuple[float, bool]] = []
        """When it turned live, and when it stopped being so (`time.monotonic`)."""
        self.fresh_within = FRESH_WITHIN
        self.lies = 0
        self.broken: list[str] = []
        self.snapshots = 0
        self.close_codes: list[int] = []
        self._ledger = ledger
        self._chance = chance
        self._headers = dict(headers)
        self._heard = 0.0
        self._tries = 0

    async def run(self) -> None:
        """Stay open until cancelled."""
        while True:
            try:
                await self._once()
            except (OSError, WebSocketException, TimeoutError, InvalidStatus):
                pass
            except AssertionError as error:
                self.broken.append(f"a frame broke the contract: {error}")
                self.cursor = None
            self._turn(live=False)
            ceiling = min(RETRY_MOST, RETRY * 2**self._tries)
            self._tries += 1
            await asyncio.sleep(ceiling * self._chance.uniform(0.5, 1.0))

    async def _once(self) -> None:
        url = self.url if self.cursor is None else f"{self.url}?since={self.cursor}"
        options: dict[str, Any] = {"compression": None, "max_size": None, "ping_interval": None}
        socket = await connect(url, additional_headers=self._headers, open_timeout=10, **options)
        self._heard = time.monotonic()
        link = _Link(socket, self)
        try:
            while not link._reading.done():
                await asyncio.wait([link._reading], timeout=0.25)
                if time.monotonic() - self._heard > WATCHDOG:
                    break
            else:
                link._reading.result()
                if link.closed is not None and link.closed.rcvd is not None:
                    self.close_codes.append(link.closed.rcvd.code)
        finally:
            link._reading.cancel()
            socket.transport.abort()
            with suppress(asyncio.CancelledError, ConnectionClosed, AssertionError):
                await link._reading

    def show(self, link: _Link, frame: dict[str, Any]) -> None:
        """Take what a link has been told, and see whether it can be true."""
        now = time.monotonic()
        self._heard, self._tries = now, 0
        self.rows, self.cursor = link.rows, link.cursor
        self.snapshots += frame["type"] == "snapshot"
        self._turn(live=frame.get("live", True))
        if self.is_live:
            self._judge(now)
        by_mark = self._ledger.by_mark
        for row in frame.get("rows", ()):
            self.lies += not has_true_age(row, by_mark, STALE_AFTER)

    def _judge(self, now: float) -> None:
        """A board that says it is live must have what was acknowledged some time ago."""
        for unit in self._ledger.units():
            wanted = self._ledger.must_be_shown(unit, now - self.fresh_within)
            if mark_of(self.rows.get(unit, {}).get("note")) < wanted:
                self.lies += 1

    def _turn(self, *, live: bool) -> None:
        if live != self.is_live:
            self.is_live = live
            self.turns.append((time.monotonic(), live))

    def stopped_after(self, since: float) -> float | None:
        """Seconds until it first said that its figures have stopped; ``None`` if it never did."""
        if not self.was_live_at(since):
            return 0.0
        return next((at - since for at, live in self.turns if at >= since and not live), None)

    def was_live_at(self, moment: float) -> bool:
        """What it said at some moment."""
        return next((live for at, live in reversed(self.turns) if at < moment), False)
