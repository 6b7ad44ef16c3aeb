"""The live channel as bytes: a request for it, and frames taken apart (RFC 6455).

A stock client costs some 50 KB and a task for each connection; thousands of boards in one process
need something leaner. Of a server that sends whole, unmasked frames no more is needed than this.
"""

import base64
import os
import struct
from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_LONG = {126: ("!H", 2), 127: ("!Q", 8)}


def request(host: str, path: str, key: str) -> bytes:
    """The request that opens a channel in the name of a key."""
    nonce = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {key}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {nonce}",
        "\r\n",
    ]
    return "\r\n".join(lines).encode("ascii")


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames at the beginning, as opcode and payload, and what is left."""
    found: list[tuple[int, bytes]] = []
    at = 0
    for opcode, begin, end in _whole(data):
        found.append((opcode, data[begin:end]))
        at = end
    return found, data[at:]


def _whole(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Opcode, begin and end of the payload of each whole frame."""
    at = 0
    while at + 2 <= len(data):
        size, begin = data[at + 1], at + 2
        if size in _LONG:
            form, width = _LONG[size]
            if len(data) < begin + width:
                return
            (size,) = struct.unpack_from(form, data, begin)
            begin += width
        end = begin + size
        if len(data) < end:
            return
        yield data[at] & 0x0F, begin, end
        at = end


def masked(opcode: int, payload: bytes = b"") -> bytes:
    """A short frame from a client; under a mask of zeros the payload stays what it is."""
    return struct.pack("!BB4x", 0x80 | opcode, 0x80 | len(payload)) + payload
