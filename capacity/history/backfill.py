"""Writing the past: reports of before the board, from a large file, each once.

History's order is that of ids, and what comes from a stream is numbered upwards from 1. A report
that is brought in later belongs before all that, at its own time: so its id is negative, and made
of its instant. Then files may be brought in in any order, and those who read history by order
(`past.board_at`, rollups) find every report where it belongs. All of them share one epoch.

Nothing is brought in from when history has its own record of a unit on: what the board showed then
is known; nor from before history keeps all changes, for days there cannot be counted anew. A report
that says something else of a moment that was brought in before is a revision: it comes after the
former in order, so that it is what is found, and the former stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Final

from sqlalchemy import Connection, func, insert, select, tuple_, update
from sqlmodel import col

from capacity.history import parts
from capacity.history.backfill_tables import BackfillRecord
from capacity.history.errors import HistoryError
from capacity.history.kept import countable_since
from capacity.history.recording import observed_at
from capacity.history.rollup_tables import RollupPositionRecord
from capacity.history.tables import ChangeRecord, UnitRun
from capacity.instants import epoch_millis, from_epoch_millis
from capacity.row import digest_of, read_row

EPOCH: Final = "backfill"
"""Of every change that was brought in; epochs of a board are random and longer."""
ASK_TOGETHER: Final = 300
"""Places looked up in one question; SQLite takes at most 999 values in older versions."""
_FIRST_ID: Final = -(2**62)
_IDS_A_MILLISECOND: Final = 2**20
_LATEST: Final = from_epoch_millis(2**42 - 1)
"""Up to here (the year 2109) such ids are negative."""


class BroughtInElsewhereError(HistoryError):
    """Another program is bringing in the same file; nothing was written."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One report as a row of the board, and since when it was shown."""

    cluster: str
    unit: str
    at: datetime
    row: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """How far a file is in (see `BackfillRecord`)."""

    bytes_done: int = 0
    lines_done: int = 0
    recorded: int = 0
    revised: int = 0
    known: int = 0
    rejected: int = 0
    finished_at: datetime | None = None


def begin(connection: Connection, digest: str, now: datetime) -> Done:
    """How far the file is in; nothing of it when it is new."""
    found = _read(connection, digest)
    if found is not None:
        return found
    _anchor(connection)
    connection.execute(
        insert(BackfillRecord), [asdict(Done()) | {"digest": digest, "begun_at": now}]
    )
    return Done()


def put(
    connection: Connection,
    digest: str,
    expected: Done,
    moments: Sequence[Moment],
    *,
    lines: int,
    size: int,
    rejected: int,
) -> tuple[Done, list[int]]:
    """Record the reports of `lines` lines, `size` bytes, that follow `expected`, and move on.

    `rejected` counts what could not be read of them. Returns how far the file is in then, and
    which of `moments` (by place) were refused: history has its own record of their time, or keeps
    none of it.
    Raises `BroughtInElsewhereError`, nothing written, when the stored place is not `expected`.
    """
    if _read(connection, digest, lock=True) != expected:
        raise BroughtInElsewhereError("another program is bringing in this file")
    refused: list[int] = []
    recorded = revised = 0
    for cluster, places in _by_cluster(moments).items():
        own = _own_record(connection, cluster, {moments[place].unit for place in places})
        since = countable_since(connection, cluster)
        late = [
            place
            for place in places
            if moments[place].at >= own.get(moments[place].unit, _LATEST)
            or (since is not None and moments[place].at < since)
        ]
        refused += late
        wanted = [moments[place] for place in places if place not in set(late)]
        fresh, again = _put_cluster(connection, cluster, wanted)
        recorded += fresh
        revised += again
    done = replace(
        expected,
        bytes_done=expected.bytes_done + size,
        lines_done=expected.lines_done + lines,
        recorded=expected.recorded + recorded,
        revised=expected.revised + revised,
        known=expected.known + len(moments) - len(refused) - recorded - revised,
        rejected=expected.rejected + rejected + len(refused),
    )
    _move(connection, digest, done)
    return done, sorted(refused)


def finish(connection: Connection, digest: str, expected: Done, now: datetime) -> Done:
    """Note that all of the file is in."""
    if _read(connection, digest, lock=True) != expected:
        raise BroughtInElsewhereError("another program is bringing in this file")
    done = replace(expected, finished_at=now)
    _move(connection, digest, done)
    return done


def _put_cluster(
    connection: Connection, cluster: str, moments: Sequence[Moment]
) -> tuple[int, int]:
    """Insert what is new or revised; how many of each."""
    there = _there(connection, cluster, moments)
    wanted: list[tuple[int, Moment]] = []
    revised = 0
    for moment in moments:
        place = (moment.unit, moment.at)
        before = there.get(place)
        if before is not None and _says_the_same(before[1], moment.row):
            continue
        revised += before is not None
        at = before[0] + 1 if before else _id(moment)
        wanted.append((at, moment))
        there[place] = at, moment.row
    if wanted:
        numbered = _apart(connection, wanted)
        _insert(connection, cluster, numbered)
        _begin_runs(connection, cluster, numbered)
        _roll_up_again(connection, cluster, min(moment.at for _, moment in numbered))
    return len(wanted) - revised, revised


def _says_the_same(row: bytes, other: bytes) -> bool:
    return row == other or digest_of(read_row(row)) == digest_of(read_row(other))


def _id(moment: Moment) -> int:
    """Where a report belongs: by its instant, then by unit, in a way that is ever the same."""
    name = int.from_bytes(blake2b(moment.unit.encode(), digest_size=4).digest(), "big")
    within = name % (_IDS_A_MILLISECOND - 1024)
    return _FIRST_ID + epoch_millis(moment.at) * _IDS_A_MILLISECOND + within


def _apart(
    connection: Connection, wanted: Sequence[tuple[int, Moment]]
) -> list[tuple[int, Moment]]:
    """The same with ids that nobody has, moved up where two units' names came out alike."""
    taken: set[int] = set()
    highest = select(func.max(col(ChangeRecord.id))).where(col(ChangeRecord.id) < 0)
    last = connection.scalar(highest)
    ids = [number for number, _ in wanted if last is not None and number <= last]
    for start in range(0, len(ids), ASK_TOGETHER):
        near = [n + more for n in ids[start : start + ASK_TOGETHER] for more in range(3)]
        taken |= set(
            connection.scalars(select(col(ChangeRecord.id)).where(col(ChangeRecord.id).in_(near)))
        )
    found = []
    for number, moment in wanted:
        while number in taken:
            number += 1
        taken.add(number)
        found.append((number, moment))
    return found


def _insert(connection: Connection, cluster: str, numbered: Sequence[tuple[int, Moment]]) -> None:
    last = connection.scalar(
        select(func.max(col(ChangeRecord.seq))).where(
            col(ChangeRecord.cluster) == cluster, col(ChangeRecord.epoch) == EPOCH
        )
    )
    parts.make(connection, [moment.at for _, moment in numbered])
    connection.execute(
        insert(ChangeRecord),
        [
            {
                "id": number, "cluster": cluster, "epoch": EPOCH, "seq": seq, "unit": moment.unit,
                "applied_at": moment.at, "observed_at": observed_at(moment.row),
                "row": moment.row.decode(),
            }
            for seq, (number, moment) in enumerate(numbered, start=(last or 0) + 1)
        ],
    )  # fmt: skip


def _begin_runs(
    connection: Connection, cluster: str, numbered: Iterable[tuple[int, Moment]]
) -> None:
    """Note where each unit's brought-in changes begin now."""
    firsts: dict[str, tuple[int, datetime]] = {}
    for number, moment in numbered:
        begun = firsts.get(moment.unit)
        if begun is None or number < begun[0]:
            firsts[moment.unit] = number, moment.at
    of_runs = (col(UnitRun.cluster) == cluster, col(UnitRun.epoch) == EPOCH)
    stored = select(col(UnitRun.unit), col(UnitRun.first_id)).where(*of_runs)
    known = {row.unit: row.first_id for row in connection.execute(stored)}
    for unit, (number, at) in firsts.items():
        values = {"first_id": number, "first_at": at}
        if unit not in known:
            run = values | {"cluster": cluster, "unit": unit, "epoch": EPOCH}
            connection.execute(insert(UnitRun), [run])
        elif number < known[unit]:
            where = (*of_runs, col(UnitRun.unit) == unit)
            connection.execute(update(UnitRun).where(*where).values(**values))


def _roll_up_again(connection: Connection, cluster: str, since: datetime) -> None:
    """What is rolled up from there on is to be made anew."""
    connection.execute(
        update(RollupPositionRecord)
        .where(
            col(RollupPositionRecord.cluster) == cluster, col(RollupPositionRecord.through) > since
        )
        .values(through=since, version=RollupPositionRecord.version + 1)
    )


def _own_record(
    connection: Connection, cluster: str, units: Iterable[str]
) -> Mapping[str, datetime]:
    """From when on the board's own changes of each unit are recorded."""
    query = (
        select(col(UnitRun.unit), func.min(col(UnitRun.first_at)))
        .where(
            col(UnitRun.cluster) == cluster,
            col(UnitRun.epoch) != EPOCH,
            col(UnitRun.unit).in_(list(units)),
        )
        .group_by(col(UnitRun.unit))
    )
    return {unit: at for unit, at in connection.execute(query)}


def _there(
    connection: Connection, cluster: str, moments: Sequence[Moment]
) -> dict[tuple[str, datetime], tuple[int, bytes]]:
    """The last change that was brought in of each unit and instant: its id and its row."""
    found: dict[tuple[str, datetime], tuple[int, bytes]] = {}
    last = _last(connection, cluster, {moment.unit for moment in moments})
    places = list(
        dict.fromkeys(
            (moment.unit, moment.at)
            for moment in moments
            if moment.unit in last and moment.at <= last[moment.unit]
        )
    )
    place = tuple_(col(ChangeRecord.unit), col(ChangeRecord.applied_at))
    for start in range(0, len(places), ASK_TOGETHER):
        part = places[start : start + ASK_TOGETHER]
        query = (
            select(
                col(ChangeRecord.id), col(ChangeRecord.unit), col(ChangeRecord.applied_at),
                col(ChangeRecord.row),
            )
            .where(col(ChangeRecord.cluster) == cluster, col(ChangeRecord.epoch) == EPOCH)
            .where(place.in_(part))
            .order_by(col(ChangeRecord.id))
        )  # fmt: skip
        for row in connection.execute(query):
            found[row.unit, row.applied_at] = row.id, row.row.encode()
    return found


def _last(connection: Connection, cluster: str, units: Iterable[str]) -> dict[str, datetime]:
    """When the last change of each unit is that was brought in: a file in order goes on there."""
    found: dict[str, datetime] = {}
    for unit in units:
        query = (
            select(col(ChangeRecord.applied_at))
            .where(
                col(ChangeRecord.cluster) == cluster,
                col(ChangeRecord.unit) == unit,
                col(ChangeRecord.epoch) == EPOCH,
            )
            .order_by(col(ChangeRecord.applied_at).desc())
            .limit(1)
        )
        at = connection.scalar(query)
        if at is not None:
            found[unit] = at
    return found


def _by_cluster(moments: Sequence[Moment]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place, moment in enumerate(moments):
        found[moment.cluster].append(place)
    return found


def _anchor(connection: Connection) -> None:
    """SQLite numbers from the highest id on: a row of no cluster keeps the board's own above 0."""
    there = select(col(ChangeRecord.id)).where(col(ChangeRecord.id) >= 0).limit(1)
    if connection.scalar(there) is None:
        row = {
            "id": 0, "cluster": "", "epoch": EPOCH, "seq": 0, "unit": "",
            "applied_at": from_epoch_millis(0), "observed_at": None, "row": "",
        }  # fmt: skip
        connection.execute(insert(ChangeRecord), [row])


def _read(connection: Connection, digest: str, *, lock: bool = False) -> Done | None:
    query = select(
        col(BackfillRecord.bytes_done), col(BackfillRecord.lines_done),
        col(BackfillRecord.recorded), col(BackfillRecord.revised), col(BackfillRecord.known),
        col(BackfillRecord.rejected), col(BackfillRecord.finished_at),
    ).where(col(BackfillRecord.digest) == digest)  # fmt: skip
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else Done(*found)


def _move(connection: Connection, digest: str, done: Done) -> None:
    of_file = col(BackfillRecord.digest) == digest
    connection.execute(update(BackfillRecord).where(of_file).values(**asdict(done)))
