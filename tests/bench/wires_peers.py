"""How a change is handed to the peers that take no HTTP push of ours."""

import socket

from tests.bench.figures import CannotRunError
from tests.bench.processes import LOOPBACK

TOPIC = b"deltas"
_TIMEOUT = 30.0


def _connected(port: int) -> socket.socket:
    client = socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


class PostWire:
    """A kept-alive connection that posts each message to one address, as Nchan takes them."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = _connected(port)
        self._head = f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Length: ".encode()
        self._rest = b""

    def fileno(self) -> int:
        """See `Wire.fileno`."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Post one message."""
        self._socket.sendall(b"%s%d\r\n\r\n%s" % (self._head, len(request), request))

    def receive(self) -> None:
        """Read one answer."""
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, data = data.partition(b"\r\n\r\n")
        if head[9:10] != b"2":
            raise CannotRunError(f"the peer refused: {head[:100].decode('latin-1')}")
        size = int((head.lower().partition(b"content-length:")[2] or b"0").split(b"\r\n")[0])
        while len(data) < size:
            data += self._more()
        self._rest = data[size:]

    def close(self) -> None:
        """See `Wire.close`."""
        self._socket.close()

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise CannotRunError("the peer closed a connection that posted")
        return data


class MqttWire:
    """Publishes with MQTT 3.1.1, quality of service 0: nothing is answered."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)
        self._socket.sendall(mqtt_connect(b"bench"))

    def fileno(self) -> int:
        """See `Wire.fileno`."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Publish one message."""
        self._socket.sendall(_packet(0x30, _text(TOPIC) + request))

    def receive(self) -> None:
        """Read what is there: the answer to the greeting."""
        if not self._socket.recv(1 << 12):
            raise CannotRunError("the peer closed a connection that published")

    def close(self) -> None:
        """See `Wire.close`."""
        self._socket.close()


def mqtt_connect(client: bytes) -> bytes:
    """The packet that begins a session; an empty `client` lets the server choose a name."""
    return _packet(0x10, _text(b"MQTT") + b"\x04\x02\x00\x00" + _text(client))


def mqtt_subscribe() -> bytes:
    """The packet that asks for everything published."""
    return _packet(0x82, b"\x00\x01" + _text(TOPIC) + b"\x00")


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(2) + value


def _packet(kind: int, body: bytes) -> bytes:
    size, digits = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes((kind,)) + bytes(digits) + body
