"""Years: what questions of the past cost as history grows to a year of a region.

A hundred units with a change each at the same pace all year. After three, six and twelve months
questions are asked in turn of that history and of one that has its first month only, so that both
meet the same machine, whatever else it does; the baseline is the product over the one month.
The usual run has a change of each unit every ten minutes; ``--whole-year`` one a minute (52.6
million changes, 60 GB and an hour for each database).

Amounts of days are made once, by the program itself, and put into all other days.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median

import psycopg
from sqlalchemy import Connection, text

from capacity.board.changes import Change
from capacity.history import History, Roller, migrate
from capacity.history.parts import next_month
from capacity.history.rollups import Rolled, move, read_rolled, write_amounts
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.day import Scope
from capacity.indicators.days import day_of, days_between
from capacity.instants import epoch_millis
from capacity.units import Catalogue
from tests.bench.figures import CannotRunError, Figure, Missing
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage, on_cores
from tests.bench.world import CLUSTER, World
from tests.bench.years_fill import START, Maker, fill
from tests.support.databases import PostgresServer, postgres_available, sqlite_url
from web.indicator_desk import IndicatorDesk, Span

NAME = "years"
ROUNDS = 5
"""Values of each question; each is a median of several askings."""
CAPABILITIES = 2
"""Of each unit: rows of 730 bytes, so that a year finds room on an ordinary disk."""
LOOKS = 40
"""Askings of a board at a random minute, in one round."""


@dataclass(slots=True)
class Told:
    """What each question took of one history at one size, in seconds, round by round."""

    url: str
    until: datetime
    changes: int
    took: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, seconds: float) -> None:
        """One value."""
        self.took.setdefault(what, []).append(seconds)


def run(plan: Plan, stage: Stage, progress: Progress) -> list[Figure | Missing]:
    """Both databases, one after the other, each removed before the next."""
    with on_cores(stage.cores.client | stage.cores.server):
        return list(_all(plan, stage, progress))


def _all(plan: Plan, stage: Stage, progress: Progress) -> Iterator[Figure | Missing]:
    for database in plan.years_on:
        if database == "postgres" and (reason := postgres_available()) is not None:
            yield Missing("a year on PostgreSQL", reason)
            continue
        with _databases(database, stage.folder) as urls:
            yield from _grow(database, urls, plan, stage, progress)


@contextmanager
def _databases(name: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Two that are empty: for the month, and for the year."""
    if name == "sqlite":
        places = [folder / "month", folder / "years"]
        for place in places:
            place.mkdir()
        try:
            yield sqlite_url(places[0]), sqlite_url(places[1])
        finally:
            for place in places:
                shutil.rmtree(place)
        return
    server = PostgresServer()
    try:
        server.start()
        tune(server)
        yield server.new_database(), server.new_database()
    finally:
        server.remove()


def tune(server: PostgresServer) -> None:
    """Memory as a small production server has it; no log of what is filled in bulk."""
    settings = {
        "shared_buffers": "2GB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB",
        "wal_level": "minimal", "max_wal_senders": "0",
    }  # fmt: skip
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    server.stop()
    server.start()


def _grow(
    name: str, urls: tuple[str, str], plan: Plan, stage: Stage, progress: Progress
) -> list[Figure | Missing]:
    """Fill month by month, ask at each size, and start the service at the last."""
    short, url = urls
    for each in urls:
        migrate(each)
    world = World.write(stage.folder / f"world-{name}", plan.years_units, capabilities=CAPABILITIES)
    catalogue, _ = world.load()
    maker = Maker(catalogue, world.units, plan.years_every)
    month = next_month(START)
    first = Maker(catalogue, world.units, plan.years_every)
    fill(short, first, START)
    progress.say(f"years, {name}: the short one filled, {first.made / 1e6:.1f} million changes")
    sizes: dict[int, tuple[Told, Told]] = {}
    begun, month = month, START
    for number in range(1, max(plan.years_months) + 1):
        began = time.monotonic()
        fill(url, maker, month)
        month = next_month(month)
        pace = maker.made / (number * 1e6)
        progress.say(
            f"years, {name}: month {number} filled, {maker.made / 1e6:.1f} million changes"
            f" ({pace:.1f} million a month, {time.monotonic() - began:.0f} s)"
        )
        if number in plan.years_months:
            both = Told(short, begun, first.made), Told(url, month, maker.made)
            asyncio.run(_ask(both, catalogue, progress))
            sizes[number] = both
    starts = [_start(url, world, stage, progress) for _ in range(plan.years_starts)]
    return _figures(name, sizes, starts)


async def _ask(both: tuple[Told, Told], catalogue: Catalogue, progress: Progress) -> None:
    """Ask each in turn, in every round."""
    histories = [History(told.url) for told in both]
    try:
        for history in histories:
            await history.start()
        for history, told in zip(histories, both, strict=True):
            await _roll(history, catalogue, told, progress)
        random = Random(1)
        for _ in range(ROUNDS):
            for history, told in zip(histories, both, strict=True):
                await _look(history, catalogue, random, told)
        for number in range(ROUNDS):
            for history, told in zip(histories, both, strict=True):
                await _record(history, catalogue, told, number)
    finally:
        for history in histories:
            await history.stop()
    least, most = both
    for what, took in most.took.items():
        ours, theirs = median(took) * 1e3, median(least.took[what]) * 1e3
        size = f"{most.changes / 1e6:.1f} million"
        progress.say(f"years: {size}, {what}: {ours:.1f} ms, of one month {theirs:.1f} ms")


async def _roll(history: History, catalogue: Catalogue, told: Told, progress: Progress) -> None:
    """Make the amounts of a whole day as the program does, and copy them to the days that have
    none."""
    now = told.until
    needs = tuple(builtin_definitions(catalogue).needs.values())
    scope = Scope(CLUSTER, catalogue, needs)
    roller = Roller(history)
    model = day_of(now) - timedelta(days=2)
    for _ in range(2):
        began = time.perf_counter()
        tally = await roller.tally(scope, model, now)
        told.note("amounts of a day from its changes", time.perf_counter() - began)
    progress.say(f"years: {len(tally)} amounts a day")
    rolled = await history.read(lambda c: read_rolled(c, CLUSTER))
    first = day_of(START) if rolled is None else day_of(rolled.through)
    if rolled is None:
        nothing = Rolled(0, START, 0, 0, 0)
        rolled = await history.write(lambda c: move(c, CLUSTER, None, nothing))
    standing = rolled
    rolled = await history.write(lambda c: write_amounts(c, CLUSTER, standing, model, tally))
    others = [day.isoformat() for day in days_between(first, day_of(now)) if day != model]
    await history.write(lambda c: _copy_day(c, model.isoformat(), others))
    last, upto = rolled, now
    await history.write(
        lambda c: move(c, CLUSTER, last, Rolled(last.version, upto, 2**40, 2**40, 2**40))
    )


def _copy_day(connection: Connection, model: str, days: list[str]) -> None:
    """Put a day's amounts into others, in the order of the table's key: so it is quickest."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size=-1000000")
    else:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.execute(text("CREATE TEMPORARY TABLE wanted (day TEXT)"))
    connection.execute(text("INSERT INTO wanted VALUES (:day)"), [{"day": day} for day in days])
    connection.execute(text("DELETE FROM rollup WHERE day IN (SELECT day FROM wanted)"))
    connection.execute(
        text(
            "INSERT INTO rollup (cluster, measure, hour, day, subject, kind, municipality, amount)"
            " SELECT cluster, measure, hour, wanted.day, subject, kind, municipality, amount"
            " FROM rollup CROSS JOIN wanted WHERE cluster = :cluster AND rollup.day = :model"
            " ORDER BY 1, 2, 3, 4, 5, 6, 7"
        ),
        {"model": model, "cluster": CLUSTER},
    )
    connection.execute(text("DROP TABLE wanted"))
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size=-2000")


async def _look(history: History, catalogue: Catalogue, random: Random, told: Told) -> None:
    now = told.until
    length = now - START
    looks: list[float] = []
    for _ in range(LOOKS):
        at = START + timedelta(minutes=1) + random.random() * (length - timedelta(minutes=1))
        began = time.perf_counter()
        board = await history.board_at(CLUSTER, at)
        looks.append(time.perf_counter() - began)
        if len(board.rows) != len(catalogue.units):
            raise CannotRunError(f"the board of {at} has {len(board.rows)} rows")
    told.note("the board at a random minute", median(looks))
    told.note("the same, slowest of forty", max(looks))
    desk = IndicatorDesk(history, builtin_definitions(catalogue), CLUSTER)
    last = day_of(now) - timedelta(days=1)
    for what, span in (
        ("all indicators of a month, by day", Span("day", last - timedelta(days=27), last)),
        ("all indicators of all months, by month", Span("month", day_of(START), last)),
    ):
        began = time.perf_counter()
        found = await desk.read(span)
        told.note(what, time.perf_counter() - began)
        if not any(each.periods for each in found):
            raise CannotRunError(f"{what}: no figures")


async def _record(history: History, catalogue: Catalogue, told: Told, number: int) -> None:
    """A thousand changes in one transaction, as the historian writes a backlog; then taken away."""
    now = told.until
    unit = next(iter(catalogue.units))
    board = await history.board_at(CLUSTER, now)
    row = next(row for row in board.rows if unit.encode() in row)
    position = await history.position(CLUSTER)
    millis = epoch_millis(now) - 10_000
    epoch = f"bench{now:%y%m}{number}"
    changes = [Change(f"{millis + n}-0", epoch, n + 1, unit, row) for n in range(1000)]
    began = time.perf_counter()
    await history.record(CLUSTER, changes, [], position)
    told.note("a thousand changes recorded", time.perf_counter() - began)
    await history.write(partial(_take_away, last=told.changes))


def _take_away(connection: Connection, last: int) -> None:
    connection.execute(text("DELETE FROM change WHERE id > :last"), {"last": last})
    connection.execute(text("DELETE FROM unit_run WHERE first_id > :last"), {"last": last})


def _start(url: str, world: World, stage: Stage, progress: Progress) -> tuple[float, float]:
    """Seconds until the service is ready: with all this history, and with none."""
    with stage.on(world, sql_url=url) as server:
        ours = server.started_in
    with stage.on(world) as server:
        least = server.started_in
    shutil.rmtree(world.folder / "data", ignore_errors=True)
    progress.say(f"years: ready after {ours:.1f} s, without history after {least:.1f} s")
    return ours, least


def _figures(
    name: str, sizes: dict[int, tuple[Told, Told]], starts: list[tuple[float, float]]
) -> list[Figure | Missing]:
    figures: list[Figure | Missing] = []
    whats = list(next(iter(sizes.values()))[0].took)
    for what in whats:
        for months, (base, told) in sizes.items():
            size = f"{months} months, {told.changes / 1e6:.1f} million changes"
            ours, theirs = (tuple(1e3 * t for t in each.took[what]) for each in (told, base))
            against = f"1 month, {base.changes / 1e6:.1f} million, in turn"
            figures.append(Figure(f"{name}, {size}: {what}", "ms", "less", ours, theirs, against))
    if starts:
        ours, theirs = zip(*starts, strict=True)
        what = f"{name}, {max(sizes)} months: start until ready"
        figures.append(Figure(what, "s", "less", ours, theirs, "the same, no history"))
    return figures
