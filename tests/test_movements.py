"""Movements become figures: from a known count, each message once, and unknown where it must be."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capacity.board import Board
from capacity.board.upkeep import put_catalogue
from feeds.intake import MAX_READINGS_PER_CALL, whole_messages
from tests.support.feeding import CATALOGUE, HandClock, intake_over, one_source
from tests.support.hl7 import CPR, PATIENT, bed
from tests.support.medcom import document, notification
from tests.support.moving import (
    OTHER,
    UNIT,
    WARDS,
    adt_source,
    counted,
    counted_load,
    fate,
    message,
    occupied,
    rows,
)

pytest_plugins = ["tests.support.feeding_fixtures"]


async def test_a_known_count_is_moved(board: Board, tmp_path: Path, clock: HandClock) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path, occupied=1, total=3)
    clock.move(minutes=2)
    assert fate(await intake.take(source, message())) == (1, 0, 0, 0)
    row = (await rows(board))[UNIT]
    assert (row["total"], row["occupied"], row["free"], row["state"]) == (3, 2, 1, "free")
    assert row["observed_at"] == "2026-11-22T12:01:00Z"
    assert row["received_at"] == "2026-11-22T12:02:00Z"
    assert row["source"] == "s"
    stale = datetime.fromisoformat(str(row["stale_at"]))
    fresh = CATALOGUE.units[UNIT].freshness
    assert stale == datetime(2026, 11, 22, 12, 1, tzinfo=UTC) + fresh.stale_after
    assert fate(await intake.take(source, message(control_id="M2"))) == (1, 0, 0, 0)
    row = (await rows(board))[UNIT]
    assert (row["occupied"], row["free"], row["state"]) == (3, 0, "occupied")
    changes = await board.changes_after("randers", "0-0")
    assert [change.seq for change in changes] == [1, 2, 3]
    assert intake.health.of("s").newest_observed_ms is not None


async def test_a_message_that_comes_again_counts_once(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path)
    clock.move(minutes=2)
    both = message() + message(at="20261122120130")
    assert fate(await intake.take(source, both)) == (1, 1, 0, 0)
    assert fate(await intake.take(source, message())) == (0, 1, 0, 0)
    other = one_source(tmp_path, id='"t"', format='"hl7v2"', units=WARDS)
    assert fate(await intake_over(board, clock).take(other, message())) == (1, 0, 0, 0)
    assert await occupied(board) == 3


async def test_a_transfer_is_counted_on_both_wards_at_once(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path, occupied=1)
    await counted(intake, tmp_path, occupied=1, unit=OTHER)
    clock.move(minutes=2)
    assert fate(await intake.take(source, message("A02", prior="B2"))) == (2, 0, 0, 0)
    assert await occupied(board) == 2
    assert await occupied(board, OTHER) == 0
    # The ward that nobody here knows is nobody's fault, as long as the other end is known.
    outside = message("A02", prior="Z9", control_id="M2")
    assert fate(await intake.take(source, outside)) == (1, 0, 0, 0)
    assert await occupied(board) == 3


async def test_unknown_stays_unknown(board: Board, tmp_path: Path, clock: HandClock) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    clock.move(minutes=2)
    assert fate(await intake.take(source, message())) == (0, 1, 0, 0)
    assert await rows(board) == {}
    await put_catalogue(board, CATALOGUE, clock())
    assert fate(await intake.take(source, message())) == (0, 1, 0, 0)
    assert await occupied(board) is None
    await counted(intake, tmp_path, occupied=None)
    assert fate(await intake.take(source, message())) == (0, 1, 0, 0)
    assert await occupied(board) is None
    # It was not counted, so it still can be, once there is something to count from.
    await counted(intake, tmp_path, observed_at="2026-11-22T12:00:01Z")
    assert fate(await intake.take(source, message())) == (1, 0, 0, 0)
    assert await occupied(board) == 2


async def test_what_was_recorded_before_the_count_is_in_it_already(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path)
    clock.move(minutes=5)
    late = message(at="20261122120000", control_id="late")
    assert fate(await intake.take(source, late)) == (0, 0, 1, 0)
    assert fate(await intake.take(source, message(at="20261122120300"))) == (1, 0, 0, 0)
    # Out of order, but after the count: it is counted, and the row gets no older.
    before = message(at="20261122120100", control_id="M2")
    assert fate(await intake.take(source, before)) == (1, 0, 0, 0)
    assert fate(await intake.take(source, late)) == (0, 0, 1, 0)
    row = (await rows(board))[UNIT]
    assert (row["occupied"], row["observed_at"]) == (3, "2026-11-22T12:03:00Z")
    # A newer count takes over, and what it knows of is not counted again.
    await counted(intake, tmp_path, occupied=0, observed_at="2026-11-22T12:04:00Z")
    between = message(at="20261122120330", control_id="M3")
    assert fate(await intake.take(source, between)) == (0, 0, 1, 0)
    assert await occupied(board) == 0


async def test_the_mapping_may_give_the_first_count(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    start = "{ A1 = { observed_at = 2026-11-22T11:00:00Z, total = 4, occupied = 2, closed = 1 } }"
    source = adt_source(tmp_path, f"{{ start = {start} }}")
    intake = intake_over(board, clock)
    await put_catalogue(board, CATALOGUE, clock())
    early = message(at="20261122105900", control_id="early")
    assert fate(await intake.take(source, early)) == (0, 0, 1, 0)
    assert await occupied(board) is None
    assert fate(await intake.take(source, message(at="20261122115900"))) == (1, 0, 0, 0)
    row = (await rows(board))[UNIT]
    assert (row["total"], row["occupied"], row["closed"], row["free"]) == (4, 3, 1, 0)
    second = message("A03", at="20261122115930", control_id="M2")
    assert fate(await intake.take(source, second)) == (1, 0, 0, 0)
    assert await occupied(board) == 2
    other = message(ward="B2", control_id="M3", at="20261122115930")
    assert fate(await intake.take(source, other)) == (0, 1, 0, 0)
    # A beginning that still lies ahead is none.
    start = "{ B2 = { observed_at = 2026-11-23T11:00:00Z, occupied = 1 } }"
    ahead = adt_source(tmp_path, f"{{ start = {start} }}")
    assert fate(await intake.take(ahead, other)) == (0, 1, 0, 0)


async def test_a_count_that_would_be_negative_becomes_unknown(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path, occupied=0)
    clock.move(minutes=2)
    assert fate(await intake.take(source, message("A03"))) == (1, 0, 0, 0)
    row = (await rows(board))[UNIT]
    assert (row["occupied"], row["free"], row["state"]) == (None, None, "unknown")
    assert fate(await intake.take(source, message(control_id="M2"))) == (0, 1, 0, 0)
    # Within one document only the end counts.
    await counted(intake, tmp_path, occupied=0, observed_at="2026-11-22T12:01:30Z")
    both = message("A03", at="20261122120140", control_id="M3")
    both += message(at="20261122120140", control_id="M4")
    assert fate(await intake.take(source, both)) == (2, 0, 0, 0)
    assert await occupied(board) == 0


@pytest.mark.parametrize(
    ("ward", "units", "mapping", "field"),
    [
        ("Z9", WARDS, "{}", "unit"),
        ("Z9", WARDS, '{ other_units = "pass" }', None),
        ("randers-akutteam", WARDS, "{}", "unit"),
        ("T", '{ T = "favrskov-akutteam" }', "{}", "type"),
    ],
)
async def test_movements_elsewhere(
    board: Board,
    tmp_path: Path,
    clock: HandClock,
    ward: str,
    units: str,
    mapping: str,
    field: str | None,
) -> None:
    source = one_source(tmp_path, format='"hl7v2"', units=units, mapping=mapping)
    clock.move(minutes=2)
    document = message(ward=ward) + bed(f"{ward}^1^1", "O").encode()
    receipt = await intake_over(board, clock).take(source, document)
    assert [reject.field for reject in receipt.rejected] == ([field] * 2 if field else [])
    assert receipt.durable == 0


async def test_a_big_document_is_counted_in_parts_that_cut_no_transfer(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path, occupied=10_000, total=20_000)
    await counted(intake, tmp_path, occupied=10_000, unit=OTHER, total=20_000)
    clock.move(minutes=2)
    number = MAX_READINGS_PER_CALL
    many = b"".join(message("A02", prior="B2", control_id=f"M{n}") for n in range(number))
    receipt = await intake.take(source, message(control_id="first") + many)
    assert fate(receipt) == (2 * number + 1, 0, 0, 0)
    assert await occupied(board) == 10_001 + number
    assert await occupied(board, OTHER) == 10_000 - number
    parts = list(whole_messages(receipt.moves, MAX_READINGS_PER_CALL))
    assert sum(map(len, parts)) == len(receipt.moves)
    told = [{move.message for move in part} for part in parts]
    assert not set.intersection(*told[:2])
    assert fate(await intake.take(source, many)) == (0, 2 * number, 0, 0)


async def test_nobody_is_kept_or_logged(
    board: Board, tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    from redis.asyncio import Redis

    caplog.set_level(logging.DEBUG)
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    load = one_source(
        tmp_path,
        id='"m"',
        format='"medcom"',
        units='{ "0730" = "rhr-akutafdeling" }',
        mapping='{ municipalities = { "200000000000002" = "0730" } }',
    )
    await counted(intake, tmp_path)
    await counted_load(intake, tmp_path)
    clock.move(minutes=2)
    assert fate(await intake.take(source, message())) == (1, 0, 0, 0)
    told = notification(at="2026-11-22T13:01:00+01:00")
    assert fate(await intake.take(load, document(told))) == (1, 0, 0, 0)
    assert await occupied(board, "rhr-akutafdeling") == 41
    bad = notification(status="planned"), notification("x", at="2026-11-22T13:01:00+01:00")
    for each in (*map(document, bad), message("A99")):
        receipt = await intake.take(load if each[:1] == b"{" else source, each)
        assert len(receipt.rejected) == 1
        assert PATIENT not in repr(receipt)
        assert CPR not in repr(receipt)
    client = Redis.from_url(board._url)
    kept = [repr(key) + repr(await client.dump(key)) for key in await client.keys("*")]
    changes = await client.xrange("akutoverblik:{randers}:changes")
    await client.aclose()
    for text in (*kept, repr(changes), caplog.text):
        assert PATIENT not in text
        assert CPR not in text
        assert "M1" not in text  # not even the message's own number
