"""The historian: copies the board's streams into history, for ever, and never in the way.

The board does not wait for it. It remembers nothing of its own: where to read on stands in the
database, in the transaction that wrote the last batch, so it can be stopped or killed anywhere.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from capacity.board import BoardUnavailableError
from capacity.board.changes import START, Change, Ends, LateReading
from capacity.board.journal import JournalRead
from capacity.history.errors import HistoryError, OvertakenError
from capacity.history.history import History
from capacity.history.position import NOWHERE, Position, lost_journal_place
from capacity.history.recording import Recorded
from capacity.instants import Clock, utc_now

log = logging.getLogger(__name__)

BATCH = 1000
"""Entries per transaction: large enough to drain a backlog fast, small enough to hold in hand."""

IDLE = 5.0
"""Seconds between looks when nothing happens; late readings and the journal's entries that come
with no change wait at most this long."""

BUSY = 4
"""Changes found at one look that promise more to come at once."""
BUSY_TIMES = 3
"""So much longer changes are gathered then: a transaction costs hardly more for thirty of them."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts while the database or the store is away, doubling in between."""


_FORESEEN = (HistoryError, BoardUnavailableError)


class ChangeSource(Protocol):
    """What the historian needs of the board: its three streams of one cluster, read in order."""

    async def ends(self, clusters: Sequence[str]) -> Mapping[str, Ends]:
        """Where the streams of these clusters end."""
        ...

    async def changes_after(self, cluster: str, stream_id: str, count: int) -> list[Change]:
        """Up to `count` changes whose id is greater than `stream_id`, oldest first."""
        ...

    async def late_after(self, cluster: str, stream_id: str, count: int) -> list[LateReading]:
        """Up to `count` late readings whose id is greater than `stream_id`, oldest first."""
        ...

    async def journal_after(self, cluster: str, stream_id: str, count: int) -> JournalRead:
        """Up to `count` entries of the journal after `stream_id`, and what may be missing."""
        ...

    async def wait_for_changes(self, positions: Mapping[str, str], within: float) -> object:
        """Return when a cluster has a change after its stream id, at the latest after `within`
        seconds.
        """
        ...


class Historian:
    """Follows the streams of `clusters` from `source` into `history`.

    To be read by metrics: `last_recorded_at`, `failing_since` (``None`` when all is well),
    `changes_recorded`, `late_recorded`, `journal_recorded` and `gaps_found` (in the changes and
    the journal) since this historian was made.
    """

    def __init__(
        self,
        history: History,
        source: ChangeSource,
        clusters: Sequence[str],
        *,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        batch: int = BATCH,
        idle: float = IDLE,
        gather: float = 0.0,
    ) -> None:
        """`jitter` gives numbers from 0 to 1; `idle` and `gather` are in seconds.

        After a change the historian waits `gather` for more, and `BUSY_TIMES` as long where it
        found many the last time: a transaction, with its fsync, for every single change would
        take most of the process's time.
        """
        self._history = history
        self._source = source
        self._clusters = tuple(clusters)
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._batch = batch
        self._idle = idle
        self._gather = gather
        self._positions: dict[str, Position | None] = {}
        self._looked_back: set[tuple[str, str]] = set()
        self._failures = 0
        self.last_recorded_at: datetime | None = None
        self.failing_since: datetime | None = None
        self.changes_recorded = 0
        self.late_recorded = 0
        self.journal_recorded = 0
        self.gaps_found = 0

    async def run(self) -> None:
        """Record until cancelled; failures are logged once, waited out and tried again."""
        while True:
            before = self.changes_recorded
            try:
                await self.catch_up()
                self._note_success()
                await self._source.wait_for_changes(self._read_positions(), self._idle)
                if self._gather:
                    busy = self.changes_recorded - before >= BUSY
                    await self._sleep(self._gather * (BUSY_TIMES if busy else 1))
            except Exception as error:  # noqa: BLE001 - a pump that ends on an unforeseen error loses history in silence
                self._note_failure(error)
                await self._sleep(self._pause())

    async def catch_up(self) -> None:
        """Record everything that the streams hold now, of every cluster, each in its turn.

        What comes meanwhile is left to the next time, so no cluster keeps the others waiting. One
        that fails does not keep them from being recorded either; the (first) failure is raised when
        all have had their turn.
        """
        failure: Exception | None = None
        goals = await self._goals()
        while goals:
            for cluster, goal in tuple(goals.items()):
                went_on = False
                try:
                    went_on = await self._step(cluster)
                except Exception as error:  # noqa: BLE001 - kept and raised below
                    failure = failure or error
                position = self._positions.get(cluster)
                if not went_on or (goal and position and position.reaches(goal)):
                    del goals[cluster]
        if failure is not None:
            raise failure

    async def _goals(self) -> dict[str, Ends | None]:
        """How far to record each cluster that may have more; ``None``: until there is no more.

        One question tells of a hundred clusters that nothing happened in any. Where it cannot be
        answered, as when one of several servers is away, each cluster is asked about by itself.
        """
        try:
            ends = await self._source.ends(self._clusters)
        except Exception as error:  # noqa: BLE001 - whoever it concerns will say so in its turn
            log.debug("where the streams end is not known: %s", error)
            return dict.fromkeys(self._clusters)
        return {
            cluster: ends[cluster]
            for cluster in self._clusters
            if cluster not in self._positions
            or not (self._positions[cluster] or NOWHERE).is_at(ends[cluster])
        }

    async def _step(self, cluster: str) -> bool:
        """Record a batch, or begin anew where streams have lost our place; tells whether."""
        position = await self._position(cluster)
        here = position or NOWHERE
        changes = await self._source.changes_after(cluster, here.stream_id, self._batch)
        late = await self._source.late_after(cluster, here.late_stream_id, self._batch)
        journal = await self._source.journal_after(cluster, here.journal_stream_id, self._batch)
        if await self._lost_its_place(cluster, here, changes):
            await self._start_over(cluster, here)
        elif lost_journal_place(here, journal):
            await self._start_journal_over(cluster, here, journal)
        elif changes or late or journal.entries:
            await self._record(cluster, changes, late, journal, position)
        else:
            return False
        return True

    async def _position(self, cluster: str) -> Position | None:
        if cluster not in self._positions:
            self._positions[cluster] = await self._history.position(cluster)
        return self._positions[cluster]

    async def _record(
        self,
        cluster: str,
        changes: Sequence[Change],
        late: Sequence[LateReading],
        journal: JournalRead,
        position: Position | None,
    ) -> None:
        try:
            recorded = await self._history.record(cluster, changes, late, position, journal)
        except OvertakenError:
            # Another historian was faster, or our own last commit went through unheard.
            del self._positions[cluster]
            return
        self._positions[cluster] = recorded.position
        self._note_recorded(cluster, recorded)

    async def _lost_its_place(
        self, cluster: str, here: Position, changes: Sequence[Change]
    ) -> bool:
        """Whether the store has lost data, so that entries we need may lie before our position.

        A store that lost all its data, or the end of it, stops before our position, and to read
        "after" it would be to wait for ever; a stream that was only trimmed goes on beyond it.
        When its clock went back too, the next epoch may begin before our position and reach past
        it: then the first change we see of that epoch is not its first, and once we look back.
        """
        if here.stream_id == START:
            return False
        if changes:
            first = changes[0]
            unseen = first.epoch != here.epoch and (cluster, first.epoch) not in self._looked_back
            self._looked_back.add((cluster, first.epoch))
            return unseen and first.seq > 1
        found = await self._source.changes_after(cluster, id_before(here.stream_id), 1)
        if not found:
            return True
        return found[0].stream_id == here.stream_id and found[0].epoch != here.epoch

    async def _start_over(self, cluster: str, here: Position) -> None:
        """Go back to the streams' beginning; what history has already is then left out."""
        log.warning("the stream of %s no longer reaches where history is: reading it anew", cluster)
        try:
            self._positions[cluster] = await self._history.rewind(cluster, here)
        except OvertakenError:
            del self._positions[cluster]

    async def _start_journal_over(self, cluster: str, here: Position, journal: JournalRead) -> None:
        """The same for the journal, which the store may have lost apart from the changes."""
        log.warning(
            "the journal of %s no longer reaches where history is: reading it anew", cluster
        )
        try:
            self._positions[cluster] = await self._history.rewind_journal(
                cluster, here, journal.first_number
            )
        except OvertakenError:
            del self._positions[cluster]

    def _read_positions(self) -> dict[str, str]:
        return {
            cluster: (self._positions.get(cluster) or NOWHERE).stream_id
            for cluster in self._clusters
        }

    def _note_recorded(self, cluster: str, recorded: Recorded) -> None:
        self.last_recorded_at = self._clock()
        self.changes_recorded += recorded.changes
        self.late_recorded += recorded.late
        self.journal_recorded += recorded.journal
        self.gaps_found += len(recorded.gaps) + (recorded.journal_missing > 0)
        if recorded.journal_missing:
            log.error(
                "%d entries of the journal of %s left it before they were recorded",
                recorded.journal_missing,
                cluster,
            )
        for gap in recorded.gaps:
            log.error(
                "changes %d to %d of %s (epoch %s) left the stream before they were recorded",
                gap.from_seq,
                gap.to_seq,
                cluster,
                gap.epoch,
            )

    def _note_success(self) -> None:
        if self.failing_since is not None:
            log.warning("history is being recorded again, after %d attempts", self._failures)
        self.failing_since = None
        self._failures = 0

    def _note_failure(self, error: Exception) -> None:
        """The log gets the first failure of an outage only; one we did not foresee, in full."""
        self._failures += 1
        if self.failing_since is None:
            self.failing_since = self._clock()
            unforeseen = None if isinstance(error, _FORESEEN) else error
            log.error("history is not being recorded: %s", error, exc_info=unforeseen)

    def _pause(self) -> float:
        """Seconds to the next attempt: doubling, with jitter between half and all of it."""
        longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** min(self._failures, 16))
        return max(SHORTEST_PAUSE, longest * (1 + self._jitter()) / 2)


def id_before(stream_id: str) -> str:
    """The greatest possible stream id below `stream_id` (not ``0-0``). Ids are ``millis-count``."""
    millis, _, count = stream_id.partition("-")
    if int(count) > 0:
        return f"{millis}-{int(count) - 1}"
    return f"{int(millis) - 1}-{2**64 - 1}"
