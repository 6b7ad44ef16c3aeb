"""Raw records made by hand, and their amounts counted minute by minute, by another way.

The oracle knows no windows, no slices and no database: it goes through a day's minutes one by one,
looks for the row that stood, and asks the plainest questions of it. So everything in these worlds
happens on whole minutes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from capacity.board.changes import Change, LateReading
from capacity.board.journal import JournalEntry, JournalRead
from capacity.history import History, Position
from capacity.indicators.measures import Key, Measure, Tally
from capacity.instants import epoch_millis, format_instant
from capacity.model import Closure, PlaceReport
from capacity.row import Row, encode_row, row_of
from capacity.units import Catalogue, Freshness

CLUSTER = "randers"
MINUTE = timedelta(minutes=1)
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


@dataclass
class World:
    """One cluster's raw records, in the order in which they were made."""

    catalogue: Catalogue
    changes: list[Change] = field(default_factory=list)
    late: list[LateReading] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    position: Position | None = None
    _recorded: tuple[int, int, int] = (0, 0, 0)
    _serial: int = 0
    epoch: int = 1
    _seq: int = 0

    def _stream_id(self, at: datetime) -> str:
        self._serial += 1
        return f"{epoch_millis(at)}-{self._serial}"

    def report(
        self,
        unit: str,
        at: datetime,
        *,
        stale_after: int = 240,
        observed: datetime | None = None,
        closed_for: str | None = None,
        source: str = "feed",
        **counts: int | None,
    ) -> None:
        """A report that is applied at `at`; `stale_after` is in minutes."""
        report = PlaceReport(
            unit=unit,
            observed_at=observed or at,
            closure=Closure(closed_for) if closed_for else None,
            free=_free(counts),
            **counts,  # type: ignore[arg-type]
        )
        age = Freshness(stale_after * MINUTE / 2, stale_after * MINUTE)
        row = row_of(
            self.catalogue.units[unit], report, received_at=at, source=source, freshness=age
        )
        self._change(unit, at, encode_row(row))

    def hold_row(self, unit: str, at: datetime, held: int) -> None:
        """The last row of a unit written anew because holds changed: no new word of a source."""
        before = next(each for each in reversed(self.changes) if each.unit == unit)
        row: Row = orjson.loads(before.row)
        row["held"] = held
        row["free"] = max(0, (row["free_before_holds"] or 0) - held)
        row["state"] = "free" if row["free"] else "occupied"
        self._change(unit, at, orjson.dumps(row))

    def leave(self, unit: str, at: datetime) -> None:
        """The unit leaves the board."""
        self._change(unit, at, b"")

    def lose_store(self) -> None:
        """What comes from here on is of a new epoch, whose clock may be behind."""
        self.epoch, self._seq = self.epoch + 1, 0

    def supersede(self, unit: str, at: datetime) -> None:
        """A report that came too late."""
        self.late.append(LateReading(self._stream_id(at), unit, b"{}", "older"))

    def note(self, kind: str, at: datetime, value: dict[str, Any]) -> None:
        """An entry of the journal."""
        data = orjson.dumps(value)
        self.journal.append(JournalEntry(self._stream_id(at), kind, at, data))

    def hold(self, name: str, unit: str, path: Sequence[tuple[str, datetime]], **more: Any) -> None:
        """The record of a hold after its last step so far."""
        told: dict[str, Any] = {
            "id": name, "unit": unit, "state": path[-1][0],
            "asked_at": format_instant(path[0][1]), "agreement": None, "need": None,
            "path": [[state, format_instant(at), None] for state, at in path],
        }  # fmt: skip
        self.note("hold", path[-1][1], told | more)

    def outcome(self, name: str, at: datetime, value: dict[str, Any]) -> None:
        """An outcome as it was logged."""
        whole = {"reason": None, "unit": None, "hold": None, "need": None, "took_seconds": None}
        told = {"id": name, "at": format_instant(at), "by": {}, "value": whole | value}
        self.note("outcome", at, told | {"correctable_until": format_instant(at + 60 * MINUTE)})

    def correct(self, name: str, at: datetime, value: dict[str, Any]) -> None:
        """A correction of an outcome."""
        whole = {"reason": None, "unit": None, "hold": None, "need": None, "took_seconds": None}
        told: dict[str, Any] = {
            "id": name,
            "correction": f"{name}-{at}",
            "at": format_instant(at),
            "by": {},
        }
        self.note("outcome_correction", at, told | {"before": {}, "after": whole | value})

    def _change(self, unit: str, at: datetime, row: bytes) -> None:
        self._seq += 1
        epoch = f"e{self.epoch}"
        self.changes.append(Change(self._stream_id(at), epoch, self._seq, unit, row))

    async def record(self, history: History) -> None:
        """Hand everything new to history, as the historian does."""
        changes, late, done = self._recorded
        entries = tuple(self.journal[done:])
        read = JournalRead(entries, first_number=1, found_place=bool(done))
        recorded = await history.record(
            CLUSTER, self.changes[changes:], self.late[late:], self.position, read
        )
        assert not recorded.gaps
        assert not recorded.journal_missing
        self.position = recorded.position
        self._recorded = len(self.changes), len(self.late), len(self.journal)


def _free(counts: dict[str, int | None]) -> int | None:
    total, occupied = counts.get("total"), counts.get("occupied")
    return None if total is None or occupied is None else max(0, total - occupied)


def minutes_of(day: date, until: datetime) -> Iterable[datetime]:
    """Every minute at which Danish clocks show this day, in order, before `until`."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=3)
    for _ in range(31 * 60):
        if at.astimezone(COPENHAGEN).date() == day and at < until:
            yield at
        at += MINUTE


def shown_at(world: World, unit: str, at: datetime) -> tuple[Change | None, list[Change]]:
    """The change that stood at a moment, and those before it, by the words of docs/history.md:
    of the last epoch of the unit that had begun, the last change that had been applied.
    """
    runs: dict[str, list[Change]] = {}
    for change in world.changes:
        if change.unit == unit:
            runs.setdefault(change.epoch, []).append(change)
    begun = [run for run in runs.values() if run[0].applied_at <= at]
    if not begun:
        return None, []
    found = [each for each in begun[-1] if each.applied_at <= at]
    return found[-1], found[:-1]


def by_the_minute(world: World, day: date, until: datetime) -> Tally:
    """The units' time in a day, hour by hour of the clocks; no whole days."""
    found: Tally = Counter()
    for at in minutes_of(day, until):
        hour = at.astimezone(COPENHAGEN).hour
        for unit in {change.unit for change in world.changes}:
            change, _ = shown_at(world, unit, at)
            if change is None or not change.row:
                continue
            row = orjson.loads(change.row)
            for measure, amount in _minute(row, at):
                if amount:
                    key = Key(measure, unit, row["kind"], row["municipality"], hour)
                    found[key] += amount * 60_000
    return found


def _minute(row: Any, at: datetime) -> list[tuple[Measure, int]]:
    stale_at = row["stale_at"]
    if stale_at is None:
        return [(Measure.UNKNOWN_MS, 1)]
    if at >= datetime.fromisoformat(stale_at):
        return [(Measure.STALE_MS, 1)]
    held = (Measure.HELD_MS, row["held"])
    if row["state"] == "closed":
        return [(Measure.CLOSED_MS, 1), held]
    if row["free"] is None:
        return [(Measure.UNKNOWN_MS, 1), held]
    found = [
        (Measure.FREE_MS if row["free"] else Measure.FULL_MS, 1),
        (Measure.FREE_PLACE_MS, row["free"]),
        held,
    ]
    if row["total"] is not None and row["occupied"] is not None:
        found += [
            (Measure.PLACE_MS, row["total"] - (row["closed"] or 0)),
            (Measure.OCCUPIED_MS, row["occupied"]),
        ]
    return found
