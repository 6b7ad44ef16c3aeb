"""The benchmark's own arithmetic and frame reader, and that a run ends as it should."""

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import orjson
import pytest

from capacity.board import Cursor
from capacity.instants import utc_now
from tests.bench.__main__ import measure
from tests.bench.boards import Boards, mark, read_chunk
from tests.bench.figures import Figure, Spread, quantile
from tests.bench.parsing import cases
from tests.bench.plan import Plan, Progress
from tests.bench.results import Outcome, table
from tests.bench.wires import packed
from web.live.frames import heartbeat_message, rows_message, text_frame

TINY = Plan(
    runs=1,
    boards=(5,),
    units=12,  # twice what one frame can hold at twenty changes a second: none may be overtaken
    slow_for=1.0,
    busy_for=0.5,
    size_for=0.5,
    ingest_for=0.1,
    idle_boards=5,
    idle_runs=1,
    document_bytes=5_000,
    snapshot_units=(18,),
    alternative_units=(30,),
    crowd=5,
    crowd_units=(18,),
    hostile=16,
    hostile_boards=5,
    hostile_for=1.0,
)


def figure(product: tuple[float, ...], baseline: tuple[float, ...]) -> Figure:
    return Figure("what", "ms", "less", product, baseline, "plain")


def test_ratios_are_taken_run_by_run() -> None:
    ratio = figure((10.0, 40.0, 90.0), (10.0, 20.0, 30.0)).ratio
    assert ratio == Spread(median=2.0, low=1.0, high=3.0)


def test_a_baseline_of_nothing_is_infinitely_better() -> None:
    nothing = figure((1.0,), (0.0,))
    assert math.isinf(nothing.ratio.median)
    assert orjson.loads(orjson.dumps(nothing.as_json()))["ratio"]["median"] is None


@pytest.mark.parametrize(("product", "baseline"), [((), ()), ((1.0,), ()), ((1.0,), (1.0, 2.0))])
def test_every_run_needs_both_values(
    product: tuple[float, ...], baseline: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="every run needs"):
        figure(product, baseline)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.51, 51.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_quantiles_are_values_that_were_seen(share: float, expected: float) -> None:
    assert quantile([float(value) for value in range(100, 0, -1)], share) == expected


def test_the_table_says_what_could_not_be_measured() -> None:
    lines = table(
        [
            Outcome("one", [figure((2.0, 4.0), (1.0, 1.0))], None, 1.0),
            Outcome("two", [], "no such program\nand its last words", 1.0),
        ]
    ).splitlines()
    assert "| what | ms | 3 (2–4) | plain: 1 (1–1) | **3** (2–4) | less |" in lines
    assert "| NOT MEASURED: no such program | | | | | |" in lines


def test_frames_are_read_wherever_they_are_cut() -> None:
    """Marks are found once each, whatever part of a frame a read happens to bring."""
    now, cursor = utc_now(), Cursor("epoch", 1)
    stream = b"".join(
        (
            text_frame(heartbeat_message(cursor, now, live=True)),
            b"\x89\x04ping",
            text_frame(rows_message(cursor, now, [b'{"note":"%s"}' % mark(7).encode()])),
            text_frame(
                rows_message(cursor, now, [b'{"note":"%s"}' % mark(n).encode() for n in (8, 9)])
            ),
            text_frame(b"x" * 70_000 + mark(10).encode()),
        )
    )
    for cut in [*range(700), len(stream) - 1]:
        first = read_chunk(stream[:cut])
        second = read_chunk(first.rest + stream[cut:])
        assert first.marks + second.marks == Counter((7, 8, 9, 10))
        assert first.pings + second.pings == (b"ping",)
        assert second.rest == b""


def test_a_row_told_twice_does_not_stand_for_one_that_is_missing() -> None:
    """A board that was behind gets rows again; a document has arrived once all of it is there."""
    rows = [b'{"unit":"unit-%d","note":"%s"}' % (n, mark(7).encode()) for n in range(3)]
    first, again, last = (
        text_frame(rows_message(Cursor("epoch", 1), utc_now(), told))
        for told in (rows[:2], rows[1:2], rows[1:])
    )
    ours, theirs = zip(socket.socketpair(), socket.socketpair(), strict=True)
    boards = Boards(2, copies=3)
    for board in ours:
        boards.take(board, greeted=True)
    try:
        for step, complete in (((first, again), False), ((first + last, again), False)):
            for server, told in zip(theirs, step, strict=True):
                server.sendall(told)
            boards.pump(1.0)
            assert (7 in boards.complete_at) is complete
        theirs[1].sendall(first + last)
        boards.pump(1.0)
        assert 7 in boards.complete_at
    finally:
        boards.close()
        for server in theirs:
            server.close()


def test_a_command_goes_over_the_wire_as_redis_wants_it() -> None:
    assert packed("SET", b"key", 12) == b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2\r\n12\r\n"


def test_documents_are_of_the_size_asked_for() -> None:
    for case in cases(100_000):
        assert 80_000 < len(case.raw) < 120_000, case.name


def test_a_small_run_measures_everything_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cores, children = os.sched_getaffinity(0), _children(os.getpid())
    names = ["fan-out", "ingest", "idle", "hostile", "snapshots", "alternatives", "parsing"]
    failed = measure(TINY, names, tmp_path, Progress())
    told = capsys.readouterr()
    assert not failed, told.err
    assert "NOT MEASURED" not in told.out
    assert "fan-out, 5 boards: run 1 of 1, product" in told.err
    (kept,) = tmp_path.iterdir()
    found = {each["name"]: each for each in orjson.loads(kept.read_bytes())["measurements"]}
    assert list(found) == names
    values = [f for each in found.values() for f in each["figures"]]
    assert len(values) == 6 + 3 + 3 + 3 + 2 + 7 + 4
    assert all(f["ratio"]["median"] is not None or "memory" in f["what"] for f in values)
    assert os.sched_getaffinity(0) == cores
    assert _children(os.getpid()) == children


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_all_it_started(tmp_path: Path, stop: signal.Signals) -> None:
    bench = subprocess.Popen(
        [sys.executable, "-m", "tests.bench", "--quick", "--results", str(tmp_path)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # whoever runs the tests in the background has interrupts ignored, and so would the bench
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 30
        while len(started := _children(bench.pid)) < 2:  # Valkey and the product
            assert bench.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        bench.send_signal(stop)
        _, told = bench.communicate(timeout=120)
    finally:
        bench.kill()
        bench.wait()
        if bench.stderr is not None:
            bench.stderr.close()
    assert bench.returncode == 130
    assert b"interrupted" in told
    # One that was being started at that very moment is ended by the kernel, just after its parent.
    deadline = time.monotonic() + 15
    while left := [pid for pid in started if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def _children(parent: int) -> set[int]:
    """The processes that `parent` started, by what the kernel says."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(state[1]) == parent:
            found.add(int(entry.name))
    return found
