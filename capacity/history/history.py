"""`History`: the door to the database for the rest of the program, which is asynchronous."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, text

from capacity.board.changes import Change, LateReading
from capacity.board.journal import JournalRead
from capacity.history import journal as past_journal
from capacity.history import past, recording
from capacity.history.database import (
    PATIENCE,
    file_lock,
    normal_url,
    reading,
    sqlite_path,
)
from capacity.history.errors import HistoryError
from capacity.history.journal import JOURNAL_PAGE, JournalItem
from capacity.history.lane import Lane
from capacity.history.migrate import migrate
from capacity.history.past import PastBoard
from capacity.history.position import Position, read_position, rewind, rewind_journal
from capacity.history.recording import NOTHING_READ, Recorded
from capacity.instants import Clock, utc_now
from capacity.outcomes import Logged

T = TypeVar("T")

HEALTH_LIMIT = 2.0
"""Seconds a health check may take before the answer is no."""


class History:
    """What was true, in SQL: SQLite by file or PostgreSQL by URL.

    One worker thread does all SQL but `read_long`, one piece of work at a time, so that nothing
    here ever blocks the event loop and one connection only writes. Every method raises
    `HistoryUnavailableError` while the database cannot be used, and works again once it can;
    a database that was away at `start` is migrated by the first call that reaches it.
    """

    def __init__(self, url: str, *, clock: Clock = utc_now, patience: float = PATIENCE) -> None:
        """`patience`: seconds to wait for locks and connections. `HistoryError`: unusable URL."""
        self._url = url
        normal = normal_url(url)
        self._path = sqlite_path(normal)
        self._clock = clock
        self._patience = patience
        self._lane = Lane("history", normal, self._path, patience)
        self._long = Lane("history-long", normal, self._path, patience)

    async def start(self) -> None:
        """Migrate and open; may be called again after `HistoryUnavailableError`.

        `NewerDatabaseError` means that this program must not run on this database.
        """
        await self._lane.run(self._ready)

    async def stop(self) -> None:
        """Finish the work at hand and close. A stopped history cannot be started again."""
        try:
            await self._long.stop()
        finally:
            await self._lane.stop()

    async def healthy(self) -> bool:
        """Whether the database answers now, within `HEALTH_LIMIT`."""
        try:
            async with asyncio.timeout(HEALTH_LIMIT):
                await self._read(lambda connection: connection.execute(text("SELECT 1")).all())
        except (HistoryError, TimeoutError):
            return False
        return True

    async def record(
        self,
        cluster: str,
        changes: Sequence[Change],
        late: Sequence[LateReading],
        expected: Position | None,
        journal: JournalRead = NOTHING_READ,
    ) -> Recorded:
        """Write entries that follow `expected`, and the new position, in one transaction.

        Exactly once and in order: see `recording.write_batch`. Raises `OvertakenError`, nothing
        written, when the stored position is not `expected`.
        """
        now = self._clock()
        return await self._write(
            lambda connection: recording.write_batch(
                connection, cluster, changes, late, expected, now, journal
            )
        )

    async def rewind(self, cluster: str, expected: Position) -> Position:
        """Let reading begin again at the streams' start; `OvertakenError` as for `record`."""
        return await self._write(lambda connection: rewind(connection, cluster, expected))

    async def rewind_journal(self, cluster: str, expected: Position, first_number: int) -> Position:
        """Let reading of the journal begin again; see `position.rewind_journal`."""
        return await self._write(
            lambda connection: rewind_journal(connection, cluster, expected, first_number)
        )

    async def position(self, cluster: str) -> Position | None:
        """How far the cluster is recorded, ``None`` when nothing is."""
        return await self._read(lambda connection: read_position(connection, cluster))

    async def board_at(self, cluster: str, instant: datetime) -> PastBoard:
        """The board as it was at `instant`, as far as it has been recorded."""
        return await self._read(lambda connection: past.board_at(connection, cluster, instant))

    async def latest_rows(self, cluster: str) -> list[bytes]:
        """The last recorded row of every unit, to fill a store that was lost."""
        board = await self._read(lambda connection: past.board_at(connection, cluster, None))
        return board.rows

    async def last_seen(self, cluster: str) -> datetime | None:
        """The newest instant, by the store's clock, that is recorded of the cluster."""
        return await self._read(lambda connection: past_journal.last_seen(connection, cluster))

    async def journal(
        self,
        cluster: str,
        kinds: Collection[str],
        since: datetime,
        until: datetime,
        *,
        after: JournalItem | None = None,
        limit: int = JOURNAL_PAGE,
    ) -> list[JournalItem]:
        """Entries of these kinds from `since` until before `until`, oldest first.

        At most `limit`; the last one handed in as `after` gives the next page.
        """
        return await self._read(
            lambda connection: past_journal.entries(
                connection, cluster, kinds, since, until, after, limit
            )
        )

    async def outcomes(self, cluster: str, since: datetime, until: datetime) -> list[Logged]:
        """Outcomes logged from `since` until before `until`, oldest first, each with its present
        value and all its corrections, whenever they were made.
        """
        return await self._read(
            lambda connection: past_journal.outcomes(connection, cluster, since, until)
        )

    async def holds(
        self, cluster: str, since: datetime, until: datetime
    ) -> list[Mapping[str, object]]:
        """Of every hold that changed from `since` until before `until`, its last record of then."""
        return await self._read(
            lambda connection: past_journal.holds(connection, cluster, since, until)
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction that writes nothing, for tables that others keep here."""
        return await self._read(work)

    async def read_long(self, work: Callable[[Connection], T]) -> T:
        """`read` for what may take long; it waits for no other work and keeps none waiting."""
        if not self._lane.is_open:
            await self._lane.run(self._ready)

        def in_worker() -> T:
            with reading(self._long.engine()) as connection:
                return work(connection)

        return await self._long.run(in_worker)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction of its own, for tables that others keep here."""
        return await self._write(work)

    async def settled(self) -> None:
        """Return once every transaction that was begun has ended, its caller cancelled or not."""
        await self._lane.run(lambda: None)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def in_worker() -> T:
            with reading(self._ready()) as connection:
                return work(connection)

        return await self._lane.run(in_worker)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        def in_worker() -> T:
            engine = self._ready()
            with file_lock(self._path, self._patience), engine.begin() as connection:
                return work(connection)

        return await self._lane.run(in_worker)

    def _ready(self) -> Engine:
        """The engine of a migrated database; runs in the worker."""
        if not self._lane.is_open:
            migrate(self._url, patience=self._patience)
        return self._lane.engine()
