"""The figures that a surge level is judged by, counted from the rows of a board. Pure.

Only figures that are not stale count; what is stale or was never told is unknown, and neither
zero nor free.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush

from capacity.instants import parse_instant
from capacity.model import State, UnitKind
from capacity.row import Row
from capacity.rules import unusable
from capacity.surge import Fact, Values

KINDS = frozenset({UnitKind.ACUTE_PLACE, UnitKind.ACUTE_DEPARTMENT, UnitKind.VISITATION})
"""The kinds of unit whose rows matter here."""


@dataclass(frozen=True, slots=True)
class Places:
    """Acute places: `free` of `of`, of which `closed` are out of use, in the units that are known.

    `of` counts all places, a closed unit's too, so that closing a unit never looks like relief.
    """

    free: int = 0
    of: int = 0
    closed: int = 0
    unknown: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All figures of one cluster; counts are ``None`` when unknown.

    `stale_at` is the first instant at which time alone makes one of them unknown.
    """

    places: Places
    occupied: int | None
    beds: int | None
    waiting: int | None
    wait_minutes: int | None
    stale_at: datetime | None = None

    def values(self, known_percent: int) -> Values:
        """The whole numbers that thresholds are compared with; percentages are cut, not rounded."""
        return {
            Fact.FREE: self._free_percent(known_percent),
            Fact.LOAD: 100 * self.occupied // self.beds
            if self.occupied is not None and self.beds
            else None,
            Fact.WAITING: self.waiting,
            Fact.WAIT: self.wait_minutes,
        }

    def _free_percent(self, known_percent: int) -> int | None:
        """Unknown with too few units known; nothing free of nothing usable is 0 percent."""
        p = self.places
        known = p.units - p.unknown
        if not known or 100 * known < known_percent * p.units:
            return None
        return 100 * p.free // p.of if p.of else 0


NO_FACTS = Facts(Places(), None, None, None, None)
"""Before anything was counted."""


def count_facts(rows: Iterable[Row], nominal: Mapping[str, int | None], now: datetime) -> Facts:
    """The figures of these rows at `now`.

    `nominal` are the places that the catalogue says a unit has, taken where its row tells none.
    """
    count = FactCount(nominal)
    for row in rows:
        count.put(row)
    return count.at(now)


class FactCount:
    """The figures of a board whose rows are put one by one, each in place of its unit's last.

    What a change costs, and what a look costs, does not grow with the number of units.
    """

    def __init__(self, nominal: Mapping[str, int | None]) -> None:
        self._nominal = nominal
        self._now = datetime.min.replace(tzinfo=UTC)
        self._clear()

    def _clear(self) -> None:
        self._rows: dict[str, Row] = {}
        self._trusted: dict[str, dict[str, Row]] = {kind.value: {} for kind in KINDS}
        self._until: dict[str, datetime] = {}
        self._ends: list[tuple[datetime, str]] = []
        self._sums = {"free": 0, "of": 0, "closed": 0, "known": 0, "units": 0}

    def put(self, row: Row) -> None:
        """Count a unit's row from now on."""
        unit = row["unit"]
        before = self._rows.pop(unit, None)
        if before is not None:
            self._distrust(unit, before)
            self._sums["units"] -= before["kind"] == UnitKind.ACUTE_PLACE
        if row["kind"] not in self._trusted:
            return
        self._rows[unit] = row
        self._sums["units"] += row["kind"] == UnitKind.ACUTE_PLACE
        stale_at = _instant(row["stale_at"])
        if stale_at is not None and row["observed_at"]:
            self._trust(unit, row, stale_at)

    def at(self, now: datetime) -> Facts:
        """The figures at `now`."""
        if now < self._now:  # a clock was put back: what had gone stale has not yet
            rows = tuple(self._rows.values())
            self._clear()
            for row in rows:
                self.put(row)
        self._now = now
        self._pass_ends(now)
        beds, occupied = _department(self._trusted[UnitKind.ACUTE_DEPARTMENT].values())
        calls = self._trusted[UnitKind.VISITATION].values()
        told = self._sums
        unknown = told["units"] - told["known"]
        return Facts(
            places=Places(told["free"], told["of"], told["closed"], unknown, told["units"]),
            occupied=occupied,
            beds=beds,
            waiting=_sum(row["waiting"] for row in calls),
            wait_minutes=max(
                (m for row in calls if (m := row["wait_minutes"]) is not None), default=None
            ),
            stale_at=self._ends[0][0] if self._ends else None,
        )

    def _pass_ends(self, now: datetime) -> None:
        """Trust no row that is stale by now; forget the ends of rows that are no longer there."""
        if len(self._ends) > 2 * len(self._until) + 64:
            self._ends = sorted((at, unit) for unit, at in self._until.items())
        while self._ends:
            at, unit = self._ends[0]
            if self._until.get(unit) == at:
                if now < at:
                    return
                self._distrust(unit, self._rows[unit])
            heappop(self._ends)

    def _trust(self, unit: str, row: Row, stale_at: datetime) -> None:
        self._trusted[row["kind"]][unit] = row
        self._until[unit] = stale_at
        heappush(self._ends, (stale_at, unit))
        self._add(row, 1)

    def _distrust(self, unit: str, row: Row) -> None:
        if self._until.pop(unit, None) is not None:
            del self._trusted[row["kind"]][unit]
            self._add(row, -1)

    def _add(self, row: Row, sign: int) -> None:
        place = _place(row, self._nominal) if row["kind"] == UnitKind.ACUTE_PLACE else None
        for name, count in (place or {}).items():
            self._sums[name] += sign * count


def _place(row: Row, nominal: Mapping[str, int | None]) -> dict[str, int] | None:
    """What an acute place adds to the sums; ``None`` where it is not known."""
    is_closed = row["state"] == State.CLOSED
    total = row["total"] if row["total"] is not None else nominal.get(row["unit"])
    if not is_closed and (row["free"] is None or total is None):
        return None
    taken = 0 if is_closed else row["free"] or 0
    places = max(total or 0, taken)
    out = unusable(row["total"], row["staffed"], row["closed"] or 0) or 0
    closed = places if is_closed else min(out, places)
    return {"free": taken, "of": places, "closed": closed, "known": 1}


def _department(rows: Iterable[Row]) -> tuple[int | None, int | None]:
    """Places and occupied places of the departments that tell both."""
    pairs = [
        (row["total"], row["occupied"])
        for row in rows
        if row["total"] and row["occupied"] is not None
    ]
    return _sum(total for total, _ in pairs), _sum(occupied for _, occupied in pairs)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None
