"""Size: what one state on one board costs with more units and more clusters, and a long start.

The baseline is the product itself at its smallest. Boards get snapshots of thousands of units when
they open, which is not counted; then twenty changes a second go round the units (of all clusters),
and each is for the boards of its cluster.
"""

import os
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

from tests.bench.boards import Boards
from tests.bench.fanout import BUSY, pace, pushes
from tests.bench.figures import CannotRunError, Figure, Missing
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.wires import HttpWire
from tests.bench.world import CLUSTER, World, moment

NAME = "size"
_INSERT = (
    "INSERT INTO change (cluster, epoch, seq, unit, applied_at, observed_at, row) "
    "VALUES (?, 'lastyear', ?, ?, ?, ?, '{}')"
)
_DAY = 86_400_000
_HISTORY_SECONDS = 60.0


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure | Missing]:
    """Every number of units, then many clusters, then a start over a year's history."""
    costs: dict[int, list[float]] = {units: [] for units in plan.sizes}
    spread: list[float] = []
    starts: list[float] = []
    small: list[float] = []
    for number in plan.each:
        for units in plan.sizes:
            progress.say(f"size: run {number + 1} of {plan.runs}, {units} units")
            costs[units].append(_cost(plan, stage, units, clusters=1))
        progress.say(f"size: run {number + 1} of {plan.runs}, {plan.clusters} clusters")
        units = min(plan.sizes) * plan.clusters
        spread.append(_cost(plan, stage, units, clusters=plan.clusters))
    for number in range(plan.idle_runs):
        progress.say(f"size: start {number + 1} of {plan.idle_runs}")
        ours, least = _start(plan, stage, max(plan.sizes))
        starts.append(ours)
        small.append(least)
    least, *more = plan.sizes
    against = f"{least} units"
    figures = [
        _figure(f"{units} units", costs[units], costs[least], against, plan) for units in more
    ]
    figures.append(_figure(f"{plan.clusters} clusters", spread, costs[least], against, plan))
    what = f"start until ready, {max(plan.sizes)} units, {plan.history} changes of history"
    figures.append(Figure(what, "s", "less", tuple(starts), tuple(small), "18 units, none"))
    return list(figures)


def _figure(what: str, ours: list[float], theirs: list[float], against: str, plan: Plan) -> Figure:
    name = f"{plan.size_boards} boards, {what}, {BUSY:.0f} changes/s: server CPU"
    return Figure(name, "s per million states", "less", tuple(ours), tuple(theirs), against)


def _cost(plan: Plan, stage: Stage, units: int, clusters: int) -> float:
    """Processor seconds for a million states; of many clusters, the first has all the boards."""
    with ExitStack() as stack:
        server, world = stack.enter_context(stage.product(units, clusters=clusters))
        boards = stack.enter_context(closing(Boards(plan.size_boards)))
        boards.open(server.port, f"/api/v1/live/{CLUSTER}")
        server.settle()
        wire = stack.enter_context(closing(HttpWire(server.port, 0, world.keys[0])))
        boards.watch(wire.fileno(), wire.receive)
        numbers = range(int(BUSY * plan.busy_for))
        return pace(server, boards, wire, pushes(world), numbers, BUSY).cpu


def _start(plan: Plan, stage: Stage, units: int) -> tuple[float, float]:
    """Seconds until ready: with everything that a year leaves behind, and with next to nothing."""
    with stage.product(units) as (server, world):
        _wait_for_history(world, units, server)
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
