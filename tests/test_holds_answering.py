"""What may become of a hold in a real store: every step that is legal, and none that is not."""

import asyncio

import pytest

from capacity.board import Board
from capacity.holds import LIVE, NEXT, HoldState
from tests.support.board_model import opened
from tests.support.faulty import LossyLine
from tests.support.holds import (
    CLUSTER,
    NURSE_OF_UNIT,
    STATES,
    VISITATOR,
    assert_sound,
    held,
    journal,
    last_records,
    move,
    report,
    row_now,
    shown,
)
from tests.support.stores import StoreServer

pytest_plugins = ["tests.support.store_fixtures"]


@pytest.mark.parametrize("to", STATES)
@pytest.mark.parametrize("path", [(), ("accepted",)])
async def test_what_may_follow(store: Board, path: tuple[str, ...], to: HoldState) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    for state in path:
        await move(store, hold["id"], HoldState(state))
    before = await row_now(store, "u")

    answer = await move(store, hold["id"], to, reason="other")

    start = HoldState(path[-1]) if path else HoldState.ASKED
    assert answer.code == ("done" if to in NEXT[start] else "illegal")
    assert answer.hold == (await row_now(store, "u"))["holds"][0]
    if answer.code == "illegal":
        assert await row_now(store, "u") == before
    else:
        assert (answer.hold["state"], answer.hold["reason"]) == (to, "other")
        assert answer.hold["answered_at"] is not None or to not in ("accepted", "declined")
        assert (answer.hold["ended_at"] is None) == (to in LIVE)
    await assert_sound(store)


@pytest.mark.parametrize("end", [state for state in STATES if state not in LIVE])
async def test_nothing_follows_an_end(store: Board, end: HoldState) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    if end is HoldState.RELEASED:
        await move(store, hold["id"], HoldState.ACCEPTED)
    assert (await move(store, hold["id"], end)).code == "done"

    for to in STATES:
        answer = await move(store, hold["id"], to)
        assert (answer.code, answer.hold["state"] if answer.hold else None) == ("illegal", end)

    free = 1 if end is HoldState.FILLED else 2
    assert shown(await row_now(store, "u")) == (0, free, "free")
    await assert_sound(store)


async def test_an_unknown_hold_is_unknown(store: Board) -> None:
    answer = await move(store, "6d2f4c54-0000-0000-0000-000000000000", HoldState.ACCEPTED)

    assert (answer.code, answer.hold) == ("unknown", None)
    assert await store.hold(CLUSTER, "nobody") is None


async def test_the_path_tells_who_did_what(store: Board) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    await move(store, hold["id"], HoldState.ACCEPTED)
    await move(store, hold["id"], HoldState.FILLED, by=VISITATOR)

    record = last_records(await journal(store))[hold["id"]]

    assert [(state, by) for state, _, by in record["path"]] == [
        ("asked", VISITATOR.as_json()),
        ("accepted", NURSE_OF_UNIT.as_json()),
        ("filled", VISITATOR.as_json()),
    ]
    assert record["answered_at"] == record["path"][1][1]
    assert record["ended_at"] == record["path"][2][1]


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_lost_reply_to_an_answer_is_no_second_answer(
    own_server: StoreServer, lost: int
) -> None:
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
        await report(board, "u", 2)
        hold = await held(board, "u")
        line.lose = lost

        assert (await move(board, hold["id"], HoldState.ACCEPTED)).code == "done"
        assert len(await journal(board)) == 2


async def test_of_an_acceptance_and_a_cancellation_at_once_each_hears_the_truth(
    store: Board,
) -> None:
    await report(store, "u", 5)
    for _ in range(5):
        hold = await held(store, "u")
        accepted, declined = await asyncio.gather(
            move(store, hold["id"], HoldState.ACCEPTED), move(store, hold["id"], HoldState.DECLINED)
        )
        assert sorted([accepted.code, declined.code]) == ["done", "illegal"]
        assert accepted.hold is not None
        if accepted.code == "done":
            await move(store, hold["id"], HoldState.CANCELLED)
    await assert_sound(store)
