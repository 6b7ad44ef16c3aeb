"""A past to look at: changes, holds, surge levels and outcomes, put into a history as they come.

Everything goes the way it goes in life, from the streams through the historian; only the streams'
clock is the test's.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import orjson

from capacity.history import Historian, History
from capacity.instants import epoch_millis, format_instant
from capacity.need import Need
from capacity.row import Row
from tests.support.board_page import ordinary_rows, row
from tests.support.streams import MemoryStreams

CLUSTER = "randers"
BY = {"role": "visitator", "organisation": "regionshospitalet-randers", "account": "a_1"}


class Past:
    """A cluster's past in the making; every call needs a moment not before the last one's."""

    def __init__(self) -> None:
        self.streams = MemoryStreams()

    def board(self, at: datetime) -> None:
        """An ordinary afternoon's rows, all of them at once."""
        for each in ordinary_rows(at):
            self.put(at, each)

    def say(self, at: datetime, unit: str, **figures: Any) -> Row:
        """A report of a unit."""
        made = row(unit, now=at, **figures)
        self.put(at, made)
        return made

    def put(self, at: datetime, made: Row) -> None:
        """A row as it is."""
        self._be(at)
        self.streams.apply(made["unit"], orjson.dumps(made))

    def leave(self, at: datetime, unit: str) -> None:
        """A unit leaves the board."""
        self._be(at)
        self.streams.apply(unit, b"")

    def surge(self, at: datetime, level: int) -> None:
        """The computed level changes."""
        self._do(at, "surge", {"from": None, "level": level, "facts": []})

    def override(self, at: datetime, event: str, level: int, until: datetime) -> None:
        """A level is set by hand, lifted, or expires."""
        told = {"level": level, "reason": "r", "until": format_instant(until), "by": BY}
        self._do(at, "surge_override", {"event": event, "by": BY, "override": told})

    def hold(self, at: datetime, id_: str, state: str, quota: str | None) -> None:
        """A step of a hold."""
        when = format_instant(at)
        ended = when if state not in ("asked", "accepted") else None
        told = {
            "id": id_, "unit": "randers-akutplads-1", "state": state, "asked_at": when,
            "expires_at": format_instant(at + timedelta(minutes=30)), "answer_by": when,
            "answered_at": None, "ended_at": ended, "by": BY, "need": None, "agreement": None,
            "reason": None, "counts": state == "filled", "quota": quota,
            "path": [[state, when, BY]],
        }  # fmt: skip
        self._do(at, "hold", told)

    def outcome(
        self, at: datetime, outcome: str, need: Need | None, unit: str | None = None, **more: Any
    ) -> str:
        """An outcome is logged; its id."""
        id_ = more.pop("id_", None) or str(uuid.UUID(int=len(self.streams.ever_done) + 1))
        value = {
            "outcome": outcome,
            "reason": None,
            "unit": unit,
            "hold": None,
            "need": None if need is None else need.as_json(),
            "took_seconds": None,
        } | more
        told = {
            "id": id_,
            "at": format_instant(at),
            "correctable_until": format_instant(at + timedelta(hours=1)),
            "by": BY,
            "value": value,
        }
        self._do(at, "outcome", told)
        return id_

    async def record(self, history: History) -> None:
        """Put all of it into a history."""
        await Historian(history, self.streams, [CLUSTER]).catch_up()

    async def record_at(self, url: str) -> None:
        """The same for a database that nobody has open."""
        history = History(url)
        await history.start()
        try:
            await self.record(history)
        finally:
            await history.stop()

    def _do(self, at: datetime, kind: str, data: dict[str, Any]) -> None:
        self._be(at)
        self.streams.do(kind, orjson.dumps(data))

    def _be(self, at: datetime) -> None:
        now = epoch_millis(at)
        assert now >= self.streams.now or not self.streams.ever, "the past is told in order"
        self.streams.now = now
