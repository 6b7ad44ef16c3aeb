"""For how long there was nothing for a need: the rules of alternatives asked of the past.

Each unit is judged by `capacity.alternatives.rank` whenever its row, the surge level or time alone
may change the verdict; the best verdict of all units is what the visitator would have had.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Final, NamedTuple

from capacity.alternatives import rank
from capacity.findings import Verdict
from capacity.indicators.definitions import ReferenceNeed
from capacity.indicators.measures import Key, Measure, Tally
from capacity.indicators.pressure import Level
from capacity.indicators.shown import Slice
from capacity.instants import epoch_millis
from capacity.need import Need
from capacity.row import Row
from capacity.suitability import TAKING_PART
from capacity.units import Catalogue

_MEASURES: Final = {
    Verdict.YES: Measure.NEED_YES_MS,
    Verdict.ASK: Measure.NEED_ASK_MS,
    Verdict.NO: Measure.NEED_NONE_MS,
}

Judged = tuple[datetime, datetime, Verdict]


class Known(NamedTuple):
    """A verdict on one row, at one surge level, and until when it stands (``None``: for good)."""

    row: Row
    level: int | None
    since: datetime
    until: datetime | None
    verdict: Verdict | None
    """``None`` for a unit that takes no part."""


Memory = dict[tuple[Need, str], Known]
"""The last verdict on each unit for each need: most rows stand for longer than an hour."""


def need_times(
    shown: Mapping[str, Sequence[Slice]],
    levels: Sequence[Level],
    catalogue: Catalogue,
    needs: Iterable[ReferenceNeed],
    municipalities: Iterable[str],
    hour: int,
    memory: Memory | None = None,
) -> Tally:
    """How long each need of each municipality had a yes, an ask or nothing in one window.

    Time in which no unit that takes part was on the board is not counted. `memory` is what was
    judged in the window before, and is changed.
    """
    memory = {} if memory is None else memory
    parts = [
        each
        for unit, found in shown.items()
        if unit in catalogue.units and catalogue.units[unit].kind in TAKING_PART
        for each in merged(found)
    ]
    places = tuple(municipalities)
    tally: Tally = Counter()
    for reference in needs:
        for municipality in places:
            need = replace(reference.need, municipality=municipality)
            judged = [
                each for part in parts for each in _judge(part, levels, need, catalogue, memory)
            ]
            for since, until, verdict in best(judged):
                key = Key(_MEASURES[verdict], reference.id, "", municipality, hour)
                tally[key] += epoch_millis(until) - epoch_millis(since)
    return tally


_DECIDE: Final = itemgetter(
    "state", "closure_reason", "reopens_at", "on_duty", "next_free_at", "wait_minutes",
    "capabilities_off", "inconsistencies", "source",
)  # fmt: skip
"""Fields of a row that a verdict can rest on, besides how many are free and how old it is."""


def merged(parts: Iterable[Slice]) -> Iterator[Slice]:
    """The slices of one unit, those taken together that no verdict can tell apart.

    A source that ticks each minute says the same most of the time, and judging costs far more
    than looking. As long as a row did not go stale before the next one came with the same words,
    the next one's verdict is that of both (ageing makes a remark, never a verdict).
    """
    last: Slice | None = None
    for part in parts:
        if last is not None and _is_same(last, part):
            last = replace(part, since=last.since)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _is_same(before: Slice, after: Slice) -> bool:
    stale_at = before.row["stale_at"]
    if before.until != after.since or stale_at is None or after.row["stale_at"] is None:
        return False
    if datetime.fromisoformat(stale_at) < before.until:
        return False
    if before.row["disputed"] or after.row["disputed"]:
        return False
    free = [None if each.row["free"] is None else each.row["free"] > 0 for each in (before, after)]
    return free[0] is free[1] and _DECIDE(before.row) == _DECIDE(after.row)


def _judge(
    part: Slice, levels: Sequence[Level], need: Need, catalogue: Catalogue, memory: Memory
) -> Iterator[Judged]:
    key = (need, part.row["unit"])
    for level in levels:
        at, last = max(part.since, level.since), min(part.until, level.until)
        while at < last:
            known = memory.get(key)
            if known is None or not _still_holds(known, part.row, level.level, at):
                ranking = rank(need, [part.row], catalogue, at, level.level)
                found = ranking.alternatives
                verdict = found[0].verdict if found else None
                known = Known(part.row, level.level, at, ranking.recheck_at, verdict)
                memory[key] = known
            until = last if known.until is None else min(last, known.until)
            if known.verdict is not None:
                yield at, until, known.verdict
            at = until


def _still_holds(known: Known, row: Row, level: int | None, at: datetime) -> bool:
    if known.row is not row or known.level != level or at < known.since:
        return False
    return known.until is None or at < known.until


def best(judged: Iterable[Judged]) -> Iterator[Judged]:
    """The best verdict of any at each moment, where there is any."""
    edges: list[tuple[datetime, Verdict, int]] = []
    for since, until, verdict in judged:
        edges += [(since, verdict, 1), (until, verdict, -1)]
    edges.sort(key=lambda edge: edge[0])
    open_now: Counter[Verdict] = Counter()
    before: datetime | None = None
    for at, verdict, step in edges:
        standing = next((each for each in Verdict if open_now[each]), None)
        if before is not None and standing is not None and before < at:
            yield before, at, standing
        open_now[verdict] += step
        before = at
