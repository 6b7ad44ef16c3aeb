"""Starting over what a year leaves behind: many units, and a history that need not be read.

The baseline is the product itself at its smallest: 18 units and no history.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from capacity.catalogue_prepared import WORTH_IT
from tests.bench.figures import CannotRunError, Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.world import CLUSTER, World, moment
from web.services import KEPT_CATALOGUE

NAME = "start"
_INSERT = (
    "INSERT INTO change (cluster, epoch, seq, unit, applied_at, observed_at, row) "
    "VALUES (?, 'lastyear', ?, ?, ?, ?, '{}')"
)
_DAY = 86_400_000
_HISTORY_SECONDS = 60.0


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Large and small in turn."""
    units = max(plan.sizes)
    large: list[float] = []
    small: list[float] = []
    for number in range(plan.idle_runs):
        progress.say(f"start: run {number + 1} of {plan.idle_runs}")
        ours, least = _start(plan, stage, units)
        large.append(ours)
        small.append(least)
    what = f"start until ready, {units} units, {plan.history} changes of history"
    return [Figure(what, "s", "less", tuple(large), tuple(small), "18 units, none")]


def _start(plan: Plan, stage: Stage, units: int) -> tuple[float, float]:
    """Seconds until ready: with everything that a year leaves behind, and with next to nothing."""
    with stage.product(units) as (server, world):
        _wait_for_history(world, units, server)
        if units >= WORTH_IT:
            _wait_for_kept(world)
    _fill(world, plan.history)
    with stage.again(world) as server:
        ours = server.started_in
    with stage.product(18) as (server, _):
        return ours, server.started_in


def _wait_for_history(world: World, units: int, server: Server) -> None:
    """Until the history has the rows that the start itself made."""
    deadline = time.monotonic() + _HISTORY_SECONDS
    while time.monotonic() < deadline:
        with closing(sqlite3.connect(_database(world))) as database:
            (have,) = database.execute("SELECT count(*) FROM change").fetchone()
        if have >= units:
            return
        server.settle(1.0)
    raise CannotRunError("the history did not record the rows of the start")


def _wait_for_kept(world: World) -> None:
    """Until the catalogue is kept for the next start, as any process does that lives a while."""
    deadline = time.monotonic() + _HISTORY_SECONDS
    while not (world.folder / "data" / KEPT_CATALOGUE).exists():
        if time.monotonic() > deadline:
            raise CannotRunError("the catalogue was not kept for the next start")
        time.sleep(0.2)


def _fill(world: World, changes: int) -> None:
    """Changes of the year before, as an earlier epoch."""
    begin = round(moment(0).timestamp() * 1000) - 366 * _DAY
    units, seconds = len(world.units), 365 * _DAY / changes
    with closing(sqlite3.connect(_database(world))) as database, database:
        database.executemany(
            _INSERT,
            (
                (CLUSTER, n, world.units[n % units], at, at)
                for n, at in enumerate(round(begin + n * seconds) for n in range(changes))
            ),
        )
    os.sync()


def _database(world: World) -> Path:
    return world.folder / "data" / "history.sqlite"
