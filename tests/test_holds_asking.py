"""Asking for a place in a real store: who gets it, who hears why not, and a repeat gets."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import Board, StoredRow
from capacity.board.keys import ClusterKeys
from capacity.holds import ANSWER_WITHIN, HoldState, QuotaClaim
from capacity.instants import parse_instant, utc_now
from tests.support.board_model import opened
from tests.support.faulty import LossyLine
from tests.support.holds import (
    CLOSED,
    CLUSTER,
    MINUTES,
    SECOND,
    VISITATOR,
    ask,
    assert_sound,
    held,
    journal,
    move,
    report,
    row_now,
    row_with,
    shown,
)
from tests.support.stores import StoreServer

pytest_plugins = ["tests.support.store_fixtures"]


async def test_a_hold_lowers_free_and_stands_in_the_row_and_the_journal(store: Board) -> None:
    await report(store, "u", 2)
    need: dict[str, object] = {
        "municipality": "0730",
        "capabilities": [],
        "within_minutes": None,
        "where": "either",
    }

    answer = await ask(store, "u", need=need, agreement="a1")

    row, hold = await row_now(store, "u"), answer.hold
    assert answer.code == "held"
    assert row["holds"] == [hold]
    assert shown(row) == (1, 1, "free")
    assert row["free_before_holds"] == 2
    assert hold is not None
    assert hold == {
        "id": hold["id"], "unit": "u", "state": "asked", "asked_at": hold["asked_at"],
        "expires_at": hold["expires_at"], "answer_by": hold["answer_by"], "answered_at": None,
        "ended_at": None, "by": VISITATOR.as_json(), "need": need, "agreement": "a1",
        "reason": None, "counts": True,
    }  # fmt: skip
    asked = parse_instant(hold["asked_at"])
    assert abs(asked - utc_now()) < 60 * SECOND
    assert parse_instant(hold["expires_at"]) - asked == 30 * MINUTES
    assert parse_instant(hold["answer_by"]) - asked == ANSWER_WITHIN
    [entry] = await journal(store)
    assert entry.kind == "hold"
    assert orjson.loads(entry.data) == hold | {
        "quota": None,
        "path": [["asked", hold["asked_at"], VISITATOR.as_json()]],
    }
    assert answer.cursor == await store.cursor(CLUSTER)
    await assert_sound(store)


@pytest.mark.parametrize(
    ("free", "fields", "code"),
    [
        (0, {}, "taken"),
        (None, {}, "unknown"),
        (2, CLOSED, "closed"),
        (2, {"at": -180 * MINUTES}, "stale"),
        (2, {"at": -179 * MINUTES}, "held"),
    ],
)
async def test_what_cannot_be_held_says_why(
    store: Board, free: int | None, fields: dict[str, Any], code: str
) -> None:
    said = {name: value for name, value in fields.items() if name != "at"}
    await report(store, "u", free, utc_now() + fields.get("at", timedelta(0)), **said)

    answer = await ask(store, "u")

    assert answer.code == code
    assert (answer.hold is None) == (code != "held")
    await assert_sound(store)


async def test_a_unit_without_a_report_or_a_row_cannot_be_held(store: Board) -> None:
    blank = row_with("u", None, utc_now()) | {"observed_at": None, "stale_at": None}
    await store.replace(CLUSTER, [StoredRow("u", orjson.dumps(blank), "")])

    assert (await ask(store, "u")).code == "unknown"
    assert (await ask(store, "nobody")).code == "unknown"
    assert await journal(store) == []


async def test_two_visitators_and_the_last_place(store: Board) -> None:
    await report(store, "u", 1)

    answers = await asyncio.gather(*(ask(store, "u") for _ in range(20)))

    assert sorted(answer.code for answer in answers) == ["held"] + ["taken"] * 19
    assert shown(await row_now(store, "u")) == (1, 0, "occupied")
    await assert_sound(store)


async def test_a_repeated_ask_gets_the_first_answer(store: Board) -> None:
    await report(store, "u", 2)

    first = await ask(store, "u", request_id="r1")
    await ask(store, "u", request_id="r2")

    assert await ask(store, "u", request_id="r1") == first
    assert (await ask(store, "u", request_id="r3")).code == "taken"
    assert (await row_now(store, "u"))["held"] == 2


async def test_an_ask_repeated_after_its_answer_was_forgotten_makes_no_second_hold(
    store: Board, client: Redis
) -> None:
    await report(store, "u", 2)
    first = await ask(store, "u", request_id="r1")
    await client.delete(ClusterKeys(CLUSTER).request("hold:r1"))

    again = await ask(store, "u", request_id="r1")

    assert (again.code, again.hold) == ("held", first.hold)
    assert (await row_now(store, "u"))["held"] == 1


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_lost_reply_holds_once(own_server: StoreServer, lost: int) -> None:
    async with LossyLine(own_server.path) as line, opened(line.url) as board:
        await report(board, "u", 2)
        line.lose = lost

        answer = await ask(board, "u")

        assert answer.code == "held"
        assert (await row_now(board, "u"))["held"] == 1
        assert len(await assert_sound(board)) == 1


async def test_a_hold_survives_a_killed_server(own_server: StoreServer) -> None:
    async with opened(own_server.url) as board:
        await report(board, "u", 1)
        hold = await held(board, "u", request_id="r1")
        await asyncio.to_thread(own_server.kill)
        await asyncio.to_thread(own_server.start)

        assert (await ask(board, "u")).code == "taken"
        assert (await ask(board, "u", request_id="r1")).hold == hold
        assert (await move(board, hold["id"], HoldState.ACCEPTED)).code == "done"
        await assert_sound(board)


# Quotas


async def test_a_quota_is_counted_and_given_back(store: Board) -> None:
    await report(store, "u", 9)
    quota = QuotaClaim("a1|2026-11", 2)

    async def one() -> str:
        return (await ask(store, "u", quota=quota, agreement="a1")).code

    answers = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(answers) == ["held"] * 2 + ["quota"] * 4
    assert await store.quotas(CLUSTER) == {"a1|2026-11": 2}
    first, second = (hold["id"] for hold in await store.holds(CLUSTER))
    assert (await ask(store, "u")).code == "held"  # that needs no agreement

    await move(store, first, HoldState.FILLED)
    assert await one() == "quota"
    await move(store, second, HoldState.DECLINED)
    assert await store.quotas(CLUSTER) == {"a1|2026-11": 1}
    assert await one() == "held"
    assert (await ask(store, "u", quota=QuotaClaim("a1|2026-12", 2))).code == "held"


@pytest.mark.parametrize("end", [HoldState.CANCELLED, HoldState.RELEASED, HoldState.EXPIRED])
async def test_a_quota_whose_last_hold_ended_is_forgotten(store: Board, end: HoldState) -> None:
    await report(store, "u", 9)
    for_long = timedelta(0) if end is HoldState.EXPIRED else MINUTES
    hold = await held(store, "u", hold_for=for_long, quota=QuotaClaim("a|b", 1))
    if end is HoldState.EXPIRED:
        await store.expire_holds(CLUSTER)
    else:
        await move(store, hold["id"], HoldState.ACCEPTED)
        await move(store, hold["id"], end)

    assert await store.quotas(CLUSTER) == {}
