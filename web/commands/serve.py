"""``akutoverblik serve``: the service itself, with an embedded store unless one is configured."""

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading

import uvicorn

from capacity.board import EmbeddedServer, EmbeddedServerError
from capacity.config_file import ConfigError
from capacity.settings import Settings
from web.app import create_app
from web.services import build_services

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5
MAX_SOCKET_MESSAGE = 4096
"""Bytes; boards have nothing to say on the live channel."""
BACKLOG = 4096
"""Connections that may wait to be accepted, as when every board reconnects at once."""


def serve(settings: Settings, *, demo: bool = False, accept_empty: bool = False) -> int:
    """Run until told to stop; returns the exit code."""
    if port_is_taken(settings.host, settings.port):
        print(
            f"akutoverblik: port {settings.port} on {settings.host} is taken; stop what uses it, "
            "or choose another with AKUTOVERBLIK_PORT",
            file=sys.stderr,
        )
        return 2
    settings.data.mkdir(parents=True, exist_ok=True)
    embedded: EmbeddedServer | None = None
    guard: threading.Thread | None = None
    ended = threading.Event()
    try:
        if settings.redis_url is None:
            embedded = EmbeddedServer(settings.store_folder)
            embedded.start(accept_empty=accept_empty)
            settings = settings.model_copy(update={"redis_url": embedded.url})
            guard = threading.Thread(target=_keep_alive, args=(embedded, ended), daemon=True)
            guard.start()
        return run_web(settings, demo=demo)
    except EmbeddedServerError as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    finally:
        ended.set()
        if guard is not None:
            guard.join()
        if embedded is not None:
            embedded.stop()


def _keep_alive(embedded: EmbeddedServer, ended: threading.Event) -> None:
    """Start the embedded store again whenever it dies, until the service has ended.

    The kernel ends the store with the thread that started it, so this thread lives on.
    """
    while not ended.wait(1.0):
        if embedded.has_died():
            log.error("the store died; starting it again")
            try:
                embedded.restart()
            except EmbeddedServerError as error:
                log.error("the store cannot be started again: %s", error)
                return


def run_web(settings: Settings, *, demo: bool = False) -> int:
    """Run the web process over a store that is already there; returns the exit code."""
    try:
        services = build_services(settings, demo=demo)
    except ConfigError as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    if not demo and not services.access.keys:
        log.warning(
            "no keys are configured: everything but health is refused. Next step: "
            "akutoverblik key new board CLUSTER, akutoverblik key new source SOURCE"
        )
    config = uvicorn.Config(
        create_app(services),
        host=settings.host,
        port=settings.port,
        ws="web.live.protocol:BoardProtocol",
        ws_per_message_deflate=False,
        ws_max_size=MAX_SOCKET_MESSAGE,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        server_header=False,
        access_log=False,
        log_config=None,
    )
    server = uvicorn.Server(config)
    # The server raises the signal that ended it once more when it has shut down. SIGTERM must not
    # end the process then and there: an embedded store still has to be stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 3


def port_is_taken(host: str, port: int) -> bool:
    """Whether nobody else can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def environment_for(settings: Settings) -> dict[str, str]:
    """The environment that makes another process of ours run with these settings."""
    environment = dict(os.environ)
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        text = value if isinstance(value, str) else json.dumps(value)
        environment[f"AKUTOVERBLIK_{name.upper()}"] = text
    return environment
