"""Boards that make trouble without meaning it: ``python -m tests.bench.troublemakers PORT PATH``.

One opens and never reads again; five reconnect for ever, five times a second each. Runs until its
standard input ends.
"""

import select
import socket
import sys
import time

from tests.bench.processes import LOOPBACK

RECONNECTING, PAUSE = 5, 0.2


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


def main(port: int, path: str) -> None:
    """Make trouble until standard input ends."""
    stalled = _opened(port, path, buffer=4096)
    print("ready", flush=True)
    left = 0.0
    while not select.select([sys.stdin], [], [], left)[0]:
        begin = time.monotonic()
        for client in [_opened(port, path) for _ in range(RECONNECTING)]:
            client.recv(1 << 16)
            client.close()
        left = max(0.0, PAUSE - (time.monotonic() - begin))
    stalled.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
