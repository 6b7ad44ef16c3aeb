"""How far a cluster is recorded: the fence that lets only one historian write what comes next."""

from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from capacity.board.changes import START, Ends, place
from capacity.board.journal import JournalRead
from capacity.history.errors import OvertakenError
from capacity.history.tables import PositionRecord


@dataclass(frozen=True, slots=True)
class Position:
    """How far a cluster is recorded: the last change's epoch and seq, and where to read on.

    `journal_number` is which entry of the journal, of all that were ever added, the one at
    `journal_stream_id` is.
    """

    epoch: str = ""
    seq: int = 0
    stream_id: str = START
    late_stream_id: str = START
    journal_stream_id: str = START
    journal_number: int = 0

    def is_at(self, ends: Ends) -> bool:
        """Whether nothing is left to record of streams that end there."""
        mine = Ends(self.epoch, self.stream_id, self.late_stream_id, self.journal_stream_id)
        return mine == ends

    def reaches(self, ends: Ends) -> bool:
        """Whether everything that had come when streams ended there is recorded."""
        mine = (self.stream_id, self.late_stream_id, self.journal_stream_id)
        theirs = (ends.changes, ends.late, ends.journal)
        return all(place(here) >= place(end) for here, end in zip(mine, theirs, strict=True))


NOWHERE = Position()
"""The position before anything was recorded."""


# Made once: to put a statement together takes longer than the database does to answer it.
_OF_CLUSTER = col(PositionRecord.cluster) == bindparam("of_cluster")
_READ = select(
    col(PositionRecord.epoch),
    col(PositionRecord.seq),
    col(PositionRecord.stream_id),
    col(PositionRecord.late_stream_id),
    col(PositionRecord.journal_stream_id),
    col(PositionRecord.journal_number),
).where(_OF_CLUSTER)
_LOCK = _READ.with_for_update()
_MOVE = update(PositionRecord).where(_OF_CLUSTER)


def read_position(connection: Connection, cluster: str, *, lock: bool = False) -> Position | None:
    """The stored position; with `lock` nobody else moves it before this transaction ends."""
    query = _LOCK if lock else _READ
    found = connection.execute(query, {"of_cluster": cluster}).one_or_none()
    return None if found is None else Position(*found)


def move(
    connection: Connection, cluster: str, expected: Position | None, position: Position
) -> None:
    """Set the stored position; `OvertakenError`, and nothing done, when it is not `expected`."""
    stored = read_position(connection, cluster, lock=True)
    if stored != expected:
        raise OvertakenError(cluster, stored)
    if stored is None:
        try:
            connection.execute(insert(PositionRecord), [asdict(position) | {"cluster": cluster}])
        except IntegrityError as error:
            # Another historian made the first entry after we looked; ask again where it is.
            raise OvertakenError(cluster, None) from error
    else:
        connection.execute(_MOVE, asdict(position) | {"of_cluster": cluster})


def rewind(connection: Connection, cluster: str, expected: Position) -> Position:
    """Read changes and late readings from their streams' beginning again.

    The fence is that of `recording.write_batch`.
    """
    position = replace(expected, stream_id=START, late_stream_id=START)
    move(connection, cluster, expected, position)
    return position


def rewind_journal(
    connection: Connection, cluster: str, expected: Position, first_number: int
) -> Position:
    """Read the journal from its beginning, its entry `first_number`; the fence as ever.

    What left the journal before that entry is not claimed to be missing: it was recorded, or was
    lost with the store.
    """
    position = replace(expected, journal_stream_id=START, journal_number=first_number - 1)
    move(connection, cluster, expected, position)
    return position


def lost_journal_place(here: Position, read: JournalRead) -> bool:
    """Whether the store has lost journal entries that are recorded, so that reading on from
    `here` could miss new ones before it. A journal that was only trimmed begins beyond `here`.
    """
    started = here.journal_stream_id != START
    return started and not read.found_place and read.first_number <= here.journal_number


def missing_before(here: Position, read: JournalRead) -> int:
    """How many entries between `here` and the first of `read` have left the journal."""
    return 0 if read.found_place else max(0, read.first_number - 1 - here.journal_number)
