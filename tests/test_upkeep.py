"""The board's upkeep: what the catalogue changes, and closures that run out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.board import Board, Snapshot, StoredRow
from capacity.board.closures import Closures
from capacity.board.keys import ClusterKeys
from capacity.board.store import reading_of
from capacity.board.upkeep import _reopened, put_catalogue, reopen_due
from capacity.catalogue import builtin_catalogue
from capacity.model import (
    REPORT_CLASSES,
    REPORT_TYPE_OF_KIND,
    Closure,
    PlaceReport,
    Report,
    ReportType,
    UnitKind,
)
from capacity.row import Row, digest_of, encode_row, row_of
from capacity.rules import free_places
from capacity.units import Catalogue, Cluster, Dated, Freshness, Unit
from tests.support.board_model import all_changes, assert_contiguous, fold

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
LAW = date(2027, 1, 1)
HOUR = timedelta(hours=1)


def unit(named: str, **changes: Any) -> Unit:
    base = Unit(
        id=named,
        name=named.title(),
        kind=UnitKind.ACUTE_PLACE,
        cluster="c",
        organisation="o",
        municipality="0730",
        freshness=Freshness(HOUR, 3 * HOUR),
        authority=Dated(((date(2020, 1, 1), "municipality"), (LAW, "region"))),
        operator=Dated(((date(2020, 1, 1), "municipality"),)),
        capabilities=("iv", "ecg"),
    )
    return replace(base, **changes)


def catalogue(*units: Unit) -> Catalogue:
    clusters = {name: Cluster(name, name, "h", Dated(())) for name in ("c", "empty")}
    return Catalogue(clusters=clusters, units={one.id: one for one in units})


async def report(board: Board, of: Unit, seen: datetime = NOW, **fields: Any) -> Row:
    said = PlaceReport(unit=of.id, observed_at=seen, total=4, occupied=1, free=3, **fields)
    row = row_of(of, said, received_at=seen, source="s", today=seen.date())
    await board.apply("c", [reading_of(row, encode_row(row), digest_of(row))])
    return row


async def rows(board: Board) -> dict[str, Row]:
    snapshot: Snapshot = await board.snapshot("c")
    changes = await all_changes(board, "c")
    assert_contiguous(changes)
    assert fold(changes) == {stored.unit: stored.row for stored in snapshot.rows}
    return {stored.unit: orjson.loads(stored.row) for stored in snapshot.rows}


# The catalogue


async def test_every_unit_gets_a_row_of_unknowns(board: Board) -> None:
    shipped = builtin_catalogue()

    assert await put_catalogue(board, shipped, NOW) == len(shipped.units)

    stored = {row.unit: orjson.loads(row.row) for row in (await board.snapshot("randers")).rows}
    assert stored == {
        one.id: row_of(one, None, today=NOW.date()) for one in shipped.units_of("randers")
    }
    assert {row["state"] for row in stored.values()} == {"unknown"}


async def test_a_second_time_changes_nothing(board: Board) -> None:
    known = catalogue(unit("a"), unit("b"))
    await put_catalogue(board, known, NOW)
    await report(board, unit("a"), capabilities_off=("ecg",))
    before = await board.snapshot("c")

    assert await put_catalogue(board, known, NOW) == 0
    assert await put_catalogue(board, known, NOW + HOUR) == 0

    assert await board.snapshot("c") == before


async def test_a_changed_catalogue_keeps_the_figures(board: Board) -> None:
    await put_catalogue(board, catalogue(unit("a"), unit("b")), NOW)
    said = await report(board, unit("a"), note="n", capabilities_off=("ecg",))
    changed = unit("a", name="New", phone="87000000", capabilities=("ecg", "oxygen"))

    assert await put_catalogue(board, catalogue(changed, unit("b")), NOW) == 1

    expected = said | {
        "name": "New",
        "phone": "87000000",
        "capabilities": ["oxygen"],
        "capabilities_off": ["ecg"],
    }
    assert (await rows(board))["a"] == expected
    # and the reading still counts: it is known, and an older one is late
    assert await report(board, unit("a"), note="n", capabilities_off=("ecg",)) == said
    await report(board, unit("a"), NOW - HOUR)
    assert (await rows(board))["a"] == expected


async def test_authority_changes_with_the_danish_day(board: Board) -> None:
    known = catalogue(unit("a"))
    await put_catalogue(board, known, datetime(2026, 12, 31, 22, 59, tzinfo=UTC))
    assert (await rows(board))["a"]["authority"] == "municipality"

    assert await put_catalogue(board, known, datetime(2026, 12, 31, 23, 0, tzinfo=UTC)) == 1

    assert (await rows(board))["a"]["authority"] == "region"


async def test_units_that_left_leave_the_board_in_a_new_epoch(board: Board) -> None:
    await put_catalogue(board, catalogue(unit("a"), unit("b"), unit("d")), NOW)
    before = await board.cursor("c")

    assert await put_catalogue(board, catalogue(unit("b")), NOW) == 2

    assert set(await rows(board)) == {"b"}
    assert (await board.cursor("c")).epoch != before.epoch


async def test_fields_that_a_newer_program_adds_and_an_older_one_left(board: Board) -> None:
    await put_catalogue(board, catalogue(unit("a")), NOW)
    await report(board, unit("a"))
    [stored] = (await board.snapshot("c")).rows
    old: dict[str, Any] = orjson.loads(stored.row)
    del old["phone"], old["inconsistencies"]
    old["of_former_times"] = 1
    await board.replace("c", [StoredRow("a", orjson.dumps(old), stored.version)])

    assert await put_catalogue(board, catalogue(unit("a")), NOW) == 1

    row = (await rows(board))["a"]
    assert set(row) == set(Row.__annotations__)
    assert (row["free"], row["inconsistencies"]) == (3, [])


class ReadingInBetween(Board):
    """A board on which a report comes in just after every snapshot."""

    told: Row | None = None

    async def snapshot(self, cluster: str) -> Snapshot:
        snapshot = await super().snapshot(cluster)
        if self.told is None:
            self.told = await report(self, unit("a"), note="came in between")
        return snapshot


@pytest.mark.parametrize("stored_before", [True, False])
async def test_a_report_wins_over_a_refresh(board: Board, stored_before: bool) -> None:
    if stored_before:
        await put_catalogue(board, catalogue(unit("a")), NOW)
    racing = ReadingInBetween(board._url)
    try:
        await racing.start()

        changed = await put_catalogue(racing, catalogue(unit("a", name="New"), unit("b")), NOW)

        assert changed == 1  # b only
        assert (await rows(racing))["a"] == racing.told
        assert await put_catalogue(racing, catalogue(unit("a", name="New"), unit("b")), NOW) == 1
    finally:
        await racing.stop()


# Closures that run out


@pytest.mark.parametrize(
    ("closure", "open_then"),
    [
        (Closure("x", NOW + HOUR, reopens_itself=True), True),
        (Closure("x", NOW + HOUR + timedelta(milliseconds=1), reopens_itself=True), False),
        (Closure("x", NOW + HOUR, reopens_itself=False), False),
        (Closure("x", None, reopens_itself=True), False),
    ],
)
async def test_only_a_unit_that_chose_to_reopens_by_itself(
    board: Board, closure: Closure, open_then: bool
) -> None:
    await report(board, unit("a"), closure=closure)
    closed = await report(board, unit("b"), closure=Closure("y"))
    assert await reopen_due(board, "c", NOW) == 0
    assert (await rows(board))["a"]["state"] == "closed"

    assert await reopen_due(board, "c", NOW + HOUR) == int(open_then)
    assert await reopen_due(board, "c", NOW + HOUR) == 0

    row = (await rows(board))["a"]
    assert (row["state"], row["free"]) == (("free", 3) if open_then else ("closed", 0))
    assert row["observed_at"] == closed["observed_at"], "reopening is no new reading"
    assert (await rows(board))["b"] == closed


async def test_closures_are_read_once_and_then_followed(board: Board) -> None:
    closures = Closures(board, "c")
    assert await closures.reopen_due(NOW) == 0, "there is no row yet"
    shut = Closure("x", NOW + HOUR, reopens_itself=True)
    await report(board, unit("a"), closure=shut)
    await report(board, unit("b"))
    assert await closures.reopen_due(NOW) == 0
    await report(board, unit("b"), NOW + timedelta(seconds=1), closure=shut)
    await report(board, unit("a"), NOW + timedelta(seconds=1))
    await board._store.at("c").config_resetstat()

    assert await closures.reopen_due(NOW) == 0

    asked = await board._store.at("c").info("commandstats")
    assert "cmdstat_hgetall" not in asked, "the rows are not all read again"
    assert await closures.reopen_due(NOW + HOUR) == 1
    assert (await rows(board))["b"]["state"] == "free"
    assert await closures.reopen_due(NOW + HOUR) == 0


@pytest.mark.parametrize("lost", ["the stream", "a change of it", "a unit", "everything"])
async def test_closures_are_read_anew_when_something_was_lost(board: Board, lost: str) -> None:
    closures = Closures(board, "c")
    shut = Closure("x", NOW + HOUR, reopens_itself=True)
    await report(board, unit("a"))
    await report(board, unit("b"))
    assert await closures.reopen_due(NOW) == 0
    stream = ClusterKeys("c").changes
    client = board._store.at(stream)
    if lost == "everything":
        await client.flushall()
    if lost == "a unit":
        await board.remove("c", ["b"])
    await report(board, unit("a"), NOW + timedelta(seconds=1), closure=shut)
    if lost == "a change of it":
        await client.xdel(stream, (await all_changes(board, "c"))[-1].stream_id)
    if lost == "the stream":
        await client.delete(stream)

    assert await closures.reopen_due(NOW + HOUR) == 1

    shown = {each.unit: orjson.loads(each.row) for each in (await board.snapshot("c")).rows}
    assert shown["a"]["state"] == "free"


async def test_the_closure_said_again_does_not_close_what_reopened(board: Board) -> None:
    closure = Closure("x", NOW + HOUR, reopens_itself=True)
    await report(board, unit("a"), closure=closure)
    await reopen_due(board, "c", NOW + HOUR)

    await report(board, unit("a"), closure=closure)

    assert (await rows(board))["a"]["state"] == "free"


COUNTS = st.none() | st.integers(0, 4)
KINDS = {kind: REPORT_CLASSES[REPORT_TYPE_OF_KIND[kind]] for kind in UnitKind}


@st.composite
def reports(draw: st.DrawFn) -> tuple[Unit, Report]:
    kind = draw(st.sampled_from(list(KINDS)))
    counts: dict[str, Any] = {
        name: draw(COUNTS) for name in ("total", "staffed", "occupied", "reserved", "closed")
    }
    extra: dict[str, Any] = {}
    if KINDS[kind].type in (ReportType.TEAM, ReportType.ADVICE):
        extra["on_duty"] = draw(st.none() | st.booleans())
    free = free_places(**counts)
    said = KINDS[kind](unit="a", observed_at=NOW, free=free, **counts, **extra)
    return unit("a", kind=kind), said


@given(reports())
def test_a_unit_that_reopened_is_as_if_it_had_never_said_closed(
    case: tuple[Unit, Report],
) -> None:
    of, said = case
    closed = replace(said, closure=Closure("x", NOW, reopens_itself=True))

    def row(spoken: Report) -> Row:
        return row_of(of, spoken, received_at=NOW, source="s", today=NOW.date())

    assert _reopened(row(closed)) == row(said)
