"""``python -m tests.bench [--quick] [--only NAME …] [--runs N] [--results FOLDER]``.

Progress goes to standard error, the table to standard output, all values to a JSON file. Exit
code 0 when everything was measured, 1 when something could not be (the table says what and why).
"""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import (
    alternatives,
    fanout,
    hostile,
    idle,
    ingest,
    limit,
    parsing,
    parsing_recorded,
    size,
    snapshots,
    start,
    steady,
    years,
)
from tests.bench.figures import CannotRunError, Figure, Missing
from tests.bench.plan import FULL, QUICK, Plan, Progress
from tests.bench.processes import Stage
from tests.bench.results import Outcome, machine, table, write_json

MEASUREMENTS = {
    module.NAME: module.run
    for module in (
        fanout,
        limit,
        steady,
        size,
        start,
        ingest,
        idle,
        hostile,
        snapshots,
        alternatives,
        parsing,
        parsing_recorded,
        years,
    )
}
RESULTS = Path(__file__).parents[2] / "bench-results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; whatever happens, everything that was started is stopped."""
    options = _parser().parse_args(arguments)
    plan = QUICK if options.quick else FULL
    if options.whole_year:
        plan = replace(plan, years_units=100, years_every=1, years_starts=3)
    if options.years_on:
        plan = replace(plan, years_on=(options.years_on,))
    if options.runs is not None:
        plan = replace(plan, runs=options.runs, idle_runs=options.runs)
    progress = Progress()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, progress.interrupt)
    try:
        return measure(plan, options.only or list(MEASUREMENTS), options.results, progress)
    except CannotRunError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; everything it started is stopped", file=sys.stderr)
        return 130


def measure(plan: Plan, names: Sequence[str], results: Path, progress: Progress) -> int:
    """Run the named measurements on one stage, print the table and keep the values."""
    with Stage(results) as stage:
        environment = machine(stage.folder, stage.cores.note)
        progress.say(f"{environment['cores']} cores: {stage.cores.note}")
        outcomes = [_one(name, plan, stage, progress) for name in names]
    print(table(outcomes), flush=True)
    path = write_json(results, plan, environment, outcomes)
    progress.say(f"all values are in {path}")
    return int(any(outcome.failure is not None for outcome in outcomes))


def _one(name: str, plan: Plan, stage: Stage, progress: Progress) -> Outcome:
    begin = time.monotonic()
    figures: Sequence[Figure | Missing] = []
    failure = None
    try:
        figures = MEASUREMENTS[name](plan, stage, progress)
    except CannotRunError as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001 - what was measured before and after shall not be lost
        failure = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    if failure is not None:
        progress.say(f"{name} COULD NOT BE MEASURED: {failure}")
    return Outcome(name, figures, failure, time.monotonic() - begin)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short runs, under a minute")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), metavar="NAME")
    parser.add_argument("--runs", type=int, help="how often everything is repeated")
    parser.add_argument(
        "--whole-year", action="store_true", help="years: a change a minute, 60 GB a database"
    )
    parser.add_argument("--years-on", choices=("sqlite", "postgres"), help="on this one only")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
