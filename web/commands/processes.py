"""Processes of ours that one process starts, keeps alive and ends."""

import logging
import signal
import socket
import subprocess
import time
import types
from collections.abc import Sequence

from capacity.child_process import die_with_parent

log = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
STOP_SECONDS = 12.0


class Child:
    """One process, started again when it dies. It gets the files `keeps`, by their numbers."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        keeps: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.ended_with: int | None = None
        """What it ended with when it last did so by itself."""
        self._command = command
        self._environment = environment
        self._keeps = tuple(keeps)
        self._started_at = float("-inf")
        self._process: subprocess.Popen[bytes] | None = None

    def keep_alive(self) -> None:
        """Start the process if it is not running, at most once a second."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self.ended_with = self._process.returncode
            log.warning("%s ended with %s; starting it again", self.name, self.ended_with)
            self._process = None
        if self._process is None and now - self._started_at > RESTART_SECONDS:
            self._started_at = now
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                self._command,
                env=self._environment,
                pass_fds=self._keeps,
                preexec_fn=die_with_parent(),
            )

    def ask_to_end(self) -> None:
        """Ask the process to end, without waiting for it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Ask the process to end and wait; kill it if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end; killed", self.name)
            self._process.kill()
            self._process.wait()


class StopSignals:
    """Remembers that the process was asked to end, and wakes whoever waits."""

    def __init__(self) -> None:
        self.seen = False
        self._reader, self._writer = socket.socketpair()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def wait(self, seconds: float) -> None:
        """Wait until a signal comes or the time is over."""
        self._reader.settimeout(seconds)
        try:
            self._reader.recv(1)
        except TimeoutError:
            return

    def _note(self, _number: int, _frame: types.FrameType | None) -> None:
        self.seen = True
        self._writer.send(b"x")
