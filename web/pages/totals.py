"""Free acute places of a group, counted only where the figure can be trusted.

`static/js/totals.js` is the mirror in the browser.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from capacity.model import Freshness, State, UnitKind
from capacity.row import Row
from web.pages.shown import Shown, freshness_of
from web.words import Words


@dataclass(frozen=True, slots=True)
class Total:
    """Free places, the places they are of, and how many units could not be counted.

    `of` is ``None`` where a counted unit does not tell its total; `units` counts all of them.
    """

    free: int
    of: int | None
    unknown: int
    units: int


def total_of(rows: Iterable[Row], now: datetime) -> Total:
    """Count the acute places among `rows`; stale and unknown ones are told, never counted."""
    free, of, unknown, units = 0, 0, 0, 0
    known = True
    for row in rows:
        if row["kind"] != UnitKind.ACUTE_PLACE:
            continue
        units += 1
        if freshness_of(row, now) in (Freshness.STALE, Freshness.UNKNOWN):
            unknown += 1
        elif row["state"] == State.CLOSED:
            continue
        elif row["free"] is None:
            unknown += 1
        else:
            free += row["free"]
            of += row["total"] or 0
            known = known and row["total"] is not None
    return Total(free=free, of=of if known else None, unknown=unknown, units=units)


def total_shown(total: Total, words: Words) -> Shown:
    """The texts of a total; a dash where nothing could be counted, never a 0."""
    if not total.units:
        return dict.fromkeys(("total", "total_word", "total_of", "total_unknown"), "")
    blind = total.unknown == total.units
    return {
        "total": words.text("no_number") if blind else str(total.free),
        "total_word": words.count("total_free", 0 if blind else total.free),
        "total_of": _of(total, words) if total.of and not blind else "",
        "total_unknown": words.text("total_unknown", n=total.unknown) if total.unknown else "",
    }


def _of(total: Total, words: Words) -> str:
    n = total.of or 0
    return words.text("total_places", n=n, places=words.count("places", n))
