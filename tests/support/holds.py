"""Holds in tests: reports that make rows, and what a board must be by its own streams."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import orjson
from redis.asyncio import Redis

from capacity.board import START, Board, Reading, StoredRow
from capacity.board.holds import HoldAnswer
from capacity.board.journal import JournalEntry
from capacity.board.keys import ClusterKeys
from capacity.board.movements import Teller
from capacity.board.store import NURSE
from capacity.holds import LIVE, By, HoldState, is_legal_path
from capacity.instants import epoch_millis, parse_instant, utc_now
from capacity.model import Closure, PlaceReport, UnitKind
from capacity.row import Row, digest_of, encode_row, row_of, with_holds, without_holds
from capacity.units import Dated, Freshness, Unit
from tests.support.board_model import all_changes, assert_contiguous, fold

CLUSTER = "c"
MINUTES = timedelta(minutes=1)
VISITATOR = By("visitator", "hospital", "v1")
NURSE_OF_UNIT = By("municipal_staff", "municipality", "n1")
SECOND = timedelta(seconds=1)
STATES = list(HoldState)


def unit_of(named: str, kind: UnitKind = UnitKind.ACUTE_PLACE, **more: Any) -> Unit:
    """A unit whose figures are fresh for an hour and stale after three."""
    return Unit(
        id=named,
        name=named.title(),
        kind=kind,
        cluster=CLUSTER,
        organisation="municipality",
        municipality="0730",
        freshness=Freshness(60 * MINUTES, 180 * MINUTES),
        authority=Dated(((date(2020, 1, 1), "municipality"),)),
        operator=Dated(((date(2020, 1, 1), "municipality"),)),
        **more,
    )


def row_with(
    unit: str,
    free: int | None,
    at: datetime,
    *,
    source: str = "feed",
    fresh_for: timedelta = 180 * MINUTES,
    received: datetime | None = None,
    **fields: Any,
) -> Row:
    """The row of a unit that reports so many free (``None``: it does not say)."""
    report = PlaceReport(unit=unit, observed_at=at, free=free, **fields)
    return row_of(
        unit_of(unit),
        report,
        received_at=received or at,
        source=source,
        freshness=Freshness(fresh_for / 2, fresh_for),
        today=at.date(),
    )


def reading_with(
    unit: str,
    free: int | None,
    at: datetime,
    *,
    channel: Literal["feed", "nurse"] = "feed",
    received: datetime | None = None,
    **fields: Any,
) -> Reading:
    """A reading as the intake, or the nurse's page, makes it."""
    source = NURSE if channel == "nurse" else "feed"
    row = row_with(unit, free, at, source=source, received=received, **fields)
    assert row["stale_at"] is not None
    return Reading(
        unit,
        epoch_millis(at),
        digest_of(row),
        encode_row(row),
        received_ms=epoch_millis(received or at),
        stale_ms=epoch_millis(parse_instant(row["stale_at"])),
        channel=channel,
    )


async def report(
    board: Board, unit: str, free: int | None, at: datetime | None = None, **fields: Any
) -> str:
    """Apply one reading, now unless told otherwise; its outcome."""
    readings = [reading_with(unit, free, at or utc_now(), **fields)]
    return (await board.apply(CLUSTER, readings)).outcomes[0]


CLOSED: dict[str, Any] = {"closure": Closure("Lukket")}


async def ask(
    board: Board, unit: str, hold_for: timedelta = 30 * MINUTES, **more: Any
) -> HoldAnswer:
    """Ask as a visitator does."""
    by = more.pop("by", VISITATOR)
    return await board.ask_hold(CLUSTER, unit, hold_for, by, **more)


async def move(board: Board, hold_id: str, to: HoldState, **more: Any) -> HoldAnswer:
    """Move as a nurse does."""
    by = more.pop("by", NURSE_OF_UNIT)
    return await board.move_hold(CLUSTER, hold_id, to, by, **more)


async def held(board: Board, unit: str, **more: Any) -> dict[str, Any]:
    """A hold that was asked for and got."""
    answer = await ask(board, unit, **more)
    assert (answer.code, answer.hold is not None) == ("held", True)
    assert answer.hold is not None
    return answer.hold


async def row_now(board: Board, unit: str) -> Row:
    """The unit's row as it stands."""
    stored = {row.unit: row for row in (await board.snapshot(CLUSTER)).rows}
    row: Row = orjson.loads(stored[unit].row)
    return row


async def journal(board: Board) -> list[JournalEntry]:
    """The cluster's whole journal."""
    return list((await board.journal_after(CLUSTER, START, 100_000)).entries)


async def assert_sound(board: Board) -> dict[str, dict[str, Any]]:
    """All that must hold of a board at any moment; returns the last record of every hold."""
    changes = await all_changes(board, CLUSTER)
    assert_contiguous(changes)
    rows = {stored.unit: stored.row for stored in (await board.snapshot(CLUSTER)).rows}
    assert fold(changes) == rows
    records = last_records(await journal(board))
    for row in map(orjson.loads, rows.values()):
        assert_row_follows(row, records)
    for unit in rows:
        history = [orjson.loads(c.row) for c in changes if c.unit == unit and c.row]
        assert_never_too_many(history)
        assert_fillings_count_until_taken_over(history)
    return records


def last_records(entries: Iterable[JournalEntry]) -> dict[str, dict[str, Any]]:
    """The last record of every hold; each went a legal path, and never another one."""
    records: dict[str, dict[str, Any]] = {}
    for entry in entries:
        record = orjson.loads(entry.data)
        before = records.get(record["id"], {"path": []})["path"]
        assert record["path"][: len(before)] == before
        assert record["path"][-1][0] == record["state"]
        assert is_legal_path([state for state, _, _ in record["path"]])
        records[record["id"]] = record
    return records


def assert_row_follows(row: Row, records: Mapping[str, Mapping[str, Any]]) -> None:
    """The row is what its report, and the holds that the journal knows of, make of it."""
    shown: list[Any] = row["holds"]
    for hold in shown:
        record = records[hold["id"]]
        expected = {name: record[name] for name in hold} | {"counts": hold["counts"]}
        assert hold == expected
    assert encode(with_holds(row, shown, row["disputed"])) == encode(row)
    ids = {hold["id"] for hold in shown}
    for record in records.values():
        if record["unit"] == row["unit"] and HoldState(record["state"]) in LIVE:
            assert record["id"] in ids


def assert_fillings_count_until_taken_over(rows: list[Row]) -> None:
    """Live holds count, filled ones until a report comes of something later than the filling.

    A report that was there before the filling knows nothing of it, however far ahead its sender's
    clock is; so the rows are looked at in their order, and a report is one that changed the time of
    observation. A hold that a row shows as filled from the first was put back with it.
    """
    before: dict[Any, bool] = {}
    filled: set[Any] = set()
    observed: datetime | None = None
    for row in rows:
        at = parse_instant(row["observed_at"]) if row["observed_at"] else None
        for hold in row["holds"]:
            name, state = hold["id"], HoldState(str(hold["state"]))
            ended = parse_instant(str(hold["ended_at"])) if hold["ended_at"] else None
            later = at is not None and ended is not None and at > ended
            if state is not HoldState.FILLED:
                expected = state in LIVE
            elif name in filled or name not in before:
                expected = before.get(name, True) and not (later and at != observed)
            else:
                expected = True
            assert hold["counts"] is expected, (hold, row["observed_at"], observed)
            before[name] = expected
            if state is HoldState.FILLED:
                filled.add(name)
        observed = at


def assert_never_too_many(rows: list[Row]) -> None:
    """Whenever a hold came to a row, there was a place for all that counted."""
    for before, after in pairwise(rows):
        old: set[Any] = {hold["id"] for hold in before["holds"]}
        if any(hold["id"] not in old for hold in after["holds"]):
            free = after["free_before_holds"]
            assert free is not None
            assert sum(hold["counts"] is True for hold in after["holds"]) <= free


def encode(row: Row) -> bytes:
    """The whole row as JSON bytes, holds included."""
    return orjson.dumps(row)


def stored_row(row: Row, version: str = "") -> StoredRow:
    """A row to be put by `replace`."""
    return StoredRow(row["unit"], encode_row(without_holds(row)), version)


@dataclass(frozen=True)
class Clock:
    """Makes a store's clock seem to have jumped: what it knows of time is moved instead."""

    client: Redis

    async def jump(self, by: timedelta) -> None:
        """From now on the clock is `by` ahead of (or behind) where it would be."""
        keys, delta = ClusterKeys(CLUSTER), by // timedelta(milliseconds=1)
        known = int(await self.client.hget(keys.meta, "clock") or 0)
        await self.client.hset(keys.meta, "clock", str(known - delta))
        records: Any = await self.client.hgetall(keys.kept)
        for unit, text in records.items():
            record = orjson.loads(text)
            for hold in record["holds"]:
                for name in {"asked", "expires", "answer_by", "answered", "ended"} & hold.keys():
                    hold[name] -= delta
            await self.client.hset(keys.kept, unit, orjson.dumps(record))
        for key in (keys.due, keys.lapse):
            scores: Any = await self.client.zrange(key, 0, -1, withscores=True)
            for member, score in scores:
                await self.client.zadd(key, {member: score - delta})


def shown(row: Any) -> tuple[int, int | None, str]:
    """How many a row holds, how many it shows free, and its state."""
    return row["held"], row["free"], row["state"]


def teller() -> Teller:
    """Movements as they come in now."""
    return Teller("adt", 0, None, utc_now())
