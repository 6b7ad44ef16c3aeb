"""The amounts that indicators are made of, by day, unit kind and municipality."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from simulators.months.land import HOUR, MINUTE, Land, Need
from simulators.months.log import Log, Step
from simulators.months.plan import Plan, local, midnight
from simulators.months.recount.picture import Picture, Shown, takers_part
from simulators.months.recount.pressure import Levels
from simulators.months.recount.verdicts import Judge


class Key(NamedTuple):
    """`kind` and `municipality` are empty where an amount is of none."""

    measure: str
    day: str
    kind: str
    municipality: str


Amounts = Counter[Key]
_OF_STATE = {"free": "free_ms", "occupied": "full_ms", "closed": "closed_ms"}
_OF_OUTCOME = ("alternative", "admitted_despite_free", "admitted_none_free")
_ENDS_UNANSWERED = ("cancelled", "expired")


def amounts(plan: Plan, land: Land, log: Log, picture: Picture, levels: Levels) -> Amounts:
    """All of them, from the first whole day to the last."""
    found: Amounts = Counter()
    since, until = midnight(plan.begin), midnight(plan.end)
    for unit, line in picture.lines.items():
        kind, municipality = land.units[unit].kind, land.units[unit].municipality
        for begin, end, shown in _stretches(line, since, until):
            for measure, amount in _of_time(shown, begin, end):
                found[Key(measure, _day(begin), kind, municipality)] += amount
    _count_reports(land, log, found)
    _count_holds(land, log, found)
    _count_outcomes(log, found)
    for begin, end in _by_day([*levels.edges, until], since, until):
        found[Key(f"level_{levels.at(begin)}_ms", _day(begin), "", "")] += end - begin
    _time_needs(land, picture, levels, (since, until), found)
    return found


def _stretches(line: list[Shown], since: int, until: int) -> Iterator[tuple[int, int, Shown]]:
    """Each row of a unit and its time, day by day, divided where it went stale."""
    ends = [each.at for each in line[1:]] + [until]
    for shown, end in zip(line, ends, strict=True):
        begin, last = max(shown.at, since), min(end, until)
        if begin < last:
            for one, two in _by_day([begin, shown.told.stale, last], begin, last):
                yield one, two, shown


def _by_day(edges: Iterable[int], since: int, until: int) -> Iterator[tuple[int, int]]:
    """The stretches between instants, none of them over midnight."""
    cut = {since, until} | {each for each in edges if since < each < until}
    day = local(since).date() + timedelta(days=1)
    while (at := midnight(day)) < until:
        cut.add(at)
        day += timedelta(days=1)
    yield from pairwise(sorted(cut))


def _of_time(shown: Shown, begin: int, end: int) -> Iterator[tuple[str, int]]:
    lasted = end - begin
    if not shown.is_trusted(begin):
        yield "stale_ms", lasted
        return
    yield _OF_STATE.get(shown.state, "unknown_ms"), lasted
    yield "held_ms", shown.held * lasted
    if shown.state == "closed":
        return
    if shown.free is not None:
        yield "free_place_ms", shown.free * lasted
    occupied, usable = shown.count("occupied"), shown.usable
    if occupied is not None and usable is not None:
        yield "place_ms", usable * lasted
        yield "occupied_ms", occupied * lasted


def _count_reports(land: Land, log: Log, found: Amounts) -> None:
    last: dict[str, int] = {}
    for said in log.said:
        unit = land.units[said.unit]
        where = (_day(said.at), unit.kind, unit.municipality)
        if said.late:
            found[Key("late", *where)] += 1
            continue
        found[Key("updates", *where)] += 1
        if said.unit in last:
            found[Key("gaps", *where)] += 1
            found[Key("gap_ms", *where)] += said.at - last[said.unit]
        last[said.unit] = said.at


def _count_holds(land: Land, log: Log, found: Amounts) -> None:
    paths: dict[str, list[Step]] = defaultdict(list)
    for step in log.steps:
        paths[step.hold].append(step)
    for path in paths.values():
        unit, day = land.units[path[0].unit], _day(path[0].asked)
        for measure, amount in _of_hold(path):
            found[Key(measure, day, unit.kind, unit.municipality)] += amount
        if path[0].agreement is not None:
            found[Key("agreement_asked", day, "", path[0].borrower)] += 1
            filled = path[-1].state == "filled"
            found[Key("agreement_filled", day, "", path[0].borrower)] += filled


def _of_hold(path: list[Step]) -> Iterator[tuple[str, int]]:
    yield "asked", 1
    answer = next((step for step in path if step.state in ("accepted", "declined")), None)
    if answer is not None:
        yield answer.state, 1
        yield "answered", 1
        yield "answer_ms", answer.at - answer.asked
    elif path[-1].state in _ENDS_UNANSWERED:
        yield "unanswered", 1
    if path[-1].state == "filled":
        yield "filled", 1


def _count_outcomes(log: Log, found: Amounts) -> None:
    for call in log.outcomes:
        value, day = call.value, _day(call.at)
        municipality = (value["need"] or {}).get("municipality") or ""
        code = value["outcome"] if value["outcome"] in _OF_OUTCOME else "other"
        for measure in ("outcomes", f"outcome_{code}", "timed_calls"):
            found[Key(measure, day, "", municipality)] += 1
        found[Key("call_seconds", day, "", municipality)] += value["took_seconds"]


def _time_needs(
    land: Land, picture: Picture, levels: Levels, span: tuple[int, int], found: Amounts
) -> None:
    for told in land.needs.values():
        for municipality in land.municipalities:
            need = Need(municipality, told.capabilities, told.within, told.where)
            for begin, end, word in _best(land, need, picture, levels, span):
                measure = {"yes": "need_yes_ms", "ask": "need_ask_ms", "no": "need_none_ms"}[word]
                found[Key(measure, _day(begin), "", municipality)] += end - begin


def _best(
    land: Land, need: Need, picture: Picture, levels: Levels, span: tuple[int, int]
) -> Iterator[tuple[int, int, str]]:
    """The best verdict of all units, stretch by stretch."""
    since, until = span
    judge = Judge(land, need)
    units = [land.units[name] for name in takers_part(land)]
    units = [unit for unit in units if not judge.never(unit)]
    edges = set(levels.edges) | set(range(since, until, HOUR))
    for unit in units:
        for shown in picture.lines[unit.id]:
            edges |= _edges(shown, need)
    for begin, end in _by_day(edges, since, until):
        level, best = levels.at(begin), "no"
        for unit in units:
            row = picture.at(unit.id, begin)
            if row is not None and best != "yes":
                word = judge.verdict(unit, row, begin, level, {}).word
                best = word if word != "no" else best
        yield begin, end, best


def _edges(shown: Shown, need: Need) -> set[int]:
    """Instants at which a row comes, or time alone may change a verdict on it."""
    within = (need.within or 24 * 60) * MINUTE
    told = [shown.told.figures.get(name) for name in ("reopens_at", "next_free_at")]
    known = [at for at in told if at is not None]
    return {shown.at, shown.told.stale, *known, *(at - within for at in known)}


def _day(at: int) -> str:
    return local(at).date().isoformat()
