"""The surge level at every moment, from what the journal says of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from capacity.indicators.days import Window
from capacity.indicators.measures import Key, Measure, Tally
from capacity.instants import epoch_millis, parse_instant

_OF_LEVEL = (Measure.LEVEL_0_MS, Measure.LEVEL_1_MS, Measure.LEVEL_2_MS, Measure.LEVEL_3_MS)


@dataclass(frozen=True, slots=True)
class SurgeEntry:
    """One entry of the journal about the surge level: ``surge`` or ``surge_override``."""

    at: datetime
    kind: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Level:
    """The level that counted in a stretch of time; ``None`` before any was noted."""

    since: datetime
    until: datetime
    level: int | None


def levels(entries: Iterable[SurgeEntry], since: datetime, until: datetime) -> list[Level]:
    """The level from `since` until `until`, without a hole; `entries` oldest first.

    They must begin with the last of each kind before `since`. A level set by a person goes before
    the computed one until it ends, by its own time if nothing ended it sooner.
    """
    computed: int | None = None
    override: tuple[int, datetime] | None = None
    found: list[Level] = []
    at = since

    def stand_until(moment: datetime) -> None:
        nonlocal at
        moment = min(moment, until)
        if override is not None and at < override[1]:
            ends = min(moment, override[1])
            _note(found, at, ends, override[0])
            at = max(at, ends)
        _note(found, at, moment, computed)
        at = max(at, moment)

    for entry in entries:
        stand_until(entry.at)
        if entry.kind == "surge":
            computed = int(entry.value["level"])
        elif entry.value["event"] == "set":
            told = entry.value["override"]
            override = int(told["level"]), parse_instant(told["until"])
        else:
            override = None
    stand_until(until)
    return found


def _note(found: list[Level], since: datetime, until: datetime, level: int | None) -> None:
    if since < until:
        found.append(Level(since, until, level))


def pressure(stretches: Iterable[Level], window: Window) -> Tally:
    """How long each level counted within a window."""
    tally: Tally = Counter()
    for each in stretches:
        since, until = max(each.since, window.since), min(each.until, window.until)
        if since < until:
            measure = Measure.LEVEL_UNKNOWN_MS if each.level is None else _OF_LEVEL[each.level]
            key = Key(measure, "", "", "", window.hour)
            tally[key] += epoch_millis(until) - epoch_millis(since)
    return tally
