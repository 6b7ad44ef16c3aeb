"""The benchmark's longer measurements, at their smallest, and peers that are not installed."""

from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests.bench.__main__ import measure
from tests.bench.boards import Boards
from tests.bench.fanout import FRAME_BYTES, ROW_BYTES, SLOW, pace, pushes
from tests.bench.figures import Missing
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage
from tests.bench.results import Outcome, table
from tests.bench.wires import HttpWire
from tests.bench.wires_peers import mqtt_connect, mqtt_subscribe
from tests.bench.world import CLUSTER

TINY = Plan(
    runs=1,
    units=12,  # twice what one frame can hold at twenty changes a second: none may be overtaken
    slow_for=1.0,
    busy_for=0.5,
    size_for=0.5,
    idle_runs=1,
    limit_boards=5,
    many_boards=8,
    saturated_for=0.3,
    steady_for=1.0,
    trouble_for=1.0,
)


def test_the_table_names_what_was_not_compared() -> None:
    lines = table([Outcome("limit", [Missing("against Nchan", "not installed")], None, 1.0)])
    assert "| against Nchan: NOT MEASURED, not installed | | | | | |" in lines.splitlines()


def test_mqtt_packets_are_as_the_standard_has_them() -> None:
    """MQTT 3.1.1, sections 3.1 and 3.8."""
    assert mqtt_connect(b"a") == b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01a"
    assert mqtt_subscribe() == b"\x82\x0b\x00\x01\x00\x06deltas\x00"


def test_messages_of_others_are_as_long_as_ours(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage, stage.product(12) as (server, world), closing(Boards(1)) as one:
        one.open(server.port, f"/api/v1/live/{CLUSTER}")
        with closing(HttpWire(server.port, 0, world.keys[0])) as wire:
            one.watch(wire.fileno(), wire.receive)
            pace(server, one, wire, pushes(world), range(1), SLOW)
        frame = one.last_read
    head, _, rest = frame.partition(b'"rows":[')
    row, surge, _ = rest.partition(b'],"surge":')
    assert b'"type":"rows"' in head
    assert surge
    assert len(frame) == pytest.approx(FRAME_BYTES, rel=0.03)
    assert len(row) == pytest.approx(ROW_BYTES, rel=0.03)


def test_peers_that_are_not_there_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BENCH_TOOLS", "BENCH_PEERS", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    failed = measure(TINY, ["limit"], tmp_path / "results", Progress())
    told = capsys.readouterr()
    assert not failed, told.err
    assert told.out.count("NOT MEASURED") >= 3
    assert "| against C loop, a write per read: NOT MEASURED, the measuring tools" in told.out
    assert "| against node ws, frame made once: NOT MEASURED, node is not installed" in told.out


def test_a_small_run_measures_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = measure(TINY, ["steady"], tmp_path, Progress())
    told = capsys.readouterr()
    assert not failed, told.err
    assert "NOT MEASURED" not in told.out
    (kept,) = tmp_path.iterdir()
    found = orjson.loads(kept.read_bytes())["measurements"]
    assert [len(each["figures"]) for each in found] == [5]
