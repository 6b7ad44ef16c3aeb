"""The live channel's messages, as JSON text and as ready-made WebSocket frames.

A message is encoded once and the same bytes go to every board (RFC 6455, section 5.2: a server's
frames carry no mask, so they do not differ between connections).
"""

import struct
from collections.abc import Iterable
from datetime import datetime

from capacity.board import Cursor
from capacity.instants import format_instant

_TEXT_FINAL = 0x81


def text_frame(payload: bytes) -> bytes:
    """One unfragmented WebSocket text frame as a server sends it."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", _TEXT_FINAL, size)
    elif size < 65536:
        head = struct.pack("!BBH", _TEXT_FINAL, 126, size)
    else:
        head = struct.pack("!BBQ", _TEXT_FINAL, 127, size)
    return head + payload


def surge_part(surge: bytes) -> bytes:
    """What every message of a cluster ends with: its surge level, JSON already."""
    return b',"surge":' + surge


def snapshot_message(
    cursor: Cursor, now: datetime, rows: Iterable[bytes], surge: bytes = b""
) -> bytes:
    """The whole board; `rows` are JSON already, `surge` is a `surge_part` or empty."""
    return _message("snapshot", cursor, now, rows, surge)


def rows_message(cursor: Cursor, now: datetime, rows: Iterable[bytes], surge: bytes = b"") -> bytes:
    """Rows that changed, each whole."""
    return _message("rows", cursor, now, rows, surge)


def heartbeat_message(cursor: Cursor, now: datetime, *, live: bool, surge: bytes = b"") -> bytes:
    """A sign of life; `live` is false when the server itself has lost the store."""
    return b'{"type":"heartbeat","cursor":"%s","server_time":"%s","live":%s%s}' % (
        str(cursor).encode(),
        _instant(now),
        b"true" if live else b"false",
        surge,
    )


def _message(
    kind: str, cursor: Cursor, now: datetime, rows: Iterable[bytes], surge: bytes
) -> bytes:
    return b'{"type":"%s","cursor":"%s","server_time":"%s","rows":[%s]%s}' % (
        kind.encode(),
        str(cursor).encode(),
        _instant(now),
        b",".join(rows),
        surge,
    )


def _instant(now: datetime) -> bytes:
    return (format_instant(now) or "").encode()
