"""What all boards of a cluster share: bytes taken apart once, and rows kept once.

All boards of a cluster get the same bytes, so a chunk is taken apart and its JSON read once; what
is left to do for the next board is to compare the bytes and to keep the same rows.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

import orjson

from simulators.country import frames
from simulators.country.watch import Change, Row, Watch

REMEMBERED = 3
"""Chunks kept taken apart: web processes send at different moments, so theirs may differ."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What some bytes hold, ready to be given to any board that gets the same ones."""

    data: bytes
    rows: dict[str, Row]
    is_snapshot: bool
    cursor: str
    changes: tuple[Change, ...]
    replies: tuple[bytes, ...]
    frames: int
    ended: bool
    rest: bytes


class Channel:
    """What the boards of one cluster share."""

    def __init__(self, cluster: str, watch: Watch) -> None:
        self.cluster = cluster
        self.watch = watch
        self.open: set[Hashable] = set()
        self._rows: dict[str, Row] = {}
        self._chunks: deque[Chunk] = deque(maxlen=REMEMBERED)

    def read(self, data: bytes) -> Chunk:
        """Take a chunk apart, unless an equal one was just now."""
        for chunk in self._chunks:
            if chunk.data == data:
                return chunk
        chunk = self._taken_apart(data)
        self._chunks.appendleft(chunk)
        return chunk

    def _taken_apart(self, data: bytes) -> Chunk:
        found, rest = frames.split(data)
        rows: dict[str, Row] = {}
        changes: list[Change] = []
        is_snapshot, cursor = False, ""
        for opcode, payload in found:
            if opcode != frames.TEXT:
                continue
            message = orjson.loads(payload)
            cursor = message["cursor"]
            if message["type"] == "snapshot":
                is_snapshot, rows = True, {}
            for row in message.get("rows", ()):
                rows[row["unit"]] = self._shared(row)
                changes += self.watch.shown_by(self.cluster, row)
        return Chunk(
            data=data,
            rows=rows,
            is_snapshot=is_snapshot,
            cursor=cursor,
            changes=tuple(changes),
            replies=tuple(frames.masked(frames.PONG, p) for o, p in found if o == frames.PING),
            frames=len(found),
            ended=any(opcode == frames.CLOSE for opcode, _ in found),
            rest=rest,
        )

    def _shared(self, row: Row) -> Row:
        """One object for equal rows: five thousand boards hold few different ones."""
        known = self._rows.get(row["unit"])
        if known is not None and known == row:
            return known
        self._rows[row["unit"]] = row
        return row
