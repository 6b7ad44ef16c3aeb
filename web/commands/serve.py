"""``akutoverblik serve``: the service itself, with an embedded store unless one is configured."""

import contextlib
import json
import logging
import os
import signal
import sys

import uvicorn

from capacity.board import EmbeddedServer, EmbeddedServerError
from capacity.config_file import ConfigError
from capacity.history import NewerDatabaseError
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
    settings.data.mkdir(parents=True, exist_ok=True)
    embedded = None
    try:
        if settings.redis_url is None:
            embedded = EmbeddedServer(settings.store_folder)
            embedded.start(accept_empty=accept_empty)
            settings = settings.model_copy(update={"redis_url": embedded.url})
        return run_web(settings, demo=demo)
    except (ConfigError, EmbeddedServerError, NewerDatabaseError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    finally:
        if embedded is not None:
            embedded.stop()


def run_web(settings: Settings, *, demo: bool = False) -> int:
    """Run the web process over a store that is already there."""
    services = build_services(settings, demo=demo)
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


def environment_for(settings: Settings) -> dict[str, str]:
    """The environment that makes another process of ours run with these settings."""
    environment = dict(os.environ)
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        text = value if isinstance(value, str) else json.dumps(value)
        environment[f"AKUTOVERBLIK_{name.upper()}"] = text
    return environment
