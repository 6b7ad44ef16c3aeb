"""At the limit: the product's whole path beside other servers that only hand bytes on.

The peers get each change as one message, straight from a publisher, and write it to every socket;
two of them are C loops, the limit of the machine. The product takes it by HTTP push, judges it,
makes it durable, and tells boards at most a few times a second. At one change a second a message is
as long as the product's frame, otherwise as long as a row.

*Saturated*: so much is published that more is always waiting. Peers have a few messages under way
at any time; the product gets documents of fifty rows as fast as it acknowledges them. What counts
is processor time for a million rows that boards have read.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count

from tests.bench.boards import Boards
from tests.bench.fanout import (
    BUSY,
    FRAME_BYTES,
    ROW_BYTES,
    SLOW,
    Make,
    Pace,
    pace,
    plain_row,
    pushes,
)
from tests.bench.figures import CannotRunError, Figure, Missing
from tests.bench.peers import C_JOINED, PEERS, Peer
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.wires import HttpWire, Wire
from tests.bench.world import CLUSTER, World, document, moment, report

NAME = "limit"
WINDOW = 40
"""Messages under way at a peer that is saturated: as many bytes as a socket takes at once."""
ROWS = 50
"""Rows of each document that saturates the product."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One server's run: at one change a second, at twenty, and saturated (seconds a million)."""

    slow: Pace
    busy: Pace
    saturated: float


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure | Missing]:
    """Product and every peer that is there in turn, then all saturated with many boards."""
    here, missing = _present(stage, progress)
    if not here:
        return list(missing)
    ours: list[Seen] = []
    theirs: dict[str, list[Seen]] = {peer.name: [] for peer in here}
    many_ours: list[float] = []
    many_theirs: list[float] = []
    for number in plan.each:
        progress.say(f"limit: run {number + 1} of {plan.runs}, product")
        ours.append(_product(plan, stage))
        for peer in here:
            progress.say(f"limit: run {number + 1} of {plan.runs}, {peer.name}")
            theirs[peer.name].append(_peer(plan, stage, peer))
    name = f"{plan.many_boards} boards, saturated: server CPU"
    for number in plan.each if C_JOINED in here else ():
        progress.say(f"limit: run {number + 1} of {plan.runs}, {plan.many_boards} boards")
        try:
            mine = _product_saturated(plan, stage, plan.many_boards)
            many_theirs.append(_peer_saturated(plan, stage, C_JOINED, plan.many_boards))
        except CannotRunError as error:  # what was measured above shall not be lost
            missing.append(Missing(name, str(error)))
            break
        many_ours.append(mine)
    figures: list[Figure | Missing] = list(missing)
    for peer in here:
        figures += _figures(plan.limit_boards, ours, theirs[peer.name], peer.name)
    if many_ours:
        pair = tuple(many_ours), tuple(many_theirs)
        figures.append(Figure(name, "s per million states", "less", *pair, C_JOINED.name))
    return figures


def _present(stage: Stage, progress: Progress) -> tuple[list[Peer], list[Missing]]:
    here: list[Peer] = []
    missing: list[Missing] = []
    for peer in PEERS:
        try:
            with peer.running(stage):
                here.append(peer)
        except CannotRunError as error:
            progress.say(f"limit: {peer.name} is not there: {error}")
            missing.append(Missing(f"against {peer.name}", str(error).splitlines()[0]))
    return here, missing


def _figures(
    boards: int, ours: Sequence[Seen], theirs: Sequence[Seen], name: str
) -> list[Figure | Missing]:
    whats = (
        ("1 change/s: last board has it, p50", "ms", lambda s: s.slow.median * 1e3),
        ("1 change/s: last board has it, p99", "ms", lambda s: s.slow.p99 * 1e3),
        ("20 changes/s: last board has it, p99", "ms", lambda s: s.busy.p99 * 1e3),
        ("20 changes/s: server CPU", "s per million states", lambda s: s.busy.cpu),
        ("saturated: server CPU", "s per million states", lambda s: s.saturated),
    )
    return [
        Figure(
            f"{boards} boards, {what}", unit, "less", tuple(map(of, ours)), tuple(map(of, theirs)),
            name,
        )
        for what, unit, of in whats
    ]  # fmt: skip


def _product(plan: Plan, stage: Stage) -> Seen:
    with _open_product(plan, stage, plan.limit_boards) as (server, boards, wire, world):
        slow, busy = _paced(plan, server, boards, wire, pushes(world), pushes(world))
        boards.copies = 0
        return Seen(slow, busy, _flood(plan, server, boards, wire, documents(world), window=2))


def _product_saturated(plan: Plan, stage: Stage, many: int) -> float:
    with _open_product(plan, stage, many) as (server, boards, wire, world):
        boards.copies = 0
        return _flood(plan, server, boards, wire, documents(world), window=2)


@contextmanager
def _open_product(
    plan: Plan, stage: Stage, many: int
) -> Iterator[tuple[Server, Boards, "_Told", World]]:
    with ExitStack() as stack:
        server, world = stack.enter_context(stage.product(plan.units))
        server.finish_start()  # what it does for that is no change's
        boards = stack.enter_context(closing(Boards(many)))
        boards.open(server.port, f"/api/v1/live/{CLUSTER}")
        server.settle()
        # Opened last: a server may close connections that lie idle.
        wire = stack.enter_context(closing(HttpWire(server.port, 0, world.keys[0])))
        told = _Told(wire)
        boards.watch(wire.fileno(), told.receive)
        yield server, boards, told, world


def _peer(plan: Plan, stage: Stage, peer: Peer) -> Seen:
    with _open_peer(stage, peer, plan.limit_boards) as (server, boards, wire):
        frames = _messages(plan.units, peer, FRAME_BYTES)
        rows = _messages(plan.units, peer, ROW_BYTES)
        slow, busy = _paced(plan, server, boards, wire, frames, rows)
        return Seen(slow, busy, _flood(plan, server, boards, wire, rows, WINDOW))


def _peer_saturated(plan: Plan, stage: Stage, peer: Peer, many: int) -> float:
    with _open_peer(stage, peer, many) as (server, boards, wire):
        rows = _messages(plan.units, peer, ROW_BYTES)
        return _flood(plan, server, boards, wire, rows, WINDOW)


@contextmanager
def _open_peer(stage: Stage, peer: Peer, many: int) -> Iterator[tuple[Server, Boards, "_Told"]]:
    with peer.running(stage) as (server, wire), closing(Boards(many)) as boards:
        boards.open(server.port, peer.path, headers=peer.headers, greeting=peer.greeting)
        server.settle()
        told = _Told(wire)
        boards.watch(wire.fileno(), told.receive)
        yield server, boards, told


class _Told:
    """A wire that counts its answers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.answers = 0
        self.send, self.fileno, self.close = wire.send, wire.fileno, wire.close

    def receive(self) -> None:
        """See `Wire.receive`."""
        self._wire.receive()
        self.answers += 1


def _paced(
    plan: Plan, server: Server, boards: Boards, wire: Wire, seldom: Make, often: Make
) -> tuple[Pace, Pace]:
    first = int(SLOW * plan.slow_for)
    slow = pace(server, boards, wire, seldom, range(first), SLOW)
    numbers = range(first, first + int(BUSY * plan.busy_for))
    return slow, pace(server, boards, wire, often, numbers, BUSY)


def _flood(
    plan: Plan, server: Server, boards: Boards, wire: _Told, make: Make, window: int
) -> float:
    """Keep `window` requests under way for a while: processor seconds for a million rows read."""
    numbers, answers, complete = count(1_000_000), wire.answers, len(boards.complete_at)
    states, cpu = boards.delivered, server.cpu_seconds()
    until, sent = time.perf_counter() + plan.saturated_for, 0
    while time.perf_counter() < until:
        done = len(boards.complete_at) - complete if boards.copies else wire.answers - answers
        while sent < done + window:
            wire.send(make(next(numbers)))
            sent += 1
        boards.pump(0.05)
    while boards.pump(0.5):
        pass
    spent, states = server.cpu_seconds() - cpu, boards.delivered - states
    if not states:
        raise CannotRunError("nothing was read while everything was published")
    return spent / states * 1e6


def _messages(units: int, peer: Peer, size: int) -> Make:
    return lambda number: peer.request(plain_row(number, units, size))


def documents(world: World) -> Make:
    """Documents of `ROWS` rows, each with the document's mark, going round the units."""

    def make(number: int) -> bytes:
        shares = len(world.units) // ROWS or 1
        first = number % shares * ROWS
        at = moment(number)
        units = world.units[first : first + ROWS]
        return document([report(unit, at, f"#{number:08d}#", number) for unit in units])

    return make
