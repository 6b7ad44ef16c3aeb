"""``akutoverblik serve``: the service itself, with an embedded store unless one is configured."""

import contextlib
import json
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI

from capacity.board import EmbeddedServer, EmbeddedServerError
from capacity.config_file import ConfigError
from capacity.settings import Settings
from web.app import create_app
from web.commands.kept import kept_for_good
from web.commands.workers import BACKLOG, can_share_ports, run_workers
from web.http_protocol import Patience, bounded_by
from web.services import build_services

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5
MAX_SOCKET_MESSAGE = 4096
"""Bytes; boards have nothing to say on the live channel."""
RESTART_SECONDS = (1.0, 30.0)
"""Pauses before an embedded store that died is started again, doubling in between."""
STEADY_SECONDS = 60.0
"""A store that lives for so long is looked after as at the beginning."""
OWN_FILES = 256
"""Files that a process needs beside its connections: stores, logs, documents."""


def serve(
    settings: Settings, *, demo: bool = False, accept_empty: bool = False, workers: int = 1
) -> int:
    """Run until told to stop, in so many processes; returns the exit code."""
    if workers > 1 and not can_share_ports():
        print("akutoverblik: --workers needs Linux; run several services instead", file=sys.stderr)
        return 2
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
        if workers > 1:
            return run_workers(settings, environment_for(settings), workers)
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

    Where it dies again soon, or cannot be started (its disk is full), it is tried ever less often.
    The kernel ends the store with the thread that started it, so this thread lives on.
    """
    shortest, longest = RESTART_SECONDS
    pause, began, failed = shortest, time.monotonic(), False
    while not ended.wait(pause):
        if embedded.pid is not None and not embedded.has_died():
            if time.monotonic() - began > STEADY_SECONDS:
                pause = shortest
            continue
        if not failed:
            log.error("the store died; starting it again")
        pause, began = min(longest, pause * 2), time.monotonic()
        try:
            embedded.restart()
        except EmbeddedServerError as error:
            if not failed:
                log.error("the store cannot be started again, and is tried on: %s", error)
            failed = True
        else:
            if failed:
                log.warning("the store could be started again")
            failed = False


def run_web(
    settings: Settings, *, demo: bool = False, listener: socket.socket | None = None
) -> int:
    """Run the web process over a store that is already there; returns the exit code.

    It listens as the settings say, or on a socket that is already there.
    """
    try:
        with kept_for_good():
            services = build_services(settings, demo=demo)
            app = create_app(services)
            app.state.later.around = kept_for_good
    except ConfigError as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    if not demo and not services.access.keys:
        log.warning(
            "no keys are configured: without accounts everything but health is refused. Next step: "
            "akutoverblik account new LOGIN administrator, akutoverblik key new source SOURCE"
        )
    server = uvicorn.Server(server_config(app, settings))
    # The server raises the signal that ended it once more when it has shut down. SIGTERM must not
    # end the process then and there: an embedded store still has to be stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener] if listener is not None else None)
    return 0 if server.started else 3


def server_config(app: FastAPI, settings: Settings, **more: Any) -> uvicorn.Config:
    """How the web server runs; `more` are settings of uvicorn that are to differ."""
    patience = Patience(
        head=settings.head_seconds,
        body=settings.body_seconds,
        unread=settings.unread_seconds,
        connections=_connections_within(settings.max_connections),
    )
    values: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "http": bounded_by(patience),
        "ws": "web.live.protocol:BoardProtocol",
        "ws_per_message_deflate": False,
        "ws_max_size": MAX_SOCKET_MESSAGE,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
        "proxy_headers": False,  # uvicorn would believe 127.0.0.1; see web.proxies
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "lifespan": "on",
    }
    return uvicorn.Config(app, **values | more)


def _connections_within(wanted: int) -> int:
    """As many connections as are wanted, if the system gives that many files; else those it gives.

    A process that has no file left for the next connection has none for its own stores either.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, max(hard - OWN_FILES, hard // 2))
    needed = wanted + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
    return wanted


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
