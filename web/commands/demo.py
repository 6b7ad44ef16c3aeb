"""``akutoverblik demo``: everything on this machine, with simulators for the outside world.

One process tree: this supervisor owns the store and two children, the web process and the
simulators. A child that dies is started again; when the supervisor ends, however it ends,
everything ends with it (the kernel tells the children on Linux).
"""

import logging
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
from http import HTTPStatus
from pathlib import Path

from capacity.board import EmbeddedServer, EmbeddedServerError
from capacity.catalogue import builtin_catalogue
from capacity.child_process import die_with_parent
from capacity.config_file import ConfigError
from capacity.instants import utc_now
from capacity.settings import Settings
from feeds.sources import Transport, load_sources
from web.commands.serve import environment_for, port_is_taken
from web.key_kinds import KeyKind
from web.keys import KeyRing
from web.services import DEMO_SIMULATORS, demo_source_files

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
RESTART_SECONDS = 1.0
STOP_SECONDS = 12.0
START_SECONDS = 30.0
"""How long the web process may take to start before the simulators complain of it."""
SIMULATED_SPEED = "60"
"""How much faster than real time the simulated patients live, so that the board moves."""


class Child:
    """One process of the tree, started again when it dies."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._started_at = float("-inf")
        self._process: subprocess.Popen[bytes] | None = None

    def keep_alive(self) -> None:
        """Start the process if it is not running, at most once a second."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            log.warning("%s ended with %s; starting it again", self.name, self._process.returncode)
            self._process = None
        if self._process is None and now - self._started_at > RESTART_SECONDS:
            self._started_at = now
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                self._command, env=self._environment, preexec_fn=die_with_parent()
            )

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


def demo(settings: Settings, *, accept_empty: bool = False) -> int:
    """Run the demo until Ctrl-C; returns the exit code."""
    settings = settings.model_copy(update={"host": LOOPBACK})
    if port_is_taken(LOOPBACK, settings.port):
        print(
            f"akutoverblik: port {settings.port} on {LOOPBACK} is taken; stop what uses it, or "
            "choose another: AKUTOVERBLIK_PORT=8001",
            file=sys.stderr,
        )
        return 2
    store = EmbeddedServer(settings.store_folder)
    children: list[Child] = []
    stopping = _StopSignals()
    try:
        store.start(accept_empty=accept_empty)
        settings = settings.model_copy(update={"redis_url": store.url})
        children = _children(settings)
        announced = False
        while not stopping.seen:
            if store.has_died():
                log.error("the store died; starting it again")
                store.restart()
            for child in children:
                child.keep_alive()
            if not announced and _is_ready(settings.port):
                _announce(settings)
                announced = True
            stopping.wait(0.3)
    except (ConfigError, EmbeddedServerError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    finally:
        for child in reversed(children):
            child.stop()
        store.stop()
    return 0


def _children(settings: Settings) -> list[Child]:
    keys_folder = settings.data / "keys"
    simulator_port = _free_port()
    simulators_url = f"http://{LOOPBACK}:{simulator_port}"
    environment = environment_for(settings) | {"SIMULATORS_URL": simulators_url}
    (settings.data / DEMO_SIMULATORS).write_text(simulators_url + "\n", encoding="utf-8")
    _make_keys(settings, keys_folder, environment)
    web = [sys.executable, "-m", "web.cli", "serve", "--as-demo"]
    simulators = [
        sys.executable, "-m", "simulators", "run",
        "--target", f"http://{LOOPBACK}:{settings.port}",
        "--folders", str(settings.inbox.absolute()),
        "--keys", str(keys_folder.absolute()),
        "--port", str(simulator_port),
        "--speed", SIMULATED_SPEED,
        "--patience", str(START_SECONDS),
        "--die-with-parent",
    ]  # fmt: skip
    return [
        Child("the simulators", simulators, environment),
        Child("the web process", web, environment),
    ]


def _make_keys(settings: Settings, folder: Path, environment: dict[str, str]) -> None:
    """One key per pushed source, made at the first start and kept in a file of its own."""
    sources = load_sources(
        settings.sources or demo_source_files(), builtin_catalogue(), environment
    )
    ring = KeyRing(settings.keys_file)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for source in sources.values():
        path = folder / source.id
        if source.transport is Transport.PUSH and not (
            path.exists() and ring.find(path.read_text(encoding="utf-8").strip())
        ):
            key = ring.make(KeyKind.SOURCE, source.id, utc_now())
            path.touch(mode=0o600)
            path.write_text(key + "\n", encoding="utf-8")


def _is_ready(port: int) -> bool:
    """Whether the web process can serve boards."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _announce(settings: Settings) -> None:
    print(
        f"Akutoverblik demo: http://{LOOPBACK}:{settings.port}\n"
        f"  data, inbox and feed keys in {settings.data}  (key of a source: "
        f"{settings.data}/keys/SOURCE)\n  Ctrl-C ends everything.",
        flush=True,
    )


class _StopSignals:
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
