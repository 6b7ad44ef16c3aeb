"""Rows that movements and bed states make: whole, ranked by the count they moved, and of nobody."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.board import Board
from capacity.board.movements import Teller, moved_row
from capacity.model import Inconsistency, Movement, MovementKind
from capacity.reading import read_report
from capacity.row import Row, row_of, with_holds
from feeds.formats.movement_mapping import message_key
from tests.support.feeding import CATALOGUE, HandClock, intake_over, one_source, report
from tests.support.hl7 import bed
from tests.support.moving import UNIT, adt_source, counted, fate, message, occupied, rows

pytest_plugins = ["tests.support.feeding_fixtures"]


async def test_a_counts_rank_is_kept_by_what_moves_it(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path, trust="1")
    await counted(intake, tmp_path)
    clock.move(minutes=2)
    assert fate(await intake.take(source, message())) == (1, 0, 0, 0)
    third = one_source(tmp_path, id='"third"', trust="1")
    lower = orjson.dumps([report(UNIT, 0, observed_at="2026-11-22T12:01:30Z")])
    assert fate(await intake.take(third, lower)) == (0, 0, 1, 0)
    await counted(intake, tmp_path, occupied=0, observed_at="2026-11-22T12:01:30Z")
    assert await occupied(board) == 0


async def test_beds_make_figures_once_all_are_known(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake = intake_over(board, clock)
    source = adt_source(tmp_path, "{ beds = { A1 = 3 } }", trust="1")
    sent = iter(range(100))

    async def told(name: str, status: str, at: str) -> tuple[int, int, int, int]:
        one = bed(f"A1^{name}^1", status, at=f"{at}+0000", control_id=str(next(sent)))
        return fate(await intake.take(source, one.encode()))

    assert await told("1", "O", "202611221150") == (0, 1, 0, 0)
    assert await told("2", "U", "202611221150") == (0, 1, 0, 0)
    assert await rows(board) == {}
    assert await told("3", "C", "202611221149") == (1, 0, 0, 0)
    row = (await rows(board))[UNIT]
    figures = row["total"], row["occupied"], row["closed"], row["free"], row["state"]
    assert figures == (3, 1, 1, 1, "free")
    assert row["observed_at"] == "2026-11-22T11:50:00Z"
    # Again; older; in the same minute as the newest; and all of a ward in one document.
    assert await told("1", "O", "202611221150") == (0, 1, 0, 0)
    assert await told("1", "U", "202611221149") == (0, 0, 1, 0)
    assert await told("2", "O", "202611221150") == (1, 0, 0, 0)
    row = (await rows(board))[UNIT]
    assert (row["occupied"], row["free"], row["state"]) == (2, 0, "occupied")
    clock.move(minutes=1)
    many = "".join(bed(f"A1^{n}^1", "U", at="202611221200+0000", control_id="x") for n in (1, 2, 3))
    assert fate(await intake.take(source, many.encode())) == (3, 0, 0, 0)
    row = (await rows(board))[UNIT]
    assert (row["occupied"], row["free"]) == (0, 3)
    # A more trusted count stands until it is stale; the beds are remembered meanwhile.
    await counted(intake, tmp_path, occupied=2, observed_at="2026-11-22T12:00:30Z")
    assert await told("1", "O", "202611221201") == (0, 1, 0, 0)
    assert await occupied(board) == 2
    clock.move(days=2)
    assert await told("2", "O", "202611241200") == (1, 0, 0, 0)
    assert await occupied(board) == 2
    receipt = await intake.take(adt_source(tmp_path), bed("A1^1^1", "O").encode())
    assert [reject.field for reject in receipt.rejected] == ["unit"]


async def test_beds_told_before_the_standing_count_change_nothing(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path, "{ beds = { A1 = 1 } }")
    await counted(intake, tmp_path, occupied=2)
    assert fate(await intake.take(source, bed("A1^1^1", "O").encode())) == (0, 1, 0, 0)
    assert await occupied(board) == 2


TELLER = Teller("s", 0, None, datetime(2026, 11, 22, 12, tzinfo=UTC))
HELD = [{"state": "accepted", "counts": True}]
COUNTS = st.none() | st.integers(0, 6)


@given(
    total=COUNTS, staffed=COUNTS, occupied=st.integers(0, 6), reserved=COUNTS, closed=COUNTS,
    change=st.integers(-6, 6), shut=st.booleans(),
)  # fmt: skip
def test_a_moved_row_is_the_row_of_the_report_with_the_moved_count(
    change: int, occupied: int, shut: bool, **counts: int | None
) -> None:
    unit, now = CATALOGUE.units[UNIT], TELLER.received_at
    known = {name: count for name, count in counts.items() if count is not None}
    fields: dict[str, Any] = {"unit": UNIT, "observed_at": now, **known}
    if shut:
        fields["closure"] = {"reason": "Lukket"}
    moved = max(0, occupied + change)

    def row_with(number: int) -> Row:
        told = read_report(fields | {"occupied": number}, now, unit.report_type)
        return row_of(unit, told, received_at=now, source="s", today=now.date())

    assert moved_row(row_with(occupied), moved, unit, now, TELLER) == row_with(moved)


@pytest.mark.parametrize(
    ("free", "change", "expected"), [(2, 1, 1), (2, 3, 0), (2, -1, 3), (1, -1, 2), (0, 1, 0)]
)
def test_a_free_count_of_the_sources_own_moves_along(free: int, change: int, expected: int) -> None:
    unit, now = CATALOGUE.units[UNIT], TELLER.received_at
    fields = {"unit": UNIT, "observed_at": now, "total": 4, "occupied": 1, "free": free}
    row = row_of(unit, read_report(fields, now, unit.report_type), received_at=now)
    moved = moved_row(with_holds(row, HELD), 1 + change, unit, now, TELLER)
    assert moved["free_before_holds"] == moved["free"] == expected
    assert (moved["held"], moved["holds"]) == (0, [])  # the store fills them in again


def test_a_moved_row_shows_what_contradicts_itself() -> None:
    unit, now = CATALOGUE.units[UNIT], TELLER.received_at
    fields = {"unit": UNIT, "observed_at": now, "total": 2, "occupied": 2}
    row = row_of(unit, read_report(fields, now, unit.report_type), received_at=now)
    moved = moved_row(row, 3, unit, now, TELLER)
    assert moved["inconsistencies"] == [Inconsistency.OCCUPIED_OVER_TOTAL.value]
    assert (moved["occupied"], moved["free"], moved["state"]) == (3, 0, "occupied")


def test_a_message_key_cannot_be_read_back() -> None:
    told = Movement(
        unit="A1",
        observed_at=TELLER.received_at,
        change=1,
        kind=MovementKind.ADMITTED,
        message_id="M1",
        where="message 1",
    )
    assert "M1" not in message_key("s", told)
    assert message_key("s", told) != message_key("t", told)
