"""Whether a unit could have met a need at a moment: yes, ask, or no; and what stood against it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.months.land import DAY, MINUTE, Agreement, Land, Need, Unit, period_of
from simulators.months.plan import local
from simulators.months.recount.picture import Shown

PLACES = ("acute_place", "acute_clinic", "subacute_slot")
HOMES = ("acute_team", "hospital_at_home")
UNSURE = {"stale", "unknown"}
"""What is against a figure and not against the unit."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is yes, ask or no. `against`: the reasons to ask; `free`: as far as it is trusted."""

    word: str
    against: frozenset[str] = frozenset()
    free: int | None = None


NO = Verdict("no")
Used = Mapping[tuple[str, str], int]
"""Places used under an agreement in a period."""


class Judge:
    """Judges units of one land for one need."""

    def __init__(self, land: Land, need: Need) -> None:
        self._land, self._need = land, need
        self._wait = DAY if need.within is None else need.within * MINUTE

    def never(self, unit: Unit) -> bool:
        """Whether nothing but the need and the catalogue says no."""
        need = self._need
        if unit.capabilities and not set(need.capabilities) <= unit.capabilities:
            return True
        if need.where == "home" and unit.kind in PLACES:
            return True
        if need.where == "place" and unit.kind in HOMES:
            return True
        road = self._road(unit)
        if need.within is not None and road is not None and road > need.within:
            return True
        return not self._serves(unit) and not self.agreements(unit)

    def agreements(self, unit: Unit) -> list[Agreement]:
        """Those under which a unit could ever be lent."""
        return [
            each
            for each in self._land.agreements
            if each.borrower == self._need.municipality
            and unit.kind in each.kinds
            and each.lender in unit.lenders
        ]

    def verdict(self, unit: Unit, shown: Shown, at: int, level: int, used: Used) -> Verdict:
        """At a moment, at a surge level, with so much of the quotas used."""
        if self.never(unit) or not (self._serves(unit) or self._lent(unit, at, level, used)):
            return NO
        trusted = shown.is_trusted(at)
        against = self._of_catalogue(unit)
        words = [self._hours(unit, at, trusted and shown.told.figures.get("on_duty") is True)]
        words.append(self._figures(unit, shown, at) if trusted else self._last_word(shown, at))
        if "no" in words:
            return NO
        against |= {word for word in words if word}
        against |= {"contradicts"} if shown.contradicts else set()
        against |= set() if trusted else {"stale"}
        free = shown.free if trusted else None
        return Verdict("ask" if against else "yes", frozenset(against), free)

    def _serves(self, unit: Unit) -> bool:
        return self._need.municipality in unit.area

    def _road(self, unit: Unit) -> float | None:
        if unit.kind not in PLACES:
            return None
        return self._land.minutes.get((self._need.municipality, unit.id))

    def _lent(self, unit: Unit, at: int, level: int, used: Used) -> bool:
        clock = local(at)
        for each in self.agreements(unit):
            if each.hours and not any(hours.covers(clock) for hours in each.hours):
                continue
            if level < each.level:
                continue
            if each.quota is None:
                return True
            places, per = each.quota
            if used.get((each.id, period_of(clock, per)), 0) < places:
                return True
        return False

    def _of_catalogue(self, unit: Unit) -> set[str]:
        against = set()
        if self._need.capabilities and not unit.capabilities:
            against.add("capabilities")
        within, response = self._need.within, unit.response
        if unit.kind in HOMES and within is not None and (response is None or response > within):
            against.add("response")
        return against

    def _hours(self, unit: Unit, at: int, on_duty: bool) -> str:
        if not unit.hours:
            return ""
        if is_open(unit, at):
            return "closes" if _changes(unit, at, (self._road(unit) or 0) * MINUTE) else ""
        if on_duty:
            return "outside_hours"
        return "opens" if _changes(unit, at, self._wait) else "no"

    def _figures(self, unit: Unit, shown: Shown, at: int) -> str:
        if shown.told.figures.get("closure_reason") is not None:
            return self._closure(shown, at)
        if shown.told.figures.get("on_duty") is False:
            return "later" if self._later(shown, at) else "no"
        if shown.state == "closed":
            return "no"
        of_kind: Mapping[str, Callable[[Shown, int], str]] = {
            "advice_line": self._line, "acute_clinic": self._clinic, "subacute_slot": self._slot,
        }  # fmt: skip
        return of_kind.get(unit.kind, self._places)(shown, at)

    def _last_word(self, shown: Shown, at: int) -> str:
        reopens = shown.told.figures.get("reopens_at")
        if reopens is not None and at < reopens:
            return self._closure(shown, at)
        return "closed_last" if shown.state == "closed" else ""

    def _closure(self, shown: Shown, at: int) -> str:
        reopens = shown.told.figures.get("reopens_at")
        return "reopens" if reopens is not None and reopens - self._wait <= at else "no"

    def _later(self, shown: Shown, at: int) -> bool:
        free_at = shown.told.figures.get("next_free_at")
        return free_at is not None and at < free_at <= at + self._wait

    def _line(self, shown: Shown, at: int) -> str:
        if not shown.told.figures.get("on_duty") and shown.state != "free":
            return "duty"
        return self._waiting(shown)

    def _clinic(self, shown: Shown, at: int) -> str:
        if shown.free == 0:
            return "no"
        if shown.count("wait_minutes") is None and shown.free is None:
            return "wait"
        return self._waiting(shown)

    def _waiting(self, shown: Shown) -> str:
        wait, within = shown.count("wait_minutes"), self._need.within
        return "too_long" if wait is not None and within is not None and wait > within else ""

    def _places(self, shown: Shown, at: int) -> str:
        if shown.free:
            return ""
        if self._later(shown, at):
            return "later"
        return "unknown" if shown.free is None else "no"

    def _slot(self, shown: Shown, at: int) -> str:
        if not shown.free:
            return self._places(shown, at)
        begins, within = shown.told.figures.get("next_free_at"), self._need.within
        if begins is None:
            return "" if within is None else "slot_unknown"
        if begins <= at:
            return "slot_passed"
        return "" if within is None or begins <= at + self._wait else "no"


def is_open(unit: Unit, at: int) -> bool:
    """By its opening hours."""
    clock = local(at)
    return not unit.hours or any(each.covers(clock) for each in unit.hours)


def _changes(unit: Unit, at: int, within: float) -> bool:
    """Whether it opens or closes within so many milliseconds; hours are of whole minutes."""
    now, minute = is_open(unit, at), at // MINUTE
    last = int((at + within) // MINUTE)
    return any(is_open(unit, each * MINUTE) is not now for each in range(minute + 1, last + 1))
