"""The board's three streams in memory: numbered as the store numbers them, and lost on demand.

For tests of whoever follows the streams, where losing data, clocks that go back and waiting must
happen exactly when told. The real board is used wherever that is not needed.
"""

import asyncio
from collections.abc import Mapping, Sequence

from capacity.board import BoardUnavailableError
from capacity.board.changes import START, Change, Ends, LateReading
from capacity.board.journal import JournalEntry, JournalRead
from capacity.instants import from_epoch_millis

MORNING = 1_795_000_000_000
"""Some instant, in milliseconds since 1970."""


class MemoryStreams:
    """One cluster's changes, late readings and journal; `now` (milliseconds) is set by the test."""

    def __init__(self, now: int = MORNING) -> None:
        self.now = now
        self.changes: list[Change] = []
        self.late: list[LateReading] = []
        self.journal: list[JournalEntry] = []
        self.ever: list[Change] = []
        """Every change there was, also those that the streams have lost."""
        self.ever_done: list[JournalEntry] = []
        """The same of the journal."""
        self.away = False
        self.waited_for: list[float] = []
        self._epochs = 1
        self._seq = 0
        self._last = 0
        self._journaled = 0
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._read = asyncio.Event()

    @property
    def epoch(self) -> str:
        """The present epoch."""
        return f"e{self._epochs}"

    def apply(self, unit: str, row: bytes) -> Change:
        """Append a change."""
        self._seq += 1
        self._last += 1
        change = Change(f"{self.now}-{self._last}", self.epoch, self._seq, unit, row)
        self.changes.append(change)
        self.ever.append(change)
        self._woken.set()
        self._idle.clear()
        return change

    def supersede(self, unit: str, row: bytes) -> None:
        """Append a late reading."""
        self._last += 1
        self.late.append(LateReading(f"{self.now}-{self._last}", unit, row))

    def do(self, kind: str, data: bytes) -> JournalEntry:
        """Append an entry to the journal."""
        self._last += 1
        self._journaled += 1
        at = from_epoch_millis(self.now)
        entry = JournalEntry(f"{self.now}-{self._last}", kind, at, data)
        self.journal.append(entry)
        self.ever_done.append(entry)
        return entry

    def trim_journal(self, keep: int) -> None:
        """Forget all but the newest entries of the journal."""
        self.journal = self.journal[len(self.journal) - keep :]

    def lose_journal(self, keep: int = 0, back: int = 0) -> None:
        """Lose the end of the journal, and `back` milliseconds of the clock."""
        self._journaled -= len(self.journal) - keep
        self.journal = self.journal[:keep]
        self.now -= back

    def trim(self, keep: int) -> None:
        """Forget all but the newest changes."""
        self.changes = self.changes[len(self.changes) - keep :]

    def lose(self, keep: int = 0, back: int = 0) -> None:
        """Lose the end of the stream, and `back` milliseconds of the clock, as a store that was
        put back does; a new epoch begins, whose ids may be lower than those before.
        """
        self.changes = self.changes[:keep]
        self.late = []
        self.now -= back
        self._last = keep
        self.new_epoch()

    def new_epoch(self) -> None:
        """Begin a new epoch, counting from 1."""
        self._epochs += 1
        self._seq = 0

    def wake(self) -> None:
        """End the present wait, as a time-out would."""
        self._idle.clear()
        self._woken.set()

    async def idle(self) -> None:
        """Return when the reader waits and has nothing left to read."""
        async with asyncio.timeout(30):
            await self._idle.wait()

    async def read_on(self) -> None:
        """Return at the next read of any reader."""
        self._read.clear()
        async with asyncio.timeout(30):
            await self._read.wait()

    async def ends(self, clusters: Sequence[str]) -> dict[str, Ends]:
        await self._be_read()
        streams = (self.changes, self.late, self.journal)
        ids = [stream[-1].stream_id if stream else START for stream in streams]
        epoch = self.changes[-1].epoch if self.changes else ""
        return dict.fromkeys(clusters, Ends(epoch, *ids))

    async def changes_after(self, cluster: str, stream_id: str, count: int) -> list[Change]:
        await self._be_read()
        return [c for c in self.changes if _place(c.stream_id) > _place(stream_id)][:count]

    async def late_after(self, cluster: str, stream_id: str, count: int) -> list[LateReading]:
        await self._be_read()
        return [c for c in self.late if _place(c.stream_id) > _place(stream_id)][:count]

    async def journal_after(self, cluster: str, stream_id: str, count: int) -> JournalRead:
        await self._be_read()
        later = [e for e in self.journal if _place(e.stream_id) > _place(stream_id)]
        return JournalRead(
            entries=tuple(later[:count]),
            first_number=self._journaled - len(self.journal) + 1,
            found_place=any(e.stream_id == stream_id for e in self.journal),
        )

    async def wait_for_changes(self, positions: Mapping[str, str], within: float) -> None:
        await self._be_read()
        self.waited_for.append(within)
        if not self._more(positions):
            self._woken.clear()
            self._idle.set()
            await self._woken.wait()

    def _more(self, positions: Mapping[str, str]) -> bool:
        last = _place(self.changes[-1].stream_id) if self.changes else _place(START)
        return any(last > _place(position) for position in positions.values())

    async def _be_read(self) -> None:
        self._read.set()
        await asyncio.sleep(0)
        if self.away:
            raise BoardUnavailableError("the store is away")


def _place(stream_id: str) -> tuple[int, int]:
    millis, _, count = stream_id.partition("-")
    return int(millis), int(count)
