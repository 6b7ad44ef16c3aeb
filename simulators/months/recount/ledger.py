"""The ledger of calls: each admission beside what the board could have told."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from simulators.months.land import Land, need_of, period_of
from simulators.months.log import Log, Outcome
from simulators.months.plan import local
from simulators.months.recount.picture import LIVE, Picture, takers_part
from simulators.months.recount.pressure import Levels
from simulators.months.recount.verdicts import UNSURE, Judge, Verdict

ADMITTED = ("admitted_despite_free", "admitted_none_free")


@dataclass(frozen=True, slots=True)
class Case:
    """A call's class, the surge level then, and the units that make the class."""

    finding: str
    level: int
    matching: frozenset[str] = frozenset()


def ledger(land: Land, log: Log, picture: Picture, levels: Levels) -> dict[str, Case]:
    """Every call, by its outcome's id."""
    use = Use(land, log)
    return {each.id: _case(each, land, picture, levels, use) for each in log.outcomes}


def _case(call: Outcome, land: Land, picture: Picture, levels: Levels, use: "Use") -> Case:
    level, value = levels.at(call.at), call.value
    if value["outcome"] == "alternative":
        return Case("used", level)
    if value["outcome"] not in ADMITTED:
        return Case("other", level)
    if value["need"] is None:
        return Case("not_judged", level)
    judge = Judge(land, need_of(value["need"], value["need"]["municipality"]))
    used = use.at(call.at)
    grounds: dict[str, set[str]] = defaultdict(set)
    for name in takers_part(land):
        unit, shown = land.units[name], picture.at(name, call.at)
        if unit.kind == "advice_line" or shown is None:
            continue
        verdict = judge.verdict(unit, shown, call.at, level, used)
        for finding in _grounds(verdict, shown.free):
            grounds[finding].add(name)
    for finding in ("missed", "stale", "ask"):
        if grounds[finding]:
            return Case(finding, level, frozenset(grounds[finding]))
    return Case("none", level)


def _grounds(verdict: Verdict, last_free: int | None) -> list[str]:
    found = []
    if verdict.word == "yes" and verdict.free:
        found.append("missed")
    if verdict.word == "ask" and verdict.against <= UNSURE and last_free != 0:
        found.append("stale")
    if verdict.word != "no":
        found.append("ask")
    return found


class Use:
    """How many places were used under each agreement, at any moment."""

    def __init__(self, land: Land, log: Log) -> None:
        self._quotas = {each.id: each.quota for each in land.agreements if each.quota}
        self._steps = [step for step in log.steps if step.agreement in self._quotas]

    def at(self, instant: int) -> Counter[tuple[str, str]]:
        """By agreement and period."""
        last = {step.hold: step for step in self._steps if step.at <= instant}
        found: Counter[tuple[str, str]] = Counter()
        for step in last.values():
            if step.agreement is not None and step.state in (*LIVE, "filled"):
                _, per = self._quotas[step.agreement]
                found[step.agreement, period_of(local(step.asked), per)] += 1
        return found
