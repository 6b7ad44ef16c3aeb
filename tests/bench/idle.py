"""At rest: how long a start takes, and what an open board costs while nothing happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.boards import Boards
from tests.bench.figures import Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.world import CLUSTER

NAME = "idle"
UNITS = 18
"""As many as the Randers cluster has."""


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Product and baseline in turn, each started anew."""
    ours: list[tuple[float, float, float]] = []
    theirs: list[tuple[float, float, float]] = []
    for number in range(plan.idle_runs):
        progress.say(f"idle, {plan.idle_boards} boards: run {number + 1} of {plan.idle_runs}")
        with _product(stage) as server:
            ours.append(_weigh(server, plan.idle_boards))
        with stage.plain() as server:
            theirs.append(_weigh(server, plan.idle_boards))
    whats = (
        (f"start until ready, {UNITS} units", "s"),
        ("memory of the server without boards", "MB"),
        (f"memory per idle board, {plan.idle_boards} boards", "KB"),
    )
    return [
        Figure(
            what,
            unit,
            "less",
            tuple(run[index] for run in ours),
            tuple(run[index] for run in theirs),
            "plain loop",
        )
        for index, (what, unit) in enumerate(whats)
    ]


@contextmanager
def _product(stage: Stage) -> Iterator[Server]:
    with stage.product(UNITS) as (server, _world):
        server.finish_start()  # what it loads for that is no board's
        yield server


def _weigh(server: Server, count: int) -> tuple[float, float, float]:
    server.settle()
    before = server.resident_bytes()
    boards = Boards(count)
    try:
        boards.open(server.port, f"/api/v1/live/{CLUSTER}")
        server.settle()
        per_board = (server.resident_bytes() - before) / count
    finally:
        boards.close()
    return server.started_in, before / 2**20, per_board / 1024
