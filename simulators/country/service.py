"""The service as a child of ours, with files and stores of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulators.country.files import Files
from simulators.lifetime import ask_for_death_signal

LOOPBACK = "127.0.0.1"
START_SECONDS, STOP_SECONDS = 60.0, 30.0
CLICKS_PER_MINUTE = 3000
"""Changing requests that one account may make: a day in minutes makes people that much faster."""


@dataclass(frozen=True, slots=True)
class Child:
    """A service that was started here; `invitation` is the set-up link of its administrator."""

    pid: int
    target: str
    invitation: str


@contextmanager
def serving(folder: Path, files: Files, workers: int) -> Iterator[Child]:
    """``akutoverblik serve`` over these files, with stores of its own, until the block ends.

    Raises `ValueError` when it cannot be started; its log is in the folder.
    """
    port = _free_port()
    environment = _environment(folder, files, port)
    script = _console_script()
    invitation = _invite(script, environment)
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own console script
            [script, "serve", *(["--workers", str(workers)] if workers > 1 else [])],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us; we stop it then
            preexec_fn=ask_for_death_signal,
        )
    try:
        target = f"http://{LOOPBACK}:{port}"
        _wait_until_ready(process, target, log)
        yield Child(process.pid, target, f"{target}/set-up/{invitation}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(folder: Path, files: Files, port: int) -> dict[str, str]:
    """Settings of our own, and none of the caller's."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AKUTOVERBLIK_")}
    return inherited | {
        "AKUTOVERBLIK_DATA": str(folder / "data"),
        "AKUTOVERBLIK_CATALOGUE": json.dumps([str(files.catalogue)]),
        "AKUTOVERBLIK_SOURCES": json.dumps([str(files.sources)]),
        "AKUTOVERBLIK_KEYS": str(files.keys),
        "AKUTOVERBLIK_HOST": LOOPBACK,
        "AKUTOVERBLIK_PORT": str(port),
        "AKUTOVERBLIK_RATE_ACCOUNT": str(CLICKS_PER_MINUTE),
    }


def _console_script() -> str:
    beside = Path(sys.executable).with_name("akutoverblik")
    found = str(beside) if beside.exists() else shutil.which("akutoverblik")
    if found is None:
        raise ValueError("--serve needs the console script akutoverblik, which is not installed")
    return found


def _invite(script: str, environment: dict[str, str]) -> str:
    """Make the first administrator; returns the token of the set-up link."""
    made = subprocess.run(  # noqa: S603 - our own console script
        [script, "account", "new", "landets-administrator", "administrator"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if made.returncode != 0:
        raise ValueError(f"no administrator could be made: {made.stderr.strip()[-300:]}")
    return made.stdout.strip().rpartition("/set-up/")[2]


def _wait_until_ready(process: "subprocess.Popen[bytes]", target: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{target}/readyz", timeout=5) as answer:  # noqa: S310 - http
                if answer.status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text("utf-8", errors="replace").strip()[-500:]
            raise ValueError(f"the service did not start: {words}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
