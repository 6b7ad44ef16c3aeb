"""How a unit's time was spent, how its places were used, and how often it was told anew.

Every moment on the board is free, full, closed, stale or unknown, never two of them. What is stale
or unknown is counted as just that: never as zero, and never as free.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from capacity.indicators.measures import Key, Measure, Tally
from capacity.indicators.shown import Slice
from capacity.instants import epoch_millis
from capacity.model import State
from capacity.row import Row
from capacity.rules import unusable

_OF_STATE: Final = {
    State.FREE.value: Measure.FREE_MS,
    State.OCCUPIED.value: Measure.FULL_MS,
    State.CLOSED.value: Measure.CLOSED_MS,
}


def time_use(parts: Iterable[Slice], hour: int) -> Tally:
    """The amounts of one unit in one window, whose local hour is `hour`."""
    found: Tally = Counter()
    for part in parts:
        for measure, amount in (*_moments(part), *_update(part)):
            if amount:
                found[key_of(part.row, measure, hour)] += amount
    return found


def key_of(row: Row, measure: Measure, hour: int) -> Key:
    """The key of an amount of a row's unit."""
    return Key(measure, row["unit"], row["kind"], row["municipality"], hour)


def _moments(part: Slice) -> list[tuple[Measure, int]]:
    row = part.row
    if row["observed_at"] is None or row["stale_at"] is None:
        return [(Measure.UNKNOWN_MS, _millis(part.since, part.until))]
    stale_at = min(max(_instant(row["stale_at"]), part.since), part.until)
    trusted, stale = _millis(part.since, stale_at), _millis(stale_at, part.until)
    found = [
        (Measure.STALE_MS, stale),
        (_OF_STATE.get(row["state"], Measure.UNKNOWN_MS), trusted),
        (Measure.HELD_MS, row["held"] * trusted),
    ]
    if row["state"] != State.CLOSED:
        found += [(measure, places * trusted) for measure, places in _places(row)]
    return found


def _places(row: Row) -> list[tuple[Measure, int]]:
    """Places by what they are used for; none of those that cannot be known."""
    found = []
    if row["free"] is not None:
        found.append((Measure.FREE_PLACE_MS, row["free"]))
    total, occupied = row["total"], row["occupied"]
    if total is not None and occupied is not None:
        out = unusable(total, row["staffed"], row["closed"] or 0) or 0
        found += [(Measure.PLACE_MS, max(0, total - out)), (Measure.OCCUPIED_MS, occupied)]
    return found


def _update(part: Slice) -> list[tuple[Measure, int]]:
    """A change that brought another word of a source, and how long the one before had stood.

    A row is also written anew for holds, and when a lost store is filled: those bring no word.
    """
    row, before = part.row, part.before
    if not part.fresh or row["observed_at"] is None:
        return []
    if before is not None and all(before[name] == row[name] for name in ("observed_at", "source")):
        return []
    found = [(Measure.UPDATES, 1)]
    if before is not None and before["received_at"] and row["received_at"]:
        gap = _millis(_instant(before["received_at"]), _instant(row["received_at"]))
        found += [(Measure.GAPS, 1), (Measure.GAP_MS, max(0, gap))]
    return found


def _millis(since: datetime, until: datetime) -> int:
    return epoch_millis(until) - epoch_millis(since)


def _instant(text: str) -> datetime:
    """An instant of a row; rows have them in one notation, which Python reads itself."""
    return datetime.fromisoformat(text)
