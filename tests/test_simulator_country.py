"""The simulators as a country: a small one over the real wire, and its parts by themselves."""

import asyncio
import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from capacity.board import Board as Store
from capacity.board import EmbeddedServer
from capacity.catalogue import load_catalogue
from feeds.formats import hl7v2
from feeds.sources import load_sources
from simulators.country import frames
from simulators.country.crowd import Crowd
from simulators.country.files import read_secrets, write_files
from simulators.country.hl7 import movement
from simulators.country.land import make_land
from simulators.country.report import spread
from simulators.country.staff import browser
from simulators.country.system import System
from simulators.country.tally import Tally
from simulators.country.watch import Watch
from simulators.faults import Fault, Kind
from simulators.figures import Figures
from tests.support.service import running, settings_for
from web.key_kinds import KeyKind
from web.keys import KeyRing

ROOT = Path(__file__).parents[1]


def simulators(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulators", "country", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_small_country_works_for_an_hour_and_breaks_no_rule(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    size = ("--municipalities", 5, "--units", 25, "--boards", 50, "--visitators", 1)
    pace = ("--speed", 720, "--minutes", 0.08, "--seed", 3)
    done = simulators("--serve", "--folder", tmp_path / "land", *size, *pace, "--json", report)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["breaches"] == []
    assert found["unforeseen"] == {}
    assert (found["boards"], found["open_at_the_end"], found["clusters"]) == (50, 50, 2)
    assert found["compared"] == 52
    assert set(found["documents"]) == {"json", "csv", "fhir", "hl7"}
    assert found["reports"]["accepted"] > 50, done.stdout
    assert found["last_board"]["of"] > 20, done.stdout
    assert found["frames"] > 50, done.stdout
    assert found["people"] == 7
    assert found["dropped"] == found["refused"] == 0
    processes = {cost["name"] for cost in found["processes"]}
    assert processes == {"simulators", "serve", "valkey-server"}
    assert all(cost["memory"] > 1_000_000 for cost in found["processes"])
    assert "rules broken         0" in done.stdout


def test_what_cannot_begin_is_said_in_a_line(tmp_path: Path) -> None:
    for arguments, reason in (
        (("--prepare", "--folder", tmp_path, "--municipalities", 99), "1 to 98 municipalities"),
        (("--prepare", "--folder", tmp_path, "--units", 9), "has a unit at least"),
        (("--target", "http://127.0.0.1:9"), "--folder"),
    ):
        done = simulators(*arguments)
        assert done.returncode == 2
        assert reason in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("municipalities", "units"), [(98, 500), (5, 25), (1, 1)])
def test_the_product_reads_the_files_of_any_size(
    tmp_path: Path, municipalities: int, units: int
) -> None:
    land = make_land(municipalities, units)
    files, keys = write_files(tmp_path, land)
    assert read_secrets(tmp_path) == keys
    catalogue = load_catalogue([files.catalogue])
    sources = load_sources([files.sources], catalogue)
    assert len(catalogue.units) == len(land.units) == units
    assert len(catalogue.municipalities) == municipalities
    assert set(sources) == set(keys.sources)
    ring = KeyRing(files.keys)
    for source, key in keys.sources.items():
        opened = ring.find(key)
        assert opened is not None
        assert (opened.kind, opened.of) == (KeyKind.SOURCE, source)
    for each in land.municipalities:
        opened = ring.find(keys.boards[each.code])
        assert opened is not None
        assert (opened.kind, opened.of) == (KeyKind.BOARD, each.cluster)
    told = [unit.id for source in land.sources for unit in source.units]
    assert len(told) == len(set(told))


def test_the_whole_country_has_every_municipality_once() -> None:
    land = make_land(98, 500)
    assert len({each.code for each in land.municipalities}) == 98
    assert len({each.name for each in land.municipalities}) == 98
    assert {each.place for each in land.municipalities} == set(range(98))
    assert len(land.clusters) == 22


@given(
    sizes=st.lists(st.sampled_from([0, 1, 125, 126, 300, 65_535, 65_536]), max_size=4),
    cut=st.floats(0, 1),
)
def test_frames_are_taken_apart_wherever_the_bytes_are_cut(sizes: list[int], cut: float) -> None:
    sent = [Frame(Opcode.TEXT, b"x" * size) for size in sizes] + [Frame(Opcode.PING, b"p")]
    data = b"".join(frame.serialize(mask=False) for frame in sent)
    at = int(len(data) * cut)
    first, rest = frames.split(data[:at])
    second, nothing = frames.split(rest + data[at:])
    assert nothing == b""
    assert first + second == [(frame.opcode.value, bytes(frame.data)) for frame in sent]


def test_a_change_is_on_the_last_board_when_all_have_it_or_a_later_one() -> None:
    watch = Watch()
    watch.expect("c", {"u": 1000}, {"a", "b"})
    early = watch.shown_by("c", {"unit": "u", "observed_at": "1970-01-01T00:00:00.999Z"})
    assert early == []
    (found,) = watch.shown_by("c", {"unit": "u", "observed_at": "1970-01-01T00:00:01.500Z"})
    watch.has("c", found, "a")
    watch.has("c", found, "a")
    assert watch.delays == []
    assert watch.missing() == [found]
    watch.has("c", found, "b")
    assert len(watch.delays) == 1
    assert watch.missing() == []


def test_what_was_not_accepted_or_whose_boards_left_is_not_waited_for() -> None:
    watch = Watch()
    refused = watch.expect("c", {"u": 1}, {"a"})
    watch.withdraw("c", refused)
    watch.has("c", refused[0], "a")
    watch.expect("c", {"u": 2}, {"a"})
    watch.left("c", "a")
    watch.expect("c", {"u": 3}, set())
    assert watch.missing() == []
    assert watch.delays == []


def test_spreads_are_nearest_ranks() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert spread(hundred) == {"p50": 50.0, "p99": 99.0, "longest": 100.0, "of": 100}
    assert spread([7.0]) == {"p50": 7.0, "p99": 7.0, "longest": 7.0, "of": 1}
    assert spread([]) == {}


def test_movements_are_hl7_that_counts_one_more_or_fewer() -> None:
    at = datetime(2026, 11, 22, 12, 0, 0, 345_000, tzinfo=UTC)
    for change in (1, -1):
        document = movement("WARD", change, at, "L1N7", "RANDERS")
        batch = hl7v2.parse(document.body, None, at)
        assert batch.rejects == ()
        (told,) = batch.movements
        assert (told.unit, told.change, told.observed_at) == ("WARD", change, at)
        assert document.media_type in hl7v2.FORMAT.media_types


def test_only_what_was_meant_to_be_sound_surprises() -> None:
    tally = Tally()
    reject = {"where": "reports[0]", "field": "total", "reason": "is no count"}
    assert tally.receipt({"accepted": 2, "rejected": []}, sound=True)
    assert not tally.receipt({"accepted": 1, "superseded": 1, "rejected": []}, sound=True)
    assert not tally.receipt({"accepted": 1, "rejected": [reject]}, sound=False)
    assert tally.surprises == {}
    assert not tally.receipt({"accepted": 1, "rejected": [reject]}, sound=True)
    assert tally.surprises == {"total is no count": 1}
    assert tally.fates == {"accepted": 5, "superseded": 1, "rejected": 2}


async def until(condition: object, what: str) -> None:
    """Wait until a condition holds that others bring about."""
    assert callable(condition)
    deadline = time() + 20
    while not condition():
        assert time() < deadline, what
        await asyncio.sleep(0.01)


async def test_a_crowd_has_what_is_pushed_comes_back_and_is_refused_without_a_key(
    board: Store, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    files, keys = write_files(tmp_path / "land", land := make_land(1, 1))
    (place,), (unit,), (source,) = land.municipalities, land.units, land.sources
    settings = settings_for(
        tmp_path, valkey_server.url, files.sources, catalogue=[files.catalogue], keys=files.keys
    )
    async with running(settings, demo=False) as service, browser(service.base, None) as client:
        crowd, tally, taken = Crowd(service.base), Tally(), [0]
        figures = {unit.id: lambda: Figures(kind="place", total=3, staffed=3, occupied=taken[0])}
        key = keys.sources[source.id]
        path = f"/api/v1/feeds/{source.id}"
        system = System(source, path, key, client, crowd, tally, figures, 1, 60.0)
        mine = keys.boards[place.code]
        await crowd.enter([(place.cluster, mine, f"127.1.0.{n}") for n in range(1, 21)])
        assert crowd.open == 20

        async def say(number: int) -> None:
            taken[0] = number
            await system.tell()
            await until(
                lambda: all(b.rows[unit.id]["occupied"] == number for b in crowd.boards),
                "not every board shows what was pushed",
            )

        await say(1)
        assert len(crowd.watch.delays) == 1
        crowd.cut_some(0.25, random.Random(1))
        await until(lambda: crowd.open == 15, "five boards lose their connection")
        await until(lambda: crowd.open == 20, "and come back")
        await say(2)
        assert (crowd.cut, crowd.dropped, crowd.refused) == (5, 0, 0)

        system.gate.set(Fault(kind=Kind.TRUNCATED))
        await system.tell()
        assert tally.statuses == {200: 2, 422: 1}
        assert (crowd.watch.missing(), tally.surprises) == ([], {})

        strangers = Crowd(service.base)
        entering = asyncio.create_task(strangers.enter([(place.cluster, "no key", None)]))
        await until(lambda: strangers.refused > 0, "who has no key is refused")
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
        assert strangers.refusals == {"HTTP/1.1 401 Unauthorized"}
        await asyncio.gather(crowd.leave(), strangers.leave())
