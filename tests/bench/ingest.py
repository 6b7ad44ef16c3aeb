"""Ingest: reports a second that are accepted and durable, pushed in documents of a hundred.

The product takes them over HTTP, on several connections at once, while its hub and historian do
their work on what comes in. Two baselines put the same rows into the same Valkey (fsync on every
write), with as many connections and batches of the same size, packed beforehand: the product's
own function, and a plain pipeline of HSET and XADD. The baselines run on the product's core.
"""

import os
import time
from collections.abc import Callable, Sequence

from capacity.board import Reading
from capacity.board.connection import function
from capacity.board.keys import ClusterKeys
from capacity.instants import epoch_millis, utc_now
from feeds.intake import Intake
from tests.bench.figures import CannotRunError, Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage
from tests.bench.wires import HttpWire, RedisWire, Wire, packed, packed_all
from tests.bench.world import World, document, moment, report

NAME = "ingest"
BATCH = 100
LANES = 4
"""Connections; each reports on units of its own, so that none overtakes another."""
_BARE = ClusterKeys("bare")
"""A cluster that the product does not follow, so that the baselines do not work it."""
_REQUEST = b"%032d"
_OBSERVED = b"1700000000000"
"""Stand in the packed command where each batch has a request id and an instant of its own."""

Make = Callable[[int], bytes]


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Product, function and pipeline in turn."""
    ours: list[float] = []
    theirs: list[float] = []
    pipeline: list[float] = []
    with stage.product(BATCH * LANES, LANES) as (server, world):
        readings = _readings(world)
        with (
            _lanes(
                [HttpWire(server.port, lane, key) for lane, key in enumerate(world.keys)]
            ) as pushing,
            _lanes([RedisWire(stage.socket_path) for _ in world.keys]) as calling,
            _lanes([RedisWire(stage.socket_path, 2 * BATCH) for _ in world.keys]) as piping,
        ):
            for number in range(plan.runs):
                progress.say(f"ingest: run {number + 1} of {plan.runs}")
                ours.append(pushing.rate([_documents(world, n) for n in range(LANES)], plan))
                server.settle()  # the historian works off what came in
                os.sched_setaffinity(0, stage.cores.server)
                try:
                    theirs.append(calling.rate([_call(readings, n) for n in range(LANES)], plan))
                    pipeline.append(piping.rate([_pipeline(readings)] * LANES, plan))
                finally:
                    os.sched_setaffinity(0, stage.cores.client)
    what, unit = f"accepted and durable, pushed in {BATCH}s", "reports/s"
    return [
        Figure(what, unit, "more", tuple(ours), tuple(theirs), "bare FCALL of the same function"),
        Figure(what, unit, "more", tuple(ours), tuple(pipeline), "bare HSET+XADD pipeline"),
    ]


class _lanes:  # noqa: N801 - reads as a word
    """Several connections with one request under way on each."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self._step = 0

    def __enter__(self) -> "_lanes":
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires:
            wire.close()

    def rate(self, makes: Sequence[Make], plan: Plan) -> float:
        """Reports a second over `plan.ingest_for` seconds."""
        lanes = list(zip(self._wires, makes, strict=True))
        begin = time.perf_counter()
        for wire, make in lanes:
            wire.send(make(self._next()))
        answered = 0
        while time.perf_counter() - begin < plan.ingest_for:
            for wire, make in lanes:
                wire.receive()
                answered += 1
                wire.send(make(self._next()))
        for wire, _ in lanes:
            wire.receive()
            answered += 1
        return answered * BATCH / (time.perf_counter() - begin)

    def _next(self) -> int:
        self._step += 1
        return self._step


def _documents(world: World, source: int) -> Make:
    stand_in = "@observed"
    reports = []
    for number, unit in enumerate(world.units_of(source)):
        text = report(unit, moment(0), "frit felt", number)
        text["observed_at"] = stand_in
        reports.append(text)
    template = document(reports)

    def make(step: int) -> bytes:
        return template.replace(
            stand_in.encode(), moment(step).isoformat(timespec="milliseconds").encode()
        )

    return make


def _readings(world: World) -> list[Reading]:
    """What the product itself makes of one document, to be written without the product."""
    catalogue, source = world.load()
    raw = _documents(world, 0)(1)
    receipt, readings = Intake(None, catalogue, utc_now).read(source, raw)  # type: ignore[arg-type]  # reads only
    if receipt.rejected or len(readings) != BATCH:
        raise CannotRunError("the product does not read its own bench's document")
    return readings


def _call(readings: Sequence[Reading], lane: int) -> Make:
    request = _REQUEST % lane
    keys = _BARE.for_function(request.decode())
    words: list[bytes | str | int] = ["FCALL", function("apply"), len(keys), *keys]
    words += ["bare00000000", 100_000, 3_600_000]
    for reading in readings:
        words += (f"{lane}-{reading.unit}", _OBSERVED, reading.digest, reading.row)
    template = packed(*words)

    def make(step: int) -> bytes:
        observed = b"%d" % epoch_millis(moment(step))
        own = b"%016d%016d" % (lane + 1, step)
        return template.replace(_OBSERVED, observed).replace(request, own)

    return make


def _pipeline(readings: Sequence[Reading]) -> Make:
    commands: list[tuple[bytes | str | int, ...]] = []
    for reading in readings:
        commands.append(("HSET", "bench:rows", reading.unit, reading.row))
        entry = ("u", reading.unit, "r", reading.row)
        commands.append(("XADD", "bench:changes", "MAXLEN", "~", 100_000, "*", *entry))
    sent = packed_all(commands)
    return lambda _step: sent
