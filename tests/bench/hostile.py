"""Under attack: what hostile connections cost the boards that mean well, and the server.

One product with its boards open throughout; in turn a stretch without the hostile clients and one
with them (`tests.bench.attackers`), so the baseline is the product itself at peace. Two changes a
second are further apart than the hub conflates, so each goes out at once. A board that is dropped,
a push that is refused or a change that does not reach every board ends the measurement.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count

from tests.bench.attackers import ATTACKS
from tests.bench.beside import Beside
from tests.bench.boards import Boards
from tests.bench.fanout import Make, pace, pushes
from tests.bench.figures import CannotRunError, Figure
from tests.bench.idle import UNITS
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.wires import HttpWire
from tests.bench.world import CLUSTER

NAME = "hostile"
RATE = 2.0
"""Changes a second."""
CALM_SECONDS = 1.0
"""From the end of an attack to the next stretch, in which boards read what is left."""
_AGAINST = "without them"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds until the last board had a change, and the share of a core that the server used."""

    median: float
    p99: float
    cpu: float


@dataclass(slots=True)
class Scene:
    """One product with its boards, and the numbers of changes to come."""

    plan: Plan
    server: Server
    boards: Boards
    key: str
    make: Make
    numbers: Iterator[int]

    def stretch(self) -> Stretch:
        """Publish for a while, whoever else is there."""
        first = next(self.numbers)
        wanted = range(first, first + max(1, int(RATE * self.plan.hostile_for)))
        for _ in wanted[1:]:
            next(self.numbers)
        # Opened for each stretch: a server may close connections that lie idle.
        with closing(HttpWire(self.server.port, 0, self.key)) as wire:
            self.boards.watch(wire.fileno(), wire.receive)
            cpu, begin = self.server.cpu_seconds(), time.perf_counter()
            seen = pace(self.server, self.boards, wire, self.make, wanted, RATE)
            took = time.perf_counter() - begin
        return Stretch(seen.median, seen.p99, (self.server.cpu_seconds() - cpu) / took)

    def calm(self) -> None:
        """Let the boards read for a moment."""
        until = time.monotonic() + CALM_SECONDS
        while time.monotonic() < until:
            self.boards.pump(0.1)


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Without and with hostile connections in turn, on one product."""
    tries: Counter[str] = Counter()
    quiet: list[Stretch] = []
    attacked: list[Stretch] = []
    with _scene(plan, stage) as scene:
        for number in range(plan.runs):
            progress.say(f"hostile: run {number + 1} of {plan.runs}, at peace")
            quiet.append(scene.stretch())
            progress.say(f"hostile: run {number + 1} of {plan.runs}, {plan.hostile} connections")
            with _attackers(scene.server.port, plan.hostile, tries):
                attacked.append(scene.stretch())
            scene.calm()
    progress.say("hostile: connected " + ", ".join(f"{kind} {n}" for kind, n in tries.items()))
    name = f"{plan.hostile_boards} boards, {plan.hostile} hostile connections"
    whats = (
        ("last board has it, p50", "ms", lambda s: s.median * 1e3),
        ("last board has it, p99", "ms", lambda s: s.p99 * 1e3),
        ("server CPU", "% of a core", lambda s: s.cpu * 1e2),
    )
    return [
        Figure(
            f"{name}: {what}",
            unit,
            "less",
            tuple(map(of, attacked)),
            tuple(map(of, quiet)),
            _AGAINST,
        )
        for what, unit, of in whats
    ]


@contextmanager
def _scene(plan: Plan, stage: Stage) -> Iterator[Scene]:
    product, boards = stage.product(UNITS), Boards(plan.hostile_boards)
    with closing(boards), product as (server, world):
        boards.open(server.port, f"/api/v1/live/{CLUSTER}")
        server.settle()
        yield Scene(plan, server, boards, world.keys[0], pushes(world), count())


@contextmanager
def _attackers(port: int, many: int, tries: Counter[str]) -> Iterator[None]:
    """Hostile clients in a process of their own; adds to `tries` how often they connected."""
    with Beside("attackers", port, many) as attackers:
        yield
        found = Counter[str](json.loads(attackers.end() or b"{}"))
    if len(found) < len(ATTACKS):
        raise CannotRunError("not every kind of attack was tried")
    tries.update(found)
