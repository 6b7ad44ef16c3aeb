"""``akutoverblik serve --workers N``: several web processes of one machine on one port.

Each listens with a socket of its own on the same port, and the kernel spreads connections evenly
over them (SO_REUSEPORT, Linux). The sockets are this supervisor's: while a worker is being started
again, whoever connects to its socket waits for it and is not refused. Nothing else is divided:
every worker shows every board, takes every push, and may run the feeds, which one of them does.
"""

import socket
import sys

from capacity.settings import Settings
from web.commands.processes import Child, StopSignals

BACKLOG = 4096
"""Connections that may wait to be accepted, as when every board reconnects at once."""
LOOK_SECONDS = 0.3


def can_share_ports() -> bool:
    """Whether the kernel spreads connections over the processes that listen on one port."""
    return sys.platform == "linux"


def listen(host: str, port: int) -> socket.socket:
    """One of the sockets on a port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True)


def run_workers(settings: Settings, environment: dict[str, str], number: int) -> int:
    """Run that many workers over a store that is there, until told to stop.

    `environment` makes a process run with these settings. Returns the exit code: a worker's, where
    none of them could be started.
    """
    stopping = StopSignals()
    listeners = [listen(settings.host, settings.port) for _ in range(number)]
    workers = [
        Child(
            f"worker {n}",
            [sys.executable, "-m", "web.cli", "serve", "--listen-on", str(listener.fileno())],
            environment,
            keeps=[listener.fileno()],
        )
        for n, listener in enumerate(listeners, start=1)
    ]
    try:
        while not stopping.seen:
            for worker in workers:
                worker.keep_alive()
            if all(worker.ended_with in (2, 3) for worker in workers):
                return workers[0].ended_with or 3
            stopping.wait(LOOK_SECONDS)
    finally:
        for worker in workers:
            worker.ask_to_end()
        for worker in workers:
            worker.stop()
        for listener in listeners:
            listener.close()
    return 0
