"""``python -m tests.faults [--seed N] [--only NAME …] [--without NAME …] [--short | --long]
[--results FOLDER]``.

Progress goes to standard error, the table to standard output, everything to a JSON file. Exit
code 0 when every invariant and promise held, 1 when one did not or a scenario failed, 3 when one
could not be played here that was not left out by name.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvloop

from tests.faults.finding import OptedOutError
from tests.faults.results import Outcome, table, write_json
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.stage import LONG, SHORT, WHOLE, Plan, Stage

NOT_ALL = 3
"""The exit code where all that could be played held."""
RESULTS = Path(__file__).parents[2] / "fault-results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was asked for; whatever happens, everything that was started is stopped."""
    options = _parser().parse_args(arguments)
    plan = SHORT if options.short else LONG if options.long else WHOLE
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    chosen = [
        scenario
        for scenario in SCENARIOS
        if _is_wanted(scenario, options.only or [], plan)
        and not _is_named(scenario, options.without)
    ]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells may have it ignored
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return play_all(chosen, seed, plan, options.results)
    except KeyboardInterrupt:
        print("faults: interrupted; everything it started is stopped", file=sys.stderr)
        return 130


def play_all(chosen: Sequence[Scenario], seed: int, plan: Plan, results: Path) -> int:
    """Play the scenarios one after the other; the exit code."""
    load = os.getloadavg()[0]
    with Stage(seed, plan) as stage:
        stage.say(f"seed {seed}, {plan.name}: {len(chosen)} scenarios; load {load:.1f}")
        outcomes = [play(scenario, stage) for scenario in chosen]
        print(f"seed {seed}, {plan.name}\n\n{table(outcomes)}", flush=True)
        stage.say(f"all of it is in {write_json(results, stage, load, outcomes)}")
    if not all(outcome.ok for outcome in outcomes):
        return 1
    return NOT_ALL if any(outcome.opted_out for outcome in outcomes) else 0


def play(scenario: Scenario, stage: Stage) -> Outcome:
    """Play one; a failure of it is told and does not keep the others from being played."""
    outcome = Outcome(scenario.NUMBER, scenario.NAME, scenario.HAZARD, 0.0)
    stage.say(scenario.NAME)
    began = time.monotonic()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcome.finding = runner.run(scenario.run(stage))
    except OptedOutError as missing:
        outcome.opted_out = str(missing)
    except Exception as error:  # noqa: BLE001 - the others shall be played all the same
        outcome.failure = f"{type(error).__name__}: {str(error)[:500]}"
        traceback.print_exc()
    outcome.seconds = time.monotonic() - began
    stage.say(f"{scenario.NAME}: {outcome.word}, {outcome.seconds:.0f} s")
    return outcome


def _is_wanted(scenario: Scenario, only: Sequence[str], plan: Plan) -> bool:
    if only:
        return _is_named(scenario, only)
    return plan is not SHORT or scenario.NUMBER in _SHORT


def _is_named(scenario: Scenario, words: Sequence[str]) -> bool:
    return any(word in (scenario.NAME, str(scenario.NUMBER)) for word in words)


_SHORT = frozenset({1, 2, 3, 4, 5, 7, 8, 20})
"""Those that a short run plays, unless others are named."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGINT)  # which the event loop's runner turns into a clean end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="plays the same again")
    parser.add_argument("--only", action="append", metavar="NAME", help="a name or a number")
    without = "these are not played, and not missed"
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help=without)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", action="store_true", help="some of them, shorter: 3 minutes")
    length.add_argument("--long", action="store_true", help="outages of ten minutes")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
