"""A source that is played end to end, from its bytes to the board's rows."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from capacity.board import Board
from capacity.model import UnreadableError
from feeds.intake import Intake, Receipt
from feeds.sources import Source
from tests.support.conformance import rows_of
from tests.support.feeding import HandClock, intake_over

ONE, TWO = "randers-akutplads-1", "randers-akutplads-2"
COLUMNS = {"unit": "Sted", "observed_at": "Tid", "total": "Pladser", "occupied": "Belagt"}
HEADER = "Sted;Navn;Tid;Pladser;Belagt"


def toml(values: dict[str, Any]) -> str:
    """An inline table of texts, numbers, flat lists of texts and tables."""

    def written(value: object) -> str:
        if isinstance(value, dict):
            return toml(value)
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)

    return "{ " + ", ".join(f"{key} = {written(value)}" for key, value in values.items()) + " }"


class Feed:
    """One CSV source, its board and its clock."""

    def __init__(self, board: Board, source: Source, clock: HandClock) -> None:
        self.board, self.source, self.clock = board, source, clock
        self.intake: Intake = intake_over(board, clock)

    async def take(self, document: str | bytes, encoding: str = "utf-8") -> Receipt:
        raw = document if isinstance(document, bytes) else document.encode(encoding)
        return await self.intake.take(self.source, raw)

    async def rows(self) -> dict[str, dict[str, Any]]:
        return await rows_of(self.board)

    async def shown(self, *fields: str) -> tuple[object, ...]:
        row = (await self.rows()).get(ONE, {})
        return tuple(row.get(field) for field in fields)

    async def refused(self, document: str | bytes) -> str:
        """Why a document is refused whole; the board must stand still and the health tell it."""
        before = await self.rows()
        with pytest.raises(UnreadableError) as error:
            await self.take(document)
        assert await self.rows() == before
        assert self.intake.health.of(self.source.id).failing_since is not None
        return str(error.value)


Opened = Callable[..., Feed]


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"
