"""Snapshots: what it costs to bring one board up, right after a change and when nothing changed.

The time is processor time, which neighbours disturb least.
"""

import time
from collections.abc import Callable
from functools import partial

from capacity.board import Change, Cursor, Snapshot, StoredRow
from capacity.instants import utc_now
from capacity.reading import read_report
from capacity.row import encode_row, row_of
from tests.bench.figures import Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage
from tests.bench.world import World, moment, report
from web.live.feed import ClusterFeed
from web.live.frames import text_frame

NAME = "snapshots"
REPEATS = 200
_EPOCH = "bench"
_JOIN = "bare join of the rows"


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Every size, fresh and cached, beside joining the rows' bytes."""
    figures: list[Figure] = []
    for units in plan.snapshot_units:
        progress.say(f"snapshots: {units} units")
        rows = _rows(World.write(stage.folder / f"snapshots-{units}", units))
        fresh: list[float] = []
        cached: list[float] = []
        joined: list[float] = []
        for _ in range(plan.runs):
            fresh.append(_fresh(rows))
            cached.append(_cached(rows))
            joined.append(_each(partial(b",".join, rows.values())))
        size = sum(map(len, rows.values())) // 1024
        for what, values in (("after a change", fresh), ("nothing changed", cached)):
            name = f"{units} units ({size} KB), {what}: snapshot frame"
            figures.append(Figure(name, "µs", "less", tuple(values), tuple(joined), _JOIN))
    return figures


def _rows(world: World) -> dict[str, bytes]:
    catalogue, _ = world.load()
    now = utc_now()
    rows: dict[str, bytes] = {}
    for number, unit in enumerate(world.units):
        said = read_report(report(unit, moment(number), "frit felt", number), now)
        row = row_of(catalogue.units[unit], said, received_at=now, source="source-0")
        rows[unit] = encode_row(row)
    return rows


def _loaded(rows: dict[str, bytes]) -> ClusterFeed:
    feed = ClusterFeed("bench")
    stored = tuple(StoredRow(unit, row, "0|-|0") for unit, row in rows.items())
    feed.load(Snapshot(Cursor(_EPOCH, 0), "0-0", stored))
    return feed


def _fresh(rows: dict[str, bytes]) -> float:
    """Microseconds per snapshot when every one follows a change."""
    feed, now = _loaded(rows), utc_now()
    unit, row = next(iter(rows.items()))
    spent = 0.0
    for seq in range(1, REPEATS + 1):
        feed.take(Change(f"{seq}-0", _EPOCH, seq, unit, row))
        begin = time.process_time()
        text_frame(feed.snapshot(now))
        spent += time.process_time() - begin
    return spent / REPEATS * 1e6


def _cached(rows: dict[str, bytes]) -> float:
    """Microseconds per snapshot when many boards come one after the other."""
    feed, now = _loaded(rows), utc_now()
    text_frame(feed.snapshot(now))
    return _each(lambda: text_frame(feed.snapshot(now)))


def _each(work: Callable[[], object]) -> float:
    begin = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - begin) / REPEATS * 1e6
