"""Bare clients: HTTP pushes and Redis commands as bytes on a socket, nothing around them."""

import json
import socket
from collections.abc import Sequence
from typing import Any, Protocol

from tests.bench.figures import CannotRunError
from tests.bench.processes import LOOPBACK

_TIMEOUT = 30.0


class Wire(Protocol):
    """One connection on which requests are answered in turn."""

    def fileno(self) -> int:
        """The socket's descriptor."""
        ...

    def send(self, request: bytes) -> None:
        """Send a request without waiting for its answer."""
        ...

    def receive(self) -> None:
        """Wait for one answer; `CannotRunError` unless it says that all went well."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class HttpWire:
    """A kept-alive connection that pushes documents to one source."""

    def __init__(self, port: int, source: int, key: str) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST /api/v1/feeds/source-{source} HTTP/1.1\r\nHost: {LOOPBACK}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()
        self._rest = b""
        self.accepted = 0

    def fileno(self) -> int:
        """See `Wire.fileno`."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Push one document."""
        self._socket.sendall(b"%s%d\r\n\r\n%s" % (self._head, len(request), request))

    def receive(self) -> None:
        """Read one receipt; every report of the document must have been accepted."""
        head, body = self._answer()
        receipt = json.loads(body)
        refused = any(receipt[fate] for fate in ("unchanged", "superseded", "rejected"))
        if b" 200 " not in head.partition(b"\r\n")[0] or refused or not receipt["accepted"]:
            raise CannotRunError(f"a push was not accepted whole: {body[:300].decode()}")
        self.accepted += receipt["accepted"]

    def close(self) -> None:
        """See `Wire.close`."""
        self._socket.close()

    def _answer(self) -> tuple[bytes, bytes]:
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, data = data.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(data) < size:
            data += self._more()
        self._rest = data[size:]
        return head, data[:size]

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise CannotRunError("the server closed a connection that pushed")
        return data


class RedisWire:
    """A connection on which commands were packed beforehand; `replies` come for each request."""

    def __init__(self, path: str, replies: int = 1) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_TIMEOUT)
        self._socket.connect(path)
        self._file = self._socket.makefile("rb")
        self._replies = replies

    def fileno(self) -> int:
        """See `Wire.fileno`."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Send packed commands."""
        self._socket.sendall(request)

    def receive(self) -> None:
        """Read the replies to one request."""
        for _ in range(self._replies):
            self.reply()

    def reply(self) -> Any:
        """Read one reply (RESP 2)."""
        line = self._file.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"-" or not line:
            raise CannotRunError(f"the store refused: {text.decode()}")
        if kind == b"$":
            return self._file.read(int(text) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(text))]
        return int(text) if kind == b":" else text

    def close(self) -> None:
        """See `Wire.close`."""
        self._file.close()
        self._socket.close()


def packed(*words: bytes | str | int) -> bytes:
    """One Redis command as it goes over the wire."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def packed_all(commands: Sequence[Sequence[bytes | str | int]]) -> bytes:
    """Several commands one after the other, a pipeline."""
    return b"".join(packed(*command) for command in commands)
