"""What is truly so in the units, whatever anybody has been told: who is there, and who comes.

Every rate is assumed. `simulators/data/randers.toml` has the sources of an ordinary day.
"""

import random
from typing import Any

from simulators.months.land import HOUR, MINUTE, Land, Unit
from simulators.months.plan import local

CREWS = 4
STAYS = {"acute_place": 26 * HOUR, "acute_team": 100 * MINUTE, "hospital_at_home": 60 * HOUR}
"""Mean stays; those on acute places are shorter than real ones, so that two months see many."""
OWN_LOAD = {"acute_place": 0.55, "acute_team": 0.6, "hospital_at_home": 0.6}
"""Share of what there is that would be taken by those who come by other ways."""
BY_HOUR = (2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 11, 10, 9, 8, 8, 7, 6, 5, 5, 4, 4, 3, 2)
"""How busy each hour is, among the 24."""
CLOSES_PER_DAY = 0.06
BEDS, SLOTS = 50, {"rhr-subakut-medicin": 18, "rhr-subakut-geriatri": 8}


def share_of(hour: int) -> float:
    """How busy an hour is, 1 being the day's mean."""
    return BY_HOUR[hour] * 24 / sum(BY_HOUR)


class Truth:
    """Of each unit with places: how many are there, and until when it is closed."""

    def __init__(self, land: Land, chance: random.Random) -> None:
        self._land, self._chance = land, chance
        self.present: dict[str, int] = {}
        self.closed_until: dict[str, int] = {}
        self._pressure = 0.0
        for unit in land.units.values():
            if unit.kind in STAYS:
                load = OWN_LOAD[unit.kind] * self.size(unit)
                self.present[unit.id] = min(self.size(unit), round(load))

    def size(self, unit: Unit) -> int:
        """How many places or crews it has."""
        return CREWS if unit.kind == "acute_team" else unit.places or 1

    def has_room(self, unit: Unit, at: int) -> bool:
        """Whether somebody more could truly be taken."""
        closed = self.closed_until.get(unit.id, 0) > at
        return not closed and self.present[unit.id] < self.size(unit)

    def figures(self, unit: Unit, at: int, speaks: str) -> dict[str, Any]:
        """What its system would say of it now."""
        if unit.kind in ("acute_place", "acute_team", "hospital_at_home"):
            return self._places(unit, at, speaks)
        return self._hospital(unit, at)

    def drift(self) -> None:
        """The hospital's pressure goes on, by half an hour or an hour."""
        self._pressure = 0.97 * self._pressure + self._chance.gauss(0, 0.25)

    def _places(self, unit: Unit, at: int, speaks: str) -> dict[str, Any]:
        size, present = self.size(unit), self.present[unit.id]
        told: dict[str, Any] = {
            "total": size, "staffed": size, "occupied": present, "reserved": 0, "closed": 0,
        }  # fmt: skip
        until = self.closed_until.get(unit.id, 0)
        if until > at and speaks == "csv":
            told["closed"] = max(0, size - present)
        elif until > at:
            told |= {"closure_reason": "Sygdom i personalet", "reopens_at": until}
        if unit.kind == "acute_team" and speaks == "json":
            full = present >= size
            told |= {"on_duty": True, "next_free_at": at + 70 * MINUTE if full else None}
        return told

    def _hospital(self, unit: Unit, at: int) -> dict[str, Any]:
        clock = local(at)
        busy, chance = share_of(clock.hour), self._chance
        crowd = busy + self._pressure
        open_now = not unit.hours or any(each.covers(clock) for each in unit.hours)
        if unit.kind == "acute_department":
            occupied = max(20, round(BEDS * (0.8 + 0.07 * crowd)))
            return {"total": BEDS, "occupied": occupied, "reserved": 0, "closed": 0, "waiting": 0}
        if unit.kind == "visitation":
            waiting = max(0, round(1.4 * crowd + chance.gauss(0, 0.8)))
            return {"waiting": waiting, "wait_minutes": 2 * waiting}
        if unit.kind == "subacute_slot":
            total = SLOTS[unit.id]
            taken = min(total, max(0, round(total * (0.75 + 0.2 * chance.random()))))
            free_at = None if taken == total else at + chance.randint(1, 30) * HOUR
            return {"total": total, "occupied": taken, "next_free_at": free_at}
        if unit.kind == "advice_line":
            waiting = chance.randint(0, 2) if open_now else 0
            return {"on_duty": open_now, "waiting": waiting, "wait_minutes": 5 * waiting}
        if unit.kind == "prehospital":
            taken = min(6, max(0, round(3 * busy)))
            return {
                "total": 6, "staffed": 6, "occupied": taken, "reserved": 0, "closed": 0,
                "on_duty": True, "next_free_at": None,
            }  # fmt: skip
        told = {"waiting": chance.randint(0, 4), "wait_minutes": chance.randint(0, 4) * 10}
        if open_now:
            return dict(told)
        return {
            "waiting": 0, "wait_minutes": None,
            "closure_reason": "Uden for åbningstid", "reopens_at": None,
        }  # fmt: skip
