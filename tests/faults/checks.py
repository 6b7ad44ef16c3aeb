"""The invariants, as pure functions over what was sent, what is stored, and what is shown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from capacity.board import Change, LateReading
from capacity.instants import parse_instant
from tests.faults.finding import Finding
from tests.faults.ledger import Fate, Operation, mark_of
from tests.support.board_model import fold

Rows = Mapping[str, Mapping[str, Any]]


def check_writes(
    finding: Finding,
    operations: Sequence[Operation],
    changes: Sequence[Change],
    late: Sequence[LateReading],
    *,
    rewritten: bool = False,
) -> None:
    """Nothing that was acknowledged is lost, and nothing was applied twice.

    `rewritten`: rows are written again with the holds on them, and differ then.
    """
    rows = [change.row for change in changes]
    applied = Counter(_marks(rows))
    doubled = Counter(_marks(row for row, count in Counter(rows).items() if count > 1))
    superseded = Counter(_marks(entry.row for entry in late))
    kept = {Fate.APPLIED: applied, Fate.SUPERSEDED: superseded, Fate.UNCHANGED: applied}
    finding.operations += len(operations)
    refused = 0
    for operation in operations:
        if operation.ended is not None:
            finding.acknowledged += 1
        finding.unconfirmed += bool(operation.told)
        if operation.fate in kept and not kept[operation.fate][operation.mark]:
            finding.lost += 1
        times = (
            min(applied[operation.mark], 1 + doubled[operation.mark])
            if rewritten
            else (applied[operation.mark])
        )
        finding.twice += times + superseded[operation.mark] > 1
        if operation.fate is Fate.REFUSED:
            refused += 1
    finding.promise(not refused, f"{refused} reports were refused")
    finding.promise(set(applied) <= {o.mark for o in operations}, "a change that nobody sent")


def check_stream(
    finding: Finding,
    changes: Sequence[Change],
    stored: Mapping[str, bytes],
    *,
    begun: bool = True,
    rewritten: bool = False,
) -> None:
    """Epochs count without a gap, ids and observations only grow, and the rows are the fold.

    `begun`: the stream is there from its first change on.
    """
    for before, after in pairwise(changes):
        follows = after.seq == (before.seq + 1 if before.epoch == after.epoch else 1)
        finding.promise(follows, f"a gap in the stream after {before.epoch}-{before.seq}")
        grows = _place(before.stream_id) < _place(after.stream_id)
        finding.promise(grows, f"stream ids went back at {after.stream_id}")
    newest: dict[str, int] = {}
    for change in changes:
        mark = mark_of(orjson.loads(change.row).get("note")) if change.row else 0
        if mark:
            least = newest.get(change.unit, 0) + (not rewritten)
            finding.promise(mark >= least, f"{mark} replaced a newer report")
            newest[change.unit] = mark
    if begun:
        finding.promise(fold(changes) == dict(stored), "the rows are not the fold of the stream")


def check_boards(finding: Finding, fresh: Rows, boards: Iterable[Rows]) -> None:
    """Every board holds exactly the rows of a fresh snapshot."""
    finding.unequal += sum(dict(board) != dict(fresh) for board in boards)


def check_ages(
    finding: Finding, rows: Rows, operations: Mapping[int, Operation], stale_after: float
) -> None:
    """Every row is as old as its report was, and says rightly when it goes stale (seconds)."""
    for row in rows.values():
        finding.not_fresh += not has_true_age(row, operations, stale_after)


def has_true_age(
    row: Mapping[str, Any], operations: Mapping[int, Operation], stale_after: float
) -> bool:
    """Whether a row that carries a mark has the age of that report."""
    operation = operations.get(mark_of(row.get("note")))
    if operation is None:
        return row.get("observed_at") is None or not mark_of(row.get("note"))
    observed = parse_instant(row["observed_at"])
    stale = parse_instant(row["stale_at"])
    true = observed == parse_instant(operation.observed_at)
    return true and abs((stale - observed).total_seconds() - stale_after) < 0.001


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """How fast a figure grows, per second, by least squares."""
    count = len(samples)
    if count < 2:
        return 0.0
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


def _marks(rows: Iterable[bytes]) -> list[int]:
    found = [mark_of(orjson.loads(row).get("note")) for row in rows if row]
    return [mark for mark in found if mark]


def _place(stream_id: str) -> tuple[int, int]:
    millis, _, count = stream_id.partition("-")
    return int(millis), int(count)
