"""The board: the current truth, in Redis/Valkey. Redis is touched in this package only."""

from capacity.board.changes import START, Change, Cursor, LateReading
from capacity.board.embedded import EmbeddedServer, EmbeddedServerError
from capacity.board.lease import FencedBoard, FencedError, Leases
from capacity.board.store import (
    Applied,
    Board,
    BoardUnavailableError,
    Outcome,
    Reading,
    Snapshot,
    StoredRow,
    UnconfirmedError,
)

__all__ = [
    "START",
    "Applied",
    "Board",
    "BoardUnavailableError",
    "Change",
    "Cursor",
    "EmbeddedServer",
    "EmbeddedServerError",
    "FencedBoard",
    "FencedError",
    "LateReading",
    "Leases",
    "Outcome",
    "Reading",
    "Snapshot",
    "StoredRow",
    "UnconfirmedError",
]
