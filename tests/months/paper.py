"""``python -m tests.months.paper [--seeds N]``: is the effect found, and none where there is none?

Many seeds without the service (`simulators/months/paper.py`): the recount's amounts are handed to
the product's own charts and comparisons. ``tests.months`` shows, for a seed, that the service's
figures are the recount's.
"""

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta

from capacity.catalogue import builtin_catalogue
from capacity.history import Amount
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.measures import Measure
from simulators.months.log import Log
from simulators.months.paper import on_paper
from simulators.months.plan import AS_BEFORE, WITH_THE_BOARD, Plan, text_of
from simulators.months.recount import Recount, recount
from tests.months.check import Told
from tests.months.land import LAND
from tests.months.signals import EXPECTED, Seen, signals
from web.indicator_desk import Span, told
from web.indicator_export import indicators_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Play every seed twice; 0 when every effect was found and hardly anything else was."""
    parser = argparse.ArgumentParser(prog="python -m tests.months.paper", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args(arguments).seeds
    plans = [
        Plan(seed, after=after) for after in (WITH_THE_BOARD, AS_BEFORE) for seed in range(seeds)
    ]
    found: dict[bool, list[list[Seen]]] = defaultdict(list)
    with ProcessPoolExecutor(2) as pool:
        for plan, seen in zip(plans, pool.map(judged, plans), strict=True):
            found[plan.after == WITH_THE_BOARD].append(seen)
            print(f"seed {plan.seed}", file=sys.stderr, flush=True)
    print("| figure | effect found | refused | not seen | without: alarm | refused | not seen |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for place, name in enumerate(EXPECTED):
        print(
            _line(name, [run[place] for run in found[True]], [run[place] for run in found[False]])
        )
    return int(not all(_is_told(run) for run in found[True]))


def judged(plan: Plan) -> list[Seen]:
    """What charts and comparisons make of one play."""
    log = asyncio.run(on_paper(plan, LAND))
    return signals(plan, _told(plan, log, recount(plan, LAND, log)))


def _is_told(run: Sequence[Seen]) -> bool:
    effects = sum(each.is_effect for each in run)
    return 2 * effects > len(run) and not any(e.is_found and not e.is_effect for e in run)


def _line(name: str, with_it: Sequence[Seen], without: Sequence[Seen]) -> str:
    had, none = (Counter(each.finding.value for each in runs) for runs in (with_it, without))
    found = sum(each.is_effect for each in with_it)
    alarms = sum(each.is_found for each in without)
    cells = (found, had["refused"], had["not_seen"], alarms, none["refused"], none["not_seen"])
    return f"| {name} | {' | '.join(map(str, cells))} |"


def _told(plan: Plan, log: Log, anew: Recount) -> Told:
    """As the service would tell it."""
    last = plan.end - timedelta(days=1)
    span = Span("day", plan.begin, last)
    found = []
    for defined in builtin_definitions(builtin_catalogue()).on(plan.begin).values():
        if defined.id in EXPECTED:
            amounts = _amounts(anew, {str(each) for each in defined.measures}, defined.kinds)
            found.append(indicators_json(told(defined, date.min, amounts, span)))
    calls = [
        {"at": text_of(each.at), "finding": anew.ledger[each.id].finding} for each in log.outcomes
    ]
    return Told({"": found}, calls)


def _amounts(anew: Recount, measures: set[str], kinds: Iterable[object]) -> list[Amount]:
    wanted = {str(kind) for kind in kinds}
    return [
        Amount(Measure(key.measure), (key.day,), amount)
        for key, amount in anew.amounts.items()
        if key.measure in measures and (not wanted or key.kind in wanted)
    ]


if __name__ == "__main__":
    sys.exit(main())
