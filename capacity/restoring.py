"""Filling a store that was lost from history: every figure comes back with its true age."""

import logging
from collections.abc import Iterable

import orjson

from capacity.board import Board
from capacity.board.store import reading_of
from capacity.history import History
from capacity.row import Row, digest_of

log = logging.getLogger(__name__)


async def restore_if_empty(board: Board, history: History, clusters: Iterable[str]) -> int:
    """Put the last recorded rows back on boards that hold nothing at all; returns how many.

    A row comes back as it was observed then, so what has gone stale meanwhile is stale. A board
    that holds anything is left alone. Raises what `board` and `history` raise.
    """
    restored = 0
    for cluster in clusters:
        if (await board.cursor(cluster)).seq or (await board.snapshot(cluster)).rows:
            continue
        rows: list[Row] = [orjson.loads(row) for row in await history.latest_rows(cluster)]
        readings = [
            reading_of(row, orjson.dumps(row), digest_of(row)) for row in rows if row["observed_at"]
        ]
        if readings:
            await board.apply(cluster, readings)
            restored += len(readings)
            log.warning(
                "the store of %s was empty: %d figures were put back from history, as old as "
                "they are; what came in after the last recorded change is missing",
                cluster,
                len(readings),
            )
    return restored
