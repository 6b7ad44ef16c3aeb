"""The figures that a surge level is judged by, counted from the rows of a board. Pure.

Only figures that are not stale count; what is stale or was never told is unknown, and neither
zero nor free.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from capacity.instants import parse_instant
from capacity.model import Freshness, State, UnitKind
from capacity.row import Row
from capacity.rules import freshness_at, unusable
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
    trusted: dict[str, list[Row]] = {kind.value: [] for kind in KINDS}
    units = 0
    ends: list[datetime] = []
    for row in rows:
        if row["kind"] not in trusted:
            continue
        units += row["kind"] == UnitKind.ACUTE_PLACE
        stale_at = _instant(row["stale_at"])
        if stale_at is not None and _is_trusted(row, stale_at, now):
            trusted[row["kind"]].append(row)
            ends.append(stale_at)
    beds, occupied = _department(trusted[UnitKind.ACUTE_DEPARTMENT])
    calls = trusted[UnitKind.VISITATION]
    return Facts(
        places=_places(trusted[UnitKind.ACUTE_PLACE], nominal, units),
        occupied=occupied,
        beds=beds,
        waiting=_sum(row["waiting"] for row in calls),
        wait_minutes=max(
            (m for row in calls if (m := row["wait_minutes"]) is not None), default=None
        ),
        stale_at=min(ends, default=None),
    )


def _places(rows: Iterable[Row], nominal: Mapping[str, int | None], units: int) -> Places:
    free = of = closed = known = 0
    for row in rows:
        is_closed = row["state"] == State.CLOSED
        total = row["total"] if row["total"] is not None else nominal.get(row["unit"])
        if not is_closed and (row["free"] is None or total is None):
            continue
        known += 1
        taken = 0 if is_closed else row["free"] or 0
        places = max(total or 0, taken)
        free += taken
        of += places
        out = unusable(row["total"], row["staffed"], row["closed"] or 0) or 0
        closed += places if is_closed else min(out, places)
    return Places(free, of, closed, units - known, units)


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


def _is_trusted(row: Row, stale_at: datetime, now: datetime) -> bool:
    observed = _instant(row["observed_at"])
    freshness = freshness_at(now, observed, _instant(row["ageing_at"]), stale_at)
    return freshness in (Freshness.FRESH, Freshness.AGEING)


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None
