"""Ingest: reports a second that are accepted and durable, pushed in documents of a hundred.

The product takes them over HTTP, on several connections at once, while its hub and historian do
their work on what comes in. Two baselines put the same rows into the same Valkey (fsync on every
write), with as many connections and batches of the same size, packed beforehand: the product's
own function, and a plain pipeline of HSET and XADD. The baselines run on the product's core.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from capacity.board import Reading
from capacity.instants import epoch_millis, utc_now
from feeds.intake import Intake
from tests.bench.figures import CannotRunError, Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage, on_cores
from tests.bench.recording import recorded_apply
from tests.bench.wires import HttpWire, RedisWire, Wire, packed_all
from tests.bench.world import World, document, moment, report

NAME = "ingest"
BATCH = 100
LANES = 4
"""Connections; each reports on units of its own, so that none overtakes another."""
_BARE = "bare"
"""A cluster that the product does not follow, so that the baselines do not work it."""
_OBSERVED = 1_000_000_000_000
"""Milliseconds, long ago; stands in the recorded command where each batch has its own instant."""

Make = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Take:
    """What one stretch took in: reports a second, and processor seconds for a million of them."""

    rate: float
    cpu: float


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Product, function and pipeline in turn."""
    takes: list[tuple[Take, Take, Take]] = []
    steps, numbers, path = count(1), range(LANES), stage.socket_path
    with stage.product(BATCH * LANES, LANES) as (server, world):
        readings = _readings(world)
        documents = [_documents(world, n) for n in numbers]
        calls = [_call(stage, readings, n) for n in numbers]
        pipelines = [_pipeline(readings)] * LANES
        for number in range(plan.runs):
            progress.say(f"ingest: run {number + 1} of {plan.runs}")
            # Connections are opened for each stretch: a server may close those that lie idle.
            with Lanes([HttpWire(server.port, n, world.keys[n]) for n in numbers], steps) as push:
                ours = push.take(documents, plan.ingest_for, server.cpu_seconds, server.settle)
            with on_cores(stage.cores.server):
                with Lanes([CallWire(path) for _ in numbers], steps) as call:
                    called = call.take(calls, plan.ingest_for, stage.store_cpu_seconds)
                with Lanes([RedisWire(path, 2 * BATCH) for _ in numbers], steps) as pipe:
                    piped = pipe.take(pipelines, plan.ingest_for, stage.store_cpu_seconds)
            takes.append((ours, called, piped))
    what = f"accepted and durable, pushed in {BATCH}s"
    ours_rate, called_rate, piped_rate = (tuple(t[i].rate for t in takes) for i in range(3))
    ours_cpu, called_cpu = (tuple(t[i].cpu for t in takes) for i in range(2))
    return [
        Figure(what, "reports/s", "more", ours_rate, called_rate, "bare FCALL, same function"),
        Figure(what, "reports/s", "more", ours_rate, piped_rate, "bare HSET+XADD pipeline"),
        Figure(
            "CPU of the web process, history and hub included",
            "s per million reports",
            "less",
            ours_cpu,
            called_cpu,
            "Valkey's own, bare FCALL",
        ),
    ]


class Lanes:
    """Several connections with one request under way on each; `steps` numbers the requests."""

    def __init__(self, wires: Sequence[Wire], steps: Iterator[int]) -> None:
        self._wires = wires
        self._steps = steps

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires:
            wire.close()

    def take(
        self,
        makes: Sequence[Make],
        seconds: float,
        cpu_seconds: Callable[[], float],
        settle: Callable[[], None] | None = None,
    ) -> Take:
        """Keep all lanes busy for a while; `settle` waits for work that is left for later."""
        lanes = list(zip(self._wires, makes, strict=True))
        cpu, begin = cpu_seconds(), time.perf_counter()
        answered = 0
        for wire, make in lanes:
            wire.send(make(next(self._steps)))
        while time.perf_counter() - begin < seconds:
            for wire, make in lanes:
                wire.receive()
                answered += 1
                wire.send(make(next(self._steps)))
        for wire in self._wires:
            wire.receive()
            answered += 1
        took = time.perf_counter() - begin
        if settle is not None:
            settle()
        reports = answered * BATCH
        return Take(reports / took, (cpu_seconds() - cpu) / reports * 1e6)


class CallWire(RedisWire):
    """Calls the board's function, and sees to it that every row was applied."""

    def receive(self) -> None:
        """See `Wire.receive`."""
        _epoch, _seq, letters = self.reply()
        if letters != b"a" * BATCH:
            raise CannotRunError("the store did not apply what the bare client sent")


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


def _call(stage: Stage, readings: Sequence[Reading], lane: int) -> Make:
    own = [
        replace(reading, unit=f"{lane}-{reading.unit}", observed_ms=_OBSERVED)
        for reading in readings
    ]
    request = f"{lane:032d}"
    template = recorded_apply(
        stage.socket_path, stage.folder / f"relay-{lane}", _BARE, own, request
    )

    def make(step: int) -> bytes:
        observed = b"%d" % epoch_millis(moment(step))
        again = template.replace(b"%d" % _OBSERVED, observed)
        return again.replace(request.encode(), b"%016d%016d" % (lane + 1, step))

    return make


def _pipeline(readings: Sequence[Reading]) -> Make:
    commands: list[tuple[bytes | str | int, ...]] = []
    for reading in readings:
        commands.append(("HSET", "bench:rows", reading.unit, reading.row))
        entry = ("u", reading.unit, "r", reading.row)
        commands.append(("XADD", "bench:changes", "MAXLEN", "~", 100_000, "*", *entry))
    sent = packed_all(commands)
    return lambda _step: sent
