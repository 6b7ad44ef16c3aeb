"""``akutoverblik serve`` as a process of its own, over stores that the test has."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.support.demo_process import end, free_port


class Serving:
    """One such process, on a port and with a data folder of its own."""

    def __init__(self, folder: Path, *arguments: str, **settings: object) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "serve.log"
        environment = {"AKUTOVERBLIK_PORT": str(self.port), "AKUTOVERBLIK_DATA": str(folder)}
        for name, value in settings.items():
            text = value if isinstance(value, str) else json.dumps(value)
            environment[f"AKUTOVERBLIK_{name.upper()}"] = text
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web.cli", "serve", *arguments],
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """Everything that was logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Wait until boards can be served."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, f"not ready within {seconds} s:\n{self.log}"
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def terminate(self, seconds: float = 30) -> int:
        """End it as an operator does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def end(self) -> None:
        """Make sure that it is gone, whatever the test did."""
        end(self.process)
