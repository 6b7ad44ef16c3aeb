"""A service on paper: answers the play by the recount's own rules, so that many seeds take minutes.

It proves nothing about the real service. What the real one tells has to equal the recount; then
what charts make of a recount is what they would make of the service's figures.
"""

from typing import Any

from simulators.months.course import Course
from simulators.months.land import Land, Unit, need_of
from simulators.months.log import Log, Said, Step
from simulators.months.plan import Plan, text_of
from simulators.months.recount.ledger import Use
from simulators.months.recount.picture import Board, Shown, takers_part
from simulators.months.recount.verdicts import HOMES, Judge, is_open
from simulators.months.wire import sources_of

_STATES = {
    "accept": "accepted", "decline": "declined", "cancel": "cancelled", "fill": "filled",
    "release": "released",
}  # fmt: skip
_NOT_HELD = ("advice_line", "acute_clinic")


async def on_paper(plan: Plan, land: Land) -> Log:
    """The play, without a service. The surge level is 0 except where it was set by hand."""
    outlet = _Paper(land)
    course = Course(plan, land, outlet)
    outlet.log = course.log
    return await course.run(lambda _: None)


class _Paper:
    log: Log

    def __init__(self, land: Land) -> None:
        self._land, self._sources = land, sources_of(land)
        self._board = Board()
        self._now = self._number = 0
        self._said = self._steps = 0

    async def be(self, at: int) -> None:
        self._now = at

    async def settle(self) -> None:
        """What was logged since is on the board; reports and steps never share an instant."""
        entries: list[Said | Step] = [
            *self.log.said[self._said :],
            *self.log.steps[self._steps :],
        ]
        self._said, self._steps = len(self.log.said), len(self.log.steps)
        for entry in sorted(entries, key=lambda each: each.at):
            self._board.take(entry)

    async def look(self) -> None:
        pass

    async def push(self, source: str, body: bytes, media: str) -> dict[str, Any]:
        """Everything is taken, as what it is."""
        units = len(self._sources[source].units)
        return {"accepted": units, "unchanged": 0, "superseded": units, "rejected": []}

    async def delete(self, path: str) -> int:
        return 200

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        kind, _, rest = path.removeprefix("/api/v1/").partition("/")
        action = path.rpartition("/")[2]
        if kind == "outcomes":
            return self._made({"outcome": {"id": self._next(), "at": text_of(self._now)}}, action)
        if kind == "holds" and action in _STATES:
            return 200, {"hold": {"state": _STATES[action]}}
        if kind == "holds":
            return 201, {"hold": self._hold(self._land.units[body["unit"]], body["need"])}
        return 200, {"cluster": rest}

    async def get(self, path: str, params: Any = None) -> Any:
        """The alternatives that are a clear yes, best first."""
        told = dict(params)
        told["capabilities"] = [word for name, word in params if name == "capability"]
        told["within_minutes"] = int(told["within_minutes"]) if "within_minutes" in told else None
        need = need_of(told, told["municipality"])
        judge, used, level = Judge(self._land, need), Use(self._land, self.log), self._level()
        found = []
        for name in takers_part(self._land):
            unit, shown = self._land.units[name], self._board.picture.now(name)
            if unit.kind in _NOT_HELD or shown is None or not is_open(unit, self._now):
                continue
            verdict = judge.verdict(unit, shown, self._now, level, used.at(self._now))
            if verdict.word == "yes" and verdict.free:
                found.append((self._order(unit, shown, need.municipality), name))
        return {
            "alternatives": [
                {"unit": name, "verdict": "yes", "holdable": True} for _, name in sorted(found)
            ]
        }

    def _order(self, unit: Unit, shown: Shown, municipality: str) -> tuple[bool, float, int]:
        road = self._land.minutes.get((municipality, unit.id))
        minutes = unit.response if unit.kind in HOMES else road
        own = unit.municipality == municipality and not unit.id.startswith("rhr-")
        return not own, 9999.0 if minutes is None else minutes, -(shown.free or 0)

    def _hold(self, unit: Unit, need: dict[str, Any]) -> dict[str, Any]:
        judge = Judge(self._land, need_of(need, need["municipality"]))
        lent = [] if need["municipality"] in unit.area else judge.agreements(unit)
        return {
            "id": self._next(),
            "asked_at": text_of(self._now),
            "expires_at": text_of(self._now + unit.hold_for),
            "agreement": lent[0].id if lent else None,
        }

    def _level(self) -> int:
        last = self.log.by_hand[-1] if self.log.by_hand else None
        return last.level if last and last.level and self._now < last.until else 0

    def _made(self, answer: dict[str, Any], action: str) -> tuple[int, dict[str, Any]]:
        return (200 if action == "correct" else 201), answer

    def _next(self) -> str:
        self._number += 1
        return f"{self._number:08}"
