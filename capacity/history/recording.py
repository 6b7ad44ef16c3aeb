"""Writing: one batch of a cluster's stream entries and the new position, in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import orjson
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from capacity.board.changes import START, Change, LateReading
from capacity.history.errors import OvertakenError
from capacity.history.tables import (
    ChangeRecord,
    GapRecord,
    LateRecord,
    PositionRecord,
    UnitRun,
)
from capacity.instants import BadInstantError, parse_instant


@dataclass(frozen=True, slots=True)
class Position:
    """How far a cluster is recorded: the last change's epoch and seq, and where to read on."""

    epoch: str = ""
    seq: int = 0
    stream_id: str = START
    late_stream_id: str = START


NOWHERE = Position()
"""The position before anything was recorded."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Changes `from_seq` to `to_seq` of an epoch, both included, that nobody can read any more."""

    epoch: str
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one call of `write_batch` did; `position` is where history is now."""

    position: Position
    changes: int
    late: int
    gaps: tuple[Gap, ...]


def read_position(connection: Connection, cluster: str, *, lock: bool = False) -> Position | None:
    """The stored position; with `lock` nobody else moves it before this transaction ends."""
    query = select(
        col(PositionRecord.epoch),
        col(PositionRecord.seq),
        col(PositionRecord.stream_id),
        col(PositionRecord.late_stream_id),
    ).where(col(PositionRecord.cluster) == cluster)
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else Position(*found)


def write_batch(
    connection: Connection,
    cluster: str,
    changes: Sequence[Change],
    late: Sequence[LateReading],
    expected: Position | None,
    now: datetime,
) -> Recorded:
    """Record entries that follow `expected`, in stream order, each once.

    The position is the fence: it is locked first, and when it is not `expected` nothing is
    written and `OvertakenError` tells where it is. Within an epoch seq only goes up, so entries
    at or below what is recorded are known and left out; numbers that are missing in between are
    recorded as gaps.
    """
    position = _moved(expected or NOWHERE, changes, late)
    _move(connection, cluster, expected, position)
    fresh, gaps = _unrecorded(connection, cluster, changes, expected or NOWHERE)
    _insert_changes(connection, cluster, fresh)
    if gaps:
        known = {"cluster": cluster, "noticed_at": now}
        connection.execute(insert(GapRecord), [asdict(gap) | known for gap in gaps])
    return Recorded(position, len(fresh), _insert_late(connection, cluster, late), tuple(gaps))


def rewind(connection: Connection, cluster: str, expected: Position) -> Position:
    """Read the streams from their beginning again; the fence is that of `write_batch`."""
    position = replace(expected, stream_id=START, late_stream_id=START)
    _move(connection, cluster, expected, position)
    return position


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


def _moved(before: Position, changes: Sequence[Change], late: Sequence[LateReading]) -> Position:
    after = changes[-1] if changes else before
    late_id = late[-1].stream_id if late else before.late_stream_id
    return Position(after.epoch, after.seq, after.stream_id, late_id)


def _move(
    connection: Connection, cluster: str, expected: Position | None, position: Position
) -> None:
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
        connection.execute(
            update(PositionRecord)
            .where(col(PositionRecord.cluster) == cluster)
            .values(**asdict(position))
        )


def _unrecorded(
    connection: Connection, cluster: str, changes: Sequence[Change], before: Position
) -> tuple[list[Change], list[Gap]]:
    recorded = {}
    for epoch in dict.fromkeys(change.epoch for change in changes):
        highest = connection.scalar(
            select(func.max(ChangeRecord.seq)).where(
                col(ChangeRecord.cluster) == cluster, col(ChangeRecord.epoch) == epoch
            )
        )
        if highest is not None:
            recorded[epoch] = highest
    return find_gaps(changes, recorded, before)


def _insert_changes(connection: Connection, cluster: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    connection.execute(
        insert(ChangeRecord),
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
        select(col(UnitRun.unit), col(UnitRun.epoch)).where(
            col(UnitRun.cluster) == cluster,
            col(UnitRun.unit).in_({unit for unit, _ in runs}),
            col(UnitRun.epoch).in_({epoch for _, epoch in runs}),
        )
    )
    new = runs.keys() - {(unit, epoch) for unit, epoch in noted}
    for unit, epoch in new:
        first = connection.execute(
            select(col(ChangeRecord.id), col(ChangeRecord.applied_at))
            .where(
                col(ChangeRecord.cluster) == cluster,
                col(ChangeRecord.unit) == unit,
                col(ChangeRecord.epoch) == epoch,
            )
            .order_by(col(ChangeRecord.applied_at), col(ChangeRecord.id))
            .limit(1)
        ).one()
        run = {"first_id": first.id, "first_at": first.applied_at}
        connection.execute(
            insert(UnitRun), [run | {"cluster": cluster, "unit": unit, "epoch": epoch}]
        )


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
        }


def observed_at(row: bytes) -> datetime | None:
    """When a row's figures were true at their source; ``None`` when the row does not say."""
    try:
        value = orjson.loads(row)["observed_at"]
        return None if value is None else parse_instant(value)
    except (ValueError, KeyError, TypeError, AttributeError, BadInstantError):
        return None
