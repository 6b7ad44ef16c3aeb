"""Fan-out: from the moment a change is published until the last of N open boards has it.

The product's whole path is measured: HTTP push, the board in Valkey, the stream, the hub. The
baseline gets the same rows straight into a stream of the same Valkey, and frames of the same
bytes go out from `plain_server`. Twenty changes a second go round all units, so no change is
overtaken by another of its unit and every one must reach every board.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.boards import Boards, mark
from tests.bench.figures import CannotRunError, Figure, quantile
from tests.bench.plain_server import STREAM
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.wires import HttpWire, RedisWire, Wire, packed
from tests.bench.world import CLUSTER, World, document, moment, report

NAME = "fan-out"
SLOW, BUSY = 1.0, 20.0
"""Changes a second."""
ARRIVAL_SECONDS = 5.0
_PLAIN = "plain loop"
FRAME_BYTES, ROW_BYTES = 1490, 890
"""About what a frame of the product's with one row takes, and that row in it. Others' messages are
padded to the first at one change a second, where each change is a frame and all write the same
bytes; to the second where the product's frames hold many rows."""

Make = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Pace:
    """What one stretch at one rate showed. Seconds; `cpu` of the server, for a million states."""

    median: float
    p99: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Run:
    """One server with its boards: both rates, and bytes of memory per board."""

    slow: Pace
    busy: Pace
    memory: float


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Every number of boards, product and baseline in turn."""
    figures: list[Figure] = []
    for count in plan.boards:
        ours: list[Run] = []
        theirs: list[Run] = []
        for number in range(plan.runs):
            progress.say(f"fan-out, {count} boards: run {number + 1} of {plan.runs}, product")
            ours.append(_product(plan, stage, count))
            progress.say(f"fan-out, {count} boards: run {number + 1} of {plan.runs}, {_PLAIN}")
            theirs.append(_plain(plan, stage, count))
        figures += _figures(count, ours, theirs)
    return figures


def _figures(count: int, ours: list[Run], theirs: list[Run]) -> list[Figure]:
    def figure(what: str, unit: str, of: Callable[[Run], float]) -> Figure:
        return Figure(
            f"{count} boards, {what}",
            unit,
            "less",
            tuple(map(of, ours)),
            tuple(map(of, theirs)),
            _PLAIN,
        )

    return [
        figure("1 change/s: last board has it, p50", "ms", lambda r: r.slow.median * 1e3),
        figure("1 change/s: last board has it, p99", "ms", lambda r: r.slow.p99 * 1e3),
        figure("20 changes/s: last board has it, p50", "ms", lambda r: r.busy.median * 1e3),
        figure("20 changes/s: last board has it, p99", "ms", lambda r: r.busy.p99 * 1e3),
        figure("20 changes/s: server CPU", "s per million states", lambda r: r.busy.cpu),
        figure("memory per board after its snapshot", "KB", lambda r: r.memory / 1024),
    ]


def _product(plan: Plan, stage: Stage, count: int) -> Run:
    with stage.product(plan.units) as (server, world):
        wire = HttpWire(server.port, 0, world.keys[0])
        make = pushes(world)
        return _measure(plan, server, count, wire, make, make)


def _plain(plan: Plan, stage: Stage, count: int) -> Run:
    with stage.plain() as server:
        wire = RedisWire(stage.socket_path)
        slow, busy = (_appends(plan.units, size) for size in (FRAME_BYTES, ROW_BYTES))
        return _measure(plan, server, count, wire, slow, busy)


def pushes(world: World) -> Make:
    """Documents with one report each, of all units in turn, with a mark for a note."""

    def make(number: int) -> bytes:
        unit = world.units[number % len(world.units)]
        return document([report(unit, moment(number), mark(number), number)])

    return make


def plain_row(number: int, units: int, size: int) -> bytes:
    """A row of so many bytes, with a mark for a note, for servers without judgement."""
    head = b'{"unit":"unit-%05d","note":"%s","fill":"' % (number % units, mark(number).encode())
    return head.ljust(size - 2, b"x") + b'"}'


def _appends(units: int, size: int) -> Make:
    def make(number: int) -> bytes:
        row = plain_row(number, units, size)
        return packed("XADD", STREAM, "MAXLEN", "~", 100_000, "*", "r", row)

    return make


def _measure(plan: Plan, server: Server, count: int, wire: Wire, seldom: Make, often: Make) -> Run:
    boards = Boards(count)
    try:
        server.settle()
        before = server.resident_bytes()
        boards.open(server.port, f"/api/v1/live/{CLUSTER}")
        server.settle()
        memory = (server.resident_bytes() - before) / count
        boards.watch(wire.fileno(), wire.receive)
        slow = pace(server, boards, wire, seldom, range(int(SLOW * plan.slow_for)), SLOW)
        first = len(boards.complete_at)
        busy = pace(
            server, boards, wire, often, range(first, first + int(BUSY * plan.busy_for)), BUSY
        )
        return Run(slow, busy, memory)
    finally:
        boards.close()
        wire.close()


def pace(
    server: Server, boards: Boards, wire: Wire, make: Make, numbers: range, rate: float
) -> Pace:
    """Publish the numbered changes at a rate, and wait until every board has every one."""
    sent: dict[int, float] = {}
    cpu = server.cpu_seconds()
    begin = time.perf_counter()
    for index, number in enumerate(numbers):
        while (wait := begin + index / rate - time.perf_counter()) > 0:
            boards.pump(wait)
        request = make(number)
        sent[number] = time.perf_counter()
        wire.send(request)
    deadline = time.perf_counter() + ARRIVAL_SECONDS
    while any(number not in boards.complete_at for number in numbers):
        boards.pump(0.05)
        if time.perf_counter() > deadline:
            missing = sum(number not in boards.complete_at for number in numbers)
            raise CannotRunError(f"{missing} of {len(numbers)} changes did not reach every board")
    spent = server.cpu_seconds() - cpu
    took = [boards.complete_at[number] - at for number, at in sent.items()]
    states = len(numbers) * boards.count
    return Pace(quantile(took, 0.5), quantile(took, 0.99), spent / states * 1e6)
