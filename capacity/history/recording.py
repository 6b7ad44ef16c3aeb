"""Writing: one batch of a cluster's stream entries and the new position, in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, bindparam, func, insert, select
from sqlmodel import col

from capacity.board.changes import Change, LateReading
from capacity.board.journal import JournalRead
from capacity.history import parts
from capacity.history.journal import insert_entries, note_gap
from capacity.history.kept import kept_since
from capacity.history.position import NOWHERE, Position, missing_before, move
from capacity.history.tables import (
    ChangeRecord,
    GapRecord,
    LateRecord,
    UnitRun,
)
from capacity.instants import BadInstantError, parse_instant

_OBSERVED = b'"observed_at":"'
_LONGEST = len(_OBSERVED) + 32
RUNS_AT_ONCE = 500
"""Units whose first change is looked up and noted in one go."""
NOTHING_READ = JournalRead((), first_number=1, found_place=False)
"""A journal from which nothing was read."""

# Made once: to put a statement together takes longer than the database does to answer it.
_ADD = insert(ChangeRecord)
_HIGHEST = select(func.max(ChangeRecord.seq)).where(
    col(ChangeRecord.cluster) == bindparam("of_cluster"),
    col(ChangeRecord.epoch) == bindparam("of_epoch"),
)
_NOTED = select(col(UnitRun.unit), col(UnitRun.epoch)).where(
    col(UnitRun.cluster) == bindparam("of_cluster"),
    col(UnitRun.unit).in_(bindparam("units", expanding=True)),
    col(UnitRun.epoch).in_(bindparam("epochs", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Changes `from_seq` to `to_seq` of an epoch, both included, that nobody can read any more."""

    epoch: str
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one call of `write_batch` did; `position` is where history is now.

    `journal_missing` is how many entries of the journal had left it unread.
    """

    position: Position
    changes: int
    late: int
    gaps: tuple[Gap, ...]
    journal: int = 0
    journal_missing: int = 0


def write_batch(
    connection: Connection,
    cluster: str,
    changes: Sequence[Change],
    late: Sequence[LateReading],
    expected: Position | None,
    now: datetime,
    journal: JournalRead = NOTHING_READ,
) -> Recorded:
    """Record entries that follow `expected`, in stream order, each once.

    The position is the fence: it is locked first, and when it is not `expected` nothing is
    written and `OvertakenError` tells where it is. Within an epoch seq only goes up, so entries
    at or below what is recorded are known and left out; numbers that are missing in between are
    recorded as gaps.
    """
    here = expected or NOWHERE
    position = _moved(here, changes, late, journal)
    move(connection, cluster, expected, position)
    fresh, gaps = _unrecorded(connection, cluster, changes, here)
    since = kept_since(connection, cluster)
    if since is not None:
        # Read anew from the beginning of a stream: what history has let go of does not come back.
        fresh = [change for change in fresh if change.applied_at >= since]
    _insert_changes(connection, cluster, fresh)
    if gaps:
        known = {"cluster": cluster, "noticed_at": now}
        connection.execute(insert(GapRecord), [asdict(gap) | known for gap in gaps])
    missing = missing_before(here, journal) if journal.entries else 0
    if missing:
        note_gap(connection, cluster, here.journal_stream_id, journal.entries[0], missing, now)
    return Recorded(
        position,
        changes=len(fresh),
        late=_insert_late(connection, cluster, late),
        gaps=tuple(gaps),
        journal=insert_entries(connection, cluster, journal.entries),
        journal_missing=missing,
    )


def find_gaps(
    changes: Sequence[Change], recorded: dict[str, int], before: Position
) -> tuple[list[Change], list[Gap]]:
    """Split a batch into what is new and what is missing from it. Pure.

    `recorded` has the highest seq that history holds of each epoch, nothing for an epoch it has
    not seen. An unseen epoch begins at 1, or carries on from the number before it.
    """
    reached = dict(recorded)
    last_seq = before.seq
    fresh: list[Change] = []
    gaps: list[Gap] = []
    for change in changes:
        done = reached.get(change.epoch)
        if done is None:
            done = last_seq if change.seq == last_seq + 1 else 0
        if change.seq > done:
            if change.seq > done + 1:
                gaps.append(Gap(change.epoch, done + 1, change.seq - 1))
            fresh.append(change)
            reached[change.epoch] = change.seq
        last_seq = change.seq
    return fresh, gaps


def _moved(
    before: Position,
    changes: Sequence[Change],
    late: Sequence[LateReading],
    journal: JournalRead,
) -> Position:
    after = changes[-1] if changes else before
    late_id = late[-1].stream_id if late else before.late_stream_id
    journal_id, number = before.journal_stream_id, before.journal_number
    if journal.entries:
        journal_id = journal.entries[-1].stream_id
        number = number if journal.found_place else journal.first_number - 1
        number += len(journal.entries)
    return Position(after.epoch, after.seq, after.stream_id, late_id, journal_id, number)


def _unrecorded(
    connection: Connection, cluster: str, changes: Sequence[Change], before: Position
) -> tuple[list[Change], list[Gap]]:
    recorded = {}
    for epoch in dict.fromkeys(change.epoch for change in changes):
        highest = connection.scalar(_HIGHEST, {"of_cluster": cluster, "of_epoch": epoch})
        if highest is not None:
            recorded[epoch] = highest
    return find_gaps(changes, recorded, before)


def _insert_changes(connection: Connection, cluster: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    parts.make(connection, [change.applied_at for change in changes])
    connection.execute(
        _ADD,
        [
            {
                "cluster": cluster,
                "epoch": change.epoch,
                "seq": change.seq,
                "unit": change.unit,
                "applied_at": change.applied_at,
                "observed_at": observed_at(change.row),
                "row": change.row.decode(),
            }
            for change in changes
        ],
    )
    _note_runs(connection, cluster, changes)


def _note_runs(connection: Connection, cluster: str, changes: Sequence[Change]) -> None:
    """Note where each unit's changes of an epoch begin, for those not noted before."""
    runs = dict.fromkeys((change.unit, change.epoch) for change in changes)
    noted = connection.execute(
        _NOTED,
        {
            "of_cluster": cluster,
            "units": list({unit for unit, _ in runs}),
            "epochs": list({epoch for _, epoch in runs}),
        },
    )
    new = sorted(runs.keys() - {(unit, epoch) for unit, epoch in noted})
    for epoch in {epoch for _, epoch in new}:
        units = [unit for unit, of in new if of == epoch]
        for at in range(0, len(units), RUNS_AT_ONCE):
            _begin_runs(connection, cluster, epoch, units[at : at + RUNS_AT_ONCE])


def _begin_runs(connection: Connection, cluster: str, epoch: str, units: Sequence[str]) -> None:
    """Units that have no changes of an epoch but those that have just been written."""
    written = connection.execute(
        select(col(ChangeRecord.unit), col(ChangeRecord.id), col(ChangeRecord.applied_at))
        .where(
            col(ChangeRecord.cluster) == cluster,
            col(ChangeRecord.unit).in_(units),
            col(ChangeRecord.epoch) == epoch,
        )
        .order_by(col(ChangeRecord.applied_at).desc(), col(ChangeRecord.id).desc())
    )
    firsts = {row.unit: {"first_id": row.id, "first_at": row.applied_at} for row in written}
    runs = [firsts[unit] | {"unit": unit, "epoch": epoch, "cluster": cluster} for unit in units]
    connection.execute(insert(UnitRun), runs)


def _insert_late(connection: Connection, cluster: str, late: Sequence[LateReading]) -> int:
    if not late:
        return 0
    known = set(
        connection.scalars(
            select(col(LateRecord.stream_id)).where(
                col(LateRecord.cluster) == cluster,
                col(LateRecord.stream_id).in_([reading.stream_id for reading in late]),
            )
        )
    )
    new = list(_late_values(cluster, late, known))
    if new:
        connection.execute(insert(LateRecord), new)
    return len(new)


def _late_values(
    cluster: str, late: Sequence[LateReading], known: set[str]
) -> Iterator[dict[str, object]]:
    for reading in late:
        if reading.stream_id in known:
            continue
        known.add(reading.stream_id)
        yield {
            "cluster": cluster,
            "stream_id": reading.stream_id,
            "unit": reading.unit,
            "received_at": reading.received_at,
            "observed_at": observed_at(reading.row),
            "row": reading.row.decode(),
            "reason": reading.reason,
        }


def observed_at(row: bytes) -> datetime | None:
    """When a row's figures were true at their source; ``None`` when the row does not say."""
    # Side by side in every row that capacity/row.py makes; a text cannot hold them unescaped.
    to = row.rfind(b'","received_at":"')
    begin = row.rfind(_OBSERVED, 0, to) if to > 0 else -1
    try:
        if begin > 0 and to - begin < _LONGEST:
            return parse_instant(row[begin + len(_OBSERVED) : to].decode())
        value = orjson.loads(row)["observed_at"]
        return None if value is None else parse_instant(value)
    except (ValueError, KeyError, TypeError, AttributeError, BadInstantError):
        return None
