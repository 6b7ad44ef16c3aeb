"""The surge level at every moment: judged whenever the service looked, unless set by hand."""

from bisect import bisect_right
from typing import Any

from simulators.months.land import Land, duration
from simulators.months.log import Log
from simulators.months.plan import Plan
from simulators.months.recount.picture import Board, Shown, in_order

_NAMES = ("pressed", "high", "critical")


class Levels:
    """Levels by instant: computed ones, and those that counted."""

    def __init__(self, plan: Plan, land: Land, log: Log) -> None:
        self._computed = _computed(plan, land, log)
        self._by_hand = log.by_hand
        edges = {at for at, _ in self._computed}
        for each in log.by_hand:
            edges |= {each.at, each.until}
        self.edges = sorted(edges)
        """Instants at which the level that counts may change."""
        self._instants = [at for at, _ in self._computed]

    def at(self, instant: int) -> int:
        """The level that counted."""
        hand = [each for each in self._by_hand if each.at <= instant]
        if hand and hand[-1].level is not None and instant < hand[-1].until:
            return hand[-1].level
        return self._computed[bisect_right(self._instants, instant) - 1][1]


def _computed(plan: Plan, land: Land, log: Log) -> list[tuple[int, int]]:
    """Each change of the computed level; the first look saw nothing, and found nothing."""
    board, entries = Board(), list(in_order(log))
    rule, fall = land.surge, duration(land.surge["fall_after"])
    on: set[tuple[int, str]] = set()
    level, since = 0, plan.opens
    found, done = [(plan.opens, 0)], 0
    for at, seen in log.looks:
        for entry in entries[done:seen]:
            board.take(entry)
        done = max(done, seen)
        on = _switches(rule, _facts(land, board, at), on)
        wanted = max((number for number, _ in on), default=0)
        if wanted > level or (wanted < level and at - since >= fall):
            level, since = wanted, at
            found.append((at, level))
    return found


def _switches(
    rule: Any, facts: dict[str, int | None], before: set[tuple[int, str]]
) -> set[tuple[int, str]]:
    now = set()
    for number, name in enumerate(_NAMES, start=1):
        for fact, edge in rule[name].items():
            value, switch = facts[fact], (number, fact)
            sign = -1 if fact == "free_percent" else 1
            if value is None or edge["down"] * sign < value * sign < edge["up"] * sign:
                now |= {switch} & before
            elif value * sign >= edge["up"] * sign:
                now.add(switch)
    return now


def _facts(land: Land, board: Board, at: int) -> dict[str, int | None]:
    def trusted(kind: str) -> list[tuple[str, Shown]]:
        shown = [(unit.id, board.picture.now(unit.id)) for unit in land.of_kind(kind)]
        return [(unit, each) for unit, each in shown if each is not None and each.is_trusted(at)]

    department = next((each for _, each in trusted("acute_department")), None)
    calls = next((each for _, each in trusted("visitation")), None)
    beds = department.count("total") if department else None
    taken = department.count("occupied") if department else None
    return {
        "free_percent": _free_percent(land, trusted("acute_place")),
        "load_percent": 100 * taken // beds if beds and taken is not None else None,
        "waiting": calls.count("waiting") if calls else None,
        "wait_minutes": calls.count("wait_minutes") if calls else None,
    }


def _free_percent(land: Land, shown: list[tuple[str, Shown]]) -> int | None:
    known = free = places = 0
    for unit, each in shown:
        if each.state != "closed" and each.free is None:
            continue
        known += 1
        mine = 0 if each.state == "closed" else each.free or 0
        free += mine
        total = each.count("total")
        places += max((land.units[unit].places or 0) if total is None else total, mine)
    units = len(land.of_kind("acute_place"))
    if not known or 100 * known < land.surge["known_percent"] * units:
        return None
    return 100 * free // places if places else 0
