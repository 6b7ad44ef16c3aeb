"""What the board must have shown of each unit, from the log."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.months.land import Land
from simulators.months.log import Log, Said, Step

LIVE = ("asked", "accepted")


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit from an instant on, until the next. Counts are ``None`` where they are not known."""

    at: int
    told: Said
    state: str
    free: int | None
    held: int
    contradicts: bool

    def count(self, name: str) -> int | None:
        """A figure of its report."""
        value: int | None = self.told.figures.get(name)
        return value

    @property
    def usable(self) -> int | None:
        """Places that are neither closed nor without staff."""
        total = self.count("total")
        return None if total is None else max(0, total - _out_of_use(self.told, total))

    def is_trusted(self, at: int) -> bool:
        """Whether its figures are not too old."""
        return at < self.told.stale


@dataclass(slots=True)
class Picture:
    """Of each unit all that was shown, oldest first."""

    lines: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    _instants: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, unit: str, shown: Shown) -> None:
        """Something else is shown from now on."""
        self.lines[unit].append(shown)
        self._instants[unit].append(shown.at)

    def at(self, unit: str, instant: int) -> Shown | None:
        """What was shown of a unit at an instant."""
        place = bisect_right(self._instants[unit], instant)
        return self.lines[unit][place - 1] if place else None

    def now(self, unit: str) -> Shown | None:
        """What is shown of it last."""
        line = self.lines[unit]
        return line[-1] if line else None


class Board:
    """The picture in the making: reports and steps of holds go in, one by one."""

    def __init__(self) -> None:
        self.picture = Picture()
        self._told: dict[str, Said] = {}
        self._counting: dict[str, dict[str, Step]] = defaultdict(dict)

    def report(self, said: Said) -> None:
        """A report comes; a late one is never shown."""
        if said.late:
            return
        self._told[said.unit] = said
        counting = self._counting[said.unit]
        for step in list(counting.values()):
            if step.state == "filled" and said.observed > step.at:
                del counting[step.hold]
        self._show(said.unit, said.at)

    def step(self, step: Step) -> None:
        """A hold comes into a state."""
        counting = self._counting[step.unit]
        if step.state in LIVE or step.state == "filled":
            counting[step.hold] = step
        else:
            counting.pop(step.hold, None)
        self._show(step.unit, step.at)

    def take(self, entry: Said | Step) -> None:
        """Either."""
        if isinstance(entry, Said):
            self.report(entry)
        else:
            self.step(entry)

    def _show(self, unit: str, at: int) -> None:
        told, counting = self._told[unit], self._counting[unit].values()
        state, free = _of_report(told)
        if state != "closed" and free is not None:
            free = max(0, free - len(counting))
            state = "free" if free else "occupied"
        held = sum(step.state in LIVE for step in counting)
        self.picture.add(unit, Shown(at, told, state, free, held, _contradicts(told)))


def picture_of(log: Log) -> Picture:
    """All of it."""
    board = Board()
    for entry in in_order(log):
        board.take(entry)
    return board.picture


def in_order(log: Log) -> Iterator[Said | Step]:
    """Reports and steps by time; no two of different kinds are of one instant."""
    entries: list[Said | Step] = [*log.said, *log.steps]
    yield from sorted(entries, key=lambda entry: entry.at)


def takers_part(land: Land) -> list[str]:
    """Units that can be an alternative to admission."""
    kinds = ("acute_place", "acute_clinic", "subacute_slot", "acute_team", "hospital_at_home")
    return [unit.id for unit in land.of_kind(*kinds, "advice_line")]


def _of_report(told: Said) -> tuple[str, int | None]:
    """State and free places, before holds."""
    figures = told.figures
    total, occupied = figures.get("total"), figures.get("occupied")
    free = None
    if total is not None and occupied is not None:
        out = _out_of_use(told, total)
        free = max(0, total - occupied - (figures.get("reserved") or 0) - out)
    if figures.get("closure_reason") is not None or figures.get("on_duty") is False:
        return "closed", 0
    idle = not free and not occupied
    if idle and total is not None and _out_of_use(told, total) >= total:
        return "closed", free
    if free is not None:
        return ("free" if free else "occupied"), free
    answers = told.figures.get("on_duty") and "total" not in figures
    return ("free" if answers else "unknown"), None


def _out_of_use(told: Said, total: int) -> int:
    staffed, closed = told.figures.get("staffed"), told.figures.get("closed") or 0
    return max(closed, 0 if staffed is None else total - staffed)


def _contradicts(told: Said) -> bool:
    total = told.figures.get("total")
    if total is None:
        return False
    parts = [told.figures.get(name) or 0 for name in ("occupied", "reserved", "closed")]
    staffed: int = told.figures.get("staffed") or 0
    return sum(parts) > int(total) or staffed > int(total)
