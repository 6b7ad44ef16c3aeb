"""One thread with one connection: all SQL goes through one of two of these.

What people and the recorder wait for has one, what takes long (amounts of days, charts) another,
so that neither waits for the other. The second only reads: two connections of one process never
write or checkpoint a SQLite file at the same moment.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from capacity.history.database import file_lock, open_engine
from capacity.history.errors import HistoryUnavailableError

T = TypeVar("T")


class Lane:
    """A thread that does one piece of work at a time on a connection of its own."""

    def __init__(self, name: str, url: URL, path: Path | None, patience: float) -> None:
        """`path` is that of a SQLite file, `patience` in seconds for locks and connections."""
        self._url = url
        self._path = path
        self._patience = patience
        self._engine: Engine | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` in the thread. Cancelling the caller does not stop what has begun."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or type(error).__name__).strip()
            raise HistoryUnavailableError(f"history: {reason.splitlines()[0]}") from error

    @property
    def is_open(self) -> bool:
        """Whether there is an engine."""
        return self._engine is not None

    def engine(self) -> Engine:
        """The engine of a database that is migrated; in the thread only."""
        if self._engine is None:
            engine = open_engine(self._url, self._patience)
            with file_lock(self._path, self._patience), engine.connect():
                self._engine = engine
        return self._engine

    async def stop(self) -> None:
        """Finish the work at hand and close, for good."""
        try:
            await self.run(self._close)
        finally:
            self._worker.shutdown(wait=False)

    def _close(self) -> None:
        if self._engine is not None:
            with file_lock(self._path, self._patience):
                self._engine.dispose()
            self._engine = None
