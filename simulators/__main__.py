"""``python -m simulators run | duty | country | replay``; see docs/simulators.md."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from simulators.care_csv import COPENHAGEN
from simulators.country.arguments import add_country
from simulators.faults import Fault, Kind
from simulators.lifetime import ask_for_death_signal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; 0 when it ended as asked, 2 when it could not begin."""
    options = _parser().parse_args(arguments)
    try:
        command = {"run": _run, "duty": _duty, "country": _country, "replay": _replay}
        return command[options.command](options)
    except (OSError, ValueError) as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulators", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="run every system of a scenario"))
    _add_duty(commands.add_parser("duty", help="visitators and nurses work for a day"))
    add_country(commands.add_parser("country", help="a whole country works for a day"))
    _add_replay(commands.add_parser("replay", help="play recorded files through a source"))
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--target", required=True, help="base address that pushes go to")
    run.add_argument("--folders", type=Path, required=True, help="holds a folder per source")
    run.add_argument("--keys", type=Path, required=True, help="holds a key file per source")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=0, help="for fetches and control; 0: any free")
    run.add_argument("--port-file", type=Path, help="where to write the port")
    run.add_argument("--scenario", type=Path, help="a scenario file; otherwise the Randers day")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--speed", type=_positive, default=1.0, help="simulated per real time")
    run.add_argument("--begin", type=_clock, help="HH:MM of the simulated day; otherwise now")
    run.add_argument("--every", type=_positive, default=2.0, help="seconds between two looks")
    run.add_argument("--duration", type=_positive, help="seconds after which to end")
    run.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SOURCE=KIND[,MEASURE=N]",
        help="a fault from the start, for instance rhr-fhir=wrong_clock,minutes=-90",
    )
    run.add_argument(
        "--patience", type=float, default=0.0, help="seconds in which a target may be starting"
    )
    run.add_argument("--die-with-parent", action="store_true", help="end when the parent does")


def _add_duty(duty: argparse.ArgumentParser) -> None:
    duty.add_argument("--target", required=True, help="base address of a demo")
    duty.add_argument("--cluster", default="randers")
    duty.add_argument(
        "--municipality",
        action="append",
        metavar="CODE",
        help="where citizens live; may be given again; otherwise the four of Randers",
    )
    duty.add_argument("--visitators", type=int, default=3)
    duty.add_argument("--hours", type=_positive, default=24.0, help="simulated hours")
    duty.add_argument("--speed", type=_positive, default=480.0, help="simulated per real time")
    duty.add_argument("--seed", type=int, default=1)


def _add_replay(replay: argparse.ArgumentParser) -> None:
    where = replay.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, help="hand the files over in this folder")
    where.add_argument("--push", metavar="URL", help="push each file to this address")
    replay.add_argument("--key-file", type=Path, help="the key for --push")
    pace = replay.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=_positive, default=1.0, help="recorded per real time")
    pace.add_argument("--as-fast-as-possible", action="store_true")
    replay.add_argument("--after", metavar="NAME", help="resume after this file")
    replay.add_argument("recordings", nargs="+", type=Path, metavar="FILE|TAR")


def _run(options: argparse.Namespace) -> int:
    if options.die_with_parent:
        ask_for_death_signal()
    # Only now: these take a good part of a second, in which the parent might end unseen.
    from simulators.runner import Options, run
    from simulators.scenario import load_scenario

    scenario = load_scenario(options.scenario)
    faults = dict(_fault(text) for text in options.fault)
    unknown = faults.keys() - {system.source for system in scenario.systems}
    if unknown:
        raise ValueError(f"--fault: no source is called {', '.join(sorted(unknown))}")
    run(
        Options(
            scenario=scenario,
            target=options.target,
            folders=options.folders,
            keys=options.keys,
            host=options.host,
            port=options.port,
            port_file=options.port_file,
            seed=options.seed,
            speed=options.speed,
            begin=_now() if options.begin is None else options.begin,
            every=options.every,
            duration=options.duration,
            faults=faults,
            watch_parent=options.die_with_parent,
            patience=options.patience,
        )
    )
    return 0


def _duty(options: argparse.Namespace) -> int:
    from simulators.people.duty import Duty, run

    codes = tuple(options.municipality or ("0730", "0710", "0707", "0706"))
    return run(
        Duty(
            target=options.target,
            cluster=options.cluster,
            municipalities=codes,
            visitators=options.visitators,
            hours=options.hours,
            speed=options.speed,
            seed=options.seed,
        )
    )


def _country(options: argparse.Namespace) -> int:
    from simulators.country.command import run

    return run(options)


def _replay(options: argparse.Namespace) -> int:
    from simulators.replay import FolderTarget, PushTarget, Target, replay, stopped_by_signals

    target: Target
    if options.folder is not None:
        target = FolderTarget(options.folder)
    elif options.key_file is None:
        raise ValueError("--push needs --key-file")
    else:
        target = PushTarget(options.push, options.key_file)
    speed = None if options.as_fast_as_possible else options.speed
    with stopped_by_signals() as stop:
        return replay(options.recordings, target, speed=speed, after=options.after, stop=stop)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("is not more than 0")
    return number


def _clock(text: str) -> float:
    try:
        moment = datetime.strptime(text, "%H:%M")  # noqa: DTZ007 - a time of day, no instant
    except ValueError:
        raise argparse.ArgumentTypeError("is not HH:MM") from None
    return moment.hour * 60.0 + moment.minute


def _now() -> float:
    """The minute after midnight it is in Copenhagen."""
    moment = datetime.now(COPENHAGEN)
    return moment.hour * 60.0 + moment.minute


def _fault(text: str) -> tuple[str, Fault]:
    source, _, rest = text.partition("=")
    kind, *measures = rest.split(",")
    try:
        values = dict(measure.split("=", 1) for measure in measures)
        return source, Fault.model_validate({"kind": kind, **values})
    except ValueError:
        kinds = ", ".join(Kind)
        raise ValueError(
            f"--fault {text}: is not SOURCE=KIND[,MEASURE=N]; kinds are {kinds}; "
            "measures are behind, minutes, status"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
