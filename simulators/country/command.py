"""``python -m simulators country``: the files, the service, the day, and its report."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from simulators.country.course import Day, play
from simulators.country.files import Keys, read_secrets, write_files
from simulators.country.land import make_land
from simulators.country.report import Outcome
from simulators.country.service import serving
from simulators.lifetime import stop_on_signals


def run(options: argparse.Namespace) -> int:
    """Play and print the report: 0 when no rule was broken, 1 when one was.

    Raises `ValueError` or `OSError` when it cannot begin.
    """
    if min(options.speed, options.minutes) <= 0 or min(options.boards, options.visitators) < 0:
        raise ValueError("--speed and --minutes are more than 0, counts are not negative")
    if options.prepare:
        _prepare(options)
        return 0
    outcome = _served(options) if options.serve else _at_target(options)
    if options.json is not None:
        options.json.write_text(json.dumps(outcome.as_json(), indent=1) + "\n", encoding="utf-8")
    print("\n".join(outcome.lines()))
    return 1 if outcome.breaches else 0


def _prepare(options: argparse.Namespace) -> None:
    if options.folder is None:
        raise ValueError("--prepare needs --folder")
    write_files(options.folder, make_land(options.municipalities, options.units))
    print(f"catalogue.toml, sources.toml and keys.toml are in {options.folder}")


def _at_target(options: argparse.Namespace) -> Outcome:
    if options.folder is None or options.invitation is None:
        raise ValueError("--target needs --folder (as --prepare wrote it) and --invitation")
    keys = read_secrets(options.folder)
    return _played(options, options.target, keys, options.invitation, options.weigh)


def _served(options: argparse.Namespace) -> Outcome:
    with _folder(options.folder) as folder:
        files, keys = write_files(folder, make_land(options.municipalities, options.units))
        with serving(folder, files, options.workers) as child:
            return _played(options, child.target, keys, child.invitation, [child.pid])


def _played(
    options: argparse.Namespace, target: str, keys: Keys, invitation: str, weighed: list[int]
) -> Outcome:
    day = Day(
        target=target.rstrip("/"),
        land=make_land(options.municipalities, options.units),
        keys=keys,
        invitation=invitation,
        boards=options.boards,
        visitators=options.visitators,
        speed=options.speed,
        minutes=options.minutes,
        seed=options.seed,
        faults=not options.no_faults,
        weighed=weighed,
    )

    async def until_told() -> Outcome:
        stop = asyncio.Event()
        stop_on_signals(stop)
        return await _play(day, stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(until_told())


async def _play(day: Day, stop: asyncio.Event) -> Outcome:
    """Told to stop, a day that has begun ends with its report, another at once."""
    playing = asyncio.create_task(play(day, stop))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait([playing, told], return_when=asyncio.FIRST_COMPLETED)
    if not playing.done() and not day.has_begun.is_set():
        playing.cancel()
    try:
        return await playing
    except asyncio.CancelledError:
        raise ValueError("stopped before the day began") from None
    finally:
        told.cancel()


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, or one that is gone afterwards."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.absolute()
    else:
        with tempfile.TemporaryDirectory(prefix="land-") as made:
            yield Path(made)
