"""A past for the monthly report, recorded and rolled up as in life, and counted by another way.

The count knows no rollups, hours or measures: of each unit it goes from change to change, clipped
to the month, and of holds and outcomes it counts the records one by one.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from capacity.catalogue import builtin_catalogue
from capacity.history import History, Roller
from capacity.indicators.day import Scope
from capacity.indicators.days import begin
from capacity.instants import format_instant
from capacity.need import Need, Where
from tests.support.databases import kept_beside
from tests.support.past import BY
from tests.support.raw_days import MINUTE, World

CATALOGUE = builtin_catalogue()
FIRST, LAST = date(2026, 9, 28), date(2026, 11, 2)
"""The day on which history begins, which is not whole, and the last whole one."""
NOW = begin(LAST + timedelta(days=1)) + timedelta(hours=3)
OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))
"""A month that history holds wholly; its 25th has 25 hours."""
FULL_FROM = date(2026, 10, 20)
"""From here on `FULL` is full all day long; before, days differ a little."""
FULL = "favrskov-akutplads"
SILENT = "syddjurs-akutplads"
"""Never said a word."""
PLACES = ("randers-akutplads-1", "randers-akutplads-2", FULL, "norddjurs-akutplads")
TEAM = "randers-akutteam"
AGREEMENT = "favrskov-hos-randers"


def seeded() -> World:
    """Five weeks of reports, asks, calls and surge levels; the same each time."""
    world, chance = World(CATALOGUE), random.Random(7)
    told: list[tuple[datetime, Any]] = []
    for number in range((LAST - FIRST).days + 2):
        day = FIRST + timedelta(days=number)
        told += _reports(world, day, chance)
        told += _asks(world, day, number, chance)
        told += _calls(world, day, number, chance)
    told += _surge(world)
    for at, tell in sorted(told, key=lambda each: each[0]):
        if begin(FIRST) < at < NOW:
            tell(at)
    return world


Telling = Iterator[tuple[datetime, Any]]


def _reports(world: World, day: date, chance: random.Random) -> Telling:
    for index, unit in enumerate((*PLACES, TEAM)):
        for hour in (1, 7, 15, 22):
            at = begin(day) + timedelta(hours=hour, minutes=index)
            if hour != 1 and chance.random() < 0.15:
                continue  # a shift that forgot: the figure goes stale
            used = 4 if unit == FULL and day >= FULL_FROM else chance.choice((1, 2, 2, 3))
            used = 4 if hour == 15 and unit != FULL else used
            shut = "lukket" if unit == PLACES[3] and day.day in (8, 9) else None
            yield at, _report(world, unit, used, shut)
    at = begin(day) + timedelta(hours=12)
    if day.day % 5 == 0:
        yield at, lambda at: world.supersede(PLACES[0], at)
        yield at, lambda at: world.note("reminder", at, {"unit": PLACES[0], "outcome": "sent"})


def _report(world: World, unit: str, used: int, shut: str | None) -> Any:
    return lambda at: world.report(
        unit, at, stale_after=500, total=4, occupied=used, reserved=0, closed=0, closed_for=shut
    )


def _asks(world: World, day: date, number: int, chance: random.Random) -> Telling:
    for index, hour in enumerate((9, 13, 20)):
        unit = (PLACES[0], FULL, TEAM)[index]
        asked = begin(day) + timedelta(hours=hour, minutes=10)
        answered = asked + chance.randrange(1, 12) * MINUTE
        end = chance.choice(("filled", "filled", "cancelled", "declined", "expired"))
        path = [("asked", asked)]
        if end in ("filled", "declined"):
            path.append(("declined" if end == "declined" else "accepted", answered))
        if end != "declined":
            path.append((end, answered + 30 * MINUTE))
        more = {}
        if index == 0 and number % 3 == 0:
            more = {"agreement": AGREEMENT, "need": {"municipality": "0710"}}
        yield path[-1][1], _hold(world, f"h-{day}-{index}", unit, path, _whole(path) | more)


def _whole(path: Any) -> dict[str, Any]:
    """What else the store's record of a hold has."""
    asked, ended = (format_instant(path[place][1]) for place in (0, -1))
    return {
        "ended_at": ended, "expires_at": ended, "answer_by": asked, "answered_at": None,
        "by": BY, "reason": None, "counts": path[-1][0] == "filled", "quota": None,
    }  # fmt: skip


def _hold(world: World, name: str, unit: str, path: Any, more: Any) -> Any:
    return lambda _: world.hold(name, unit, path, **more)


def _calls(world: World, day: date, number: int, chance: random.Random) -> Telling:
    codes = ("alternative", "admitted_none_free", "admitted_despite_free", "other")
    for index in range(4):
        at = begin(day) + timedelta(hours=8 + 3 * index, minutes=20)
        code = codes[(number + index) % 4]
        municipality = chance.choice(("0730", "0710", "0707", None))
        need = Need(municipality, ("tobs_observation",), 240, Where.PLACE)
        value = {
            "outcome": code,
            "unit": PLACES[0] if code == "alternative" else None,
            "need": None if municipality is None else need.as_json(),
            "took_seconds": 60 + number if index else None,
        }
        yield at, _outcome(world, f"o-{day}-{index}", value)
        if number % 7 == 0 and index == 0:
            better = value | {"outcome": "other", "unit": None}
            yield at + 5 * MINUTE, _correction(world, f"o-{day}-{index}", better)


def _outcome(world: World, name: str, value: Any) -> Any:
    return lambda at: world.outcome(name, at, value)


def _correction(world: World, name: str, value: Any) -> Any:
    return lambda at: world.correct(name, at, value)


LEVELS = (
    (datetime(2026, 9, 29, 6, tzinfo=UTC), 0), (datetime(2026, 10, 3, 9, tzinfo=UTC), 2),
    (datetime(2026, 10, 3, 19, 30, tzinfo=UTC), 1), (datetime(2026, 10, 12, 8, tzinfo=UTC), 3),
    (datetime(2026, 10, 12, 14, tzinfo=UTC), 0), (datetime(2026, 10, 31, 20, tzinfo=UTC), 2),
)  # fmt: skip
"""When the computed surge level became what."""


def _surge(world: World) -> Telling:
    for at, level in LEVELS:
        yield at, _level(world, level)


def _level(world: World, level: int) -> Any:
    return lambda at: world.note("surge", at, {"from": None, "level": level, "facts": []})


async def seed(folder: Path, world: World) -> None:
    """Record it and roll it up, in the database that the service then has."""
    history = History(kept_beside(folder))
    await history.start()
    try:
        await world.record(history)
        await Roller(history).roll_up(Scope("randers", CATALOGUE), NOW)
    finally:
        await history.stop()


# --- counted by another way ----------------------------------------------------------------------


def unit_time(world: World, unit: str, first: date, last: date) -> Counter[str]:
    """Milliseconds of a unit in the days from `first` to `last`: `free`, `full`, `closed`,
    `stale`, and places times milliseconds: `places`, `used`, `free_places`.
    """
    since, until = begin(first), begin(last + timedelta(days=1))
    of_unit = [each for each in world.changes if each.unit == unit]
    found: Counter[str] = Counter()
    for index, change in enumerate(of_unit):
        ends = of_unit[index + 1].applied_at if index + 1 < len(of_unit) else until
        row = orjson.loads(change.row)
        begins, ends = max(change.applied_at, since), min(ends, until)
        if begins >= ends:
            continue
        stale_at = min(max(datetime.fromisoformat(row["stale_at"]), begins), ends)
        good = round((stale_at - begins) / timedelta(milliseconds=1))
        found["stale"] += round((ends - stale_at) / timedelta(milliseconds=1))
        found[{"occupied": "full"}.get(row["state"], row["state"])] += good
        if row["state"] != "closed":
            found["places"] += 4 * good
            found["used"] += row["occupied"] * good
            found["free_places"] += row["free"] * good
    return found


def updates(world: World, unit: str, first: date, last: date) -> tuple[int, float]:
    """How often it was told anew in these days, and the mean minutes since the time before."""
    since, until = begin(first), begin(last + timedelta(days=1))
    of_unit = [each.applied_at for each in world.changes if each.unit == unit]
    gaps = [(at - before) / MINUTE for before, at in pairwise(of_unit) if since <= at < until]
    return len(gaps), sum(gaps) / len(gaps)


def holds(world: World, first: date, last: date) -> dict[str, Counter[str]]:
    """Of each unit the holds asked for in these days by what came of them, and of each agreement
    (by its name) how many were asked for and filled.
    """
    since, until = begin(first), begin(last + timedelta(days=1))
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in world.journal:
        if entry.kind != "hold":
            continue
        hold = orjson.loads(entry.data)
        asked = datetime.fromisoformat(hold["path"][0][1])
        if not since <= asked < until:
            continue
        states = [state for state, _, _ in hold["path"]]
        of_unit = found[hold["unit"]]
        of_unit["asked"] += 1
        for state in ("accepted", "declined", "filled"):
            of_unit[state] += state in states
        answers = [at for state, at, _ in hold["path"] if state in ("accepted", "declined")]
        of_unit["unanswered"] += not answers and states[-1] in ("cancelled", "expired")
        for at in answers:
            of_unit["answer_seconds"] += round((datetime.fromisoformat(at) - asked).total_seconds())
        if hold["agreement"]:
            found[hold["agreement"]]["asked"] += 1
            found[hold["agreement"]]["filled"] += "filled" in states
    return found


def outcomes(world: World, first: date, last: date) -> dict[str, Counter[str]]:
    """Of each municipality (empty: not said) the outcomes of these days as they stand now."""
    since, until = begin(first), begin(last + timedelta(days=1))
    standing: dict[str, Any] = {}
    for entry in world.journal:
        told = orjson.loads(entry.data)
        if entry.kind == "outcome" and since <= entry.at < until:
            standing[told["id"]] = told["value"]
        elif entry.kind == "outcome_correction" and told["id"] in standing:
            standing[told["id"]] = told["after"]
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for value in standing.values():
        code = (value["need"] or {}).get("municipality") or ""
        found[code][value["outcome"]] += 1
        found[code]["all"] += 1
    return found


def surge_minutes(first: date, last: date) -> Counter[int]:
    """The minutes of each computed level in these days."""
    since, until = begin(first), begin(last + timedelta(days=1))
    found: Counter[int] = Counter()
    for index, (at, level) in enumerate(LEVELS):
        ends = LEVELS[index + 1][0] if index + 1 < len(LEVELS) else until
        begins, ends = max(at, since), min(ends, until)
        if begins < ends:
            found[level] += round((ends - begins) / timedelta(minutes=1))
    return found
