"""The past as tables: changes of a board with the figures from then on, and a board of a moment."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime

from capacity.instants import COPENHAGEN, parse_instant
from capacity.model import Freshness
from capacity.replay import Step, StepKind
from capacity.replay.timeline import RowJson
from capacity.rules import freshness_at
from web.past_desk import PastDesk
from web.tables import Cell, Column, Holds, Row, Table

_SHOWN = (
    Column("kind"),
    Column("organisation"),
    Column("municipality"),
    Column("freshness"),
    Column("state"),
    Column("total", Holds.WHOLE),
    Column("staffed", Holds.WHOLE),
    Column("occupied", Holds.WHOLE),
    Column("reserved", Holds.WHOLE),
    Column("closed", Holds.WHOLE),
    Column("held", Holds.WHOLE),
    Column("free", Holds.WHOLE),
    Column("note"),
    Column("observed_at", Holds.INSTANT),
    Column("received_at", Holds.INSTANT),
    Column("stale_at", Holds.INSTANT),
    Column("source", words="column_source_feed"),
)
_FACTS = ("kind", "organisation", "municipality")
_FIGURES = ("state", "total", "staffed", "occupied", "reserved", "closed", "held", "free")
_TIMES = ("observed_at", "received_at", "stale_at")
_ROW_TIMES = (*_TIMES, "ageing_at")
_WHEN = (Column("at", Holds.INSTANT), Column("at_local", Holds.CLOCK))
_WHOSE = (Column("unit"), Column("unit_name"))

CHANGES = Table("changes", (*_WHEN, *_WHOSE, Column("change"), *_SHOWN, Column("cursor")))
BOARD = Table("board", (*_WHEN, *_WHOSE, *_SHOWN))
"""Their columns are told of in docs/exports.md."""

PAGE = 1_000
"""Changes that are read together."""


async def change_rows(desk: PastDesk, since: datetime, until: datetime) -> AsyncIterator[list[Row]]:
    """A row for each change after `since`, up to and with `until`, in parts."""
    more: datetime | None = since
    while more is not None:
        page = await desk.changes(more, until, PAGE)
        yield [_change(step) for step in page.steps]
        more = page.more_from


def board_rows(rows: Iterable[RowJson], at: datetime) -> Iterator[Row]:
    """A row for each unit of a board as it looked at `at`."""
    for row in rows:
        yield (*_when(at), row["unit"], row["name"], *_shown(row, at))


def _change(step: Step) -> Row:
    cursor = None if step.epoch is None else f"{step.epoch}-{step.seq}"
    row = None if step.kind is StepKind.LEFT else step.row
    shown = [None] * len(_SHOWN) if row is None else _shown(row, step.at)
    name = None if step.row is None else step.row["name"]
    return (*_when(step.at), step.unit, name, step.kind.value, *shown, cursor)


def _when(at: datetime) -> tuple[Cell, Cell]:
    return at, at.astimezone(COPENHAGEN).replace(tzinfo=None)


def _shown(row: RowJson, at: datetime) -> list[Cell]:
    """What the board showed of a unit at a moment: no figures once they were stale."""
    times = {name: parse_instant(row[name]) if row[name] else None for name in _ROW_TIMES}
    freshness = freshness_at(at, times["observed_at"], times["ageing_at"], times["stale_at"])
    gone = freshness is Freshness.STALE
    return [
        *(row[name] for name in _FACTS),
        freshness.value,
        *(None if gone else row[name] for name in _FIGURES),
        row["note"],
        *(times[name] for name in _TIMES),
        row["source"],
    ]
