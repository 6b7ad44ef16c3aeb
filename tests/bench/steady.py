"""What a day may bring: a thousand changes a second, boards that make trouble, everybody at once.

*A thousand changes a second*: documents of fifty rows, twenty a second, over all units. A row that
is overtaken by the next of its unit within one frame is never sent, so a document has arrived when
every board has its fifty rows, or those of a later document for the same units.

*Trouble*: one board stops reading and five reconnect for ever, while three changes a second, a
hundred in all, go to the others; beside it the same process without them.

*Everybody at once*: all boards connect at the same moment, as after a restart.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count

from tests.bench.beside import Beside
from tests.bench.boards import Boards
from tests.bench.fanout import BUSY, pace, pushes
from tests.bench.figures import CannotRunError, Figure, Missing, quantile
from tests.bench.limit import ROWS, documents
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.wires import HttpWire
from tests.bench.world import CLUSTER, World

NAME = "steady"
LAST_SECONDS = 30.0
"""How long the last document may take: what is late counts as late, what is lost fails."""
AFTER_A_FLOOD = 1.0
"""Seconds after which nothing of a flood is left to be told; less than an idle connection lasts."""
CALM, TROUBLE = 3.0, "one board stalled, five reconnecting"
_PATH = f"/api/v1/live/{CLUSTER}"


@dataclass(frozen=True, slots=True)
class Day:
    """Seconds, a share of a core, and megabytes."""

    thousand: float
    thousand_cpu: float
    calm: float
    troubled: float
    growth: float


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure | Missing]:
    """Everything of one day on one product, run by run."""
    days: list[Day] = []
    ours: list[float] = []
    theirs: list[float] = []
    for number in plan.each:
        progress.say(f"steady: run {number + 1} of {plan.runs}")
        days.append(_day(plan, stage))
        progress.say(f"steady: run {number + 1} of {plan.runs}, {plan.many_boards} at once")
        with stage.product(plan.units) as (server, _):
            ours.append(_everybody(server, plan.many_boards))
        with stage.plain() as server:
            theirs.append(_everybody(server, plan.many_boards))
    name = f"{plan.limit_boards} boards"
    aim = "the aim"

    def figure(what: str, unit: str, mine: list[float], other: list[float], against: str) -> Figure:
        return Figure(what, unit, "less", tuple(mine), tuple(other), against)

    return [
        figure(
            f"{name}, 1,000 changes/s: last board has it, p99", "ms",
            [day.thousand * 1e3 for day in days], [500.0] * len(days), aim,
        ),
        figure(
            f"{name}, 1,000 changes/s: server CPU", "% of a core",
            [day.thousand_cpu * 1e2 for day in days], [100.0] * len(days), aim,
        ),
        figure(
            f"{name}, {TROUBLE}: last board has it, p99", "ms",
            [day.troubled * 1e3 for day in days], [day.calm * 1e3 for day in days],
            "without them",
        ),
        figure(
            f"{name}, {TROUBLE}: growth of memory", "MB",
            [day.growth for day in days], [10.0] * len(days), aim,
        ),
        figure(
            f"{plan.many_boards} boards connect at once: all have their rows", "s",
            ours, theirs, "plain loop, without rows",
        ),
    ]  # fmt: skip


def _day(plan: Plan, stage: Stage) -> Day:
    with ExitStack() as stack:
        server, world = stack.enter_context(stage.product(plan.units))
        server.finish_start()  # what it loads for that is no growth of a day's
        boards = stack.enter_context(closing(Boards(plan.limit_boards)))
        boards.open(server.port, _PATH)
        server.settle()
        wire = stack.enter_context(closing(HttpWire(server.port, 0, world.keys[0])))
        boards.watch(wire.fileno(), wire.receive)
        numbers = count()
        thousand, cpu = _thousand(plan, server, boards, wire, world, numbers)
        boards.copies = 1
        _read_on(boards, AFTER_A_FLOOD)  # the next change shall be a first one
        calm = _p99(plan, server, boards, wire, world, numbers)
        before = server.resident_bytes()
        with Beside("troublemakers", server.port, _PATH) as troublemakers:
            troubled = _p99(plan, server, boards, wire, world, numbers)
            troublemakers.end()
        growth = (server.resident_bytes() - before) / 2**20
        return Day(thousand, cpu, calm, troubled, max(growth, 0.0))


def _thousand(
    plan: Plan,
    server: Server,
    boards: Boards,
    wire: HttpWire,
    world: World,
    numbers: Iterator[int],
) -> tuple[float, float]:
    """The p99 of documents' arrival, in seconds, and the share of a core that it took."""
    boards.copies = min(ROWS, len(world.units))
    make, shares = documents(world), len(world.units) // ROWS or 1
    sent: dict[int, float] = {}
    cpu, begin = server.cpu_seconds(), time.perf_counter()
    for index in range(int(BUSY * plan.steady_for)):
        while (wait := begin + index / BUSY - time.perf_counter()) > 0:
            boards.pump(wait)
        number = next(numbers)
        request = make(number)
        sent[number] = time.perf_counter()
        wire.send(request)
    published = time.perf_counter() - begin
    last_ones = set(list(sent)[-shares:])  # the last of each share is overtaken by none
    deadline = time.perf_counter() + LAST_SECONDS
    while not last_ones <= boards.complete_at.keys():
        boards.pump(0.05)
        if time.perf_counter() > deadline:
            raise CannotRunError("a document did not reach every board")
    spent = (server.cpu_seconds() - cpu) / published
    took = []
    for number, at in sent.items():
        same_units = range(number, max(sent) + 1, shares)
        took.append(min(boards.complete_at.get(each, math.inf) for each in same_units) - at)
    return quantile(took, 0.99), spent


def _p99(
    plan: Plan,
    server: Server,
    boards: Boards,
    wire: HttpWire,
    world: World,
    numbers: Iterator[int],
) -> float:
    wanted = [next(numbers) for _ in range(int(CALM * plan.trouble_for))]
    stretch = range(wanted[0], wanted[-1] + 1)
    return pace(server, boards, wire, pushes(world), stretch, CALM).p99


def _read_on(boards: Boards, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        boards.pump(left)


def _everybody(server: Server, many: int) -> float:
    """Seconds until the last of all boards that come at once has what it gets at first."""
    with closing(Boards(many)) as boards:
        begin = time.perf_counter()
        boards.open(server.port, _PATH, in_flight=many)
        return boards.last_read_at - begin
