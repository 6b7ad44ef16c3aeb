"""The demonstration as its user starts it: one command, a whole process tree."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end(process: subprocess.Popen[bytes]) -> None:
    """Make sure that a process is gone: asked to end, and killed where it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class DemoProcess:
    """``akutoverblik demo`` on a port and in a folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._log = folder / "demo.log"
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "AKUTOVERBLIK_PORT": str(self.port),
            "AKUTOVERBLIK_DATA": str(folder / "data"),
        }
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web.cli", "demo"],
                env=os.environ | settings | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything that was printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Wait until boards can be served."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                if httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready within {seconds} s:\n{self.log}")

    def simulators(self) -> str:
        """The address of the simulators' control."""
        found = re.search(r"control on (\S+)", self.log)
        assert found, self.log
        return f"http://{found[1]}"

    def children(self) -> dict[int, str]:
        """Process id and command of every process below the demo's own."""
        return descendants(self.process.pid)

    def child(self, words: str) -> int:
        """The process id of the one child whose command holds `words`."""
        found = [pid for pid, command in self.children().items() if words in command]
        assert len(found) == 1, self.children()
        return found[0]

    def interrupt(self, seconds: float = 30) -> int:
        """End it as Ctrl-C does; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)

    def end(self) -> None:
        """Make sure that it is gone, whatever the test did."""
        end(self.process)


def descendants(pid: int) -> dict[int, str]:
    """Process id and command of all processes below one, by the kernel's own lists."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="ascii").split()):
            found[child] = command_of(child)
            found |= descendants(child)
    return found


def command_of(pid: int) -> str:
    """The command line of a process; empty once it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait for a condition of the outside world."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"never within {seconds} s: {what}")
