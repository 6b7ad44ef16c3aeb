"""Alternatives: one need over more and more units, and two hundred visitators who ask at once.

Over units: processor time of ranking and encoding, with every kind of unit, agreements, distances
and hours in the shipped proportions, beside encoding the same rows and doing nothing else. At once:
on as many open connections as there are visitators, every request is sent before any answer is
read. Their needs differ, so none is answered from what another asked; the second figure is the
same need for all. The baseline is the emptiest answer of the same process: that it is alive.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import orjson

from capacity.alternatives import rank
from capacity.catalogue import builtin_catalogue
from capacity.instants import utc_now
from capacity.model import REPORT_CLASSES, ReportType
from capacity.need import Need, Where
from capacity.row import row_of
from capacity.suitability import TAKING_PART
from capacity.units import Catalogue, Unit
from tests.bench.figures import CannotRunError, Figure, quantile
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Server, Stage
from tests.bench.wires import HttpWire
from tests.bench.world import CLUSTER, World, document, moment, report

NAME = "alternatives"
_ENCODE = "bare encoding of the rows"
_EMPTY, _AGAINST = "/healthz", "an empty answer"
_NEED = Need("0710", ("blood_crp",), 120, Where.EITHER)
_ENOUGH = 20_000
"""Units ranked for one value, so that small sizes are not lost in the clock's grain."""


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    """Every number of units, then the crowd."""
    figures = [_over(units, plan, progress) for units in plan.alternative_units]
    return figures + _crowd(plan, stage, progress)


def _over(units: int, plan: Plan, progress: Progress) -> Figure:
    progress.say(f"alternatives: {units} units")
    catalogue, rows = many(units, utc_now())
    now = utc_now()
    repeats = max(1, _ENOUGH // units)

    def ours() -> None:
        orjson.dumps(rank(_NEED, rows, catalogue, now, 1).alternatives)

    ours()  # what is prepared once for a need is not what every question costs
    values = [(_each(ours, repeats), _each(lambda: orjson.dumps(rows), repeats)) for _ in plan.each]
    name = f"{units} units: all alternatives for one need, ranked and encoded"
    ranked, encoded = zip(*values, strict=True)
    return Figure(name, "ms", "less", ranked, encoded, _ENCODE)


def _each(work: Callable[[], object], repeats: int) -> float:
    begin = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - begin) / repeats * 1e3


def many(units: int, now: datetime) -> tuple[Catalogue, list[dict[str, Any]]]:
    """The shipped units again and again, with their distances, and a row for each."""
    shipped = builtin_catalogue()
    models = [unit for unit in shipped.units.values() if unit.kind in TAKING_PART]
    copies = [_copy(models[n % len(models)], n) for n in range(units)]
    distances = {
        code: {
            copy.id: there[model.id]
            for copy, model in zip(copies, models * (units // len(models) + 1), strict=False)
            if model.id in there
        }
        for code, there in shipped.distances.items()
    }
    by_id = {unit.id: unit for unit in copies}
    rows = [orjson.loads(orjson.dumps(_row(unit, n, now))) for n, unit in enumerate(copies)]
    return replace(shipped, units=by_id, distances=distances), rows


def _copy(unit: Unit, number: int) -> Unit:
    return replace(unit, id=f"{unit.id}-{number}", name=f"{unit.name} {number}")


def _row(unit: Unit, number: int, now: datetime) -> object:
    """Free, full and stale in turn."""
    minutes = 6 * 60 if number % 10 == 0 else 1
    values: dict[str, Any] = {"total": 4, "occupied": number % 5, "free": max(0, 4 - number % 5)}
    if unit.report_type in (ReportType.TEAM, ReportType.ADVICE):
        values["on_duty"] = True
    if unit.report_type is ReportType.LOAD:
        values = {"wait_minutes": number % 60}
    observed = now - timedelta(minutes=minutes)
    said = REPORT_CLASSES[unit.report_type](unit=unit.id, observed_at=observed, **values)
    return row_of(unit, said, received_at=now, source="source-0")


# --- the crowd ------------------------------------------------------------------------------


def _crowd(plan: Plan, stage: Stage, progress: Progress) -> list[Figure]:
    figures: list[Figure] = []
    for units in plan.crowd_units:
        with stage.product(units) as (server, world):
            _report_all(server, world)
            server.settle()
            progress.say(f"alternatives: {plan.crowd} visitators at once, {units} units")
            figures += asyncio.run(_asked(plan, server, units))
    return figures


def _report_all(server: Server, world: World) -> None:
    said = [report(unit, moment(n), "frit felt", n) for n, unit in enumerate(world.units)]
    with closing(HttpWire(server.port, 0, world.keys[0])) as wire:
        wire.send(document(said))
        wire.receive()


async def _asked(plan: Plan, server: Server, units: int) -> list[Figure]:
    minutes = count(1)
    ways: dict[str, Callable[[], list[str]]] = {
        "each another need": lambda: [_path(next(minutes)) for _ in range(plan.crowd)],
        "all the same need": lambda: [_path(0)] * plan.crowd,
    }
    figures: list[Figure] = []
    empty = [_EMPTY] * plan.crowd
    await _wave(server, empty)
    for way, paths in ways.items():
        pairs = [(await _wave(server, paths()), await _wave(server, empty)) for _ in plan.each]
        name = f"{plan.crowd} visitators at once, {units} units, {way}"
        for index, word in enumerate(("median", "95 %", "processor time of each")):
            ours, theirs = (tuple(pair[side][index] * 1e3 for pair in pairs) for side in (0, 1))
            figures.append(Figure(f"{name}: {word}", "ms", "less", ours, theirs, _AGAINST))
    return figures


def _path(minutes: int) -> str:
    query = f"municipality=0730&capability=iv_fluid&within_minutes={minutes % 10_000}"
    return f"/api/v1/alternatives/{CLUSTER}?{query}"


async def _wave(server: Server, paths: Sequence[str]) -> tuple[float, float, float]:
    """Seconds from sending everything until an answer was read whole: median and 95 % of them.

    Last, the server's processor time for one answer.
    """
    # Opened for each wave: a server may close connections that lie idle.
    crowd = [await asyncio.open_connection("127.0.0.1", server.port) for _ in paths]
    try:
        begin, spent = time.perf_counter(), server.cpu_seconds()
        for (_, writer), path in zip(crowd, paths, strict=True):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answers = (_answer(r, path, begin) for (r, _), path in zip(crowd, paths, strict=True))
        times = list(await asyncio.gather(*answers))
        spent = server.cpu_seconds() - spent
        return quantile(times, 0.5), quantile(times, 0.95), spent / len(paths)
    finally:
        for _, writer in crowd:
            writer.close()


async def _answer(reader: asyncio.StreamReader, path: str, begin: float) -> float:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise CannotRunError(f"{path} was answered with {head.splitlines()[0].decode()}")
    _, _, length = head.lower().partition(b"content-length: ")
    await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
    return time.perf_counter() - begin
