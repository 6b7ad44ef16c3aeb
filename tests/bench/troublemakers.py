"""Boards that make trouble without meaning it: ``python -m tests.bench.troublemakers PORT PATH``.

One opens and never reads again; five reconnect for ever, some five times a second each and
independently of one another. Runs until its standard input ends.
"""

import random
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.bench.processes import LOOPBACK

RECONNECTING = 5
PAUSES = 0.1, 0.3
"""Seconds between two connections of one board: at random, lest they keep step with the changes."""


def _opened(port: int, path: str, *, buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    client.settimeout(10)
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.connect((LOOPBACK, port))
    client.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return client


def _reconnect(port: int, path: str, chance: random.Random, over: threading.Event) -> None:
    while not over.wait(chance.uniform(*PAUSES)):
        with closing(_opened(port, path)) as client:
            client.recv(1 << 16)


def main(port: int, path: str) -> None:
    """Make trouble until standard input ends."""
    over = threading.Event()
    with (
        closing(_opened(port, path, buffer=4096)),
        ThreadPoolExecutor(RECONNECTING) as loops,
    ):
        tasks = [
            loops.submit(_reconnect, port, path, random.Random(seed), over)
            for seed in range(RECONNECTING)
        ]
        print("ready", flush=True)
        sys.stdin.read()
        over.set()
        for task in tasks:
            task.result()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
