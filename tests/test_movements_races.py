"""Movements while others write, replies are lost and messages repeat: each counts once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from capacity.board import Board, BoardUnavailableError, UnconfirmedError
from capacity.board import movements as moving
from capacity.board.store import Moves
from capacity.instants import epoch_millis
from tests.support.feeding import HandClock, intake_over
from tests.support.hl7 import bed
from tests.support.moving import OTHER, UNIT, adt_source, counted, fate, message, occupied

pytest_plugins = ["tests.support.feeding_fixtures"]


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
