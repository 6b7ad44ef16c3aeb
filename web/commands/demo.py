"""``akutoverblik demo``: everything on this machine, with simulators for the outside world.

One process tree: this supervisor owns the store and two children, the web process and the
simulators. A child that dies is started again; when the supervisor ends, however it ends,
everything ends with it (the kernel tells the children on Linux).
"""

import logging
import socket
import sys
import urllib.request
from http import HTTPStatus
from pathlib import Path

from capacity.board import EmbeddedServer, EmbeddedServerError
from capacity.catalogue import builtin_catalogue
from capacity.config_file import ConfigError
from capacity.instants import utc_now
from capacity.settings import Settings
from feeds.sources import Transport, load_sources
from web.commands.processes import Child, StopSignals
from web.commands.serve import environment_for, port_is_taken
from web.key_kinds import KeyKind
from web.keys import KeyRing
from web.services import DEMO_SIMULATORS, demo_source_files

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
"""How long the web process may take to start before the simulators complain of it."""
SIMULATED_SPEED = "60"
"""How much faster than real time the simulated patients live, so that the board moves."""


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
    stopping = StopSignals()
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
