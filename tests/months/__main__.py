"""``python -m tests.months [--seed N …] [--no-effect] [--short] [--results FOLDER] [--look]``.

Progress goes to standard error, the report to standard output, everything to a JSON file. Exit
code 0 when the service told what the recount counts, and the seeded effect was found, or nothing
was where none was put in.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import uvloop

from simulators.months.plan import AS_BEFORE, Plan, local, millis
from tests.faults.finding import OptedOutError
from tests.faults.results import environment
from tests.months.play import Run, played

RESULTS = Path(__file__).parents[2] / "month-results"
SHORT_DAYS = 14, 8
"""The fewest days of which the comparison would say anything, and one more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was asked for, one seed after the other."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells may have it ignored
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    load = os.getloadavg()[0]
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runs = [runner.run(_play(options, seed)) for seed in options.seed or [1]]
    except OptedOutError as missing:
        print(f"months: {missing}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("months: interrupted; everything it started is stopped", file=sys.stderr)
        return 130
    _say(f"all of it is in {_write(options.results, load, runs)}")
    return int(not all(is_right(run) for run in runs))


def is_right(run: Run) -> bool:
    """Whether all is equal, and the effect was found where there is one and only there.

    An effect counts as found when most of what it should show in shows it, and nothing shows the
    opposite: a comparison may refuse, since chance makes a quiet stretch look restless.
    """
    if run.compared.unequal:
        return False
    if run.plan.after == AS_BEFORE:
        return not any(each.is_found for each in run.seen)
    effects = sum(each.is_effect for each in run.seen)
    return 2 * effects > len(run.seen) and not any(e.is_found and not e.is_effect for e in run.seen)


def report(run: Run) -> str:
    """A run in words and figures."""
    plan, compared = run.plan, run.compared
    with_effect = "no effect" if plan.after == AS_BEFORE else "with the effect"
    lines = [
        f"seed {plan.seed}, {plan.begin} to {plan.end} (turn {plan.turn}), {with_effect}",
        ", ".join(f"{n} {name}" for name, n in run.counts.items()),
        "ledger: " + ", ".join(f"{n} {name}" for name, n in run.findings.items()),
        f"equal to the recount: {compared.figures} figures and {compared.calls} calls, "
        f"{len(compared.unequal)} of them not",
        *(f"  {line}" for line in compared.unequal[:20]),
        "| figure | before | after | least seen | finding | its page | days for the better |",
        "|---|--:|--:|--:|---|---|--:|",
        *(
            f"| {s.name} | {_n(s.before)} | {_n(s.after)} | {_n(s.least)} "
            f"| {s.finding} | {s.page or '–'} | {s.better} |"
            for s in run.seen
        ),
        "right" if is_right(run) else "WRONG",
    ]
    return "\n".join(lines)


async def _play(options: argparse.Namespace, seed: int) -> Run:
    plan = Plan(seed, options.begin)
    if options.short:
        plan = replace(plan, first_days=SHORT_DAYS[0], second_days=SHORT_DAYS[1])
    if options.no_effect:
        plan = replace(plan, after=AS_BEFORE)
    folder = Path(tempfile.mkdtemp(prefix="months-"))
    try:
        async with played(plan, folder, _say) as (run, outlet):
            print(report(run), flush=True)
            if options.look:
                _say(f"to be looked at until Ctrl-C: {outlet.service.base}/indicators/randers")
                await asyncio.Event().wait()
            return run
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(words: str) -> None:
    print(f"{local(millis(datetime.now(UTC))):%H:%M:%S}  {words}", file=sys.stderr, flush=True)


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _write(folder: Path, load: float, runs: Sequence[Run]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"months-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    content = {"environment": environment(load), "runs": [asdict(run) for run in runs]}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.months", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="may be given again")
    parser.add_argument("--begin", type=date.fromisoformat, default=date(2026, 10, 1))
    parser.add_argument("--no-effect", action="store_true", help="the second month as the first")
    parser.add_argument("--short", action="store_true", help="22 days instead of 61")
    parser.add_argument("--look", action="store_true", help="leave the service up afterwards")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
