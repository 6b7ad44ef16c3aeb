"""Worlds of raw records that chance made."""

from datetime import date, timedelta
from random import Random

from capacity.catalogue import builtin_catalogue
from capacity.indicators.days import begin, end
from tests.support.raw_days import MINUTE, World

CATALOGUE = builtin_catalogue()
UNITS = ("randers-akutplads-1", "favrskov-akutplads", "norddjurs-akutplads")


def random_world(seed: int, first: date, days: int) -> World:
    """Reports, holds, closures, silence, lost stores and clocks set back, on whole minutes."""
    random = Random(seed)
    world = World(CATALOGUE)
    at = begin(first) - timedelta(hours=30)
    last = end(first + timedelta(days=days - 1)) + timedelta(hours=3)
    while (at := at + random.choice([1, 3, 20, 90, 400]) * MINUTE) < last:
        unit = random.choice(UNITS)
        dice = random.random()
        known = any(change.unit == unit and change.row for change in world.changes[-3:])
        if dice < 0.1 and known and world.changes[-1].unit == unit and world.changes[-1].row:
            world.hold_row(unit, at, random.randint(0, 1))
        elif dice < 0.15:
            world.leave(unit, at)
        elif dice < 0.2:
            world.lose_store()
            at -= random.choice([0, 0, 45]) * MINUTE
        elif dice < 0.25:
            world.supersede(unit, at)
        else:
            world.report(
                unit, at, stale_after=random.choice([30, 240]),
                closed_for=random.choice([None, None, None, "staff"]),
                total=random.choice([None, 2, 3]), occupied=random.choice([None, 0, 2, 4]),
                closed=random.choice([None, 1]), reserved=0,
            )  # fmt: skip
    return world


def ticking_world(seed: int, first: date, days: int) -> World:
    """Units that mostly say what they said before, as a source that ticks does; silences, holds,
    closures, and stores lost in between.
    """
    random = Random(seed)
    world = World(CATALOGUE)
    at, last = begin(first) - timedelta(hours=3), begin(first) + timedelta(days=days)
    said = {unit: (3, 1) for unit in UNITS}
    while at < last:
        for unit in UNITS:
            dice = random.random()
            if dice < 0.08:
                said[unit] = random.choice([2, 3]), random.choice([0, 1, 3])
            total, occupied = said[unit]
            if dice > 0.97 and world.changes and world.changes[-1].unit == unit:
                world.hold_row(unit, at, random.randint(0, 1))
            elif dice < 0.9:
                world.report(
                    unit, at, stale_after=random.choice([30, 240, 240]),
                    closed_for="staff" if dice < 0.03 else None,
                    total=total, occupied=occupied, reserved=0, closed=0,
                )  # fmt: skip
        if random.random() < 0.03:
            world.lose_store()
        at += random.choice([5, 10, 20, 20, 200]) * MINUTE
    return world
