"""Movements become figures: from a known count, each message once, whoever writes meanwhile."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.board import Board, BoardUnavailableError, UnconfirmedError
from capacity.board import movements as moving
from capacity.board.movements import Teller, moved_row
from capacity.board.store import Moves
from capacity.board.upkeep import put_catalogue
from capacity.instants import epoch_millis
from capacity.model import Inconsistency, Movement, MovementKind
from capacity.reading import read_report
from capacity.row import Row, row_of, with_holds
from feeds.formats.movement_mapping import message_key
from feeds.intake import MAX_READINGS_PER_CALL, Intake, Receipt, whole_messages
from feeds.sources import Source
from tests.support.feeding import CATALOGUE, HandClock, intake_over, one_source, report
from tests.support.hl7 import CPR, PATIENT, adt, bed
from tests.support.medcom import document, notification

UNIT = "favrskov-akutplads"
OTHER = "norddjurs-akutplads"
WARDS = f'{{ A1 = "{UNIT}", B2 = "{OTHER}" }}'


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def adt_source(folder: Path, mapping: str = "{}", **keys: str) -> Source:
    return one_source(folder, format='"hl7v2"', units=WARDS, mapping=mapping, **keys)


async def counted(
    intake: Intake, folder: Path, occupied: int | None = 1, unit: str = UNIT, **fields: Any
) -> None:
    """A count from another source."""
    (folder / "counts").mkdir(exist_ok=True)
    source = one_source(folder / "counts", id='"counts"', trust="2")
    receipt = await intake.take(source, orjson.dumps([report(unit, occupied, **fields)]))
    assert receipt.accepted == 1


def message(
    event: str = "A01", at: str = "20261122120100", control_id: str = "M1", **more: str
) -> bytes:
    return adt(event, at=f"{at}+0000", control_id=control_id, **more).encode()


def fate(receipt: Receipt) -> tuple[int, int, int, int]:
    return receipt.accepted, receipt.unchanged, receipt.superseded, len(receipt.rejected)


async def rows(board: Board) -> dict[str, Row]:
    snapshot = await board.snapshot("randers")
    return {stored.unit: orjson.loads(stored.row) for stored in snapshot.rows}


async def occupied(board: Board, unit: str = UNIT) -> int | None:
    return (await rows(board))[unit]["occupied"]


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


async def test_many_writers_at_once_lose_and_double_nothing(
    board: Board, tmp_path: Path, clock: HandClock
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path, occupied=100, total=1000)
    await counted(intake, tmp_path, occupied=100, unit=OTHER, total=1000)
    clock.move(minutes=2)

    def event(number: int, n: int) -> str:
        return ("A01", "A03", "A02")[(number + n) % 3]

    async def writer(number: int) -> None:
        for n in range(5):
            text = message(event(number, n), prior="B2", control_id=f"{number}-{n}")
            while True:
                try:
                    await intake.take(source, text)
                    break
                except BoardUnavailableError:
                    await asyncio.sleep(0)

    # Every message is sent by two writers.
    await asyncio.gather(*(writer(number // 2) for number in range(12)))
    events = [event(number, n) for number in range(6) for n in range(5)]
    came, left, moved = (events.count(each) for each in ("A01", "A03", "A02"))
    assert await occupied(board) == 100 + came - left + moved
    assert await occupied(board, OTHER) == 100 - moved


async def test_a_row_that_keeps_changing_is_given_up_and_told(
    board: Board, tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path, "{ beds = { A1 = 1 } }")
    await counted(intake, tmp_path)
    clock.move(minutes=2)
    monkeypatch.setattr(moving, "ATTEMPTS", 0)
    with pytest.raises(BoardUnavailableError):
        await intake.take(source, message())
    with pytest.raises(BoardUnavailableError):
        await intake.take(source, bed("A1^1^1", "O").encode())
    monkeypatch.setattr(moving, "ATTEMPTS", 2)
    stand = board.standing

    async def late(*args: Any, **more: Any) -> Any:
        standing = await stand(*args, **more)
        clock.move(seconds=1)
        at = clock().isoformat()
        await counted(intake, tmp_path, occupied=1, observed_at=at)
        return standing

    monkeypatch.setattr(board, "standing", late)
    with pytest.raises(BoardUnavailableError, match="too often"):
        await intake.take(source, message(at="20261122120300"))

    async def quicker(*args: Any, **more: Any) -> Any:
        standing = await stand(*args, **more)
        before = standing.beds.get(UNIT, {}).get("1^1", "")
        clock.move(seconds=1)
        status = f"free|{epoch_millis(clock()) - 3_600_000}"
        await board.move("randers", Moves(beds=[(f"{UNIT}|1^1", before, status)]))
        return standing

    monkeypatch.setattr(board, "standing", quicker)
    with pytest.raises(BoardUnavailableError, match="too often"):
        await intake.take(source, bed("A1^1^1", "O", at="20261122120100+0000").encode())


async def test_a_lost_reply_is_told_and_the_repeat_counts_once(
    board: Board, tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, source = intake_over(board, clock), adt_source(tmp_path)
    await counted(intake, tmp_path)
    clock.move(minutes=2)
    move = board.move

    async def lost(*args: Any) -> bool:
        await move(*args)
        raise UnconfirmedError("the reply was lost")

    monkeypatch.setattr(board, "move", lost)
    with pytest.raises(UnconfirmedError):
        await intake.take(source, message())
    monkeypatch.undo()
    assert fate(await intake.take(source, message())) == (0, 1, 0, 0)
    assert await occupied(board) == 2


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


async def counted_load(intake: Intake, folder: Path) -> None:
    source = one_source(folder / "counts", id='"loads"', units='["rhr-akutafdeling"]', trust="2")
    load = report("rhr-akutafdeling", 40, type="load", total=50)
    assert (await intake.take(source, orjson.dumps([load]))).accepted == 1


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
