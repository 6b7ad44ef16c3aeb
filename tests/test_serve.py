"""``akutoverblik serve`` as an operator runs it: its embedded store is kept alive."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from capacity.board import EmbeddedServer
from tests.support.demo_process import descendants, free_port, until
from web.commands.serve import _keep_alive


def test_a_killed_store_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    folder = tmp_path / ("a long name with spaces " * 4)
    port = free_port()
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", "serve"],
            env=os.environ | {"AKUTOVERBLIK_DATA": str(folder), "AKUTOVERBLIK_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:

        def status() -> int:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code
            except httpx.HTTPError:
                return 0

        until(lambda: status() == 200, f"ready: {log.read_text()}")
        (store,) = [pid for pid, command in descendants(process.pid).items() if "valkey" in command]
        os.kill(store, signal.SIGKILL)
        until(lambda: status() == 503, "the loss of the store is told")
        until(lambda: status() == 200, "the store is back")
        assert "the store died" in log.read_text(encoding="utf-8")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not descendants(process.pid)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_store_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As when its disk was full, and somebody made room."""
    monkeypatch.setattr("web.commands.serve.RESTART_SECONDS", (0.02, 0.1))
    server, ended = EmbeddedServer(tmp_path / "store"), threading.Event()
    server.start()
    guard = threading.Thread(target=_keep_alive, args=(server, ended))
    guard.start()
    try:
        with monkeypatch.context() as full:
            full.setattr("capacity.board.embedded._URL_FILE", "nowhere/url")
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            until(lambda: "is tried on" in caplog.text, "that it cannot be started is told")
        until(lambda: "could be started again" in caplog.text, "it is started")
        assert server.pid is not None
        assert not server.has_died()
        assert caplog.text.count("is tried on") == 1
    finally:
        ended.set()
        guard.join()
        server.stop()


def test_a_wrong_sources_file_is_refused_by_line_without_a_traceback(tmp_path: Path) -> None:
    wrong = tmp_path / "sources.toml"
    wrong.write_text('[[source]]\nid = "a"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", "serve"],
        env=os.environ
        | {"AKUTOVERBLIK_DATA": str(tmp_path / "d"), "AKUTOVERBLIK_SOURCES": f'["{wrong}"]'},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{wrong}:1: source[0].cluster: is missing" in done.stderr
    assert "Traceback" not in done.stderr
