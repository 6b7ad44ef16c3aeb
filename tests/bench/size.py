"""Size: what one state on one board costs with more units and more clusters.

The baseline is the product itself at its smallest. Boards get snapshots of thousands of units when
they open, which is not counted; then twenty changes a second go round the units (of all clusters),
and each is for the boards of its cluster.
"""

from contextlib import ExitStack, closing

from tests.bench.boards import Boards
from tests.bench.fanout import BUSY, pace, pushes
from tests.bench.figures import Figure, Missing
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage
from tests.bench.wires import HttpWire
from tests.bench.world import CLUSTER

NAME = "size"


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure | Missing]:
    """Every number of units, then many clusters."""
    costs: dict[int, list[float]] = {units: [] for units in plan.sizes}
    spread: list[float] = []
    for number in plan.each:
        for units in plan.sizes:
            progress.say(f"size: run {number + 1} of {plan.runs}, {units} units")
            costs[units].append(_cost(plan, stage, units, clusters=1))
        progress.say(f"size: run {number + 1} of {plan.runs}, {plan.clusters} clusters")
        units = min(plan.sizes) * plan.clusters
        spread.append(_cost(plan, stage, units, clusters=plan.clusters))
    least, *more = plan.sizes
    against = f"{least} units"
    figures = [
        _figure(f"{units} units", costs[units], costs[least], against, plan) for units in more
    ]
    figures.append(_figure(f"{plan.clusters} clusters", spread, costs[least], against, plan))
    return list(figures)


def _figure(what: str, ours: list[float], theirs: list[float], against: str, plan: Plan) -> Figure:
    name = f"{plan.size_boards} boards, {what}, {BUSY:.0f} changes/s: server CPU"
    return Figure(name, "s per million states", "less", tuple(ours), tuple(theirs), against)


def _cost(plan: Plan, stage: Stage, units: int, clusters: int) -> float:
    """Processor seconds for a million states; of many clusters, the first has all the boards."""
    with ExitStack() as stack:
        server, world = stack.enter_context(stage.product(units, clusters=clusters))
        server.finish_start()
        boards = stack.enter_context(closing(Boards(plan.size_boards)))
        boards.open(server.port, f"/api/v1/live/{CLUSTER}")
        server.settle()
        wire = stack.enter_context(closing(HttpWire(server.port, 0, world.keys[0])))
        boards.watch(wire.fileno(), wire.receive)
        numbers = range(int(BUSY * plan.size_for))
        return pace(server, boards, wire, pushes(world), numbers, BUSY).cpu
