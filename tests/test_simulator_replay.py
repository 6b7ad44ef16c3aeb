"""The replayer: order, pace, progress, interruption and resumption."""

import io
import signal
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.__main__ import main
from simulators.replay import (
    INTERRUPTED,
    FolderTarget,
    PushTarget,
    Recording,
    ReplayError,
    recordings_in,
    replay,
    time_in,
)
from tests.support.receiver import receiving
from tests.support.stopwatch import stopwatch

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("2024-01-08T014337+0000.csv", datetime(2024, 1, 8, 1, 43, 37, tzinfo=UTC)),
        ("2026-07-09T160121+0200.csv", datetime(2026, 7, 9, 14, 1, 21, tzinfo=UTC)),
        ("export_20240108T0143.csv", datetime(2024, 1, 8, 1, 43, tzinfo=UTC)),
        ("urgence_time_2024-01-08T12.csv", datetime(2024, 1, 8, tzinfo=UTC)),
        ("2024-01-08T01:43:37Z", datetime(2024, 1, 8, 1, 43, 37, tzinfo=UTC)),
        ("2024-13-08.csv", None),
        ("readme.txt", None),
    ],
)
def test_the_time_in_a_name(name: str, moment: datetime | None) -> None:
    assert time_in(name) == moment


def files(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"content of {name}")
    return [folder / name for name in names]


def names(paths: list[Path]) -> list[str]:
    with ExitStack() as stack:
        return [recording.name for recording in recordings_in(paths, stack)]


def test_order_is_that_of_instants_not_of_letters(tmp_path: Path) -> None:
    paths = files(
        tmp_path,
        "b.csv",
        "a_2024-01-08T0300+0200.csv",
        "z_2024-01-08T0030+0000.csv",
        "a.csv",
        "b_2024-01-08T0200+0000.csv",
    )
    assert names(paths) == [
        "z_2024-01-08T0030+0000.csv",
        "a_2024-01-08T0300+0200.csv",
        "b_2024-01-08T0200+0000.csv",
        "a.csv",
        "b.csv",
    ]


def test_an_archive_and_files_are_played_as_one(tmp_path: Path) -> None:
    inside = files(tmp_path / "in", "2024-01-01.csv", "2024-01-03.csv", ".hidden")
    with tarfile.open(tmp_path / "recorded.tar.gz", "w:gz") as archive:
        for path in inside:
            archive.add(path, f"deep/{path.name}")
    (between,) = files(tmp_path, "2024-01-02.csv")
    out = tmp_path / "out"
    stream = io.StringIO()
    paths = [tmp_path / "recorded.tar.gz", between]
    assert replay(paths, FolderTarget(out), speed=None, stream=stream) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "2024-01-01.csv",
        "2024-01-02.csv",
        "2024-01-03.csv",
    ]
    assert (out / "2024-01-03.csv").read_text() == "content of 2024-01-03.csv"
    assert "played 3 of 3 files" in stream.getvalue()


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = files(tmp_path / "a", "x.csv") + files(tmp_path / "b", "x.csv")
    with pytest.raises(ReplayError, match=r"two recordings are called x\.csv"):
        names(paths)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="is no file"):
        names([tmp_path])


class Interrupting(FolderTarget):
    """A folder whose replay is stopped, as by Ctrl-C, while it takes a certain file."""

    def __init__(self, folder: Path, at: str) -> None:
        super().__init__(folder)
        self.at = at
        self.order: list[str] = []

    def play(self, recording: Recording, stop: threading.Event) -> bool:
        self.order.append(recording.name)
        if recording.name == self.at:
            stop.set()
        return super().play(recording, stop)


def test_an_interrupted_replay_resumes_where_it_stopped(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", *(f"2024-01-0{day}.csv" for day in range(1, 8)))
    target, stream = Interrupting(tmp_path / "out", "2024-01-03.csv"), io.StringIO()
    assert replay(paths, target, speed=None, stream=stream) == INTERRUPTED
    assert "resume with --after 2024-01-03.csv" in stream.getvalue()
    target.at = ""
    rest = io.StringIO()
    assert replay(paths, target, speed=None, after="2024-01-03.csv", stream=rest) == 0
    assert target.order == [path.name for path in paths], "each once, in order"
    assert "played 4 of 7 files" in rest.getvalue()


def test_resuming_after_an_unknown_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no recording is called x"):
        replay(files(tmp_path, "a.csv"), FolderTarget(tmp_path), speed=None, after="x")


def test_the_pace_is_that_of_the_names(tmp_path: Path) -> None:
    """Two hours between three files, 14,400 times as fast: half a second."""
    paths = files(tmp_path / "in", *(f"2024-01-08T0{hour}00.csv" for hour in range(3)))
    began = time.monotonic()
    with stopwatch() as watch:
        replay(paths, FolderTarget(tmp_path / "out"), speed=14_400, stream=io.StringIO())
    assert time.monotonic() - began >= 0.5
    assert watch.seconds < 5


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_a_line_now_and_then_or_one_kept_current(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", *(f"{number:03d}.csv" for number in range(60)))
    lines, terminal = io.StringIO(), Terminal()
    for stream in (lines, terminal):
        replay(paths, FolderTarget(tmp_path / "out"), speed=None, stream=stream)
    assert lines.getvalue().splitlines() == [
        "25/60 024.csv",
        "50/60 049.csv",
        "60/60 059.csv",
        "played 60 of 60 files: handed over in the folder",
    ]
    assert terminal.getvalue().count("\r") == 61
    assert terminal.getvalue().count("\n") == 1


def test_files_are_pushed_in_order_and_what_came_of_it_is_told(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", "1.csv", "2.json", "3.xml")
    key = tmp_path / "key"
    key.write_text("k")
    stream = io.StringIO()
    with receiving() as receiver:
        receiver.answers = [(503, {"Retry-After": "0"}), (200, {}), (422, {})]
        target = PushTarget(f"{receiver.url}/in", key)
        assert replay(paths, target, speed=None, stream=stream) == 0
    assert [push.body[-6:] for push in receiver.pushes] == [
        b" 1.csv",
        b" 1.csv",
        b"2.json",
        b" 3.xml",
    ]
    assert [push.media_type for push in receiver.pushes[1:]] == [
        "text/csv",
        "application/json",
        "application/xml",
    ]
    assert "accepted 3" in stream.getvalue()
    assert "documents refused 1" in stream.getvalue()


def test_a_refused_key_ends_the_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = files(tmp_path / "in", "1.csv")
    key = tmp_path / "key"
    arguments = ["replay", "--key-file", str(key), "--as-fast-as-possible", str(path), "--push"]
    with receiving() as receiver:
        assert main([*arguments, receiver.url]) == 2
        key.write_text("wrong")
        receiver.answers = [(401, {})]
        assert main([*arguments, receiver.url]) == 2
        assert len(receiver.pushes) == 1
    said = capsys.readouterr().err
    assert "has no key yet" in said
    assert "key refused (401)" in said
    assert main(["replay", "--push", "http://x", str(path)]) == 2
    assert "--push needs --key-file" in capsys.readouterr().err


def test_a_push_to_nobody_can_be_interrupted(tmp_path: Path) -> None:
    (path,) = files(tmp_path / "in", "1.csv")
    key = tmp_path / "key"
    key.write_text("k")
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    stream = io.StringIO()
    target = PushTarget("http://127.0.0.1:1/in", key)
    assert replay([path], target, speed=None, stop=stop, stream=stream) == INTERRUPTED
    timer.join()
    assert "nothing was played" in stream.getvalue()


def test_ctrl_c_ends_a_replay_cleanly(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", "2024-01-01.csv", "2024-01-02.csv")
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators", "replay", "--folder", str(tmp_path / "out")),
            *(str(path) for path in paths),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        deadline = time.monotonic() + 30
        while not (tmp_path / "out" / "2024-01-01.csv").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == INTERRUPTED
    assert errors == "interrupted; resume with --after 2024-01-01.csv\n"


@pytest.mark.samples
def test_the_quebec_recording_plays_whole_and_in_order(tmp_path: Path, samples: Path) -> None:
    """330 hourly files as published, out of the archive, unchanged and in order of time."""
    archive = samples / "timeseries" / "quebec-er" / "dev_2024-01-08_14days_hourly.tar.gz"
    target, stream = Interrupting(tmp_path, at=""), io.StringIO()
    assert replay([archive], target, speed=None, stream=stream) == 0
    assert len(target.order) == 330
    times = [time_in(name) for name in target.order]
    assert all(moment is not None for moment in times)
    assert times == sorted(times, key=lambda moment: moment or datetime.max.replace(tzinfo=UTC))
    with tarfile.open(archive) as recorded:
        for member in recorded:
            if member.isfile():
                content = recorded.extractfile(member)
                assert content is not None
                assert (tmp_path / Path(member.name).name).read_bytes() == content.read()
    lines = stream.getvalue().splitlines()
    assert lines[-1].startswith("played 330 of 330 files")
    assert len(lines) == 330 // 25 + 2
