"""The simulators as a process of their own: the command line, a moving picture, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from simulators.__main__ import main
from simulators.day import Day
from simulators.document import Emission
from simulators.faults import Gate
from simulators.scenario import System, load_scenario
from simulators.station import AT_LEAST, TICK, Station
from tests.support.receiver import receiving
from tests.support.simulation import options_for

ROOT = Path(__file__).resolve().parents[1]


def command(folder: Path, target: str, *more: str) -> list[str]:
    options_for(folder, target)  # lays out the keys
    return [
        *(sys.executable, "-m", "simulators", "run", "--target", target),
        *("--folders", str(folder / "inbox"), "--keys", str(folder / "keys")),
        *("--port-file", str(folder / "port"), "--speed", "3600", "--every", "0.05", *more),
    ]


@contextmanager
def process(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        arguments, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_source_tells_and_the_end_is_clean(tmp_path: Path, number: signal.Signals) -> None:
    with (
        receiving() as receiver,
        process(
            command(tmp_path, receiver.url, "--fault", "rhr-fhir=wrong_clock,minutes=-90")
        ) as p,
    ):
        for source in ("favrskov-omsorg", "norddjurs-omsorg"):
            first, *_, last = receiver.wait_for(3, source)
            reports = [json.loads(push.body)["reports"] for push in (first, last)]
            assert reports[0] != reports[1]
        (acute, *_) = receiver.wait_for(1, "rhr-fhir")
        observed = datetime.fromisoformat(json.loads(acute.body)["date"])
        assert timedelta(minutes=89) < datetime.now(UTC) - observed < timedelta(minutes=92)
        assert int((tmp_path / "port").read_text()) > 0
        p.send_signal(number)
        _, errors = p.communicate(timeout=60)
        assert p.returncode == 0
        assert len(errors.splitlines()) == 1, errors
    for source in ("randers-omsorg", "syddjurs-omsorg"):
        assert list((tmp_path / "inbox" / source).glob("*.csv"))
        assert not list((tmp_path / "inbox" / source).glob(".*"))


def test_a_run_with_a_duration_ends_by_itself_though_the_target_is_away(tmp_path: Path) -> None:
    with process(command(tmp_path, "http://127.0.0.1:1", "--duration", "4")) as p:
        _, errors = p.communicate(timeout=60)
    assert p.returncode == 0
    assert errors.count("cannot deliver") == 3, "once for each that pushes"


def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """The parent is killed outright; the pipe they share ends only when both are gone."""
    arguments = command(tmp_path, "http://127.0.0.1:1", "--die-with-parent")
    parent = f"import subprocess; subprocess.run({arguments!r}, stderr=subprocess.DEVNULL)"
    with process([sys.executable, "-c", parent]) as p:
        deadline = time.monotonic() + 30
        while not (tmp_path / "port").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(p.pid, signal.SIGKILL)
        p.communicate(timeout=60)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--fault", "nobody=late"], "no source is called nobody"),
        (["--fault", "rhr-fhir=odd"], "kinds are none, late"),
        (["--fault", "rhr-fhir=late,behind"], "SOURCE=KIND"),
        (["--scenario", "missing.toml"], "cannot be read"),
    ],
)
def test_what_cannot_begin_says_why(
    capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    arguments = ["run", "--target", "http://x", "--folders", "f", "--keys", "k", *more]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--speed", "0"], ["--begin", "25:00"], ["--every", "-1"]])
def test_options_out_of_range_are_refused(more: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--target", "http://x", "--folders", "f", "--keys", "k", *more])


class Kept:
    """An outlet that keeps what it is given."""

    def __init__(self) -> None:
        self.emissions: list[Emission] = []

    def put(self, emission: Emission) -> None:
        self.emissions.append(emission)


def station(source: str) -> tuple[Station, Kept, Day]:
    scenario = load_scenario()
    system: System = next(one for one in scenario.systems if one.source == source)
    outlet = Kept()
    return Station(system, Gate(source, 1), outlet), outlet, Day(scenario, 1)


NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def test_a_ticking_system_tells_though_nothing_changed() -> None:
    told, outlet, day = station("rhr-status")
    for beat in range(TICK * 3):
        told.beat(beat, NOON + timedelta(seconds=2 * beat), day.minute, day.figures())
    assert len(outlet.emissions) == 3


def test_a_municipal_system_tells_on_change_and_now_and_then() -> None:
    told, outlet, day = station("favrskov-omsorg")
    for beat in range(AT_LEAST + 1):
        told.beat(beat, NOON + timedelta(seconds=2 * beat), day.minute, day.figures())
    assert len(outlet.emissions) == 2
    before = day.figures()
    while day.figures()["favrskov-akutteam"] == before["favrskov-akutteam"]:
        day.advance(10)
    told.beat(AT_LEAST + 2, NOON + timedelta(seconds=400), day.minute, day.figures())
    assert len(outlet.emissions) == 3


def test_a_system_without_seconds_exports_at_most_once_a_minute() -> None:
    """Two exports within a minute would look equally old, and the second would be lost."""
    told, outlet, day = station("randers-omsorg")
    stamps = set()
    for beat in range(120):
        now = NOON + timedelta(seconds=2 * beat)
        stamps.add(now.astimezone(ZoneInfo("Europe/Copenhagen")).strftime("%d-%m-%Y %H:%M"))
        told.beat(beat, now, day.minute, day.figures())
        day.advance(30)
    assert len(outlet.emissions) == len(stamps) == 4
    texts = [emission[0].body.decode("cp1252") for emission in outlet.emissions]
    assert all(any(stamp in text for text in texts) for stamp in stamps)
