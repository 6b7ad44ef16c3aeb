"""What the service tells of the months, held against the recount: every figure, every call."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from typing import Any

from simulators.months.plan import Plan
from simulators.months.recount import Recount
from simulators.months.recount.amounts import Key
from tests.months.land import LAND
from tests.months.service import CLUSTER, Months

DAYS = 92
"""The most days that are told at once."""
TOLD_ALTERNATIVES = 5
"""Alternatives that the ledger tells of a call."""


@dataclass(slots=True)
class Told:
    """What the service answered: indicators by municipality (empty: the cluster), and calls."""

    indicators: dict[str, list[dict[str, Any]]]
    calls: list[dict[str, Any]]


@dataclass(slots=True)
class Compared:
    """How much was held against each other, and what was not equal."""

    figures: int = 0
    calls: int = 0
    unequal: list[str] = field(default_factory=list)


async def read(months: Months, plan: Plan) -> Told:
    """Everything over HTTP, by day and by week."""
    indicators = {}
    for municipality in ("", *LAND.municipalities):
        asked = {"step": "day", "last": DAYS, "municipality": municipality}
        answer = await months.get(f"/api/v1/indicators/{CLUSTER}", asked)
        indicators[municipality] = answer["indicators"]
    calls = []
    for week in weeks(plan):
        answer = await months.get(f"/api/v1/ledger/{CLUSTER}", {"week": week})
        calls += answer["calls"]
    return Told(indicators, calls)


def weeks(plan: Plan) -> list[str]:
    """The ISO weeks that the play touches."""
    count = plan.first_days + plan.second_days
    days = [plan.begin + timedelta(days=n) for n in range(-1, count)]
    found = {day.isocalendar()[:2] for day in days}
    return [f"{year}-W{week:02}" for year, week in sorted(found)]


def compare(plan: Plan, told: Told, anew: Recount) -> Compared:
    """Both, figure by figure and call by call."""
    found = Compared()
    for municipality, indicators in told.indicators.items():
        for indicator in indicators:
            for line in _figures(plan, municipality, indicator, anew):
                found.figures += 1
                found.unequal += line
    found.unequal += list(_calls(told.calls, anew))
    found.calls = len(told.calls)
    return found


def _definitions() -> dict[str, dict[str, Any]]:
    text = files("capacity").joinpath("data", "indicators.toml").read_text("utf-8")
    return {each["id"]: each for each in tomllib.loads(text)["indicator"]}


_DEFINED = _definitions()


def _figures(
    plan: Plan, municipality: str, indicator: Mapping[str, Any], anew: Recount
) -> Iterator[list[str]]:
    name = indicator["definition"]["id"]
    defined, count = _DEFINED[name], plan.first_days + plan.second_days
    days = [(plan.begin + timedelta(days=n)).isoformat() for n in range(count)]
    series = {each["period"]: each for each in indicator["series"]}
    if sorted(series) != days:
        yield [f"{name} {municipality}: told for {len(series)} days, not {len(days)}"]
        return
    for day in days:
        wanted = [
            _sum(anew, defined[part], day, municipality, defined.get("kinds"))
            if part in defined
            else None
            for part in ("numerator", "denominator")
        ]
        given = [series[day]["numerator"], series[day]["denominator"]]
        where = f"{name} {municipality or CLUSTER} {day}"
        yield [] if given == wanted else [f"{where}: told {given}, counted {wanted}"]


def _sum(
    anew: Recount, measures: Iterable[str], day: str, municipality: str, kinds: list[str] | None
) -> int:
    where = [municipality] if municipality else ["", *LAND.municipalities]
    of_kind = kinds or ["", *{unit.kind for unit in LAND.units.values()}]
    return sum(
        anew.amounts[Key(measure, day, kind, place)]
        for measure in measures
        for kind in of_kind
        for place in where
    )


def _calls(calls: list[dict[str, Any]], anew: Recount) -> Iterator[str]:
    ids = {each["id"] for each in calls}
    if ids != anew.ledger.keys() or len(ids) != len(calls):
        yield f"the ledger has {len(ids)} calls, and {len(anew.ledger)} were logged"
    for call in calls:
        case = anew.ledger.get(call["id"])
        if case is None:
            continue
        units = {each["unit"] for each in call["alternatives"]} if call["matching"] else set()
        told = (call["finding"], call["surge_level"], call["matching"])
        wanted = (case.finding, case.level, len(case.matching))
        enough = len(units) == min(TOLD_ALTERNATIVES, len(case.matching))
        if told != wanted or not units <= case.matching or not enough:
            yield f"call {call['at']}: told {told} {units}, counted {wanted} {set(case.matching)}"
